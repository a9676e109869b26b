"""Write rows: lines of `sqlite-array/1` into a table, and their count compared.

Values are bound as what they are. Text that SQLite would change on its way (no Unicode, or two
code points that it replaces in UTF-16) is written into the statement as its bytes.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from listbackup.connectors.sqlite.names import quote
from listbackup.connectors.sqlite.rows import CODECS
from listbackup.connectors.sqlite.session import Connection
from listbackup.errors import IntegrityError, RestoreError
from listbackup.events import Emit, Progressed, StreamDone
from listbackup.records import Json, StoredStream
from listbackup.records.sqlitearray import Undecoded, read_lines

REPLACED = ("\ufffe", "\uffff")
OWN_TABLES = {
    "sqlite_sequence": "CREATE TABLE {free} (id INTEGER PRIMARY KEY AUTOINCREMENT);"
    "DROP TABLE {free}",
    "sqlite_stat1": "ANALYZE sqlite_master",
}
"""How SQLite is brought to make each of the tables that nobody else may make."""


def load_stream(
    connection: Connection, stream: StoredStream, condition: str | None, emit: Emit
) -> None:
    """Load a table and leave the rows that the condition wants. Raises RestoreError,
    IntegrityError, sqlite3.Error."""
    loaded = 0
    for chunk in stream.chunks():
        loaded += load_lines(connection, stream.schema, chunk)
        emit(Progressed(stream.name, chunk.count(b"\n"), len(chunk)))
    if loaded != stream.rows:
        raise RestoreError(
            f"{loaded} rows were loaded, the snapshot holds {stream.rows}.", subject=stream.name
        )
    if condition is not None:
        table = quote(stream.schema["table"])
        gone = connection.execute(f"DELETE FROM main.{table} WHERE ({condition}) IS NOT TRUE")
        loaded -= gone.rowcount
    emit(StreamDone(stream.name, "loaded", loaded))


def make_own_table(connection: Connection, name: str) -> None:
    """Have one of SQLite's own tables, empty: of counters or of statistics. Raises sqlite3.Error,
    IntegrityError for another."""
    if name not in OWN_TABLES:
        raise IntegrityError("It is a table that only SQLite makes.", subject=name)
    names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master")}
    if name not in names:
        free = "counted"
        while free in names:
            free += "_"
        for statement in OWN_TABLES[name].format(free=free).split(";"):
            connection.execute(statement)
    connection.execute(f"DELETE FROM {name}")


def set_counters(connection: Connection, stream: StoredStream) -> None:
    """Set the counters of the tables that are there and count, so that no id of a row that was
    deleted is given again. Raises IntegrityError, sqlite3.Error."""
    counting = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
    if connection.execute(counting).fetchone() is None:
        return
    names = [column["name"] for column in stream.schema["columns"]]
    table, value = names.index("name"), names.index("seq")
    for chunk in stream.chunks():
        for row in read_lines(chunk):
            found = (row[table], row[value])
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", found[:1])
            connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE EXISTS"
                " (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
                found,
            )


def load_lines(connection: Connection, schema: Json, lines: bytes) -> int:
    """Load some lines; give their number. Raises RestoreError, IntegrityError, sqlite3.Error."""
    names = [c["name"] if c.get("hidden") else quote(c["name"]) for c in schema["columns"]]
    head = f"INSERT INTO main.{quote(schema['table'])} ({', '.join(names)}) VALUES "
    plain = f"{head}({', '.join('?' * len(names))})"
    codec = CODECS.get(schema["charset"])
    rows = read_lines(lines)
    if any(len(row) != len(names) for row in rows):
        raise IntegrityError("A line has other fields than its table.", subject=schema["table"])
    try:
        if codec or b'{"t64":' in lines:
            _load_exactly(connection, head, plain, rows, codec)
        else:
            connection.executemany(plain, rows)
    except (OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise IntegrityError(
            f"A line holds what SQLite cannot: {error}.", subject=schema["table"]
        ) from error
    return len(rows)


def _load_exactly(
    connection: Connection, head: str, plain: str, rows: Iterable[Sequence[Any]], codec: str | None
) -> None:
    waiting: list[Sequence[Any]] = []
    for row in rows:
        raw = [_find_raw(value, codec) for value in row]
        if not any(one is not None for one in raw):
            waiting.append(row)
            continue
        connection.executemany(plain, waiting)
        waiting = []
        fields = ["?" if one is None else f"CAST(x'{one.hex()}' AS TEXT)" for one in raw]
        bound = [value for value, one in zip(row, raw, strict=True) if one is None]
        connection.execute(f"{head}({', '.join(fields)})", bound)
    connection.executemany(plain, waiting)


def _find_raw(value: Any, codec: str | None) -> bytes | None:
    """Give the bytes of a text that cannot be bound; None for everything else."""
    if isinstance(value, Undecoded):
        return value.raw
    if codec and isinstance(value, str) and any(mark in value for mark in REPLACED):
        return value.encode(codec)
    return None
