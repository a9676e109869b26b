"""Parts of JSON records: every top-level field of the lines of a batch is a column.

A key within an object is a column, too, named by its path. Which columns a part has, and of what
kind, depends on its lines alone and on those that the same maker saw before; what each column is
stands in the part's key-value metadata, so that parts of different columns can be read as one.
There are no twins. Knows no vault.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from listbackup.errors import FailedError
from listbackup.parquet.columns import list_columns, name_columns, quote, quote_text
from listbackup.parquet.made import CHANGED, DELETE, DICTIONARY, INSERT, MadePart, group_rows
from listbackup.parquet.recordfields import FieldReader
from listbackup.parquet.recordkinds import SQL, Field, write_fields
from listbackup.parquet.recordvalues import Column
from listbackup.parquet.session import Session
from listbackup.records.counting import count_lines

RECORDS = "records/1"
"""The encoding whose lines these are."""
FIELDS = "listbackup.fields"
"""The key of the metadata that tells a part's columns."""


class RecordParts:
    """Makes the parts of one stream of records."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        key_positions: Sequence[int],
        memory_mib: int,
        threads: int,
    ) -> None:
        """Nothing is started yet."""
        key = [str(path) for path in schema.get("key", ())]
        self._key = [key[place] for place in key_positions]
        self._reader = FieldReader([path for path in self._key if "." in path])
        self._memory_mib, self._threads = memory_mib, threads
        self._session: Session | None = None

    def make(
        self,
        chunks: Sequence[bytes],
        batch: int,
        operations: bytes | None,
        first_line: int,
        lines: Sequence[int] | None,
    ) -> MadePart:
        """Make a part, as `PartMaker.make`."""
        rows = _count(chunks)
        numbers = range(first_line, first_line + rows) if lines is None else lines
        added: dict[str, Any] = {"line": np.asarray(numbers, "uint32")}
        op = INSERT
        if operations is not None:
            op, added["op"] = CHANGED, np.frombuffer(operations, "uint8")
        beside = [(op, "_op"), (f"CAST({batch} AS UBIGINT)", "_batch"), ("added.line", "_line")]
        return self._write(self._reader.read(chunks), chunks, beside, added)

    def make_deletes(
        self, chunks: Sequence[bytes], batches: Sequence[int], lines: Sequence[int]
    ) -> MadePart:
        """Make a part, as `PartMaker.make_deletes`."""
        added = {"batch": np.asarray(batches, "uint64"), "line": np.asarray(lines, "uint32")}
        beside = [(DELETE, "_op"), ("added.batch", "_batch"), ("added.line", "_line")]
        columns = self._reader.read_within(chunks, self._key)
        return self._write(columns, chunks, beside, added)

    def close(self) -> None:
        """Give back DuckDB's memory."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _write(
        self,
        columns: Sequence[Column],
        chunks: Sequence[bytes],
        beside: Sequence[tuple[str, str]],
        added: Mapping[str, Any],
    ) -> MadePart:
        rows = _count(chunks)
        if any(len(array) != rows for array in added.values()):
            raise ValueError("what is told of the lines is not as many as they are")
        names = name_columns([column.source for column in columns])
        fields = [Field(c.source, name, c.kind) for c, name in zip(columns, names, strict=True)]
        kept = [(place, f) for place, f in enumerate(fields) if f.kind != "null"]
        arrays = {f"c{place}": columns[place].values for place, _ in kept}
        select = [(f"CAST(added.c{place} AS {SQL[f.kind]})", f.column) for place, f in kept]
        session = self._session = self._session or Session(self._memory_mib, self._threads)
        size = sum(map(len, chunks))
        session.allow_memory(max(16 * max(map(len, chunks), default=0) >> 20, len(columns)))
        try:
            session.lend_arrays("added", {**added, **arrays})
            to, taken = session.expect("part")
            told = session.ask(
                f"COPY (SELECT {list_columns([*beside, *select])} FROM added)"
                f" TO '{to}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
                f" DICTIONARY_SIZE_LIMIT {DICTIONARY}, ROW_GROUP_SIZE {group_rows(rows, size)},"
                " USE_TMP_FILE false,"
                f" KV_METADATA {{{quote(FIELDS)}: {quote_text(write_fields(fields))}}})"
            )
        except session.failure as error:
            raise FailedError(
                f"The typed view of some records could not be made: {error}",
                risk="The exact copy is not affected.",
            ) from error
        finally:
            session.forget()
        if told[0][0] != rows:
            raise FailedError(f"Of {rows} records the typed view has {told[0][0]}.")
        return MadePart(taken.take(), rows, ())


def _count(chunks: Sequence[bytes]) -> int:
    return sum(map(count_lines, chunks))
