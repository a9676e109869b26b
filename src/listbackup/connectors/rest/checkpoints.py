"""What a stream's next sync is told, and where a sync that was killed may go on: JSON of ours.

All moments are the platform's. What cannot be read is as if it were not there: all is listed. So is
a stream that was asked for otherwise by then: `about` is a digest of how (`Ground.digest`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from listbackup.clock import format_time, parse_time
from listbackup.connectors.rest.witnesses import Witnesses, read_witnesses

Json = Any
VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known of a stream. Every change before `since` was seen; `full` is when all was
    listed the last time. `last` is the newest event of its feed, as its key and time; `newest` are
    its newest records, and `deleted` is what its list of deletions had, as `gone` writes it."""

    since: datetime | None = None
    full: datetime | None = None
    last: tuple[str, Json] | None = None
    about: str = ""
    newest: Witnesses = Witnesses()
    deleted: str | None = None

    def write(self) -> Json:
        """Write it down."""
        return {
            "version": VERSION,
            "since": _write(self.since),
            "full": _write(self.full),
            "last": list(self.last) if self.last else None,
            "newest": self.newest.write(),
            "deleted": self.deleted,
            "about": self.about,
        }


def read_checkpoint(value: Json, about: str) -> Checkpoint:
    """Read what `Checkpoint.write` wrote; nothing is known of what was asked for otherwise."""
    nothing = Checkpoint(about=about)
    if not isinstance(value, Mapping) or value.get("version") != VERSION:
        return nothing
    if value.get("about") != about:
        return nothing
    last = value.get("last")
    try:
        return Checkpoint(
            _read(value.get("since")),
            _read(value.get("full")),
            (str(last[0]), last[1]) if isinstance(last, list) and len(last) == 2 else None,
            about,
            read_witnesses(value.get("newest")),
            value["deleted"] if isinstance(value.get("deleted"), str) else None,
        )
    except ValueError:
        return nothing


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stood. `full`: it lists all; else what changed since `since`. `began` is
    when it began, `rows` how many records it had given; `walk` is the pages' own word."""

    full: bool
    since: datetime | None
    began: datetime | None
    at: datetime
    rows: int
    walk: Json
    about: str

    def write(self) -> Json:
        """Write it down."""
        return {
            "version": VERSION,
            "full": self.full,
            "since": _write(self.since),
            "began": _write(self.began),
            "at": _format(self.at),
            "rows": self.rows,
            "walk": self.walk,
            "about": self.about,
        }


def read_place(
    value: Json, *, full: bool, since: datetime | None, now: datetime, within: int, about: str
) -> Place | None:
    """Read what `Place.write` wrote; None where it is of another listing, or too old."""
    if not isinstance(value, Mapping) or value.get("version") != VERSION:
        return None
    try:
        place = Place(
            bool(value["full"]),
            _read(value["since"]),
            _read(value["began"]),
            parse_time(value["at"]),
            int(value["rows"]),
            value["walk"],
            str(value["about"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    same = (place.full, place.since, place.about) == (full, since, about)
    # clocks of two machines may differ a little
    fresh = timedelta(hours=-1) <= now - place.at <= timedelta(seconds=within)
    return place if same and fresh else None


def _write(moment: datetime | None) -> str | None:
    return _format(moment) if moment else None


@lru_cache(maxsize=64)
def _format(moment: datetime) -> str:
    """Write a moment; platforms tell their time in seconds, so pages have few of them."""
    return format_time(moment)


def _read(text: Json) -> datetime | None:
    return parse_time(text) if text else None
