"""Time, as an argument: a clock that can be real or played. Knows no time zone but UTC."""

import re
import time
from datetime import UTC, datetime
from typing import Protocol

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


class Clock(Protocol):
    """What the time is, and how to wait."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def format_time(moment: datetime) -> str:
    """Write a moment as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, the one form used in stored JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote. Raises ValueError."""
    if _WRITTEN.fullmatch(text) is None:
        raise ValueError(f"not a stored time: {text[:60]!r}")
    return datetime.fromisoformat(text)
