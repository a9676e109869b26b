"""SQL over the past: one SELECT, with the streams that it names as tables, and nothing else.

What is read is verified; what the statement may reach is decided before it runs and cannot be
changed by it (see `engine`). Values come as JSON has them, or as text.
"""

import json
import math
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from listbackup.errors import UsageError
from listbackup.history.engine import MEMORY, Engine
from listbackup.history.values import SAFE
from listbackup.history.views import Names, Views, read_asked, write_name
from listbackup.vault.reading import Snapshot

if TYPE_CHECKING:
    from listbackup.history.timelines import Timeline

STEP = 1000
SUGGESTED = 5
_NUMBERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"})
_WIDE = frozenset({"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"})
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_LISTS = frozenset({f"{kind}[]" for kind in (*_NUMBERS, "BOOLEAN", "VARCHAR", "UUID", "DATE")})

_NO_TABLE = re.compile(r"(Catalog Error: Table with name (.+?) does not exist)!.*?( \(line .*)?$")

Scalar = str | int | float | bool | None
Value = Scalar | Sequence[Scalar]
Row = Sequence[Value]
"""Values as JSON may have them; what is nested deeper than a list is text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer, and DuckDB's name of its type."""

    name: str
    type: str


class Query:
    """One statement over one snapshot, and over the past of its source."""

    def __init__(
        self,
        snapshot: Snapshot,
        follow: Callable[[str], "Timeline"],
        sql: str,
        memory: str = MEMORY,
    ) -> None:
        """Take a statement; `follow` gives the timeline of a stream. Raises UsageError for a
        statement that is not understood, or is no single SELECT."""
        self._snapshot = snapshot
        self._follow = follow
        self._engine = Engine(memory)
        self._engine.lock()  # before DuckDB sees a word of it: even to name tables, it binds
        self._sql = self._engine.guard(lambda: _take_select(self._engine.database, sql))
        self.names = Names(snapshot.streams)
        tables = self._engine.guard(
            lambda: self._engine.database.get_table_names(self._sql, qualified=True)
        )
        self.asked = read_asked(self.names, tables)

    def __enter__(self) -> "Query":
        return self

    def __exit__(self, *error: object) -> None:
        self._engine.__exit__(*error)

    def prepare(self) -> list[Column]:
        """Make the tables that are asked for, and say which columns the answer has. Raises
        UsageError, IntegrityError."""
        views = Views(self._engine, self.names)
        for one in self.asked:
            if one.past:
                views.show_past(self._follow(one.stream))
            else:
                views.show(self._snapshot.streams[one.stream])
        try:
            described = self._run(f"DESCRIBE ({self._sql}\n)").fetchall()
        except UsageError as error:
            raise self._suggest(error) from error
        return [Column(str(name), str(kind)) for name, kind, *_ in described]

    def rows(
        self, columns: Sequence[Column], *, limit: int = 0, timeout: float = 0, texts: bool = False
    ) -> Generator[Row, None, None]:
        """Give the answer, `limit` rows at most (0 for all): values as JSON has them, or all as
        texts. Raises UsageError, FailedError, IntegrityError."""
        expressions = [_choose(at, one.type, texts) for at, one in enumerate(columns)]
        wanted = ", ".join(expression for expression, _ in expressions)
        names = ", ".join(f"c{at}" for at in range(len(columns)))
        most = f" LIMIT {limit}" if limit else ""
        sql = f"SELECT {wanted} FROM ({self._sql}\n) AS answer({names}){most}"
        readers = [read for _, read in expressions]
        with self._engine.deadline(timeout):
            answer = self._run(sql)
            while some := self._engine.guard(lambda: answer.fetchmany(STEP)):
                for row in some:
                    yield [
                        None if value is None else read(value)
                        for read, value in zip(readers, row, strict=True)
                    ]

    def write_parquet(self, path: Path, *, limit: int = 0, timeout: float = 0) -> int:
        """Write the answer as Parquet, and give how many rows it has. Raises as `rows`."""
        to = self._engine.files.expect("answer", path)
        most = f" LIMIT {limit}" if limit else ""
        sql = (
            f"COPY (SELECT * FROM ({self._sql}\n) AS answer{most}) TO '{to}'"
            " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
        )
        with self._engine.deadline(timeout):
            answer = self._run(sql)
            written = self._engine.guard(answer.fetchall)
        return int(written[0][0])

    def _suggest(self, error: UsageError) -> UsageError:
        """Where a table is not there, name those that are, the nearest first."""
        found = _NO_TABLE.match(error.message)
        if found is None:
            return error
        tables = [write_name(*name) for name in self.names.tables.values()]
        near = get_close_matches(found[2], tables, SUGGESTED, 0.3)
        listed = [*near, *(name for name in tables if name not in near)][:SUGGESTED]
        more = f", and {len(tables) - len(listed)} more" if len(tables) > len(listed) else ""
        return UsageError(
            f"{found[1]}{found[3]}",
            risk=error.risk,
            hint=f"There are {', '.join(listed)}{more}." if listed else "It holds no stream.",
        )

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        return self._engine.guard(lambda: self._engine.database.execute(sql))


def _take_select(database: duckdb.DuckDBPyConnection, sql: str) -> str:
    statements = database.extract_statements(sql)
    if len(statements) != 1 or not _is_select(statements[0]):
        raise UsageError(
            "Only one SELECT statement is run.",
            risk="No data is at risk: nothing was read.",
            hint="Everything else, such as SET, COPY, ATTACH or CREATE, is refused.",
        )
    return statements[0].query.strip().rstrip(";")


def _is_select(statement: duckdb.Statement) -> bool:
    try:
        return bool(statement.type == duckdb.StatementType.SELECT)
    except ValueError:
        return False  # of a kind that has no name in Python


def _choose(at: int, kind: str, texts: bool) -> tuple[str, Callable[[Any], Any]]:
    """Give the expression of a column and what makes its value."""
    column = f"c{at}"
    if kind == "BLOB":
        return f"'\\x' || lower(hex({column}))", str
    if texts:
        return f"CAST({column} AS VARCHAR)", str
    if kind == "BOOLEAN":
        return column, bool
    if kind in _NUMBERS or kind in _WIDE:
        return column, _fit
    if kind in _FLOATS:
        return f"CAST({column} AS DOUBLE)" if kind == "DOUBLE" else _float(column), _finite
    if kind in _LISTS:
        return f"CAST(to_json({column}) AS VARCHAR)", _parse
    return f"CAST({column} AS VARCHAR)", str


def _float(column: str) -> str:
    """A single's shortest text, as a double: 0.1 stays 0.1."""
    return f"CAST(CAST({column} AS VARCHAR) AS DOUBLE)"


def _fit(value: int) -> int | str:
    return value if abs(value) <= SAFE else str(value)


def _finite(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _parse(text: str) -> Any:
    return json.loads(text)
