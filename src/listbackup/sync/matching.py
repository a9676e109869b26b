"""Matching lines with those that a slice had before, as multisets of line hashes.

`Earlier` is what an encoder needs: the distinct hashes, sorted, and how often each occurred. Every
line that is read takes one of them or is new; what nobody took has gone. Exact for streams without
keys, where equal lines occur more than once. Knows no positions, batches or stores.
"""

from dataclasses import dataclass

import numpy as np

from listbackup.vault.hashes import HASH, Array

COUNT = np.dtype("<u4")


@dataclass(frozen=True, slots=True)
class Earlier:
    """Distinct line hashes (16 bytes each, sorted) and their counts (4 bytes, little-endian)."""

    hashes: bytes
    counts: bytes


class Matcher:
    """Takes earlier lines for those that are read, by one thread."""

    def __init__(self, earlier: Earlier) -> None:
        self._hashes = np.frombuffer(earlier.hashes, HASH)
        self._first, self._second = _halves(self._hashes)
        self._left = np.frombuffer(earlier.counts, COUNT).astype(np.int64)

    def take(self, index: bytes, width: int) -> Array:
        """Say for each line of an index, `width` bytes a line of which the first 16 are its hash,
        whether it is new; lines that are not have taken one of the earlier."""
        found = np.frombuffer(index, np.uint8).reshape(-1, width)[:, :16]
        hashes = np.ascontiguousarray(found).reshape(-1).view(HASH)
        new = np.ones(len(hashes), bool)
        if not len(self._hashes) or not len(hashes):
            return new
        places, hit = self._find(hashes)
        lines = np.flatnonzero(hit)
        wanted = places[lines]
        order = np.argsort(wanted, kind="stable")
        wanted = wanted[order]
        taken = _rank(wanted) < self._left[wanted]
        np.subtract.at(self._left, wanted[taken], 1)
        new[lines[order[taken]]] = False
        return new

    def leave(self) -> bytes:
        """Give what nobody took: pairs of (place among the distinct hashes, count), 4 bytes
        each."""
        places = np.flatnonzero(self._left)
        pairs = np.stack((places, self._left[places]), axis=1)
        return pairs.astype(COUNT).tobytes()

    def _find(self, hashes: Array) -> tuple[Array, Array]:
        """Find hashes by their first halves, which is quicker, and by all bytes where more than
        one hash begins with the same half."""
        first, second = _halves(hashes)
        places = np.searchsorted(self._first, first)
        np.minimum(places, len(self._first) - 1, out=places)
        near = self._first[places] == first
        hit = near & (self._second[places] == second)
        doubtful = np.flatnonzero(near & ~hit)
        if len(doubtful):
            exact = np.searchsorted(self._hashes, hashes[doubtful])
            np.minimum(exact, len(self._hashes) - 1, out=exact)
            places[doubtful] = exact
            hit[doubtful] = self._hashes[exact] == hashes[doubtful]
        return places, hit


def count_hashes(hashes: Array) -> tuple[Earlier, Array, Array]:
    """Sort hashes (dtype `HASH`): the distinct ones with counts, the order that sorts all (stable),
    and where in that order each distinct one starts, with the end appended."""
    order = np.argsort(hashes, kind="stable").astype(COUNT)
    ordered = hashes[order]
    begins = np.ones(len(ordered), bool)
    if len(ordered):
        np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = np.append(np.flatnonzero(begins), len(ordered))
    counts = np.diff(starts).astype(COUNT)
    return Earlier(ordered[begins].tobytes(), counts.tobytes()), order, starts


def pick_lines(chunk: bytes, wanted: Array) -> bytes:
    """Give the wanted lines of a chunk, each ended by a newline."""
    lines = chunk.split(b"\n")
    return b"".join([lines[line] + b"\n" for line in np.flatnonzero(wanted)])


def pick_hashes(index: bytes, wanted: Array, width: int) -> bytes:
    """Give the hashes, `width` bytes each, of the wanted lines."""
    picked: bytes = np.frombuffer(index, np.uint8).reshape(-1, width)[wanted].tobytes()
    return picked


def _halves(hashes: Array) -> tuple[Array, Array]:
    pairs = hashes.view(">u8").reshape(-1, 2)
    return pairs[:, 0].astype(np.uint64), pairs[:, 1].astype(np.uint64)


def _rank(ordered: Array) -> Array:
    """Number the members of each run of equal values from 0."""
    if not len(ordered):
        return ordered
    begins = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(ordered))
    rank: Array = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return rank
