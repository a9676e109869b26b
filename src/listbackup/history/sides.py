"""One stream at one moment, as comparisons want it: its batches, its dead lines, its hashes.

A *place* is a number for one line among several batches: the batch's ordinal times 2^32 plus the
line's. Knows no records; every sidecar is verified as it is read.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.history.ranges import read_whole
from listbackup.vault.documents import MOST_BYTES, Fields, refuse_unknown
from listbackup.vault.objects import Objects
from listbackup.vault.reading import Snapshot
from listbackup.vault.refs import Ref
from listbackup.vault.states import State, StoredBatch

Array = np.ndarray[Any, Any]
LANE = np.dtype("<u8")
AHEAD = 2
"""Sidecars that are read before they are needed: one a core, so that memory stays bounded."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


DeadLines = Mapping[str, Array]
NO_LINES: Array = np.zeros(0, np.uint32)


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
        whole = read_sidecar(self.objects, self.batch, keyed=self.keyed)
        return whole if self.lines is None else whole[self.lines]

    def numbers(self) -> Array:
        """Give the numbers of the lines."""
        if self.lines is None:
            return np.arange(self.batch.ref.rows, dtype=np.uint64)
        return self.lines.astype(np.uint64)


class DeadLists:
    """Dead lists as lines by batch id; each is read and verified once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._read: dict[str, DeadLines] = {}

    def read(self, ref: Ref, state: State) -> DeadLines:
        """Give the lines of one list of a state. Raises IntegrityError."""
        if ref.key not in self._read:
            self._read[ref.key] = _read_dead(self._objects, ref, state)
        return self._read[ref.key]

    def join(self, state: State) -> DeadLines:
        """Give all dead lines of a state. Raises IntegrityError when a line died twice, or when
        what is left is not the number of rows that the state counts."""
        lists = [self.read(ref, state) for ref in state.dead]
        names = {batch for one in lists for batch in one}
        joined = {
            batch: np.sort(np.concatenate([one[batch] for one in lists if batch in one]))
            for batch in names
        }
        for batch, lines in joined.items():
            if np.any(lines[1:] == lines[:-1]):
                raise IntegrityError(f"Lines of {batch} died twice in {state.stream}.")
        rows = sum(batch.ref.rows for batch in state.batches)
        dead = sum(map(len, joined.values()))
        strangers = names - {batch.ref.key for batch in state.batches}
        if rows - dead != state.rows or strangers:
            raise IntegrityError(
                f"The state list of {state.stream} counts {state.rows} rows, its batches hold "
                f"{rows - dead}."
            )
        return joined


def _read_dead(objects: Objects, ref: Ref, state: State) -> DeadLines:
    """Read one dead list as `vault.states.read_dead` does, half a million runs in a third of a
    second."""
    what = f"A dead list of {state.stream}"
    if ref.plain_bytes > MOST_BYTES:
        raise IntegrityError(f"{what} claims an impossible size.", subject=ref.key)
    try:
        value = json.loads(objects.read(ref))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is damaged: it is not readable JSON.") from error
    fields = Fields(value if isinstance(value, dict) else {}, what)
    refuse_unknown(fields)
    if fields.text("stream") != state.stream:
        raise IntegrityError(f"{what} is another stream's: {fields.text('stream')!r}.")
    rows = {batch.ref.key: batch.ref.rows for batch in state.batches}
    found = {}
    for batch, runs in fields.mapping("dead").items():
        if batch not in rows:
            raise IntegrityError(f"{what} names lines of {batch[:200]!r}, no batch of it.")
        found[batch] = _spread(runs, rows[batch], what)
    return found


def _spread(runs: Any, rows: int, what: str) -> Array:
    try:
        table = np.array(runs)
    except ValueError:
        table = np.zeros(0)
    fits = table.ndim == 2 and table.shape[1] == 2 and table.dtype == np.int64
    if isinstance(runs, list) and not runs:
        return NO_LINES
    if not fits or np.any(table < (0, 1)) or np.any(table.max(1) > rows):
        raise IntegrityError(f"{what} holds a run of lines that is out of bounds.")
    if np.any(table.sum(1) > rows):
        raise IntegrityError(f"{what} holds a run of lines that is out of bounds.")
    return spread_runs(table)


def open_side(snapshot: Snapshot, name: str, lists: DeadLists | None = None) -> Side:
    """Open a stream of a snapshot. Raises IntegrityError."""
    stream = snapshot.streams[name]
    dead = (lists or DeadLists(stream.objects)).join(stream.state)
    return Side(stream.objects, stream.state, stream.schema, dead)


def read_sidecar(objects: Objects, batch: StoredBatch, *, keyed: bool) -> Array:
    """Read the hashes of a batch, verified: (rows, 2) numbers, or (rows, 4) with keys. Raises
    IntegrityError."""
    ref = batch.idx
    width = 4 if keyed else 2
    if ref.plain_bytes != batch.ref.rows * width * 8:
        raise IntegrityError(
            f"{ref.key} does not hold the hashes of {batch.ref.rows} lines.", subject=ref.key
        )
    return np.frombuffer(read_whole(objects, ref), LANE).reshape(-1, width)


def spread_runs(runs: Array) -> Array:
    """Give the lines of runs `[first, count]`."""
    firsts, counts = runs.T
    ends = np.cumsum(counts)
    lines = np.arange(ends[-1]) + np.repeat(firsts - (ends - counts), counts)
    spread: Array = lines.astype(np.uint32)
    return spread


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
