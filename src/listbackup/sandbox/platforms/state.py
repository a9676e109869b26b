"""What an account of a platform holds: collections of records, tombstones, and a log of changes.

Values are JSON objects and never altered in place: a change puts a new one. So whoever keeps a
value keeps what it was at that moment. Knows no platform and no HTTP.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Value = Mapping[str, Any]
Place = tuple[float, int]
"""Where a record stands in its collection: its creation time, then its number."""


class Watch(Protocol):
    """What the time is; a Clock and a Pace are watches."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        ...


@dataclass(slots=True)
class Record:
    """One record: times in seconds since 1970; `number` counts within its collection, from 1.
    `drawn` is free for whoever renders it, and emptied by a change."""

    id: str
    value: Value
    created: float
    updated: float
    number: int
    drawn: Any = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.created, self.number


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record that is gone: its last value, where it stood, when it went."""

    id: str
    value: Value
    place: Place
    removed: float


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened; `before` is None for what came, `after` for what went."""

    at: float
    collection: str
    id: str
    before: Value | None
    after: Value | None


class Listing:
    """Records in the order of their places."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._records: dict[Place, Record] = {}

    def __len__(self) -> int:
        return len(self._places)

    def put(self, record: Record) -> None:
        """Take a record in."""
        if not self._places or record.place > self._places[-1]:
            self._places.append(record.place)
        else:
            insort(self._places, record.place)
        self._records[record.place] = record

    def drop(self, place: Place) -> None:
        """Forget a record."""
        del self._places[bisect_left(self._places, place)]
        del self._records[place]

    def newest_first(
        self, before: Place | None = None, since: Place | None = None
    ) -> Iterator[Record]:
        """Walk down from the newest, or from below `before`, to `since` included."""
        at = len(self._places) if before is None else bisect_left(self._places, before)
        low = 0 if since is None else bisect_left(self._places, since)
        while at > low:
            at -= 1
            yield self._records[self._places[at]]

    def oldest_first(
        self, after: Place | None = None, until: Place | None = None
    ) -> Iterator[Record]:
        """Walk up from the oldest, or from above `after`, to below `until`."""
        at = 0 if after is None else bisect_left(self._places, (after[0], after[1] + 1))
        high = len(self._places) if until is None else bisect_left(self._places, until)
        while at < high:
            yield self._records[self._places[at]]
            at += 1


@dataclass(slots=True)
class Collection:
    """The records of one kind. `indexed` names top-level fields by whose value they are found
    quickly; `version` grows with every change."""

    name: str
    indexed: tuple[str, ...] = ()
    records: dict[str, Record] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    all: Listing = field(default_factory=Listing)
    version: int = 0
    _by: dict[tuple[str, Any], Listing] = field(default_factory=dict)
    _numbers: int = 0

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, id: object) -> bool:
        return id in self.records

    def __getitem__(self, id: str) -> Record:
        return self.records[id]

    def get(self, id: str) -> Record | None:
        """Give a record, or None."""
        return self.records.get(id)

    def where(self, name: str, value: Any) -> Listing:
        """Give the records whose indexed field has that value."""
        if name not in self.indexed:
            raise LookupError(f"{self.name} has no index by {name}")
        return self._by.get((name, value)) or Listing()

    def put(self, id: str, value: Value, now: float, created: float | None = None) -> Record:
        """Put a record in, or another value in its place."""
        old = self.records.get(id)
        if old is not None:
            self._forget(old)
            record = Record(id, value, old.created, now, old.number)
        else:
            self._numbers += 1
            born = now if created is None else created
            record = Record(id, value, born, max(born, now), self._numbers)
            self.tombstones.pop(id, None)
        self.version += 1
        self.records[id] = record
        self.all.put(record)
        for name in self.indexed:
            self._by.setdefault((name, value.get(name)), Listing()).put(record)
        return record

    def drop(self, id: str, now: float) -> Tombstone:
        """Take a record out. Raises KeyError."""
        record = self.records.pop(id)
        self.version += 1
        self._forget(record)
        self.tombstones[id] = Tombstone(id, record.value, record.place, now)
        return self.tombstones[id]

    def _forget(self, record: Record) -> None:
        self.all.drop(record.place)
        for name in self.indexed:
            self._by[name, record.value.get(name)].drop(record.place)


class Account:
    """One tenant: its collections by name, made when first named; what happened, in order; who
    is told of it at once."""

    def __init__(
        self, id: str, watch: Watch, indexed: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.id = id
        self.watch = watch
        self.changes: list[Change] = []
        self.listeners: list[Callable[[Change], None]] = []
        self._indexed = indexed or {}
        self._collections: dict[str, Collection] = {}

    def __getitem__(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = Collection(name, self._indexed.get(name, ()))
        return self._collections[name]

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.watch.now().timestamp()

    def names(self) -> tuple[str, ...]:
        """Name the collections that were used."""
        return tuple(self._collections)

    def put(
        self, name: str, id: str, value: Value, *, created: float | None = None, told: bool = True
    ) -> Record:
        """Add a record, or change it. `created` may lie in the past; not `told`: no trace in the
        log, for filling an account before its story begins."""
        collection = self[name]
        old = collection.get(id)
        record = collection.put(id, value, self.now, created)
        if told:
            self._tell(Change(self.now, name, id, old.value if old else None, value))
        return record

    def announce(self, name: str, id: str) -> None:
        """Tell of a record that was put untold, as one that came now. Raises KeyError."""
        self._tell(Change(self.now, name, id, None, self[name][id].value))

    def drop(self, name: str, id: str, *, told: bool = True) -> Tombstone:
        """Delete a record. Raises KeyError."""
        tombstone = self[name].drop(id, self.now)
        if told:
            self._tell(Change(self.now, name, id, tombstone.value, None))
        return tombstone

    def _tell(self, change: Change) -> None:
        self.changes.append(change)
        for listener in tuple(self.listeners):
            listener(change)
