"""Matching lines with those that were there before, by line hashes.

`Earlier` is what an encoder needs: the distinct hashes, sorted, and how often each occurred. As
multisets (`Matcher`): every line that is read takes one of them or is new, and what nobody took has
gone; exact for streams without keys, where equal lines occur more than once. As sets
(`Recogniser`): a line that was there is not new however often it comes, and it is remembered when
it came last. Knows no positions, batches or stores.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from listbackup.vault.hashes import HASH, Array

COUNT = np.dtype("<u4")
ORDER = np.dtype("<i8")
KNOWN = np.dtype([("hash", HASH), ("order", ORDER)])
"""A line that was met again: its hash, and how many new lines had been read before it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Distinct line hashes (16 bytes each, sorted) and their counts (4 bytes, little-endian)."""

    hashes: bytes
    counts: bytes


class Taker(Protocol):
    """Takes earlier lines for those that are read, by one thread."""

    def take(self, index: bytes, width: int) -> Array:
        """Say for each line of an index, `width` bytes a line of which the first 16 are its hash,
        whether it is new."""
        ...

    def take_again(self, known: bytes) -> bool:
        """Take what an earlier attempt met again (records of `KNOWN`); whether all was there."""
        ...

    def leave(self) -> bytes:
        """Say at the end what became of the earlier lines."""
        ...


class Places:
    """Finds hashes among distinct, sorted ones."""

    def __init__(self, hashes: Array) -> None:
        self._hashes = hashes
        self._first, self._second = halve(hashes)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, hashes: Array) -> tuple[Array, Array]:
        """Give for each hash its place, and whether it is there at all: by first halves, which is
        quicker, and by all bytes where more than one hash begins with the same half."""
        if not len(self._hashes):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), bool)
        first, second = halve(hashes)
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


class Matcher:
    """Takes earlier lines one for one (see `Taker`)."""

    def __init__(self, earlier: Earlier) -> None:
        self._places = Places(np.frombuffer(earlier.hashes, HASH))
        self._left = np.frombuffer(earlier.counts, COUNT).astype(np.int64)

    def take(self, index: bytes, width: int) -> Array:
        """Say which lines are new; those that are not have taken one of the earlier."""
        return self._take(read_index(index, width))

    def take_again(self, known: bytes) -> bool:
        """Take what an earlier attempt met again."""
        return not self._take(np.ascontiguousarray(np.frombuffer(known, KNOWN)["hash"])).any()

    def _take(self, hashes: Array) -> Array:
        new = np.ones(len(hashes), bool)
        places, hit = self._places.find(hashes)
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


class Recogniser:
    """Takes earlier lines as often as they come (see `Taker`). `before` is how many new lines the
    stream had before the first that is read here."""

    def __init__(self, earlier: Earlier, before: int = 0) -> None:
        self._places = Places(np.frombuffer(earlier.hashes, HASH))
        self._last = np.full(len(self._places), -1, ORDER)
        self._before = before

    def take(self, index: bytes, width: int) -> Array:
        """Say which lines are new."""
        places, hit = self._places.find(read_index(index, width))
        new = ~hit
        orders = self._before + np.cumsum(new)
        # where a place occurs more than once the last one counts
        self._last[places[hit]] = orders[hit]
        self._before += int(new.sum())
        return new

    def take_again(self, known: bytes) -> bool:
        """Take what an earlier attempt met again, in the order in which it did."""
        records = np.frombuffer(known, KNOWN)
        places, hit = self._places.find(np.ascontiguousarray(records["hash"]))
        self._last[places[hit]] = records["order"][hit]
        return bool(hit.all())

    def leave(self) -> bytes:
        """Give for each distinct hash how many new lines had been read when it came last, -1 where
        it did not (8 bytes each)."""
        return self._last.tobytes()


def read_index(index: bytes, width: int) -> Array:
    """Give the line hashes of an index, `width` bytes a line of which the first 16 are it."""
    found = np.frombuffer(index, np.uint8).reshape(-1, width)[:, :16]
    hashes: Array = np.ascontiguousarray(found).reshape(-1).view(HASH)
    return hashes


def write_known(index: bytes, width: int, new: Array, before: int) -> bytes:
    """Write the lines of an index that were not new as records of `KNOWN`; `before` is how many
    new lines had been read before the first."""
    again = ~new
    records = np.zeros(int(again.sum()), KNOWN)
    records["hash"] = read_index(index, width)[again]
    records["order"] = before + np.cumsum(new)[again]
    return records.tobytes()


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


def halve(hashes: Array) -> tuple[Array, Array]:
    """Give both halves of hashes as numbers that are ordered as the bytes are."""
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
