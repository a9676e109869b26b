"""What a reading over time makes of a stream: which lines die, and of what is doubted which stay.

A keyed stream has one line per key: of all that were given of a key, the last one. What was not
given dies where the listing was complete, unless it was set aside; and whatever the source said is
deleted. Lines that the reading itself brought may die too, when a later one has their key. Knows
hashes and states; no source, no bytes of lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from listbackup.records import Outcome, SetAside
from listbackup.sync.holdback import Holdback, name_held
from listbackup.sync.lineages import Lineage
from listbackup.sync.matching import ORDER, Places, halve
from listbackup.sync.replacing import Dead, count_lines, read_keys
from listbackup.vault.hashes import HASH, Array, find_runs, read_hashes
from listbackup.vault.objects import Objects
from listbackup.vault.states import StoredBatch

NOT_GIVEN = -1


@dataclass(frozen=True, slots=True)
class Settled:
    """The runs that die by batch id, of what is kept and of what is new; why some stay; and which
    of the records that had been set aside are accounted for (by hash of the key)."""

    kept: Dead
    new: Dead
    held: str = ""
    met: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class _Fates:
    """Runs of kept lines: replaced or deleted, and not given any more."""

    dead: Dead = field(default_factory=dict)
    vanished: Dead = field(default_factory=dict)
    rescued: set[int] = field(default_factory=set)
    met: set[bytes] = field(default_factory=set)


def hash_keys(keys: Iterable[bytes]) -> Array:
    """Give the hashes of key lines, sorted, each once."""
    hashes = [sha256(key).digest()[:16] for key in keys]
    return np.unique(np.array(hashes, HASH)) if hashes else np.zeros(0, HASH)


def settle_keyed(
    objects: Objects,
    lineage: Lineage | None,
    new: Sequence[StoredBatch],
    given: Mapping[str, Array],
    outcome: Outcome,
    before: Sequence[SetAside],
    rule: Holdback | None,
) -> Settled:
    """Settle a keyed stream. `given` has, by batch id of what is kept and for its living lines, how
    many new lines had been read when each was given last, -1 where it was not; no entry: none was.
    `before` are the records that were set aside when the reading began; `rule` says when mass
    deletes are doubted. Raises IntegrityError."""
    settling = _Settling(read_keys(objects, new), outcome, hash_keys(one.key for one in before))
    fates = settling.judge(objects, lineage, given) if lineage else _Fates()
    dead_new = settling.bury(new, fates.rescued)
    held, kept = "", fates.dead
    if lineage is not None:
        vanished = count_lines(fates.vanished)
        if rule is not None and rule.doubts(vanished, lineage.state.rows):
            held = name_held(vanished, lineage.state.rows)
        else:
            kept = _merge(fates.dead, fates.vanished)
    return Settled(kept, dead_new, held, frozenset(fates.met | settling.met))


class _Settling:
    """What was given of which key. `keys` are those of the new lines, in order."""

    def __init__(self, keys: Array, outcome: Outcome, before: Array) -> None:
        self._complete = outcome.status == "complete"
        self._aside = hash_keys(one.key for one in outcome.set_aside)
        deleted = hash_keys(outcome.deleted)
        self._deleted = deleted[~np.isin(deleted, self._aside)]
        self._before = before
        self._order = _sort_stably(keys)
        ordered = keys[self._order]
        ends = np.ones(len(keys), bool)
        np.not_equal(ordered[1:], ordered[:-1], out=ends[:-1])
        self._ends = np.flatnonzero(ends)
        self._keys = ordered[self._ends]
        self._last = self._order[self._ends]
        self._places = Places(self._keys)
        accounted = np.concatenate([self._keys, self._deleted])
        self.met = set(before[np.isin(before, accounted)].tolist())

    def judge(self, objects: Objects, lineage: Lineage, given: Mapping[str, Array]) -> _Fates:
        """Say what becomes of the kept lines."""
        fates = _Fates()
        for batch in lineage.state.batches:
            lines = lineage.living(batch)
            if not len(lines):
                continue
            keys = read_hashes(objects, batch, keyed=True).keys[lines]
            orders = given.get(batch.ref.key)
            if orders is None:
                orders = np.full(len(lines), NOT_GIVEN, ORDER)
            self._judge(batch.ref.key, lines, keys, orders, fates)
        return fates

    def _judge(self, batch: str, lines: Array, keys: Array, orders: Array, fates: _Fates) -> None:
        places, replaced = self._places.find(keys)
        deleted = np.isin(keys, self._deleted)
        # the line that was there came again after the newer one
        again = np.flatnonzero(replaced)
        again = again[orders[again] > self._last[places[again]]]
        fates.rescued.update(places[again].tolist())
        replaced[again] = False
        dead = replaced | deleted
        vanished = ~dead & (orders == NOT_GIVEN) & ~np.isin(keys, self._aside)
        if dead.any():
            fates.dead[batch] = find_runs(lines[dead])
        if self._complete and vanished.any():
            fates.vanished[batch] = find_runs(lines[vanished])
        if len(self._before):
            seen = keys[orders != NOT_GIVEN]
            fates.met.update(self._before[np.isin(self._before, seen)].tolist())

    def bury(self, new: Sequence[StoredBatch], rescued: set[int]) -> Dead:
        """Give the runs of new lines that die: all but the last of each key, and that too where
        the line that was there came after it, or the source said that it is deleted."""
        lives = ~np.isin(self._keys, self._deleted)
        lives[sorted(rescued)] = False
        dies = np.ones(len(self._order), bool)
        dies[self._last[lives]] = False
        dead: Dead = {}
        first = 0
        for batch in new:
            runs = find_runs(np.flatnonzero(dies[first : first + batch.ref.rows]))
            first += batch.ref.rows
            if runs:
                dead[batch.ref.key] = runs
        return dead


def _sort_stably(keys: Array) -> Array:
    """Give the order that sorts keys, equal ones as they came."""
    first, second = halve(keys)
    order = np.argsort(first, kind="stable")
    ordered = first[order]
    if np.any(ordered[1:] == ordered[:-1]):
        order = np.lexsort((second, first))
    return order


def _merge(one: Dead, other: Dead) -> Dead:
    return {
        batch: sorted([*one.get(batch, []), *other.get(batch, [])])
        for batch in sorted({*one, *other})
    }
