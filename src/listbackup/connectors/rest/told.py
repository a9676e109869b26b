"""What a platform's answers tell of its limits: how long to wait, and what is left.

Headers are hints: what cannot be read is not there, and no number is believed beyond reason.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from listbackup.connectors.rest.models.budgets import Told

_MOST = 10**14


@dataclass(frozen=True, slots=True)
class Tidings:
    """What one answer told of one window; None where it did not. `reset` in seconds from now."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Give the seconds that `Retry-After` asks for, as a number or a date (RFC 9110 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    seconds = _read_number(text)
    if seconds is None:
        seconds = _read_date(text, now)
    return None if seconds is None else max(0.0, seconds)


def read_tidings(told: Told, headers: Mapping[str, str], now: datetime) -> Tidings:
    """Read the headers that are said to speak of a window."""
    limit = _read_number(headers.get(told.limit.lower(), "")) if told.limit else None
    left = _read_number(headers.get(told.remaining.lower(), "")) if told.remaining else None
    reset = _read_reset(told, headers.get(told.reset.lower(), ""), now) if told.reset else None
    return Tidings(
        limit=None if limit is None else int(limit),
        remaining=None if left is None else int(left),
        reset=None if reset is None else max(0.0, reset),
    )


def _read_reset(told: Told, text: str, now: datetime) -> float | None:
    if told.reset_in == "date":
        return _read_date(text, now)
    number = _read_number(text)
    if number is None:
        return None
    if told.reset_in == "milliseconds":
        return number / 1000
    if told.reset_in == "unix_ms":
        return number / 1000 - now.timestamp()
    return number - now.timestamp() if told.reset_in == "unix" else number


def _read_number(text: str) -> float | None:
    # Lists such as `100, 100;w=60` put what is meant first.
    head = text.split(",")[0].split(";")[0].strip()
    try:
        number = float(head)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= _MOST else None


def _read_date(text: str, now: datetime) -> float | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    return None
