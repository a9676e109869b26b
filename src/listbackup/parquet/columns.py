"""What the columns of a part are called: the table's own names, and what keeps them apart.

Parquet readers compare names without regard to case, and a part has columns of its own (`_op`,
`_batch`, `_line`). So a name that is empty, reserved or already there gets underscores appended
until it is free; names that are free stay as they are. A *twin* is the text column beside a typed
one, `{name}__text`, for values that the type cannot hold. Knows no types and no DuckDB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RESERVED = ("_op", "_batch", "_line")
TWIN = "__text"


@dataclass(frozen=True, slots=True)
class Names:
    """Of one column of a stream: its name there, in a part, and its twin's."""

    source: str
    column: str
    twin: str


def plan_names(schema: Mapping[str, Any]) -> tuple[Names, ...]:
    """Name the columns of a part, in the order of the schema object's `columns`; the same for
    every part of streams of these columns."""
    sources = [str(column["name"]) for column in schema["columns"]]
    columns, taken = _name(sources)
    twins = [_free(f"{column}{TWIN}", taken, at_least=0) for column in columns]
    return tuple(Names(*names) for names in zip(sources, columns, twins, strict=True))


def name_columns(sources: Sequence[str]) -> list[str]:
    """Name columns that have no twins."""
    return _name(sources)[0]


def _name(sources: Sequence[str]) -> tuple[list[str], set[str]]:
    """Name columns, and give all names that are taken, in lower case."""
    taken = set(RESERVED)
    planned: list[str] = []
    for source in sources:
        free = bool(source) and source.lower() not in taken
        planned.append(source if free else "")
        taken.add(source.lower())
    columns = [name or _free(source, taken) for name, source in zip(planned, sources, strict=True)]
    return columns, taken


def _free(name: str, taken: set[str], at_least: int = 1) -> str:
    name += "_" * at_least
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def quote(name: str) -> str:
    """Write a name as an identifier."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quote_text(text: str) -> str:
    """Write a text as a literal."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def list_columns(expressions: Sequence[tuple[str, str]]) -> str:
    """Write a select list of (expression, name)."""
    return ", ".join(f"{expression} AS {quote(name)}" for expression, name in expressions)
