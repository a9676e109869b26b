"""The typed view of a change: parts of the new batches, and the keys of what was deleted.

Made of stored batches, after all of a stream was read, because only then it is known which of the
new lines replace others. Knows no source.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from listbackup.errors import FailedError
from listbackup.records.encodings import open_encoding
from listbackup.sync.replacing import (
    collect_keys,
    each_batch,
    find_replaced,
    read_lines,
    subtract,
)
from listbackup.vault.hashes import HASH, Array, read_hashes
from listbackup.vault.states import Runs, State, StoredBatch, number_batch
from listbackup.vault.streams import StreamWriter

if TYPE_CHECKING:
    from listbackup.parquet.parts import PartMaker


def add_parts(
    writer: StreamWriter,
    kept: State,
    new: Sequence[StoredBatch],
    dead: Mapping[str, Runs],
    dead_new: Mapping[str, Runs] = MappingProxyType({}),
) -> None:
    """Add the parts of a change to a state that has a typed view: `dead` are lines of what is kept,
    `dead_new` of the new batches. Raises IntegrityError."""
    if kept.parts is not None and (new or dead):
        _make(writer, lambda view: view.add(kept, new, dead, dead_new))


def add_inserts(writer: StreamWriter, new: Sequence[StoredBatch], after: int) -> None:
    """Add the parts of batches that were stored without one, in a state that is written anew; they
    are numbered from behind `after`. Raises IntegrityError."""
    if new:
        _make(writer, lambda view: view.add_all(new, after))


def _make(writer: StreamWriter, work: Callable[["_View"], None]) -> None:
    # brings DuckDB along, which streams without a view do not need
    from listbackup.parquet.parts import PartMaker

    stream = writer.stream
    with closing(PartMaker(stream.encoding, stream.schema, stream.key_positions)) as maker:
        try:
            work(_View(writer, maker))
        except FailedError as error:
            # the exact copy does not depend on it
            writer.leave_unviewed(error.message)


class _View:
    def __init__(self, writer: StreamWriter, maker: "PartMaker") -> None:
        self._writer = writer
        self._objects = writer.read_back()
        self._maker = maker
        self._encoding = open_encoding(writer.stream.encoding, writer.stream.schema)

    def add(
        self,
        kept: State,
        new: Sequence[StoredBatch],
        dead: Mapping[str, Runs],
        dead_new: Mapping[str, Runs],
    ) -> None:
        replaced = find_replaced(self._objects, kept, new, dead, dead_new)
        keys = collect_keys(self._objects, kept, replaced)
        for number, batch in enumerate(new, 1):
            self._add_new(batch, keys, f"-{number:03}")
        gone = subtract(dead, replaced)
        if kept.key and gone:
            self._add_deletes(kept, gone)

    def add_all(self, new: Sequence[StoredBatch], after: int) -> None:
        for number, batch in enumerate(new, after + 1):
            self._add_new(batch, np.zeros(0, HASH), f"-{number:03}")

    def _add_new(self, batch: StoredBatch, keys: Array, name: str) -> None:
        operations = None
        if len(keys):
            replaces = np.isin(read_hashes(self._objects, batch, keyed=True).keys, keys)
            operations = np.where(replaces, b"u", b"i").tobytes()
        chunks = read_lines(self._objects, self._encoding, batch)
        made = self._maker.make(chunks, number_batch(batch.ref.key), operations)
        self._writer.put_part(made.body, made.rows, name)

    def _add_deletes(self, kept: State, gone: Mapping[str, Runs]) -> None:
        chunks: list[bytes] = []
        batches: list[int] = []
        numbers: list[int] = []
        for batch, lines in each_batch(kept.batches, gone):
            chunks += read_lines(self._objects, self._encoding, batch, lines)
            batches += [number_batch(batch.ref.key)] * len(lines)
            numbers += lines.tolist()
        made = self._maker.make_deletes(chunks, batches, numbers)
        self._writer.put_part(made.body, made.rows, "-deletes")
