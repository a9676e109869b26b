"""One stream at one moment, as comparisons want it: its batches, its dead lines, its hashes.

A *place* is a number for one line among several batches: the batch's ordinal times 2^32 plus the
line's. Knows no records; every sidecar is verified as it is read.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.history.deadlists import NO_LINES, DeadLines, DeadLists, count_live
from listbackup.history.ranges import LANE, pick_rows, read_whole
from listbackup.vault.objects import Objects
from listbackup.vault.reading import Snapshot
from listbackup.vault.states import State, StoredBatch

Array = np.ndarray[Any, Any]
AHEAD = 2
"""Sidecars that are read before they are needed: one a core, so that memory stays bounded."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Side:
    """One stream in one snapshot. `dead` are its dead lines by batch id, ascending."""

    objects: Objects
    state: State
    schema: Mapping[str, Any]
    dead: DeadLines

    @property
    def keyed(self) -> bool:
        """Whether its lines have keys."""
        return bool(self.state.key)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return [str(column["name"]) for column in self.schema["columns"]]

    def dead_of(self, batch: StoredBatch) -> Array:
        """Give a batch's dead lines."""
        return self.dead.get(batch.ref.key, NO_LINES)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some lines of one batch: all where `lines` is None, else these, ascending."""

    objects: Objects
    batch: StoredBatch
    keyed: bool
    lines: Array | None

    @property
    def count(self) -> int:
        """How many lines they are."""
        return self.batch.ref.rows if self.lines is None else len(self.lines)

    def hashes(self) -> Array:
        """Read their hashes: (count, 2) numbers, or (count, 4) with keys. Raises
        IntegrityError."""
        return read_sidecar(self.objects, self.batch, keyed=self.keyed, lines=self.lines)

    def numbers(self) -> Array:
        """Give the numbers of the lines."""
        if self.lines is None:
            return np.arange(self.batch.ref.rows, dtype=np.uint64)
        return self.lines.astype(np.uint64)


def open_side(snapshot: Snapshot, name: str) -> Side:
    """Open a stream of a snapshot. Raises IntegrityError."""
    stream = snapshot.streams[name]
    dead = DeadLists(stream.objects).join(stream.state)
    return Side(stream.objects, stream.state, stream.schema, dead)


def open_sides(before: Snapshot, after: Snapshot, name: str) -> tuple[Side, Side]:
    """Open a stream of two snapshots to compare them. Where all batches of one state stand in the
    other, what lists that both name call dead is dead on both sides: those lists are not read, and
    their lines are missing in `dead`. Raises IntegrityError."""
    old, new = before.streams[name], after.streams[name]
    batches = [{batch.ref.key for batch in one.state.batches} for one in (old, new)]
    if not (batches[0] <= batches[1] or batches[1] <= batches[0]):
        return open_side(before, name), open_side(after, name)
    shared = set(old.state.dead) & set(new.state.dead)
    sides = []
    for stream in (old, new):
        own = [ref for ref in stream.state.dead if ref not in shared]
        dead = DeadLists(stream.objects).merge(stream.state, own)
        sides.append(Side(stream.objects, stream.state, stream.schema, dead))
    counted = [count_live(side.state, side.dead) - side.state.rows for side in sides]
    if counted[0] != counted[1]:
        raise IntegrityError(
            f"The state lists of {name} count {old.rows} and {new.rows} rows, which is not what "
            "their change sets make of them."
        )
    return sides[0], sides[1]


def read_sidecar(
    objects: Objects, batch: StoredBatch, *, keyed: bool, lines: Array | None = None
) -> Array:
    """Read the hashes of a batch, or of some of its lines (ascending), verified: (rows, 2)
    numbers, or (rows, 4) with keys. Raises IntegrityError."""
    ref = batch.idx
    width = 4 if keyed else 2
    if ref.plain_bytes != batch.ref.rows * width * 8:
        raise IntegrityError(
            f"{ref.key} does not hold the hashes of {batch.ref.rows} lines.", subject=ref.key
        )
    if lines is not None:
        return pick_rows(objects, ref, width, lines)
    return np.frombuffer(read_whole(objects, ref), LANE).reshape(-1, width)


def live_lines(rows: int, dead: Array) -> Array | None:
    """Give the lines that are left of a batch; None for all."""
    if not len(dead):
        return None
    alive = np.ones(rows, bool)
    alive[dead] = False
    left: Array = np.flatnonzero(alive).astype(np.uint32)
    return left


def whole_slices(side: Side) -> list[Slice]:
    """Give every live line of a side."""
    return [
        Slice(side.objects, batch, side.keyed, live_lines(batch.ref.rows, side.dead_of(batch)))
        for batch in side.state.batches
    ]


def differing_slices(before: Side, after: Side) -> tuple[list[Slice], list[Slice]]:
    """Give the lines that only one side's state names: what left, and what came. Batches that
    both name with the same dead lines are equal by definition and are not read."""
    left, came = [], []
    kept = {batch.ref.key: batch for batch in before.state.batches}
    shared = {batch.ref.key for batch in after.state.batches} & set(kept)
    for batch in before.state.batches:
        if batch.ref.key not in shared:
            lines = live_lines(batch.ref.rows, before.dead_of(batch))
            left.append(Slice(before.objects, batch, before.keyed, lines))
    for batch in after.state.batches:
        if batch.ref.key not in shared:
            lines = live_lines(batch.ref.rows, after.dead_of(batch))
            came.append(Slice(after.objects, batch, after.keyed, lines))
            continue
        if kept[batch.ref.key] != batch:
            raise IntegrityError(
                f"{batch.ref.key} is named in two ways by two states.", subject=batch.ref.key
            )
        earlier, later = before.dead_of(batch), after.dead_of(batch)
        if not np.array_equal(earlier, later):
            died = np.setdiff1d(later, earlier, assume_unique=True)
            rose = np.setdiff1d(earlier, later, assume_unique=True)
            left += [Slice(before.objects, batch, before.keyed, died)] if len(died) else []
            came += [Slice(after.objects, batch, after.keyed, rose)] if len(rose) else []
    return left, came


def read_ahead(
    call: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[tuple[int, _Result]]:
    """Call something for every item, `AHEAD` at once, and give the results in order, each with
    its item's place."""
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[_Result]] = deque()
        given = 0
        for item in items:
            waiting.append(pool.submit(call, item))
            if len(waiting) > AHEAD:
                yield given, waiting.popleft().result()
                given += 1
        while waiting:
            yield given, waiting.popleft().result()
            given += 1
