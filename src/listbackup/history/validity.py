"""From when until when every line of a stream was there, by the numbers of moments.

Lines of one batch mostly have one fate, so a *segment* is a batch for as long as it is named
without a break, with the fate that most of its lines share, and the exceptions. A line that left
and came again in the same moment, in another batch or place (a rebase, a row that moved), goes on:
equal hashes say which. Knows no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from listbackup.history.matching import pair_equal, split_places
from listbackup.history.sides import Array, Slice
from listbackup.history.timelines import Moment, Timeline
from listbackup.vault.objects import Objects
from listbackup.vault.states import State, StoredBatch, number_batch

NOW = 0xFFFFFFFF
"""The end of what is still there in the newest snapshot."""
KIND = np.uint32


class Segment:
    """One batch while it is named; `begin` and `end` of each line, and whether it counts."""

    def __init__(self, batch: StoredBatch, keyed: bool, first: int, lists: set[str]) -> None:
        """Take a batch that is named from a moment on."""
        self.batch = batch
        self.keyed = keyed
        self.first = first
        self.lists = lists
        self.begin = np.full(batch.ref.rows, first, KIND)
        self.end = np.full(batch.ref.rows, NOW, KIND)
        self.counts = np.ones(batch.ref.rows, bool)

    def close(self, moment: int) -> None:
        """Let all lines that are there go."""
        self.end[self.end == NOW] = moment


@dataclass(frozen=True, slots=True)
class Validity:
    """All segments: `moments` are the snapshots that say anything of the stream. A line counts
    once, where it was first."""

    moments: Sequence[Moment]
    segments: Sequence[Segment]


def follow_lines(timeline: Timeline) -> Validity:
    """Find out when every line was there. Raises IntegrityError."""
    moments = [m for m in timeline.moments if m.entry is None or m.state is not None]
    segments: list[Segment] = []
    active: dict[str, Segment] = {}
    before: int | None = None
    for number, moment in enumerate(moments):
        if number and moment.state == before:
            continue
        before = moment.state
        state = timeline.states[moment.state] if moment.state is not None else None
        begun = _advance(timeline, state, number, active)
        segments += begun
        if number and begun:
            _join(timeline.objects, segments, begun, number)
    return Validity(moments, segments)


def _advance(
    timeline: Timeline, state: State | None, number: int, active: dict[str, Segment]
) -> list[Segment]:
    """Go on to a state: close what it does not name, let die what it calls dead, and give what
    begins."""
    named = {batch.ref.key: batch for batch in state.batches} if state else {}
    lists = {ref.key: timeline.lists.read(ref, state) for ref in state.dead} if state else {}
    for key in list(active):
        risen = active[key].lists - {name for name, dead in lists.items() if key in dead}
        if key not in named or risen:
            active.pop(key).close(number)
    begun = []
    for key, batch in named.items():
        touching = {name for name, dead in lists.items() if key in dead}
        segment = active.get(key)
        if segment is None:
            segment = active[key] = Segment(batch, bool(state and state.key), number, touching)
            begun.append(segment)
            for name in touching:
                segment.end[lists[name][key]] = number
                segment.counts[lists[name][key]] = False
            continue
        for name in touching - segment.lists:
            segment.end[lists[name][key]] = number
        segment.lists = touching
    return begun


def _join(
    objects: Objects, segments: Sequence[Segment], begun: Sequence[Segment], number: int
) -> None:
    """Let lines that came go on where equal ones left in the same moment."""
    leaving = [one for one in segments if np.any(one.counts & (one.end == number))]
    left = [_slice(objects, one, one.counts & (one.end == number)) for one in leaving]
    came = [_slice(objects, one, one.counts) for one in begun]
    for mine, theirs in pair_equal(left, came):
        order = np.argsort(mine)  # places ascend by segment and line
        begins = np.empty(len(mine), KIND)
        at = 0
        for segment, lines in split_places(mine):
            begins[order[at : at + len(lines)]] = leaving[segment].begin[lines]
            leaving[segment].counts[lines] = False
            at += len(lines)
        order = np.argsort(theirs)
        at = 0
        for segment, lines in split_places(theirs):
            begun[segment].begin[lines] = begins[order[at : at + len(lines)]]
            at += len(lines)


def _slice(objects: Objects, segment: Segment, chosen: Array) -> Slice:
    lines = np.flatnonzero(chosen).astype(np.uint32)
    return Slice(objects, segment.batch, segment.keyed, lines)


@dataclass(frozen=True, slots=True)
class Fates:
    """Segments and exceptions as columns, for tables."""

    segments: dict[str, Array]
    lines: dict[str, Array]


def write_fates(validity: Validity) -> Fates:
    """Give what most lines of each segment share, and the lines that differ from it."""
    batches, shared, lines = [], [], []
    for at, one in enumerate(validity.segments):
        fate = [_most(one.begin), _most(one.end), _most(one.counts)]
        batches.append(number_batch(one.batch.ref.key))
        shared.append(fate)
        odd = np.flatnonzero(
            (one.begin != fate[0]) | (one.end != fate[1]) | (one.counts != bool(fate[2]))
        )
        columns = (np.full(len(odd), at), odd, one.begin[odd], one.end[odd], one.counts[odd])
        lines.append(np.column_stack([column.astype(KIND) for column in columns]))
    table = np.array(shared, KIND).reshape(-1, 3)
    exceptions = np.concatenate([np.zeros((0, 5), KIND), *lines])
    return Fates(
        {
            "segment": np.arange(len(batches), dtype=KIND),
            "batch": np.array(batches, np.uint64),
            **_name(table),
        },
        {
            "segment": exceptions[:, 0].copy(),
            "line": exceptions[:, 1].copy(),
            **_name(exceptions[:, 2:]),
        },
    )


def _name(table: Array) -> dict[str, Array]:
    names = ("begins", "ends", "counts")
    return {name: table[:, at].copy() for at, name in enumerate(names)}


def _most(values: Array) -> int:
    """Give the commonest value."""
    if not len(values):
        return 0
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
