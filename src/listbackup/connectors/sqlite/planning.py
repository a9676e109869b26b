"""What a restore into a SQLite file would write, and what stands in its way.

Works on what the snapshot and the target say; writes nothing.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.catalog import Definition
from listbackup.connectors.sqlite.definitions import is_own, read_definitions, rehearse
from listbackup.connectors.sqlite.files import beside
from listbackup.connectors.sqlite.findings import SELF_CONTAINED
from listbackup.connectors.sqlite.names import stream_name
from listbackup.connectors.sqlite.session import connect
from listbackup.errors import UsageError
from listbackup.records import StoredSnapshot, StoredStream
from listbackup.records.patterns import is_wanted, matches
from listbackup.records.restoring import Obstacle, RestoreOptions

LEFTOVERS = ("-wal", "-journal", "-shm")
SEQUENCE = "sqlite_sequence"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written: streams and definitions in the order of making; `left_out` says what
    stays out, and why."""

    streams: tuple[StoredStream, ...]
    definitions: tuple[Definition, ...]
    left_out: tuple[str, ...]
    whole: bool

    def of(self, *kinds: str) -> list[Definition]:
        """Give the definitions of some kinds."""
        return [one for kind in kinds for one in self.definitions if one.kind == kind]


def choose_work(snapshot: StoredSnapshot, options: RestoreOptions) -> Work:
    """Choose streams and definitions. Raises UsageError where a pattern or condition names
    nothing, IntegrityError."""
    definitions = read_definitions(snapshot)
    tables = {d.name for d in definitions if d.kind == "table"}
    asked = _select(snapshot, options)
    streams = tuple(s for s in asked if _table_of(s) in tables or is_own(_table_of(s)))
    left_out = [
        f"table {s.name}: it is not defined any more; an earlier snapshot holds its definition"
        for s in asked
        if s not in streams
    ]
    if not options.is_partial:
        return Work(streams, tuple(definitions), tuple(left_out), whole=True)
    wanted = {name for name in tables if _is_wanted(stream_name(name), options)}
    kept = []
    for one in definitions:
        needs = _needs(one, tables)
        if one.kind == "table":
            if one.name in wanted:
                kept.append(one)
        elif one.kind in ("index", "virtual table") and needs <= wanted and needs:
            kept.append(one)
        elif one.kind in ("view", "trigger") or needs & wanted:
            left_out.append(f"{one.kind} {one.name}: only a part of the database is asked for")
    return Work(streams, tuple(kept), tuple(left_out), whole=False)


def condition_of(stream: StoredStream, options: RestoreOptions) -> str | None:
    """Give the condition for a table's rows."""
    return options.condition_of(stream.name)


def find_obstacles(address: Address, options: RestoreOptions, work: Work) -> Iterator[Obstacle]:
    """Name what must be out of the way before anything is written."""
    path = address.path
    shown = show_path(path)
    if not path.parent.is_dir():
        yield Obstacle("there is no such directory", (show_path(path.parent),), "Make it first.")
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        yield Obstacle("no file may be made there", (show_path(path.parent),), "Choose another.")
    if os.path.lexists(path):
        if not options.into_existing:
            yield Obstacle(
                "there is a file of that name",
                (shown,),
                "Name a new one; --into-existing takes an empty database.",
            )
        elif not is_empty_database(address):
            yield Obstacle(
                "the file is no empty database", (shown,), "Name a new one, or remove it."
            )
    left = [show_path(p) for end in LEFTOVERS if os.path.lexists(p := beside(path, end))]
    if left:
        yield Obstacle(
            "there are logs of another database, which SQLite would apply to this one",
            tuple(left),
            "Move them away, or choose another name.",
        )
    if failures := rehearse(work.definitions):
        yield Obstacle(
            "this SQLite cannot make",
            tuple(f"{name} ({why})" for name, why in failures.items()),
            "Use a Python whose SQLite knows them, or restore other tables with --include.",
        )


def is_empty_database(address: Address) -> bool:
    """Whether a file is a database without anything in it, or has no bytes at all."""
    path = address.path
    if path.is_symlink() or not path.is_file():
        return False
    if path.stat().st_size == 0:
        return True
    try:
        connection = connect(path, immutable=True)
        try:
            return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def list_steps(work: Work, *, replaces: bool) -> Iterator[str]:
    """Say in order what would be done."""
    yield "write a new file beside the target, under a name of its own"
    rows = sum(stream.rows for stream in work.streams)
    yield f"make {len(work.of('table'))} tables and load {rows} rows into them"
    others = work.of("index", "view", "trigger", "virtual table")
    yield f"make {len(others)} indexes, views, triggers and virtual tables; check everything"
    yield "read everything again and compare it with the snapshot's fingerprints"
    yield "replace the empty database with it" if replaces else "give it its name"


def list_notices(streams: Sequence[StoredStream]) -> Iterator[str]:
    """Say what will not be as of the snapshot's moment."""
    for stream in streams:
        if stream.status == "carried":
            yield f"{stream.name}: its rows of the snapshot are carried"


def _select(snapshot: StoredSnapshot, options: RestoreOptions) -> tuple[StoredStream, ...]:
    chosen = tuple(s for s in snapshot.streams.values() if _is_wanted(s.name, options))
    for pattern in options.include:
        if not any(matches(stream.name, [pattern]) for stream in chosen):
            raise UsageError(
                f"No table of the snapshot is called {pattern}.",
                hint="`listbackup ls` shows the names of a snapshot's tables.",
            )
    for pattern in options.where:
        if not any(matches(stream.name, [pattern]) for stream in chosen):
            raise UsageError(f"A condition is given for {pattern}, which is not to be restored.")
    return chosen


def _is_wanted(name: str, options: RestoreOptions) -> bool:
    return is_wanted(name, options.include, options.exclude)


def _table_of(stream: StoredStream) -> str:
    return str(stream.schema["table"])


def _needs(definition: Definition, tables: set[str]) -> set[str]:
    """Name the tables that a definition rests on; those of a virtual table begin with its name."""
    if definition.kind == "virtual table":
        if definition.module.lower() not in SELF_CONTAINED:
            return set()
        return {name for name in tables if name.startswith(f"{definition.name}_")}
    return {definition.table}
