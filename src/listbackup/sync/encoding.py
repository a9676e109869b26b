"""From source form to batches: hash every line, drop what is known, write the rest in stored form,
compress, and make the typed view of it.

The same work in this process (`LocalEncoder`) or, because it is what a sync spends its time on, in
child processes beside it (`children`). Knows no source and no store.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from listbackup.errors import FailedError
from listbackup.records import Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import NO_LANES, Lanes
from listbackup.sync.matching import (
    Earlier,
    Matcher,
    Recogniser,
    Taker,
    pick_hashes,
    pick_lines,
    write_known,
)
from listbackup.vault.batches import MOST_PLAIN, MOST_STORED, BatchWriter, CutBatch
from listbackup.vault.states import number_batch

if TYPE_CHECKING:
    from listbackup.parquet.parts import PartMaker


MOST_VIEWED = (32 * 1024 * 1024, 5 * 1024 * 1024)
"""Plain and stored bytes of a batch whose typed view is made with it: its lines are held."""
LINES_HELD = 96 * 1024 * 1024
STORED_HELD = 16 * 1024 * 1024
LEAST_STORED = 2 * 1024 * 1024
"""So much all encoders of one process hold together; where they are many, batches are smaller, but
no smaller than the least."""
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
    again; without them all are new, and only then the typed view can be made at once.

    With `apart` the digests of new lines are summed by themselves; keyed lines that were there are
    then recognised however often they come (`Recogniser`). With `marked` it is noted which were
    met again, for `Encoder.cut`. `known` and `before` are what an earlier attempt met again
    and how many new lines it had.
    """

    encoding: str
    schema: Mapping[str, Any]
    positions: tuple[int, ...]
    home: str = ""
    earlier: Earlier | None = None
    typing: Typing | None = None
    order: int = 0
    apart: bool = False
    marked: bool = False
    known: bytes = b""
    before: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What was hashed: rows, bytes of source form, sums of digests; how many were new, and, where
    they are counted apart, the sums of their digests."""

    rows: int
    bytes: int
    lanes: Lanes
    new: int
    new_lanes: Lanes = NO_LANES


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

    def cut(self) -> bytes:
        """Hand on and tell all that was added so far. Gives the lines that were met again since
        the last cut, of work that is marked. Raises FailedError."""
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
    """Encodes in this thread, one of `beside` in this process. `turns` lets so many encoders at
    once make typed views, each of which takes several times the memory of its lines."""

    def __init__(self, turns: AbstractContextManager[Any] | None = None, beside: int = 1) -> None:
        self._turns = turns or nullcontext()
        self._beside = beside
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
        self._matcher = open_taker(work)
        self._known = [work.known] if work.marked and work.known else []
        self._new = work.before
        plain, stored = (MOST_PLAIN, MOST_STORED) if work.typing is None else MOST_VIEWED
        if work.typing is not None:
            plain = min(plain, LINES_HELD // self._beside)
        stored = min(stored, max(LEAST_STORED, STORED_HELD // self._beside))
        self._batch = BatchWriter(self._pass_on, plain, stored)
        self._chunks: list[bytes] = []
        self._number = work.typing.first if work.typing else 0
        self._hand_on = hand_on
        self._tell = tell

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form."""
        hashes = self._encoding.hash_lines(chunk, self._positions)
        index, new, size, lanes = hashes.index, hashes.rows, len(chunk), hashes.lanes
        if self._matcher is not None:
            wanted = self._matcher.take(index, self._width)
            new = int(wanted.sum())
            if self._work.marked and new < hashes.rows:
                self._known.append(write_known(index, self._width, wanted, self._new))
            if 0 < new < hashes.rows:
                chunk = pick_lines(chunk, wanted)
                index = pick_hashes(index, wanted, self._width)
                if self._work.apart:
                    lanes = self._encoding.hash_lines(chunk, ()).lanes
        self._new += new
        if new:
            if self._work.typing:
                self._chunks.append(chunk)
            self._batch.add(self._encoding.to_lines(chunk), index, new)
        self._tell(Tally(hashes.rows, size, hashes.lanes, new, lanes if new else NO_LANES))

    def cut(self) -> bytes:
        """Hand on what was added so far, and give what was met again."""
        self._batch.finish()
        known, self._known = b"".join(self._known), []
        return known

    def finish(self) -> bytes:
        """End the part."""
        self._batch.finish()
        matcher, self._matcher = self._matcher, None
        return matcher.leave() if matcher else b""

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
                with self._turns:
                    part = self._make(chunks, number_batch(key))
                batch = replace(batch, number=number, part=part)
            except FailedError as error:
                # the exact copy does not depend on it
                batch = replace(batch, number=number, unviewed=error.message)
        self._hand_on(replace(batch, home=self._work.home, order=self._work.order))

    def _make(self, chunks: Sequence[bytes], batch: int) -> bytes:
        work = self._work
        if self._maker is None or self._made_for != work.schema:
            # brings DuckDB along, which most encoders never need
            from listbackup.parquet.parts import PartMaker

            self.close()
            self._maker = PartMaker(work.encoding, work.schema, work.positions, VIEW_MIB)
            self._made_for = work.schema
        return self._maker.make(chunks, batch).body


def open_taker(work: Work) -> Taker | None:
    """Make what takes the earlier lines of a part; None where there are none. Raises FailedError
    where one that an earlier attempt met again is not among them."""
    earlier = work.earlier or (Earlier(b"", b"") if work.known else None)
    if earlier is None:
        return None
    taker: Taker = Matcher(earlier)
    if work.apart and work.positions:
        taker = Recogniser(earlier, work.before)
    if not taker.take_again(work.known):
        raise FailedError("Lines that an earlier attempt met again are not there any more.")
    return taker


def plan_work(stream: Stream, home: str = "") -> Work:
    """Say how a stream's lines are to be encoded, all as new."""
    return Work(stream.encoding, stream.schema, stream.key_positions, home)
