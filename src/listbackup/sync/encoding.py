"""From source form to batches: hash every line, drop what is known, write the rest in stored form,
compress, and make the typed view of it.

The same work in this process (`LocalEncoder`) or, because it is what a sync spends its time on, in
child processes beside it (`children`). Knows no source and no store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from listbackup.errors import FailedError
from listbackup.records import Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Lanes
from listbackup.sync.matching import Earlier, Matcher, pick_hashes, pick_lines
from listbackup.vault.batches import MOST_PLAIN, MOST_STORED, BatchWriter, CutBatch
from listbackup.vault.states import number_batch

if TYPE_CHECKING:
    from listbackup.parquet.parts import PartMaker


MOST_VIEWED = (32 * 1024 * 1024, 5 * 1024 * 1024)
"""Plain and stored bytes of a batch whose typed view is made with it: its lines are held."""
VIEW_MIB = 64


@dataclass(frozen=True, slots=True)
class Typing:
    """The typed view is made while lines are encoded: batches get the numbers `first`, `first +
    step`, ... below `prefix`, because the view names them."""

    prefix: str
    first: int
    step: int


@dataclass(frozen=True, slots=True)
class Work:
    """How the lines of one part are to be encoded. `earlier` are the lines that need not be stored
    again; without them all are new, and only then the typed view can be made at once."""

    encoding: str
    schema: Mapping[str, Any]
    positions: tuple[int, ...]
    home: str = ""
    earlier: Earlier | None = None
    typing: Typing | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What was hashed: rows, bytes of source form, sums of digests; how many were new."""

    rows: int
    bytes: int
    lanes: Lanes
    new: int


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

    def finish(self) -> bytes:
        """End the part: everything has been handed on and told. Gives what was left of the
        earlier lines (`Matcher.leave`). Raises FailedError."""
        ...

    def abandon(self) -> None:
        """Forget the part."""
        ...

    def kill(self) -> None:
        """End what it does at once; whoever waits for it gets FailedError."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class LocalEncoder:
    """Encodes in this thread."""

    def __init__(self) -> None:
        self._maker: PartMaker | None = None
        self._made_for: Mapping[str, Any] = {}

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        self._work = work
        self._encoding = open_encoding(work.encoding, work.schema)
        self._positions: Sequence[int] = work.positions
        self._width = 32 if work.positions else 16
        self._matcher = Matcher(work.earlier) if work.earlier else None
        most = (MOST_PLAIN, MOST_STORED) if work.typing is None else MOST_VIEWED
        self._batch = BatchWriter(self._pass_on, *most)
        self._chunks: list[bytes] = []
        self._number = work.typing.first if work.typing else 0
        self._hand_on = hand_on
        self._tell = tell

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form."""
        hashes = self._encoding.hash_lines(chunk, self._positions)
        index, new, size = hashes.index, hashes.rows, len(chunk)
        if self._matcher is not None:
            wanted = self._matcher.take(index, self._width)
            new = int(wanted.sum())
            if 0 < new < hashes.rows:
                chunk = pick_lines(chunk, wanted)
                index = pick_hashes(index, wanted, self._width)
        if new:
            if self._work.typing:
                self._chunks.append(chunk)
            self._batch.add(self._encoding.to_lines(chunk), index, new)
        self._tell(Tally(hashes.rows, size, hashes.lanes, new))

    def finish(self) -> bytes:
        """End the part."""
        self._batch.finish()
        return self._matcher.leave() if self._matcher else b""

    def abandon(self) -> None:
        """Forget the part."""
        self._chunks = []

    def kill(self) -> None:
        """End nothing: it works in the thread that would wait."""

    def close(self) -> None:
        """Give back what the typed view needs."""
        if self._maker is not None:
            self._maker.close()
            self._maker = None

    def _pass_on(self, batch: CutBatch) -> None:
        typing = self._work.typing
        if typing is not None:
            number, self._number = self._number, self._number + typing.step
            chunks, self._chunks = self._chunks, []
            key = f"{typing.prefix}{number:03}.json.gz"
            try:
                part = self._make(chunks, number_batch(key))
                batch = replace(batch, number=number, part=part)
            except FailedError as error:
                # the exact copy does not depend on it
                batch = replace(batch, number=number, unviewed=error.message)
        self._hand_on(replace(batch, home=self._work.home))

    def _make(self, chunks: Sequence[bytes], batch: int) -> bytes:
        work = self._work
        if self._maker is None or self._made_for != work.schema:
            # brings DuckDB along, which most encoders never need
            from listbackup.parquet.parts import PartMaker

            self.close()
            self._maker = PartMaker(work.encoding, work.schema, work.positions, VIEW_MIB)
            self._made_for = work.schema
        return self._maker.make(chunks, batch).body


def plan_work(stream: Stream, home: str = "") -> Work:
    """Say how a stream's lines are to be encoded, all as new."""
    return Work(stream.encoding, stream.schema, stream.key_positions, home)
