"""The life of a record: in which snapshots it appeared, changed and went, and what changed.

A record of a stream with a key is found by the hash of its key, without reading any line but its
own; text is looked for in the lines of every batch, each batch once, however many snapshots name
it. Without a key a record is its line, and equal lines are counted.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from listbackup.history.deadlists import DeadLines
from listbackup.history.diffing import differing_columns
from listbackup.history.lines import Row, fetch_lines, whole_chunks
from listbackup.history.rows import open_rows
from listbackup.history.sides import Array, read_ahead, read_sidecar
from listbackup.history.timelines import Moment, Timeline
from listbackup.vault.sources import Committed

StepKind = Literal["appeared", "changed", "went"]
Heard = Callable[[int, int], None]
"""Is told of rows and plain bytes that were looked through."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a record between the snapshot before and this one. `columns` are those
    that changed; `copies` is how many equal rows there are now."""

    commit: Committed
    kind: StepKind
    columns: tuple[str, ...]
    before: Row | None
    after: Row | None
    copies: int


@dataclass(frozen=True, slots=True)
class Life:
    """One record through all snapshots. `key` is the JSON array of its key's fields, None where
    the stream has none."""

    source: str
    stream: str
    key: str | None
    steps: tuple[Step, ...]


Hash = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Hit:
    """One stored line of a record: where it lies and the hash of the line."""

    place: int
    line: Hash


def _hash(text: bytes) -> Hash:
    digest = hashlib.sha256(text).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


class Finder:
    """Looks for records in one stream."""

    def __init__(self, timeline: Timeline, heard: Heard = lambda rows, size: None) -> None:
        """Nothing is read yet."""
        self._timeline = timeline
        self._batches = timeline.batches()
        states = zip(timeline.states, timeline.schemas, strict=True)
        self._rows = [open_rows(state, schema) for state, schema in states]
        self._heard = heard

    def find_key(self, text: str) -> list[Life]:
        """Find the records whose key is meant. Raises IntegrityError."""
        keyed = [
            rows for rows, state in zip(self._rows, self._timeline.states, strict=True) if state.key
        ]
        wanted = dict.fromkeys(_hash(key) for rows in keyed for key in rows.spell_keys(text))
        return self._follow(list(wanted), keyed=True) if wanted else []

    def find_text(self, text: str, most: int) -> list[Life]:
        """Find at most so many records in which a value contains the text. Raises
        IntegrityError."""
        lines: dict[Hash, None] = {}
        keys: dict[Hash, None] = {}
        for at, (batch, number) in enumerate(self._batches):
            places = self._scan(at, text, most - len(lines) - len(keys))
            if not len(places):
                continue
            keyed = bool(self._timeline.states[number].key)
            hashes = read_sidecar(self._timeline.objects, batch, keyed=keyed)[places]
            into, columns = (keys, slice(2, 4)) if keyed else (lines, slice(0, 2))
            into.update({(int(a), int(b)): None for a, b in hashes[:, columns].tolist()})
            if len(lines) + len(keys) >= most:
                break
        return [
            *self._follow(list(keys)[:most], keyed=True),
            *self._follow(list(lines)[: max(0, most - len(keys))], keyed=False),
        ]

    def _scan(self, at: int, text: str, most: int) -> Array:
        """Give the lines of a batch that hold the text in a value."""
        batch, number = self._batches[at]
        rows = self._rows[number]
        found: list[int] = []
        for first, count, chunk in whole_chunks(self._timeline.objects, batch):
            self._heard(count, len(chunk))
            place = rows.find(chunk, text, 0)
            while place >= 0 and len(found) < most:
                begin = chunk.rfind(b"\n", 0, place) + 1
                end = chunk.find(b"\n", place)
                if rows.holds(chunk[begin:end], text):
                    found.append(first + chunk.count(b"\n", 0, begin))
                place = rows.find(chunk, text, end)
        return np.array(found, np.int64)

    def _follow(self, wanted: Sequence[Hash], *, keyed: bool) -> list[Life]:
        """Give the lives of records by the hashes of their keys, or of their lines."""
        if not wanted:
            return []
        hits: dict[Hash, list[_Hit]] = {one: [] for one in wanted}
        table = np.array(wanted, np.uint64)

        def look(at: int) -> tuple[Array, Array]:
            batch, number = self._batches[at]
            if bool(self._timeline.states[number].key) is not keyed:
                return np.zeros(0, np.int64), np.zeros((0, 4), np.uint64)
            hashes = read_sidecar(self._timeline.objects, batch, keyed=keyed)
            lanes = hashes[:, 2:] if keyed else hashes
            lines = np.flatnonzero(np.isin(lanes[:, 0], table[:, 0]))
            return lines, np.hstack((lanes[lines], hashes[lines, :2]))

        for at, (lines, hashes) in read_ahead(look, range(len(self._batches))):
            for line, (a, b, c, d) in zip(lines.tolist(), hashes.tolist(), strict=True):
                if (a, b) in hits:
                    hits[a, b].append(_Hit(at << 32 | line, (c, d)))
        return [life for one in wanted if (life := self._live(hits[one])) is not None]

    def _live(self, hits: Sequence[_Hit]) -> Life | None:
        if not hits:
            return None
        places = {hit.line: hit.place for hit in hits}
        batches = [batch for batch, _ in self._batches]
        chosen = np.array(list(places.values()), np.uint64)
        lines = fetch_lines(self._timeline.objects, batches, chosen)
        rows = {
            hash_: self._rows[self._batches[place >> 32][1]].show(lines[place])
            for hash_, place in places.items()
        }
        steps = tuple(self._walk(hits, {one: row for one, (_, row) in rows.items()}))
        if not steps:
            return None
        key = next(iter(rows.values()))[0]
        return Life(self._timeline.source, self._timeline.stream, key, steps)

    def _walk(self, hits: Sequence[_Hit], rows: Mapping[Hash, Row]) -> Iterator[Step]:
        shown = self._present(hits)
        before: Counter[Hash] = Counter()
        for moment in self._timeline.moments:
            if moment.entry is not None and moment.state is None:
                continue  # never read: the snapshot says nothing of it
            after = shown[moment.state] if moment.state is not None else Counter()
            if after != before:
                yield _make_step(moment, before, after, rows)
            before = after

    def _present(self, hits: Sequence[_Hit]) -> list[Counter[Hash]]:
        """Give what each state holds of some lines."""
        keys = [self._batches[hit.place >> 32][0].ref.key for hit in hits]
        killers = [
            self._kill(key, hit.place & 0xFFFFFFFF) for key, hit in zip(keys, hits, strict=True)
        ]
        given = []
        for batches, dead in self._named:
            alive = (
                hit.line
                for key, hit, killer in zip(keys, hits, killers, strict=True)
                if key in batches and killer.isdisjoint(dead)
            )
            given.append(Counter(alive))
        return given

    def _kill(self, batch: str, line: int) -> set[str]:
        """Name the dead lists that hold a line."""
        return {
            name
            for name, dead in self._lists.items()
            if batch in dead and bool(np.any(dead[batch] == line))
        }

    @cached_property
    def _named(self) -> list[tuple[set[str], set[str]]]:
        """What each state names: its batches, its dead lists."""
        return [
            ({one.ref.key for one in state.batches}, {ref.key for ref in state.dead})
            for state in self._timeline.states
        ]

    @cached_property
    def _lists(self) -> dict[str, DeadLines]:
        """All dead lists of all states."""
        read = self._timeline.lists.read
        return {ref.key: read(ref, state) for state in self._timeline.states for ref in state.dead}


def _make_step(
    moment: Moment, before: Counter[Hash], after: Counter[Hash], rows: Mapping[Hash, Row]
) -> Step:
    old, new = _pick(before - after or before, rows), _pick(after - before or after, rows)
    kind: StepKind = "changed"
    if old is None or new is None:
        kind = "appeared" if old is None else "went"
    columns = differing_columns(old, new) if old is not None and new is not None else ()
    return Step(moment.commit, kind, columns, old, new, after.total())


def _pick(lines: Counter[Hash], rows: Mapping[Hash, Row]) -> Row | None:
    return rows[next(iter(lines))] if lines else None
