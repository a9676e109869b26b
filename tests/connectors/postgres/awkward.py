"""A database that is awkward in every way we know: types, names, shapes and definitions.

The extended part needs PostgreSQL 15 with contrib and xml, the rest runs from 15 on anywhere.
"""

from collections.abc import Sequence
from pathlib import Path

import psycopg

PARTS = Path(__file__).parent / "awkward_sql"


def wide_table() -> str:
    """A table of 1,600 columns, the most there can be."""
    columns = ", ".join(f'"c{i} %" {"smallint" if i % 2 else "boolean"}' for i in range(1600))
    values = ", ".join(
        "NULL" if i % 7 == 0 else str(i % 100) if i % 2 else "true" for i in range(1600)
    )
    return f"CREATE TABLE s_wide ({columns}); INSERT INTO s_wide VALUES ({values}), ({values});"


def awkward_statements(*, extended: bool) -> Sequence[str]:
    """Everything in order; `extended` with contrib's types and xml."""
    names = [
        "roles",
        "types",
        *(["extended"] if extended else []),
        "shapes",
        "definitions",
        "relations",
    ]
    return [*((PARTS / f"{name}.sql").read_text() for name in names), wide_table()]


def build_awkward(url: str, *, extended: bool) -> None:
    """Fill an empty UTF8 database."""
    with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
        for statements in awkward_statements(extended=extended):
            connection.execute(statements.encode())
        name = connection.info.dbname
        connection.execute(
            f"ALTER DATABASE \"{name}\" SET work_mem = '5MB';"
            f"COMMENT ON DATABASE \"{name}\" IS 'awkward ''database''';".encode()
        )


def build_unencoded(url: str) -> None:
    """Fill an empty SQL_ASCII database with bytes that are no text in any encoding."""
    with psycopg.connect(url, autocommit=True, client_encoding="SQL_ASCII") as connection:
        connection.execute(b"CREATE TABLE raw (id int PRIMARY KEY, a text, b text[])")
        connection.execute(
            b"INSERT INTO raw VALUES (1, E'\\xff\\xfe\\x80', '{}'), (2, E'plain', E'{\"\\xe9\"}'),"
            b" (3, E'\\xc3\\xa9 utf8', NULL), (4, E'\\xc3 cut\\n\\\\', NULL), (5, '', '{\xf0}')"
        )
        connection.execute(b'CREATE TABLE "caf\xe9" ("\xe9" int)')
        connection.execute(b'INSERT INTO "caf\xe9" VALUES (1)')
