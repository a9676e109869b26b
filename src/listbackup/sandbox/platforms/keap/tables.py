"""Where a Keap tenant's records are kept: as JSON bytes, by number, with a few values at hand.

Kept small so that an account of hundreds of thousands of records fits; what filters and orders ask
for most is read once, when a record is written. Knows nothing of paths and requests.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

Record = dict[str, Any]
Rank = tuple[int, float, str]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_REMEMBERED = 8


@dataclass(slots=True)
class Row:
    """A record's bytes, its number, and the moment (seconds) at which it was last changed."""

    number: int
    data: bytes
    kept: tuple[object, ...]
    changed: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a table keeps at hand: `name` is the property records are known by (nothing: they have
    none); `given`: they bring it, it is not a number. `stamps` are those that tell when a record
    was made and changed (an empty one is not borne), `kept` paths that filters ask for, and
    `indexed` paths by which records are found at once."""

    name: str = "id"
    given: bool = False
    stamps: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    indexed: tuple[str, ...] = ()


class Table:
    """Records of one kind."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.version = 0
        # The time of making is asked for seldom; keeping it would cost a lot in a large account.
        last = tuple(filter(None, plan.stamps[-1:]))
        paths = tuple(dict.fromkeys((*last, *plan.kept, *plan.indexed)))
        self._paths = [path.split(".") for path in paths]
        self._places = {path: place for place, path in enumerate(paths)}
        self._plain = all("." not in path for path in paths)
        self._indexed = [(self._places[path], path) for path in plan.indexed]
        self._rows: dict[int, Row] = {}
        self._numbers: dict[str, int] = {}
        self._indexes: dict[str, dict[object, list[int]]] = {p: {} for p in plan.indexed}
        self._last = 0
        self._lists: dict[object, list[tuple[Rank, int]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Iterable[Row]:
        """Give all rows, oldest first."""
        return self._rows.values()

    def records(self) -> Iterator[Record]:
        """Give all records, oldest first."""
        return (_decode(row.data) for row in self._rows.values())

    @property
    def next_number(self) -> int:
        """The number that the next record will have."""
        return self._last + 1

    def take_number(self) -> int:
        """Give a number that no record ever had."""
        self._last += 1
        return self._last

    def write(self, number: int, record: Record, changed: float) -> None:
        """Keep a record under its number, new or anew."""
        if self._plain:
            kept = tuple([record.get(name) for name in self._places])
        else:
            kept = tuple([follow(record, parts) for parts in self._paths])
        if (before := self._rows.get(number)) is not None:
            self._unindex(before)
        self._rows[number] = Row(number, _encode(record), kept, changed)
        for place, path in self._indexed:
            index = self._indexes[path]
            for value in several(kept[place]):
                numbers = index.get(value)
                if numbers is None:
                    index[value] = [number]
                else:
                    insort(numbers, number)
        if self.plan.given:
            self._numbers[str(pick(record, self.plan.name))] = number
        self._last = max(self._last, number)
        self.version += 1

    def remove(self, number: int) -> None:
        """Forget a record."""
        row = self._rows.pop(number)
        self._unindex(row)
        if self.plan.given:
            self._numbers.pop(str(pick(_decode(row.data), self.plan.name)), None)
        self.version += 1

    def find(self, name: object) -> int | None:
        """Give the number of the record known by this name, or None."""
        if self.plan.given:
            return self._numbers.get(str(name))
        text = str(name)
        number = int(text) if text.isascii() and text.isdigit() else -1
        return number if number in self._rows else None

    def read(self, number: int) -> Record:
        """Give a record; a copy of one's own."""
        record: Record = _decode(self._rows[number].data)
        return record

    def row(self, number: int) -> Row:
        """Give a row."""
        return self._rows[number]

    def value(self, row: Row, path: str) -> object:
        """Give what a row has at a path."""
        place = self._places.get(path)
        return row.kept[place] if place is not None else pick(_decode(row.data), path)

    def keeps(self, path: str) -> bool:
        """Say whether values at the path are at hand."""
        return path in self._places

    def owned(self, path: str, value: object) -> list[int]:
        """Give the numbers of the records that have this value at an indexed path."""
        return list(self._indexes[path].get(value, ()))

    def ranked(
        self, key: object, numbers: Iterable[int] | None, rank: Callable[[Row], Rank | None]
    ) -> list[tuple[Rank, int]]:
        """Give numbers with their ranks, in order; what has no rank is left out.

        `key` tells this list from others: it is remembered until a record changes.
        """
        key = (self.version, key)
        if (known := self._lists.get(key)) is not None:
            return known
        rows = self._rows.values() if numbers is None else (self._rows[n] for n in numbers)
        pairs = ((rank(row), row.number) for row in rows)
        made = sorted((place, number) for place, number in pairs if place is not None)
        if len(self._lists) >= _REMEMBERED:
            self._lists.pop(next(iter(self._lists)))
        self._lists[key] = made
        return made

    def _unindex(self, row: Row) -> None:
        for place, path in self._indexed:
            for value in several(row.kept[place]):
                numbers = self._indexes[path][value]
                del numbers[bisect_left(numbers, row.number)]


@dataclass(slots=True)
class Page:
    """Numbers of one page, and the rank after which the next one begins, or None at the end."""

    numbers: list[int] = field(default_factory=list)
    after: tuple[Rank, int] | None = None


def cut(
    ranked: list[tuple[Rank, int]], after: tuple[Rank, int] | None, size: int, *, falling: bool
) -> Page:
    """Cut the page of at most `size` that follows a rank; falling: from the end to the front."""
    if falling:
        end = len(ranked) if after is None else bisect_left(ranked, after)
        chosen = ranked[max(0, end - size) : end][::-1]
        more = end > size
    else:
        start = 0 if after is None else bisect_left(ranked, after)
        start += start < len(ranked) and ranked[start] == after
        chosen = ranked[start : start + size]
        more = start + size < len(ranked)
    return Page([number for _, number in chosen], chosen[-1] if more and chosen else None)


def rank_value(value: object) -> Rank:
    """Give what orders values of any kind: nothing first, then numbers, then text."""
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, (bool, int, float)):
        return (1, float(value), "")
    return (2, 0.0, str(value).casefold())


def pick(record: object, path: str) -> Any:
    """Give what a record has at a dotted path: None, a value, or a list of values where the path
    leads through a list. A part in capitals picks an element by its `field`."""
    return follow(record, path.split("."))


def follow(record: object, parts: Sequence[str]) -> Any:
    """Give what a record has where these parts of a path lead."""
    found = record
    for part in parts:
        found = found.get(part) if isinstance(found, dict) else _step(found, part)
        if found is None:
            return None
    return found


def several(value: object) -> list[Any]:
    """Give a value as a list: none, one or many."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _step(found: object, part: str) -> object:
    if isinstance(found, list):
        if part.isupper():
            return next((item for item in found if item.get("field") == part), None)
        values = [value for item in found for value in several(_step(item, part))]
        return values or None
    return found.get(part) if isinstance(found, dict) else None
