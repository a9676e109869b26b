"""Streams in their typed view as files: Parquet, or tables of one DuckDB database.

Columns and twins are those of the parts; `_op`, `_batch` and `_line` are left out.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from listbackup.history.engine import Engine
from listbackup.history.views import Names, Views, quote
from listbackup.vault.reading import SnapshotStream

MEMORY = "300MB"
Told = Callable[[SnapshotStream, int], None]
"""Is told of a stream that was written, and of how many rows it has there."""


def write_parquet(path: Path, stream: SnapshotStream) -> int:
    """Write one stream, and give how many rows the file has. Raises IntegrityError, FailedError."""
    names = Names([stream.name])
    with Engine(MEMORY) as engine:
        Views(engine, names).show(stream)
        to = engine.files.expect("written", path)
        schema, table = names.tables[stream.name]
        sql = (
            f"COPY (FROM {quote(schema)}.{quote(table)}) TO '{to}'"
            " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
        )
        engine.guard(lambda: engine.database.execute(sql).fetchall())
        count = "SELECT num_rows FROM parquet_file_metadata($1)"
        rows = engine.guard(lambda: engine.database.execute(count, [str(path)]).fetchall())
    return int(rows[0][0])


def fill_duckdb(path: Path, streams: Sequence[SnapshotStream], told: Told) -> list[str]:
    """Write streams as tables of one database, and give their names, `schema.table`. Raises
    IntegrityError, FailedError."""
    names = Names([stream.name for stream in streams])
    tables = []
    with Engine(MEMORY) as engine:
        views = Views(engine, names)
        database = engine.database
        engine.guard(lambda: database.execute(f"ATTACH '{_literal(path)}' AS written"))
        for stream in streams:
            views.show(stream)
            schema, table = (quote(word) for word in names.tables[stream.name])
            name = f"{schema}.{table}"
            for sql in (
                f"CREATE SCHEMA IF NOT EXISTS written.{schema}",
                f"CREATE TABLE written.{name} AS FROM memory.{name}",
                "CHECKPOINT written",
            ):
                engine.guard(lambda sql=sql: database.execute(sql).fetchall())  # type: ignore[misc]
            count = f"SELECT count(*) FROM written.{name}"
            rows = engine.guard(lambda sql=count: database.execute(sql).fetchall())  # type: ignore[misc]
            told(stream, int(rows[0][0]))
            tables.append(name)
        engine.guard(lambda: database.execute("DETACH written"))
    return tables


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
