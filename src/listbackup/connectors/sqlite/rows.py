"""Rows of a table as lines of `sqlite-array/1`: the statement, and the chunks that it gives.

In a database of UTF-16 text comes as hex of its bytes, because SQLite's own way to UTF-8 loses
what is no Unicode.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from listbackup.connectors.sqlite.names import quote
from listbackup.connectors.sqlite.session import Connection
from listbackup.records import Json
from listbackup.records.sqlitearray import Undecoded, write_lines

CODECS = {"UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}
CHUNK = 1 << 20
MOST_ROWS = 2048
UNKNOWN_ROWS = 16


def write_select(schema: Json, columns: Sequence[Json], where: str = "") -> str:
    """Write the SELECT of some columns of a stream's table, in the order of its own tree."""
    fields = [_write_field(column, schema["charset"]) for column in columns]
    table = quote(schema["table"])
    condition = f" WHERE {where}" if where else ""
    return f"SELECT {', '.join(fields)} FROM main.{table} NOT INDEXED{condition}"


def read_chunks(
    connection: Connection, statement: str, charset: str, largest: int
) -> Iterator[bytes]:
    """Give the rows of a statement as chunks of lines. `largest` is how many bytes a row can have,
    0 for unknown. Raises sqlite3.Error."""
    many = max(1, min(MOST_ROWS, 4 * CHUNK // largest)) if largest else UNKNOWN_ROWS
    codec = CODECS.get(charset)
    waiting: list[bytes] = []
    size = 0
    with closing(connection.execute(statement)) as cursor:
        while rows := cursor.fetchmany(many):
            if codec:
                rows = [[_decode(value, codec) for value in row] for row in rows]
            waiting.append(write_lines(rows))
            size += len(waiting[-1])
            if size >= CHUNK:
                yield b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def measure_tables(connection: Connection) -> dict[str, tuple[int, int]]:
    """Give the bytes of every table and of its largest row, by name; nothing where SQLite was
    built without the means, or cannot make out the pages."""
    try:
        found = connection.execute(
            "SELECT name, sum(pgsize), max(mx_payload) FROM dbstat WHERE aggregate = 1 GROUP BY 1"
        ).fetchall()
    except sqlite3.DatabaseError:
        return {}
    return {name: (int(size), int(largest)) for name, size, largest in found}


def _write_field(column: Json, charset: str) -> str:
    name = column["name"] if column.get("hidden") else quote(column["name"])
    if charset not in CODECS:
        return str(name)
    return f"CASE typeof({name}) WHEN 'text' THEN hex(CAST({name} AS BLOB)) ELSE {name} END"


def _decode(value: Any, codec: str) -> Any:
    if not isinstance(value, str):
        return value
    raw = bytes.fromhex(value)
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return Undecoded(raw)
