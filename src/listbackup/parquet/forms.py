"""Which source forms can be made into parts, by the name of their encoding: one module each.

A form says how DuckDB scans its lines as columns `c0`, `c1`, ... and what the value of each is.
Nothing is imported before it is asked for. Knows no Parquet.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from listbackup.errors import FailedError

FORMS: Mapping[str, str] = {
    "copy-text-array/1": "listbackup.parquet.copytext:CopyTextForm",
    "sqlite-array/1": "listbackup.parquet.sqlitearray:SqliteArrayForm",
}


@dataclass(frozen=True, slots=True)
class Scan:
    """Lines as they will be scanned, and what was found out about them on the way.

    `files` are whole lines in order, cut so that none is large: DuckDB lets go of one when it is
    read. `lines` is how many there are, `size` their bytes, `longest` a bound on the longest,
    `escapes` the form's own word for what has to be undone in them, `mended` that bytes which are
    no text were written as marks.
    """

    files: Sequence[Sequence[bytes | memoryview]]
    lines: int
    size: int
    longest: int
    escapes: tuple[str, ...]
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """How a field becomes a value, in SQL: `texts` one after the other, the first from the field
    `t0`, each next from the one before, also `t0`; `value` from the last; and `proof`, what must
    hold of field `c0`, text `t0` and value `v0` (empty: nothing)."""

    texts: Sequence[str]
    value: str
    proof: str


class Form(Protocol):
    """The source form of one encoding, for the streams of one schema. Places count from 0."""

    types: Sequence[str]
    """DuckDB's type of each column."""

    def look(self, chunks: Sequence[bytes], *, mend: bool = False) -> Scan:
        """Make chunks fit to be scanned; `mend` where they may hold bytes that are no text."""
        ...

    def scan(self, scan: Scan, addresses: Sequence[str], careful: Collection[int]) -> str:
        """Write the table expression that gives columns `c0`, ... of the files, lent at these
        addresses; columns in `careful` as text."""
        ...

    def steps(self, scan: Scan, place: int, *, careful: bool) -> Steps:
        """Write how a column's scanned field becomes its value."""
        ...


def open_form(encoding: str, schema: Mapping[str, Any]) -> Form:
    """Open the form of an encoding. Raises FailedError for an encoding without a typed view."""
    path = FORMS.get(encoding)
    if path is None:
        raise FailedError(
            f"There is no typed view of the encoding {encoding!r}.",
            hint="Restoring does not need it; a newer version may know this encoding.",
        )
    module, _, attribute = path.partition(":")
    form: Form = getattr(import_module(module), attribute)(schema)
    return form
