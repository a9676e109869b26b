"""The typed view of a state as readers: stored parts by range, or parts made from the exact lines
where none were stored.

Made parts are kept while there is room and made again when they are needed again. Thread-safe.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from listbackup.history.filesystem import Readable
from listbackup.history.lines import whole_chunks
from listbackup.history.ranges import Held, StoredRange
from listbackup.parquet.parts import PartMaker
from listbackup.parquet.recordparts import RECORDS
from listbackup.records.encodings import open_encoding
from listbackup.vault.objects import Objects
from listbackup.vault.states import State, StoredBatch, number_batch


class MadeRange:
    """The part of one batch, made when it is first read."""

    def __init__(self, batch: StoredBatch, maker: "BatchMaker", held: Held) -> None:
        """Nothing is made yet."""
        self._batch = batch
        self._maker = maker
        self._held = held

    @property
    def size(self) -> int:
        """Bytes of the part."""
        return len(self._body())

    def read(self, start: int, length: int) -> bytes:
        """Give bytes of the part. Raises IntegrityError, FailedError."""
        return self._body()[start : start + length]

    def _body(self) -> bytes:
        return self._held.get(
            f"made {self._batch.ref.key}", 0, lambda: self._maker.make(self._batch)
        )


class LentBody:
    """A part that is at hand."""

    def __init__(self, body: bytes) -> None:
        """Take the bytes of a part."""
        self._part = body

    @property
    def size(self) -> int:
        """Bytes of the part."""
        return len(self._part)

    def read(self, start: int, length: int) -> bytes:
        """Give bytes of the part."""
        return self._part[start : start + length]


class BatchMaker:
    """Makes the parts of batches of one schema, one after the other."""

    def __init__(self, objects: Objects, state: State, schema: Mapping[str, Any]) -> None:
        """Nothing is started yet. Raises FailedError for an encoding without a typed view."""
        self._objects = objects
        self._encoding = open_encoding(state.encoding, schema)
        names = [str(column["name"]) for column in schema["columns"]]
        if state.encoding == RECORDS:
            names = list(state.key)
        positions = [names.index(name) for name in state.key]
        self._maker = PartMaker(state.encoding, schema, positions)
        self._lock = threading.Lock()

    def make(self, batch: StoredBatch) -> bytes:
        """Make the part of a whole batch. Raises IntegrityError, FailedError."""
        to_source = self._encoding.to_source
        with self._lock:
            chunks = [to_source(chunk) for _, _, chunk in whole_chunks(self._objects, batch)]
            return self._maker.make(chunks, number_batch(batch.ref.key)).body

    def make_empty(self) -> bytes:
        """Make the part of no lines: it has the columns."""
        with self._lock:
            return self._maker.make([], 0).body


def open_parts(
    objects: Objects, states: Sequence[tuple[State, Mapping[str, Any]]], held: Held
) -> list[Readable]:
    """Give readers of all parts of some states of one stream, each once; where there is no line,
    of one part without any. `states` come with their schema objects. Raises FailedError."""
    stored: dict[str, Readable] = {}
    covered: set[str] = set()
    for state, _ in states:
        if state.parts is not None:
            covered |= {batch.ref.key for batch in state.batches}
            for ref in state.parts:
                if ref.key not in stored:
                    stored[ref.key] = StoredRange(objects, ref, held)
    made: dict[str, Readable] = {}
    for state, schema in states:
        maker = BatchMaker(objects, state, schema) if state.parts is None else None
        for batch in state.batches:
            if maker is not None and batch.ref.key not in covered | made.keys():
                made[batch.ref.key] = MadeRange(batch, maker, held)
    if not stored and not made:
        return [LentBody(BatchMaker(objects, *states[-1]).make_empty())]
    return [*stored.values(), *made.values()]
