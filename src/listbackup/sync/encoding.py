"""From source form to batches: hash every line, write it in stored form, compress.

The same work in this process (`LocalEncoder`) or, because it is what a sync spends its time on, in
child processes beside it (`children`). Knows no source and no store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from listbackup.records import Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Lanes
from listbackup.vault.batches import BatchWriter, CutBatch


@dataclass(frozen=True, slots=True)
class Work:
    """How the lines of one part are to be encoded."""

    encoding: str
    schema: Mapping[str, Any]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What was hashed: rows, bytes of source form, sums of digests."""

    rows: int
    bytes: int
    lanes: Lanes


class Encoder(Protocol):
    """Encodes one part at a time, for one thread. What it finds it hands to its two listeners."""

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        ...

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form."""
        ...

    def finish(self) -> None:
        """End the part: everything has been handed on and told. Raises FailedError."""
        ...

    def abandon(self) -> None:
        """Forget the part."""
        ...


class LocalEncoder:
    """Encodes in this thread."""

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        self._encoding = open_encoding(work.encoding, work.schema)
        self._positions: Sequence[int] = work.positions
        self._batch = BatchWriter(hand_on)
        self._tell = tell

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form."""
        hashes = self._encoding.hash_lines(chunk, self._positions)
        self._batch.add(self._encoding.to_lines(chunk), hashes.index, hashes.rows)
        self._tell(Tally(hashes.rows, len(chunk), hashes.lanes))

    def finish(self) -> None:
        """End the part."""
        self._batch.finish()

    def abandon(self) -> None:
        """Forget the part."""


def plan_work(stream: Stream) -> Work:
    """Say how a stream's lines are to be encoded."""
    return Work(stream.encoding, stream.schema, stream.key_positions)
