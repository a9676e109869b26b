"""Rows that differ, as one Parquet file: stream, kind, key, columns, before, after.

`before` and `after` are JSON objects as text. Rows are gathered in memory, within a bound.
"""

import json
from pathlib import Path
from types import TracebackType

import duckdb

from listbackup.errors import FailedError
from listbackup.history.diffing import RowDifference
from listbackup.history.lines import Row

STEP = 10_000
MEMORY = "300MB"
_CREATE = (
    "CREATE TABLE rows (stream VARCHAR, kind VARCHAR, key VARCHAR, columns VARCHAR[],"
    " before VARCHAR, after VARCHAR)"
)
_INSERT = (
    "INSERT INTO rows SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]),"
    " unnest($4::VARCHAR[][]), unnest($5::VARCHAR[]), unnest($6::VARCHAR[])"
)


class DifferenceFile:
    """Gathers rows and writes them to a path when told."""

    def __init__(self) -> None:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "threads": 2,
            "temp_directory": "",
        }
        self._database = duckdb.connect(":memory:", config=settings)
        self._database.execute(_CREATE)
        self._held: list[RowDifference] = []

    def __enter__(self) -> "DifferenceFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def add(self, row: RowDifference) -> None:
        """Take a row. Raises FailedError where there are too many."""
        self._held.append(row)
        if len(self._held) >= STEP:
            self._flush()

    def write(self, path: Path) -> None:
        """Write all rows. Raises FailedError."""
        self._flush()
        try:
            self._database.execute(
                "COPY rows TO $1 (FORMAT parquet, COMPRESSION zstd)", [str(path)]
            )
        except duckdb.IOException as error:
            raise FailedError(
                f"{path} could not be written.", subject=str(path), risk="No data is at risk."
            ) from error

    def _flush(self) -> None:
        rows, self._held = self._held, []
        if not rows:
            return
        values = [
            [one.stream for one in rows],
            [one.kind for one in rows],
            [one.key for one in rows],
            [list(one.columns) for one in rows],
            [_write(one.before) for one in rows],
            [_write(one.after) for one in rows],
        ]
        try:
            self._database.execute(_INSERT, values)
        except duckdb.OutOfMemoryException as error:
            raise FailedError(
                "There are more rows than one Parquet file of differences takes.",
                risk="No data is at risk.",
                hint="Use --format json, --stream or --limit.",
            ) from error


def _write(row: Row | None) -> str | None:
    return None if row is None else json.dumps(row, ensure_ascii=False)
