"""In which order records came, by values of theirs: as they are, as numbers, times or words; and
whether several have the value that a page ends with.

Knows no pages. Sends nothing.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from listbackup.connectors.rest.filling import write_plain
from listbackup.connectors.rest.filters import read_moment
from listbackup.connectors.rest.pages import fields_of

Json = Any
Path = tuple[str, ...]

SHORTEST = 6
"""A shorter text is in a record and in a token by chance."""
DEEPEST = 3
LONGEST = 400
"""A longer text of digits is no number."""


def find_tie(
    records: Sequence[bytes], texts: Collection[str], key: Sequence[str]
) -> tuple[Path, Json] | None:
    """Find a field by which the records came ordered, whose value in the last of them is one of
    the texts, though several records have the same; None where there is none, or where a text is
    of the key."""
    if len(records) < 2:
        return None
    end = records[-1]
    if not any(len(one) >= SHORTEST and one.encode() in end for one in texts):
        return None
    try:
        last = msgspec.json.decode(end)
    except (msgspec.DecodeError, RecursionError):
        return None
    if any(write_plain(_reach(last, name.split("."))) in texts for name in key):
        return None
    for path, value in _list_scalars(last):
        if write_plain(value) not in texts or len(write_plain(value)) < SHORTEST:
            continue
        values = fields_of(records, path)
        ordered = is_ordered(values, up=True) or is_ordered(values, up=False)
        tied = any(one == other for one, other in zip(values, values[1:], strict=False))
        if ordered and tied and values[0] != values[-1]:
            return path, value
    return None


def _reach(record: Json, path: Sequence[str]) -> Json:
    for name in path:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _list_scalars(record: Json, front: Path = ()) -> Iterator[tuple[Path, Json]]:
    for name, value in record.items():
        if isinstance(value, dict) and len(front) < DEEPEST:
            yield from _list_scalars(value, (*front, name))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield (*front, name), value


def is_ordered(values: Sequence[Json], *, up: bool) -> bool:
    """Say whether values rise, or fall: as they are, as numbers, as times, or as words whose case
    does not matter."""
    ways: tuple[Callable[[Json], Json], ...] = (lambda one: one, _read_decimal, _read_time, _fold)
    for way in ways:
        ranks = [way(one) for one in values]
        if None not in ranks and _rise(ranks if up else ranks[::-1]):
            return True
    return False


def _rise(ranks: Sequence[Json]) -> bool:
    try:
        return all(one <= other for one, other in zip(ranks, ranks[1:], strict=False))
    except TypeError:
        return False


def _read_decimal(value: Json) -> int | None:
    text = value if isinstance(value, str) else ""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < LONGEST else None


def _read_time(value: Json) -> datetime | None:
    try:
        return read_moment(value)
    except (OverflowError, IndexError):
        return None


def _fold(value: Json) -> str | None:
    return value.casefold() if isinstance(value, str) else None
