"""Writing the whole state of a stream as one Parquet file, in memory.

Columns and twins are those of the parts; `_op`, `_batch` and `_line` are left out. Where it comes
from stands in the file's key-value metadata.
"""

from collections.abc import Mapping, Sequence

from listbackup.history.engine import Engine
from listbackup.history.views import Names, Views, quote
from listbackup.vault.reading import SnapshotStream

MEMORY = "256MB"


class CurrentWriter:
    """Writes files of streams of one snapshot, one after the other."""

    def __init__(self, streams: Sequence[str]) -> None:
        """Start DuckDB; `streams` are the names of all that there are."""
        self._engine = Engine(MEMORY)
        self._names = Names(streams)
        self._views = Views(self._engine, self._names)

    def __enter__(self) -> "CurrentWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._engine.database.close()

    def write(self, stream: SnapshotStream, described: Mapping[str, str]) -> bytes:
        """Give the file of a stream. Raises IntegrityError, FailedError."""
        self._views.show(stream)
        schema, table = self._names.tables[stream.name]
        to, taken = self._engine.files.take("current")
        notes = ", ".join(f"{quote(name)}: {_literal(text)}" for name, text in described.items())
        sql = (
            f"COPY (FROM {quote(schema)}.{quote(table)}) TO '{to}' (FORMAT parquet,"
            f" COMPRESSION zstd, COMPRESSION_LEVEL 1, USE_TMP_FILE false, KV_METADATA {{{notes}}})"
        )
        self._engine.guard(lambda: self._engine.database.execute(sql).fetchall())
        return taken.take()


def _literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
