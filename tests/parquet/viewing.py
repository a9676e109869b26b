"""How tests write lines and look at parts: COPY text from values, rows from Parquet bytes."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from listbackup.parquet.parts import PartMaker

ENCODING = "copy-text-array/1"
ESCAPES = {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f"}
ESCAPES["\r"] = "\\r"


def make_schema(**columns: str) -> dict[str, Any]:
    """Make a schema object of columns and their types."""
    return {"columns": [{"name": name, "type": kind} for name, kind in columns.items()]}


def write_field(value: str | None) -> str:
    """Write a value's text as a field of COPY text."""
    return "\\N" if value is None else "".join([ESCAPES.get(c, c) for c in value])


def write_lines(*rows: Sequence[str | None]) -> bytes:
    """Write rows of texts as lines of COPY text."""
    return "".join(["\t".join(map(write_field, row)) + "\n" for row in rows]).encode()


def write_array(elements: Sequence[str | None]) -> str:
    """Write an array as PostgreSQL does: quotes where they are needed."""
    return "{" + ",".join(map(_element, elements)) + "}"


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    if text and text.upper() != "NULL" and not set(text) & set('{}",\\ \t\n\r\v\f'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def make(schema: Mapping[str, Any], lines: bytes, **more: Any) -> Any:
    """Make one part."""
    maker = PartMaker(ENCODING, schema)
    try:
        return maker.make([lines], 1, **more)
    finally:
        maker.close()


def ask(body: bytes, query: str, folder: Path) -> list[tuple[Any, ...]]:
    """Ask a part, `part` in the query. Moments with time zone cannot be fetched: cast them."""
    path = folder / "part.parquet"
    path.write_bytes(body)
    return _connect().execute(query.replace("part", f"'{path}'", 1)).fetchall()


@cache
def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'; SET enable_external_file_cache = false")
    return connection


def columns(body: bytes, folder: Path) -> dict[str, str]:
    """Give the columns of a part and their types."""
    found = ask(body, "DESCRIBE SELECT * FROM part", folder)
    return {row[0]: row[1] for row in found}


def values(body: bytes, column: str, folder: Path) -> list[Any]:
    """Give a column, in the order of lines."""
    return [row[0] for row in ask(body, f'SELECT "{column}" FROM part ORDER BY _line', folder)]
