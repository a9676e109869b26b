"""What is noted while a stream is read: doubts, records set aside, and what time the platform has.

Knows no requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from listbackup.records import SetAside

MOST_NAMED = 1000
"""So many records set aside are named one by one; beyond it a stream is in doubt as a whole."""


@dataclass(slots=True)
class Notes:
    """Of one stream in one sync. `rows` are different keys that came."""

    doubts: dict[str, None] = field(default_factory=dict)
    aside: dict[bytes, str] = field(default_factory=dict)
    rows: int = 0
    lacking: int = 0
    why_lacking: str = ""

    def doubt(self, reason: str) -> None:
        """Note why what was read may not be all; empty for nothing."""
        if reason:
            self.doubts.setdefault(reason)

    def set_aside(self, key: bytes, reason: str) -> None:
        """Note a record that is there and could not be read."""
        if len(self.aside) < MOST_NAMED:
            self.aside.setdefault(key, reason)
        elif key not in self.aside:
            self.doubt(f"more than {MOST_NAMED} records could not be read")

    def lack(self, count: int, why: str) -> None:
        """Note records that could not be read and that nothing names."""
        self.lacking += count
        self.why_lacking = self.why_lacking or why

    @property
    def reason(self) -> str:
        """All doubts in a sentence; empty where there is none."""
        said = list(self.doubts)
        if self.lacking:
            records = "1 record" if self.lacking == 1 else f"{self.lacking} records"
            said.append(f"{records} could not be read: {self.why_lacking}")
        return "; ".join(said)

    def give_aside(self) -> tuple[SetAside, ...]:
        """Give what was set aside."""
        return tuple(SetAside(key, reason) for key, reason in self.aside.items())


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Read the platform's time off a response, in whole seconds; None where it does not say."""
    return _parse_date(headers.get("date", ""))


@lru_cache(maxsize=16)
def _parse_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
