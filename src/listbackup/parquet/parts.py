"""Parts: the typed view of lines, one Parquet object at a time, made and kept in memory.

A part has the columns `_op` (insert, update or delete), `_batch` (the id of the batch in which the
line lies, 64 bits), `_line` (its number there, from 0) and the stream's columns: for tables those
of the schema, for JSON records what the lines have. Knows no vault.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from listbackup.parquet.made import MadePart
from listbackup.parquet.recordparts import RECORDS, RecordParts
from listbackup.parquet.tableparts import TableParts


class PartMaker:
    """Makes the parts of one stream's lines. For one thread; DuckDB is started when first needed.

    `memory_mib` bounds what DuckDB holds at once; lines of many megabytes raise it for one part.
    """

    def __init__(
        self,
        encoding: str,
        schema: Mapping[str, Any],
        key_positions: Sequence[int] = (),
        memory_mib: int = 96,
        threads: int = 1,
    ) -> None:
        self._maker: RecordParts | TableParts
        if encoding == RECORDS:
            self._maker = RecordParts(schema, key_positions, memory_mib, threads)
        else:
            self._maker = TableParts(encoding, schema, key_positions, memory_mib, threads)

    def make(
        self,
        chunks: Sequence[bytes],
        batch: int,
        operations: bytes | None = None,
        first_line: int = 0,
        lines: Sequence[int] | None = None,
    ) -> MadePart:
        """Make the part of whole lines of source form that lie in one batch.

        `operations` has `i` or `u` per line (none: all are inserts); `lines` their numbers in the
        batch (none: they count from `first_line`). Raises FailedError where the lines do not have
        the columns of the schema; a value that is not of its type is no error.
        """
        return self._maker.make(chunks, batch, operations, first_line, lines)

    def make_deletes(
        self, chunks: Sequence[bytes], batches: Sequence[int], lines: Sequence[int]
    ) -> MadePart:
        """Make the part of lines that are gone: their batches, numbers and keys, nothing else.
        Raises FailedError as `make`."""
        return self._maker.make_deletes(chunks, batches, lines)

    def close(self) -> None:
        """Give back DuckDB's memory. Safe twice; the maker can be used again."""
        self._maker.close()
