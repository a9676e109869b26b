"""Definitions of a database as comparable text, and a rehearsal of making them again.

The same code runs when a snapshot is made and after it was restored.
"""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from listbackup.connectors.sqlite.catalog import Definition
from listbackup.connectors.sqlite.session import PINNED, Connection
from listbackup.errors import IntegrityError
from listbackup.records import StoredSnapshot

EXTRA = "sqlite-schema"
OWN = "sqlite_"
"""SQLite's own tables and indexes, which nobody can make or drop by themselves."""
STATEMENTS = {
    "table": "CREATE TABLE",
    "index": "CREATE",
    "view": "CREATE VIEW",
    "trigger": "CREATE TRIGGER",
    "virtual table": "CREATE VIRTUAL TABLE",
}
KINDS = tuple(STATEMENTS)
REFUSED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


def write_definitions(definitions: Iterable[Definition]) -> bytes:
    """Write what a restore makes: `[{"kind","name","table","sql","module"}]`, in order."""
    kept = [
        {"kind": d.kind, "name": d.name, "table": d.table, "sql": d.sql, "module": d.module}
        for d in definitions
        if is_made(d)
    ]
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()


def read_definitions(snapshot: StoredSnapshot) -> list[Definition]:
    """Read them. Raises IntegrityError where there are none or they are something else."""
    body = snapshot.extra(EXTRA)
    if body is None:
        raise IntegrityError("The snapshot holds no definitions.", subject=snapshot.name)
    try:
        found = [
            Definition(*(str(one[word]) for word in ("kind", "name", "table", "sql", "module")))
            for one in json.loads(body)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("Its definitions are not readable.", subject=snapshot.name) from error
    for one in found:
        if not one.sql.lstrip().upper().startswith(STATEMENTS.get(one.kind, "\0")):
            raise IntegrityError(f"The definition of {one.name} is none.", subject=snapshot.name)
    return found


def is_made(definition: Definition) -> bool:
    """Whether a definition is one that people made and that can be made again."""
    return bool(definition.sql) and not is_own(definition.name) and definition.readable


def is_own(name: str) -> bool:
    """Whether a name is one of SQLite's own."""
    return name.lower().startswith(OWN)


def summarise(
    definitions: Iterable[Definition], settings: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Give `{kind: {name: 16 hex digits}}`, enough to name what differs."""
    summary: dict[str, dict[str, str]] = defaultdict(dict)
    for one in definitions:
        if is_made(one):
            text = f"{one.table}\0{one.sql}"
            summary[one.kind][one.name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    for name, value in settings.items():
        summary["setting"][name] = hashlib.sha256(str(value).encode()).hexdigest()[:16]
    return dict(summary)


def digest_definitions(definitions: Iterable[Definition], settings: Mapping[str, Any]) -> str:
    """Digest definitions and settings: `sha256:hex`."""
    kept = sorted([d.kind, d.name, d.table, d.sql] for d in definitions if is_made(d))
    text = json.dumps([kept, dict(sorted(settings.items()))], separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make_definition(connection: Connection, definition: Definition) -> None:
    """Make one thing as it was. A virtual table's row is written by hand, because what its module
    would make is restored as it was. Raises sqlite3.Error."""
    if definition.kind != "virtual table":
        connection.execute(definition.sql)
        return
    connection.execute("PRAGMA writable_schema = ON")
    try:
        connection.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql)"
            " VALUES ('table', ?, ?, 0, ?)",
            (definition.name, definition.table, definition.sql),
        )
    finally:
        connection.execute("PRAGMA writable_schema = OFF")


def guard(connection: Connection) -> None:
    """Let a definition reach no other file, whatever it says."""

    def judge(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action in REFUSED else sqlite3.SQLITE_OK

    connection.set_authorizer(judge)


def rehearse(definitions: Sequence[Definition]) -> dict[str, str]:
    """Make tables, indexes, triggers and views in memory; give what fails, and why: collations,
    functions or words that this SQLite does not know."""
    failures: dict[str, str] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        scratch.executescript(PINNED)
        guard(scratch)
        for kind in KINDS:
            for one in definitions:
                if one.kind != kind or not is_made(one) or kind == "virtual table":
                    continue
                if one.kind in ("index", "trigger") and one.table in failures:
                    continue
                try:
                    scratch.execute(one.sql)
                except sqlite3.Error as error:
                    failures[one.name] = str(error)
    return failures
