"""A stream as a text file: CSV, JSON lines, or one JSON array. UTF-8, `\\n` between JSON lines,
`\\r\\n` in CSV. Values are written as `values` says."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from listbackup.errors import IntegrityError
from listbackup.history.lines import decode_line
from listbackup.history.values import choose_json, write_cell, write_safe_cell

Values = list[Any]


def decode_chunk(chunk: bytes, width: int, what: str) -> list[Values]:
    """Give the values of whole stored lines. Raises IntegrityError where a line has not one for
    every column."""
    rows = [decode_line(line, what) for line in chunk.split(b"\n")[:-1]]
    if any(len(row) != width for row in rows):
        raise IntegrityError(
            f"A line of {what} has not {width} values for its {width} columns.", subject=what
        )
    return rows


def write_csv(
    path: Path, schema: Mapping[str, Any], rows: Iterable[Sequence[Values]], *, safe: bool = False
) -> None:
    """Write CSV with a header. Raises OSError."""
    write = write_safe_cell if safe else write_cell
    names = [str(column["name"]) for column in schema["columns"]]
    with path.open("xb") as file:
        _put(file, ",".join(map(write_cell, names)) + "\r\n")
        for some in rows:
            _put(file, "".join([",".join(map(write, row)) + "\r\n" for row in some]))


def write_ndjson(path: Path, schema: Mapping[str, Any], rows: Iterable[Sequence[Values]]) -> None:
    """Write one JSON object a line. Raises OSError."""
    with path.open("xb") as file:
        for some in _objects(schema, rows):
            _put(file, "".join([line + "\n" for line in some]))


def write_json(path: Path, schema: Mapping[str, Any], rows: Iterable[Sequence[Values]]) -> None:
    """Write one JSON array of objects. Raises OSError."""
    with path.open("xb") as file:
        mark = "[\n"
        for some in _objects(schema, rows):
            if some:
                _put(file, mark + ",\n".join(some))
                mark = ",\n"
        _put(file, "\n]\n" if mark != "[\n" else "[]\n")


def _objects(schema: Mapping[str, Any], rows: Iterable[Sequence[Values]]) -> Iterator[list[str]]:
    columns = schema["columns"]
    names = [json.dumps(str(column["name"]), ensure_ascii=False) + ":" for column in columns]
    writers = [choose_json(str(column.get("type"))) for column in columns]
    fields = list(zip(names, writers, strict=True))

    def write(row: Values) -> str:
        return "{" + ",".join([n + w(v) for (n, w), v in zip(fields, row, strict=True)]) + "}"

    for some in rows:
        yield [write(row) for row in some]


def _put(file: BinaryIO, text: str) -> None:
    file.write(text.encode("utf-8", "surrogatepass"))
