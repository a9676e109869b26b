"""A stream of JSON records as a file: its lines as they are, or its top-level fields as columns.

Which fields there are is known only when all lines were seen, so columns take two passes: one that
names them, one that writes. Knows no formats.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from listbackup.history.recordrows import open_record, show_value
from listbackup.parquet.recordkinds import find_kind

Convert = Callable[[bytes], Any]
NOTHING = "_"
"""The only column where no record has a field."""


def name_fields(chunks: Iterable[bytes], key: Sequence[str], what: str) -> list[str]:
    """Name the fields of all lines, in the order in which they turn up, the key's in any case.
    Raises IntegrityError."""
    names = dict.fromkeys(path for path in key if "." not in path)
    for chunk in chunks:
        for line in chunk.split(b"\n")[:-1]:
            names |= dict.fromkeys(open_record(line, what))
    return list(names) or [NOTHING]


def describe_fields(names: Sequence[str]) -> Mapping[str, Any]:
    """Give the schema object of columns of these names."""
    return {"columns": [{"name": name, "type": ""} for name in names]}


def pick_values(chunk: bytes, names: Sequence[str], convert: Convert, what: str) -> list[list[Any]]:
    """Give the values of whole lines, one for every name. Raises IntegrityError."""
    rows = []
    for line in chunk.split(b"\n")[:-1]:
        found = open_record(line, what)
        rows.append([convert(found[name]) if name in found else None for name in names])
    return rows


def type_value(value: bytes) -> Any:
    """Give a value as SQLite can hold it exactly: numbers as such where they keep their digits,
    booleans as 1 and 0, all else as text."""
    match find_kind(value):
        case "boolean":
            return int(value == b"true")
        case "integer" | "long":
            return int(value)
        case "number":
            return float(value)
        case _:
            return show_value(value)


def write_lines(path: Path, chunks: Iterable[bytes]) -> None:
    """Write one object a line, as the platform gave it. Raises OSError."""
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)


def write_array(path: Path, chunks: Iterator[bytes]) -> None:
    """Write one JSON array of the objects as the platform gave them. Raises OSError."""
    with path.open("xb") as file:
        mark = b"[\n"
        for chunk in chunks:
            if chunk:
                file.write(mark + chunk[:-1].replace(b"\n", b",\n"))
                mark = b",\n"
        file.write(b"\n]\n" if mark != b"[\n" else b"[]\n")
