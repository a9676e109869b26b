"""Streams as tables of SQL: which name means which stream, and the views that show them.

A stream `schema.table` is that table of that schema; any other name is a table of `main`, quoted
where it has to be. Names that differ only in case get an underscore each, in order of names.
`history` is a catalog of its own: `history.public.users`, or `history."public.users"`. Only
streams that are asked for are prepared.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from listbackup.history.deadlists import NO_LINES, Array, DeadLines, DeadLists
from listbackup.history.engine import Engine
from listbackup.history.filesystem import Readable
from listbackup.history.footers import group_parts
from listbackup.history.partfields import read_fields
from listbackup.history.ranges import Held
from listbackup.history.typedparts import open_parts
from listbackup.parquet.recordparts import RECORDS
from listbackup.parquet.unions import plan_union
from listbackup.vault.reading import SnapshotStream
from listbackup.vault.sources import Committed
from listbackup.vault.states import State, number_batch

if TYPE_CHECKING:
    from listbackup.history.timelines import Timeline

HISTORY = "history"
OWN = "_listbackup"
INSIDE = "memory"
"""What DuckDB calls the database in memory."""
MOST_GROUPS = 8
"""Scans of one stream; where its parts have more different columns, DuckDB looks at each first."""
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."\s]+)')
_HARMLESS = re.compile(r"[a-z_][a-z0-9_]*")
_NOT_OURS = frozenset({"pg_catalog", "information_schema", OWN, HISTORY, "temp", "system"})
_LAST = ("main", "public")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """A stream that a query names: as it is in the snapshot, or all that it ever was."""

    stream: str
    past: bool


class Names:
    """Which SQL names the streams have."""

    def __init__(self, streams: Iterable[str]) -> None:
        """Name the streams."""
        self._streams: dict[tuple[str, str], str] = {}
        self.tables: dict[str, tuple[str, str]] = {}
        for stream in sorted(streams):
            schema, table = split_stream(stream)
            table = table or "_"
            while (schema.lower(), table.lower()) in self._streams:
                table += "_"
            self._streams[schema.lower(), table.lower()] = stream
            self.tables[stream] = (schema, table)

    def find(self, words: Sequence[str]) -> Asked | None:
        """Say what a name in a query means; None where it names no stream."""
        lower = [word.lower() for word in words]
        if len(lower) > 1 and lower[0] == HISTORY:
            stream = self._find(lower[1:])
            if stream is None:
                stream = self._whole(words[1:])
            if stream is not None:
                return Asked(stream, past=True)
        if len(lower) == 3 and lower[0] == INSIDE:
            lower = lower[1:]
        found = self._find(lower)
        return Asked(found, past=False) if found is not None else None

    def aliases(self, stream: str) -> list[str]:
        """Give what a stream's past is called in the schema `main` of `history`, too."""
        schema, table = self.tables[stream]
        short = [table] if schema == "public" and self._find([table.lower()]) == stream else []
        whole = [stream] if stream and (schema, table) != ("main", stream) else []
        return [*short, *whole]

    def _find(self, lower: Sequence[str]) -> str | None:
        if len(lower) == 1:
            found = (self._streams.get((schema, lower[0])) for schema in _LAST)
            return next((one for one in found if one is not None), None)
        return self._streams.get((lower[0], lower[1])) if len(lower) == 2 else None

    def _whole(self, words: Sequence[str]) -> str | None:
        name = words[-1]
        return name if name in self.tables and words[:-1] in ([], ["main"]) else None


def split_stream(stream: str) -> tuple[str, str]:
    """Give schema and table of a stream's name."""
    words = split_name(stream)
    if words is None or len(words) != 2 or words[0].lower() in _NOT_OURS:
        return "main", stream
    return words[0], words[1]


def split_name(name: str) -> list[str] | None:
    """Take a qualified name apart; None where it is none."""
    words, at = [], 0
    while match := _PART.match(name, at):
        words.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if at == len(name):
            return words
        if name[at] != ".":
            return None
        at += 1
    return None


def read_asked(names: Names, tables: Iterable[str]) -> list[Asked]:
    """Give the streams that DuckDB's list of table names (`name AS alias`) means."""
    found: dict[Asked, None] = {}
    for text in tables:
        words, at = [], 0
        while match := _PART.match(text, at):
            words.append(match[2] if match[1] is None else match[1].replace('""', '"'))
            at = match.end()
            if text[at : at + 1] != ".":
                break
            at += 1
        asked = names.find(words)
        if asked is not None:
            found[asked] = None
    return list(found)


class Views:
    """Makes views in an engine; it may be locked."""

    def __init__(self, engine: Engine, names: Names) -> None:
        """Make the schemas that every query finds."""
        self._engine = engine
        self._names = names
        self._held = Held()
        self._count = 0
        self._run(f"CREATE SCHEMA {quote(OWN)}")
        self._run("CREATE SCHEMA public")
        self._run("SET search_path = 'main,public'")
        self._run(f"ATTACH ':memory:' AS {HISTORY}")
        self._run(f"CREATE SCHEMA {HISTORY}.public")

    def show(self, stream: SnapshotStream) -> None:
        """Make the view of a stream as it is in a snapshot. Raises IntegrityError."""
        parts = open_parts(stream.objects, [(stream.state, stream.schema)], self._held)
        source = self._lend(parts, [stream.state])
        dead = DeadLists(stream.objects).join(stream.state)
        join = alive = ""
        if dead:
            bits = self._table(mark_dead(stream.state, dead))
            join = f" JOIN (SELECT batch, bits::BIT AS bits FROM {bits}) d ON p._batch = d.batch"
            alive = " AND get_bit(d.bits, p._line::INTEGER) = 0"
        schema, name = self._names.tables[stream.name]
        self._run(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        self._run(
            f"CREATE VIEW {quote(schema)}.{quote(name)} AS SELECT p.* EXCLUDE (_op, _batch, _line)"
            f" FROM {source} p{join} WHERE p._op <> 'delete'{alive}"
        )

    def show_past(self, timeline: "Timeline") -> None:
        """Make the views of all that a stream ever was. Raises IntegrityError."""
        from listbackup.history.validity import follow_lines, write_fates

        states = list(zip(timeline.states, timeline.schemas, strict=True))
        source = self._lend(open_parts(timeline.objects, states, self._held), timeline.states)
        validity = follow_lines(timeline)
        fates = write_fates(validity)
        segments, lines = self._table(fates.segments), self._table(fates.lines)
        moments = self._moments([moment.commit for moment in validity.moments])
        query = (
            "SELECT r.* EXCLUDE (begins, ends), b.at AS _from, e.at AS _to,"
            " b.name AS _from_snapshot, e.name AS _to_snapshot FROM ("
            " SELECT p.* EXCLUDE (_op, _batch, _line), coalesce(l.begins, s.begins) AS begins,"
            f" coalesce(l.ends, s.ends) AS ends FROM {source} p"
            f" JOIN {segments} s ON s.batch = p._batch"
            f" LEFT JOIN {lines} l ON l.segment = s.segment AND l.line = p._line"
            " WHERE p._op <> 'delete' AND coalesce(l.counts, s.counts) = 1) r"
            f" JOIN {moments} b ON b.number = r.begins LEFT JOIN {moments} e ON e.number = r.ends"
        )
        schema, name = self._names.tables[timeline.stream]
        self._run(f"CREATE SCHEMA IF NOT EXISTS {HISTORY}.{quote(schema)}")
        self._run(f"CREATE VIEW {HISTORY}.{quote(schema)}.{quote(name)} AS {query}")
        for alias in self._names.aliases(timeline.stream):
            self._run(
                f"CREATE VIEW {HISTORY}.main.{quote(alias)} AS"
                f" FROM {HISTORY}.{quote(schema)}.{quote(name)}"
            )

    def _moments(self, commits: Sequence[Committed]) -> str:
        """Make the table of moments; `NOW` is not in it, so its time is NULL."""
        micros = [(one.end - _EPOCH) // timedelta(microseconds=1) for one in commits]
        table = self._table(
            {
                "number": np.arange(len(commits), dtype=np.uint32),
                "micros": np.array(micros, np.int64),
                "name": np.array([one.name for one in commits], dtype=object),
            }
        )
        return f"(SELECT number, make_timestamptz(micros) AS at, name FROM {table})"

    def _lend(self, parts: Sequence[Readable], states: Sequence[State]) -> str:
        """Lend parts of some states of one stream, and write what reads them as one table."""
        addresses = []
        for part in parts:
            self._count += 1
            addresses.append(self._engine.files.lend(f"{self._count}.parquet", part))
        if any(state.encoding == RECORDS for state in states):
            found = read_fields(self._engine, addresses)
            key = dict.fromkeys(path for state in states for path in state.key)
            return f"({plan_union(found, list(key)).query})"
        groups = group_parts(parts)
        if len(groups) > MOST_GROUPS:
            return _scan(addresses, ", union_by_name = true")
        scans = [f"FROM {_scan([addresses[at] for at in group])}" for group in groups]
        return f"({' UNION ALL BY NAME '.join(scans)})"

    def _table(self, columns: dict[str, Array]) -> str:
        self._count += 1
        name = f"{INSIDE}.{quote(OWN)}.{quote(f't{self._count}')}"
        database = self._engine.database
        database.register("lent", columns)
        self._run(f"CREATE TABLE {name} AS FROM lent")
        database.unregister("lent")
        return name

    def _run(self, sql: str) -> None:
        self._engine.guard(lambda: self._engine.database.execute(sql))


def _scan(addresses: Sequence[str], options: str = "") -> str:
    listed = ", ".join(f"'{one}'" for one in addresses)
    return f"read_parquet([{listed}]{options})"


def mark_dead(state: State, dead: DeadLines) -> dict[str, Array]:
    """Give the number of every batch of a state, and one bit for each of its lines: 1 is dead."""
    bits = np.empty(len(state.batches), object)
    for at, batch in enumerate(state.batches):
        flags = np.zeros(batch.ref.rows, bool)
        flags[dead.get(batch.ref.key, NO_LINES)] = True
        bits[at] = np.packbits(flags).tobytes()
    numbers = [number_batch(batch.ref.key) for batch in state.batches]
    return {"batch": np.array(numbers, np.uint64), "bits": bits}


def quote(name: str) -> str:
    """Write a name as an identifier."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def write_name(schema: str, table: str) -> str:
    """Write a table's name as a query may have it."""
    words = [table] if schema in _LAST else [schema, table]
    return ".".join(word if _HARMLESS.fullmatch(word) else quote(word) for word in words)
