"""Filters of time: how a moment is written for a platform, and how its records' times are read.

Knows no requests beyond their parameters.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from listbackup.connectors.rest.filling import Draft, fill
from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.stanza import find_zone
from listbackup.connectors.rest.models.streams import Since

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST_UNIX = 9


def write_moment(since: Since, moment: datetime) -> str | int:
    """Write a moment as the filter wants it, cut to what it can say."""
    moment = moment.astimezone(UTC)
    local = moment.astimezone(find_zone(since.zone))
    match since.written:
        case "unix":
            return int(moment.timestamp())
        case "unix_ms":
            return int(moment.timestamp() * 1000)
        case "iso":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "iso_ms":
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        case "iso_offset":
            return local.replace(microsecond=0).isoformat()
        case "local":
            return local.strftime("%Y-%m-%dT%H:%M:%S")
        case "local_space":
            return local.strftime("%Y-%m-%d %H:%M:%S")
        case "rfc2822":
            return format_datetime(moment.replace(microsecond=0))
        case "date":
            return local.strftime("%Y-%m-%d")


def read_moment(value: Any, zone: str = "UTC") -> datetime | None:
    """Read a time as records say it: a text of ISO 8601 or RFC 2822 (of the zone, where it names
    none), or Unix time in seconds or milliseconds; None for what is neither."""
    if isinstance(value, str):
        moment = _read_text(value.strip())
        if moment is None:
            return None
        own = moment.replace(tzinfo=find_zone(zone)) if moment.tzinfo is None else moment
        return own.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if value > 1e11 else value
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def _read_text(text: str) -> datetime | None:
    if text.isdecimal() and len(text) >= SHORTEST_UNIX:
        return read_moment(int(text))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def resolution(since: Since) -> timedelta:
    """Give what lies between two moments that the filter can tell apart."""
    return timedelta(days=1) if since.written == "date" else timedelta(seconds=1)


def narrow(
    draft: Draft, since: Since, begin: datetime | None = None, end: datetime | None = None
) -> Draft:
    """Ask only for what was changed from one moment on, and up to another."""
    if begin is not None:
        draft = draft.tell({since.param: _wrap(since, since.wrapped, begin)}, since.joined)
    if end is not None:
        draft = draft.tell({since.until: _wrap(since, since.until_wrapped, end)}, since.joined)
    return draft


def _wrap(since: Since, wrapped: Any, moment: datetime) -> Any:
    written = write_moment(since, moment)
    if wrapped is None:
        return written
    return _fill(wrapped, Placeholder("record", ".".join(since.field)), written)


def _fill(value: Any, name: Placeholder, written: str | int) -> Any:
    if isinstance(value, Text):
        # what is a number stays one where nothing stands around it
        alone = value.pieces == (name,) and isinstance(written, int)
        return written if alone else fill(value, {name: str(written)}) or written
    if isinstance(value, Mapping):
        return {key: _fill(one, name, written) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, name, written) for one in value]
    return value
