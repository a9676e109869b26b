"""Which lines are on both sides, and which of the others have one key: exact, in bounded memory.

Both sides are lists of slices of hashed lines. Few lines are held and sorted at once. Many are
first sieved by the first eight bytes of their hashes: what stands exactly once on each side is
equal but for a chance of one in a million million, and the sum of the other eight bytes over all
such lines says whether that chance came true; only the rest is read a second time and compared in
full. Knows no rows and no schema.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from listbackup.history.sides import Array, Slice, read_ahead

MOST_HELD = 3_000_000
"""Lines whose whole hashes are held at once: about 150 bytes of memory each while they are
sorted."""
WINDOW = 4_000_000
_LOW = np.uint64(1)
_TOP = np.uint64(40)


@dataclass(frozen=True, slots=True)
class Matched:
    """What is not on both sides, as places in the given slices: removed and added alone, changed
    as pairs, before and after, of one key."""

    removed: Array
    added: Array
    before: Array
    after: Array


Keep = Callable[[Array], Array]


def match_lines(
    left: Sequence[Slice], came: Sequence[Slice], *, keyed: bool, most_held: int = MOST_HELD
) -> Matched:
    """Compare what left with what came, as multisets of line hashes; with `keyed` what is left
    over is paired by key hashes. Raises IntegrityError."""
    total = sum(one.count for one in (*left, *came))
    if total <= most_held:
        return _match_held(*(_hold(s, keyed, _keep_all) for s in (left, came)), keyed=keyed)
    suspects = _sieve(left, came)
    parts = 1 + len(suspects) * 2 // most_held
    sieve, sums = _Sieve(suspects), _Sums()
    found = _match_in_parts(left, came, keyed, parts, sieve, sums)
    if sums.agree:
        return found
    parts = 1 + total // most_held
    return _match_in_parts(left, came, keyed, parts, None, _Sums())


class _Sums:
    """Adds up the second eight bytes of what the sieve takes for equal, one side minus the
    other."""

    def __init__(self) -> None:
        self._sums = [0, 0]
        self._lock = threading.Lock()

    def add(self, side: int, lanes: Array) -> None:
        with self._lock:
            self._sums[side] += int(lanes.sum(dtype=np.uint64))

    @property
    def agree(self) -> bool:
        return (self._sums[0] - self._sums[1]) % 2**64 == 0


class _Sieve:
    """Says which lines are suspect: a table by 24 bits first, for most are not."""

    def __init__(self, suspects: Array) -> None:
        self._suspects = suspects
        self._table = np.zeros(1 << 24, bool)
        self._table[suspects >> (_TOP - _LOW)] = True

    def __call__(self, first: Array) -> Array:
        keep: Array = self._table[first >> _TOP]
        maybe = np.flatnonzero(keep)
        wanted = first[maybe] >> _LOW
        at = np.searchsorted(self._suspects, wanted)
        at[at == len(self._suspects)] = 0
        keep[maybe] = self._suspects[at] == wanted if len(self._suspects) else False
        return keep


def _sieve(left: Sequence[Slice], came: Sequence[Slice]) -> Array:
    """Give the first 63 bits of all lines that do not stand exactly once on each side."""
    border = sum(one.count for one in left)
    lanes = np.empty(border + sum(one.count for one in came), np.uint64)
    at = 0
    for side, slices in enumerate((left, came)):
        for _, first in read_ahead(lambda one: one.hashes()[:, 0].copy(), slices):
            np.bitwise_or(first & ~_LOW, np.uint64(side), out=lanes[at : at + len(first)])
            at += len(first)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda half: half.sort(), (lanes[:border], lanes[border:])))
    lanes.sort(kind="stable")  # two ascending runs: one merge
    return _find_suspects(lanes)


def _find_suspects(lanes: Array) -> Array:
    found = []
    for start in range(0, len(lanes), WINDOW):
        first, end = max(0, start - 2), min(len(lanes), start + WINDOW + 2)
        window = lanes[first:end]
        keys = window >> _LOW
        same = np.zeros(len(keys) + 2, bool)  # whether a line has the key of the one before
        np.equal(keys[1:], keys[:-1], out=same[1:-2])
        pairs = same[1:-2] & ~same[:-3] & ~same[2:-1]
        pairs &= window[1:] & _LOW > window[:-1] & _LOW
        suspect = np.ones(len(keys), bool)
        suspect[1:][pairs] = False
        suspect[:-1][pairs] = False
        found.append(
            keys[start - first : start - first + WINDOW][
                suspect[start - first : start - first + WINDOW]
            ]
        )
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)


def _match_in_parts(
    left: Sequence[Slice],
    came: Sequence[Slice],
    keyed: bool,
    parts: int,
    sieve: _Sieve | None,
    sums: _Sums,
) -> Matched:
    """Compare part by part: lines of one key, and equal lines, fall into the same part."""
    found = []
    for part in range(parts):
        sides = []
        for side, slices in enumerate((left, came)):

            def keep(hashes: Array, side: int = side, part: int = part) -> Array:
                chosen: Array = hashes[:, -2] % np.uint64(parts) == part
                if sieve is None:
                    return chosen
                suspect = sieve(hashes[:, 0])
                sums.add(side, hashes[chosen & ~suspect, 1])
                both: Array = chosen & suspect
                return both

            sides.append(_hold(slices, keyed, keep))
        found.append(_match_held(*sides, keyed=keyed))
    return _join(found)


def _join(found: Sequence[Matched]) -> Matched:
    names = ("removed", "added", "before", "after")
    return Matched(*(np.concatenate([getattr(one, name) for one in found]) for name in names))


@dataclass(frozen=True, slots=True)
class _Held:
    """Lines whose whole hashes are held."""

    hashes: Array
    places: Array

    def without(self, chosen: Array) -> "_Held":
        keep = np.ones(len(self.places), bool)
        keep[chosen] = False
        return _Held(self.hashes[keep], self.places[keep])


def _keep_all(hashes: Array) -> Array:
    return np.ones(len(hashes), bool)


def _hold(slices: Sequence[Slice], keyed: bool, keep: Keep) -> _Held:
    width = 4 if keyed else 2

    def take(one: Slice) -> tuple[Array, Array]:
        hashes = one.hashes()[:, :width]
        chosen = keep(hashes)
        return hashes[chosen], one.numbers()[chosen]

    hashes, places = [np.zeros((0, width), np.uint64)], [np.zeros(0, np.uint64)]
    for at, (kept, numbers) in read_ahead(take, slices):
        hashes.append(kept)
        places.append(numbers + np.uint64(at << 32))
    return _Held(np.concatenate(hashes), np.concatenate(places))


def _match_held(left: _Held, came: _Held, *, keyed: bool) -> Matched:
    equal = pair_off(left.hashes[:, :2], came.hashes[:, :2])
    left, came = left.without(equal[0]), came.without(equal[1])
    none = np.zeros(0, np.uint64)
    if not keyed:
        return Matched(left.places, came.places, none, none)
    before, after = pair_off(left.hashes[:, 2:], came.hashes[:, 2:])
    pairs = left.places[before], came.places[after]
    return Matched(left.without(before).places, came.without(after).places, *pairs)


def pair_equal(
    left: Sequence[Slice], came: Sequence[Slice], *, most_held: int = MOST_HELD
) -> Iterator[tuple[Array, Array]]:
    """Pair lines that are the same on both sides, as multisets: places of the left ones and of
    those that came, some at a time. Raises IntegrityError."""
    parts = 1 + sum(one.count for one in (*left, *came)) // most_held
    for part in range(parts):

        def keep(hashes: Array, part: int = part) -> Array:
            chosen: Array = hashes[:, 0] % np.uint64(parts) == part
            return chosen

        one, other = (_hold(slices, False, keep) for slices in (left, came))
        mine, theirs = pair_off(one.hashes, other.hashes)
        yield one.places[mine], other.places[theirs]


def pair_off(one: Array, other: Array) -> tuple[Array, Array]:
    """Pair equal rows of two (n, 2) arrays as multisets; gives the places of each pair in either.
    Of several equal rows the first ones are paired."""
    count = len(one)
    rows = np.concatenate((one, other))
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort((rows[:, 1], rows[:, 0]))  # stable: of equals, `one` comes first
    ranked = rows[order]
    begins = np.empty(len(rows), bool)
    begins[0] = True
    np.any(ranked[1:] != ranked[:-1], axis=1, out=begins[1:])
    group = np.cumsum(begins) - 1
    first = order < count
    sizes = np.bincount(group[first], minlength=group[-1] + 1)
    others = np.bincount(group[~first], minlength=group[-1] + 1)
    both = np.minimum(sizes, others)
    rank = np.arange(len(rows)) - np.flatnonzero(begins)[group]
    rank[~first] -= sizes[group[~first]]
    paired = rank < both[group]
    return order[paired & first], order[paired & ~first] - count


def split_places(places: Array) -> Iterator[tuple[int, Array]]:
    """Give the places by batch: its ordinal, and the lines, ascending."""
    ordered = np.sort(places)
    batches = (ordered >> np.uint64(32)).astype(np.int64)
    for batch in np.unique(batches).tolist():
        lines = ordered[batches == batch] & np.uint64(2**32 - 1)
        yield batch, lines.astype(np.int64)
