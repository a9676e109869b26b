"""What is found in a copy before anything is read: streams, what is left out and why.

A table that could be read and is not is *unread* (the snapshot will be partial); what by nature
cannot be exact is *declared*; what the user left out is *excluded*.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.catalog import (
    Definition,
    Table,
    describe_schema,
    describe_table,
    list_definitions,
    list_strict,
    read_settings,
)
from listbackup.connectors.sqlite.checking import Health, check_pages
from listbackup.connectors.sqlite.definitions import is_own, rehearse
from listbackup.connectors.sqlite.names import is_unicode, quote, stream_name
from listbackup.connectors.sqlite.rows import measure_tables
from listbackup.connectors.sqlite.session import DAMAGED, REPAIR, Connection
from listbackup.errors import SourceError
from listbackup.events import Emit, Warned
from listbackup.records import Declared, Stream, Unread
from listbackup.records.patterns import is_wanted
from listbackup.records.sqlitearray import NAME

OWN_KEPT = frozenset({"sqlite_sequence", "sqlite_stat1"})
SELF_CONTAINED = frozenset({"fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"})
"""Modules of virtual tables that keep all they know in ordinary tables of the same database."""
DERIVED = frozenset({"fts3tokenize", "fts4aux", "fts5vocab", "dbstat", "sqlite_stmt"})
"""Modules that keep nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A table that is read: its rows as its smallest tree counts them (-1 where it cannot be
    asked), its bytes and those of its largest row, 0 for unknown."""

    table: Table
    stream: Stream
    counted: int
    largest: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reading is about, by stream where it is of streams."""

    definitions: Sequence[Definition]
    settings: Mapping[str, Any]
    found: Mapping[str, Found]
    excluded: tuple[str, ...]
    unread: tuple[Unread, ...]
    declared: tuple[Declared, ...]
    notes: tuple[str, ...] = ()


def find_out(
    connection: Connection,
    options: ReadOptions,
    *,
    wal: bool,
    check: bool,
    count: bool = True,
) -> Findings:
    """Look at everything. `check` the pages; `count` rows rather than leave them unknown. Raises
    sqlite3.Error."""
    definitions = list_definitions(connection)
    settings = read_settings(connection, wal=wal)
    tables = [d.name for d in definitions if d.kind == "table"]
    health = check_pages(connection, tables) if check else Health()
    strict = list_strict(connection)
    sizes = measure_tables(connection) if count else {}
    found: dict[str, Found] = {}
    excluded: list[str] = []
    unread: list[Unread] = []
    for definition in definitions:
        name = stream_name(definition.name)
        if definition.kind != "table" or _is_left_to_sqlite(definition.name):
            continue
        if not is_wanted(name, options.include, options.exclude):
            excluded.append(name)
            continue
        try:
            reason = health.tables.get(definition.name) or _find_obstacle(definition)
            if not reason:
                table = describe_table(connection, definition.name, strict)
                size = sizes.get(definition.name, (0, 0))
                one = _measure(connection, table, str(settings["encoding"]), size, count=count)
                reason = _find_obstacle_in(table)
        except sqlite3.DatabaseError as error:
            reason = f"SQLite says: {error}"
        if reason:
            unread.append(Unread(_make_readable(name), reason))
        else:
            found[name] = one
    refuse_doubt(health)
    return Findings(
        definitions,
        settings,
        found,
        tuple(excluded),
        tuple(unread),
        (*_declare(definitions), *_declare_hidden(found)),
        health.notes,
    )


def refuse_doubt(health: Health) -> None:
    """Refuse a file whose damage belongs to no table. Raises SourceError."""
    if health.elsewhere:
        raise SourceError(
            f"The database is damaged: {health.elsewhere[0]}.", risk=DAMAGED, hint=REPAIR
        )


def tell(findings: Findings, emit: Emit) -> None:
    """Say what a check noted."""
    for note in findings.notes[:5]:
        emit(Warned(f"SQLite's check says: {note}"))


def count_rows(connection: Connection, table: Table) -> int:
    """Count the rows of a table by one of its indexes, which knows of rows that the table may have
    lost; by the table itself where no index is of all rows. Raises sqlite3.Error."""
    name = quote(table.name)
    for index in connection.execute(f"PRAGMA main.index_list({name})").fetchall():
        if index[4] or (index[3] == "pk" and table.without_rowid):
            continue
        # a second sum, because SQLite counts alone by any tree it likes
        asked = f"SELECT count(*), sum(1) FROM main.{name} INDEXED BY {quote(index[1])}"
        with suppress(sqlite3.OperationalError):
            return int(connection.execute(asked).fetchone()[0])
    return int(connection.execute(f"SELECT count(*) FROM main.{name}").fetchone()[0])


def _measure(
    connection: Connection,
    table: Table,
    charset: str,
    size: tuple[int, int],
    *,
    count: bool,
) -> Found:
    counted = -1
    if count:
        counted = count_rows(connection, table)
    schema = describe_schema(table, charset)
    names = [column["name"] for column in schema["columns"]]
    stream = Stream(
        name=table.stream,
        encoding=NAME,
        schema=schema,
        key=table.key,
        key_positions=tuple(names.index(field) for field in table.key),
        estimated_rows=max(0, counted),
        estimated_bytes=size[0],
    )
    return Found(table, stream, counted, size[1])


def _is_left_to_sqlite(name: str) -> bool:
    return is_own(name) and name.lower() not in OWN_KEPT


def _find_obstacle(definition: Definition) -> str:
    return "" if definition.readable else "its name or definition is no Unicode"


def _find_obstacle_in(table: Table) -> str:
    texts = (text for column in table.columns for text in (column.name, column.type))
    return "" if all(map(is_unicode, texts)) else "the name of a column is no Unicode"


def _make_readable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _declare(definitions: Sequence[Definition]) -> list[Declared]:
    declared = []
    for one in definitions:
        name = _make_readable(stream_name(one.name))
        if one.kind == "virtual table":
            if one.module.lower() not in SELF_CONTAINED | DERIVED:
                reason = f"what its module {one.module} keeps outside of tables is not copied"
                declared.append(Declared("virtual table", name, reason))
        elif one.kind == "table" and _is_left_to_sqlite(one.name):
            declared.append(Declared("statistics", name, "ANALYZE computes them anew"))
        elif one.kind != "table" and one.sql and not one.readable:
            declared.append(Declared(one.kind, name, "its definition is no Unicode"))
    for name, why in rehearse(definitions).items():
        reason = f"a restore needs a SQLite that knows what this one does not: {why}"
        declared.append(Declared("definition", stream_name(name), reason))
    return declared


def _declare_hidden(found: Mapping[str, Found]) -> list[Declared]:
    return [
        Declared("rowids", name, "its columns leave no name by which they could be asked for")
        for name, one in found.items()
        if one.table.hides_rowids
    ]
