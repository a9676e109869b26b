"""A shop whose typed columns a test chooses, backed up and published as a backup does it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from listbackup.history.publishing import Terms, publish
from listbackup.history.syncrecords import Told
from listbackup.objectstore.passing import PassingStore
from listbackup.testing.hosts import PlayedClock
from listbackup.testing.readings import MOMENT, ListedReading, ListedSource
from listbackup.testing.vaults import Rows, Trial

Columns = Sequence[tuple[str, str]]
SHOP = "data/accounts/default/sources/shop/"
USERS: Columns = (("id", "bigint"), ("name", "text"), ("price", "numeric(8,2)"))


@dataclass
class ShopSource(ListedSource):
    """Streams with named and typed columns; the first one is the key."""

    columns: Mapping[str, Columns] = field(default_factory=dict)

    def open(self) -> ListedReading:
        """Start a reading."""
        reading = ListedReading(self)
        reading.streams = [
            replace(stream, schema=_type(stream.schema, columns), key=(columns[0][0],))
            for stream in reading.streams
            for columns in [self.columns.get(stream.name, USERS)]
        ]
        return reading


def _type(schema: Mapping[str, Any], columns: Columns) -> Mapping[str, Any]:
    typed = [
        {"name": name, "type": kind, "position": at, "nullable": at > 0}
        for at, (name, kind) in enumerate(columns)
    ]
    return {**schema, "columns": typed, "key": [columns[0][0]]}


def make_users(count: int) -> list[list[str | None]]:
    """Rows of `USERS`."""
    return [[str(n), f"name {n}", None if n % 4 else f"{n}.50"] for n in range(count)]


@dataclass
class Shop:
    """One source of a trial; `day` is that of the next backup."""

    trial: Trial
    columns: dict[str, Columns] = field(default_factory=dict)
    typed_from: int | None = 0

    def commit(self, streams: Mapping[str, Rows], day: int = 0) -> Told:
        """Commit a snapshot, and publish nothing: as a backup that was killed right after."""
        source = ShopSource(streams, moment=MOMENT + timedelta(days=day), columns=self.columns)
        done = self.trial.sync(source, typed_from=self.typed_from)
        return Told(done.commit.number, done.new_rows, done.gone_rows)

    def publish(self, told: Told, **terms: Any) -> list[str]:
        """Publish what a commit changed."""
        terms.setdefault("seconds", 1000.0)
        return publish(self.trial.open(), "shop", told, Terms(**terms))

    def back_up(self, streams: Mapping[str, Rows], day: int = 0, **terms: Any) -> None:
        """Commit and publish."""
        self.publish(self.commit(streams, day), **terms)

    @property
    def home(self) -> Path:
        """The source's directory."""
        return self.trial.place / SHOP

    def derived(self) -> list[str]:
        """Name what is published, below the source's directory."""
        found = (str(one.relative_to(self.home)) for one in self.home.rglob("*") if one.is_file())
        return sorted(one for one in found if is_derived(one))

    def read(self, name: str) -> Any:
        """Read a published document."""
        return json.loads((self.home / name).read_bytes())

    def current(self, stream: str) -> Path:
        """Find the one published file of a stream."""
        (found,) = self.home.glob(f"processed/*/*/*/{stream}/current/{stream}-latest.parquet")
        return found


def is_derived(name: str) -> bool:
    """Tell whether a path below a source is a derived object's."""
    parts = name.split("/")
    return parts[0] in ("schemas", "metadata", "statistics") or parts[5:6] == ["current"]


def ask(sql: str) -> list[tuple[Any, ...]]:
    """Ask a plain DuckDB that knows nothing of vaults."""
    with duckdb.connect(":memory:") as plain:
        return plain.execute(sql).fetchall()


class Writes(PassingStore):
    """A store that remembers which keys were put, and breaks where it is told to."""

    def __init__(self, inside: Any, keys: list[str], breaks: str = "") -> None:
        super().__init__(inside)
        self._keys = keys
        self._breaks = breaks

    def put(self, key: str, body: bytes | memoryview, **options: Any) -> None:
        """Put, and remember it."""
        if self._breaks and self._breaks in key:
            raise KeyboardInterrupt
        self._keys.append(key)
        super().put(key, body, **options)


def tomorrow(shop: Shop) -> None:
    """Let a day go by on everybody's clock."""
    clock = shop.trial.host.clock
    assert isinstance(clock, PlayedClock)
    clock.sleep(24 * 3600)
