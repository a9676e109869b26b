"""Filters of time: how a moment is written for a platform, and how its records' times are read.

Knows no requests beyond their parameters.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from listbackup.connectors.rest.filling import Draft, fill
from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.streams import Since

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_moment(since: Since, moment: datetime) -> str | int:
    """Write a moment as the filter wants it, cut to what it can say."""
    moment = moment.astimezone(UTC)
    match since.written:
        case "unix":
            return int(moment.timestamp())
        case "unix_ms":
            return int(moment.timestamp() * 1000)
        case "iso":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "iso_ms":
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        case "date":
            return moment.strftime("%Y-%m-%d")


def read_moment(value: Any) -> datetime | None:
    """Read a time as records say it: a text of ISO 8601, or Unix time in seconds or milliseconds;
    None for what is neither."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if value > 1e11 else value
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
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


def _wrap(since: Since, text: Text | None, moment: datetime) -> str | int:
    written = write_moment(since, moment)
    if text is None:
        return written
    return fill(text, {Placeholder("record", ".".join(since.field)): str(written)}) or written
