"""What a database holds: its tables with their columns and keys, and every other definition.

Asks one connection on a copy that does not change. Decides nothing.
"""

import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listbackup.connectors.sqlite.names import is_unicode, quote, stream_name
from listbackup.connectors.sqlite.session import Connection

ROWID_NAMES = ("rowid", "_rowid_", "oid")
MOST_COLUMNS = 2000
"""SQLite's own limit for a result."""
VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+[\"'`\[]?(\w+)", re.I | re.S)
VIRTUAL_COLUMN, STORED_COLUMN = 2, 3
AFFINITIES = (
    (("INT",), "INTEGER"),
    (("CHAR", "CLOB", "TEXT"), "TEXT"),
    (("BLOB",), "BLOB"),
    (("REAL", "FLOA", "DOUB"), "REAL"),
)


@dataclass(frozen=True, slots=True)
class Definition:
    """One row of the schema table. `kind` is SQLite's word, but `virtual table` is told from
    `table`; `module` is that of a virtual table."""

    kind: str
    name: str
    table: str
    sql: str
    module: str = ""

    @property
    def readable(self) -> bool:
        """Whether it is text."""
        return is_unicode(self.name) and is_unicode(self.sql)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `generated` is empty, `virtual` or `stored`; `key` is the place in the primary
    key from 1 on, 0 outside."""

    name: str
    type: str
    affinity: str
    position: int
    nullable: bool
    generated: str
    key: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is read. `rowid` is the name by which rowids can be had that no column shows,
    empty where there are none or all three names are taken; `alias` the column that is the
    rowid."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    alias: str
    rowid: str
    without_rowid: bool
    strict: bool

    @property
    def stream(self) -> str:
        """The name of its stream."""
        return stream_name(self.name)

    @property
    def exported(self) -> tuple[Column, ...]:
        """The columns that are no function of others."""
        return tuple(column for column in self.columns if not column.generated)

    @property
    def locator(self) -> str:
        """What its rows are found by: the rowid under any name; empty without."""
        return self.alias or self.rowid

    @property
    def hides_rowids(self) -> bool:
        """Whether it has rowids that nothing can ask for."""
        return not (self.without_rowid or self.locator)


def list_definitions(connection: Connection) -> list[Definition]:
    """List all definitions in the order in which they were made. Raises sqlite3.Error."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master ORDER BY rowid"
    )
    found = []
    for kind, name, table, sql, root in rows:
        module = VIRTUAL.match(sql or "") if kind == "table" and not root else None
        word = "virtual table" if module else str(kind)
        found.append(Definition(word, name, table, sql or "", module[1] if module else ""))
    return found


def list_strict(connection: Connection) -> frozenset[str]:
    """Name the tables that are STRICT; none where SQLite is too old to know. Raises
    sqlite3.Error."""
    if sqlite3.sqlite_version_info < (3, 37):
        return frozenset()
    return frozenset(row[1] for row in connection.execute("PRAGMA main.table_list") if row[5])


def describe_table(connection: Connection, name: str, strict: Collection[str]) -> Table:
    """Describe a table. Raises sqlite3.Error."""
    is_strict = name in strict
    columns = tuple(
        Column(
            name=row[1],
            type=row[2],
            affinity=find_affinity(row[2], strict=is_strict),
            position=row[0] + 1,
            nullable=not row[3],
            generated={VIRTUAL_COLUMN: "virtual", STORED_COLUMN: "stored"}.get(row[6], ""),
            key=row[5],
        )
        for row in connection.execute(f"PRAGMA main.table_xinfo({quote(name)})")
    )
    indexes = connection.execute(f"PRAGMA main.index_list({quote(name)})").fetchall()
    # it answers for a table's name exactly where the table is its own index
    without_rowid = bool(connection.execute(f"PRAGMA main.index_info({quote(name)})").fetchall())
    declared = [c.name for c in sorted(columns, key=lambda c: c.key) if c.key]
    indexed = any(row[3] == "pk" for row in indexes)
    alias = declared[0] if len(declared) == 1 and not indexed and not without_rowid else ""
    taken = {column.name.lower() for column in columns}
    free = [name for name in ROWID_NAMES if name not in taken]
    full = sum(not column.generated for column in columns) >= MOST_COLUMNS
    hidden = free[0] if free and not (alias or without_rowid or full) else ""
    table = Table(name, columns, tuple(declared), alias, hidden, without_rowid, is_strict)
    if alias or without_rowid:
        return table
    keyed = bool(declared) and not _has_null(connection, table)
    key = tuple(declared) if keyed else (hidden,) if hidden else ()
    return Table(name, columns, key, alias, hidden, without_rowid, is_strict)


def describe_schema(table: Table, charset: str) -> dict[str, Any]:
    """Write the schema object of a table's stream."""
    columns: list[dict[str, Any]] = [_describe(column) for column in table.exported]
    if table.rowid:
        hidden = {"name": table.rowid, "type": "INTEGER", "affinity": "INTEGER", "position": 0}
        columns.insert(0, {**hidden, "nullable": False, "hidden": True})
    return {
        "kind": "table",
        "columns": columns,
        "generated": [_describe(c) for c in table.columns if c.generated == "stored"],
        "key": list(table.key),
        "schema": "main",
        "table": table.name,
        "charset": charset,
        "without_rowid": table.without_rowid,
        "strict": table.strict,
    }


def find_affinity(type_: str, *, strict: bool = False) -> str:
    """Give the affinity that a declared type means."""
    upper = type_.upper()
    for words, affinity in AFFINITIES:
        if any(word in upper for word in words):
            return affinity
    return "BLOB" if not upper or (strict and upper == "ANY") else "NUMERIC"


def read_settings(connection: Connection, *, wal: bool) -> Mapping[str, Any]:
    """Read what the file itself remembers. Raises sqlite3.Error."""
    names = ("encoding", "page_size", "auto_vacuum", "user_version", "application_id")
    asked = {name: connection.execute(f"PRAGMA main.{name}").fetchone()[0] for name in names}
    return {**asked, "journal": "wal" if wal else "rollback"}


def _describe(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "affinity": column.affinity,
        "position": column.position,
        "nullable": column.nullable,
    }


def _has_null(connection: Connection, table: Table) -> bool:
    """Whether a primary key has NULLs in it, which SQLite allows: then it is no key."""
    nullable: Sequence[str] = [quote(c.name) for c in table.columns if c.key and c.nullable]
    return any(
        connection.execute(
            f"SELECT 1 FROM main.{quote(table.name)} WHERE {n} IS NULL LIMIT 1"
        ).fetchone()
        for n in nullable
    )
