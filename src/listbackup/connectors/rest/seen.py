"""Which keys a listing has given so far: eight bytes each, however many there are; and in which
order some of them stand."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

YOUNG = 1 << 14
Hashes = npt.NDArray[np.int64]


class SeenKeys:
    """A set of keys that can be asked and added to; two keys are taken for one with a chance of
    one in 2^64 for each pair."""

    def __init__(self) -> None:
        self.count = 0
        self._young: set[int] = set()
        self._old: list[Hashes] = []

    def add(self, keys: Sequence[bytes], fresh: list[bool] | None = None) -> list[bool]:
        """Add keys; say of each whether it is new (`fresh`: what `look` just said)."""
        if fresh is None:
            fresh = self.look(keys)
        young = self._young
        before = len(young)
        if all(fresh):
            young.update(map(hash, keys))
        else:
            young.update([hash(key) for key, new in zip(keys, fresh, strict=True) if new])
        self.count += len(young) - before
        if len(young) >= YOUNG:
            self._settle()
        return fresh

    def look(self, keys: Sequence[bytes]) -> list[bool]:
        """Say of each key whether it would be new."""
        young = self._young
        hashes = list(map(hash, keys))
        if not self._old:
            if young.isdisjoint(hashes):
                return [True] * len(hashes)
            return [one not in young for one in hashes]
        wanted = np.fromiter(hashes, np.int64, len(hashes))
        known = np.zeros(len(hashes), np.bool_)
        for block in self._old:
            known |= block.take(block.searchsorted(wanted), mode="clip") == wanted
        if not known.any() and young.isdisjoint(hashes):
            return [True] * len(hashes)
        return [
            not old and one not in young for old, one in zip(known.tolist(), hashes, strict=True)
        ]

    def _settle(self) -> None:
        block = np.sort(np.fromiter(self._young, np.int64, len(self._young)))
        self._young = set()
        while self._old and len(self._old[-1]) <= len(block):
            block = np.concatenate((self._old.pop(), block))
            block.sort(kind="stable")
        self._old.append(block)


class Order:
    """In which order keys were seen: the last `most` of them, or (`first`) the first ones."""

    def __init__(self, most: int, *, first: bool = False) -> None:
        self._most = most
        self._first = first
        self._next = 0
        self._ranks: dict[bytes, int] = {}

    def add(self, keys: Sequence[bytes]) -> None:
        """Add keys as they follow each other."""
        for key in keys:
            if self._first and len(self._ranks) >= self._most:
                return
            self._ranks.pop(key, None)
            self._ranks[key] = self._next
            self._next += 1
        while len(self._ranks) > self._most:
            del self._ranks[next(iter(self._ranks))]

    def add_behind(self, other: "Order") -> None:
        """Add what another order has besides."""
        self.add([key for key in other._ranks if key not in self._ranks])

    def has(self, keys: Sequence[bytes]) -> bool:
        """Say whether all of them are there, in this order."""
        ranks = [self._ranks.get(key, -1) for key in keys]
        return -1 not in ranks and all(
            one < other for one, other in zip(ranks, ranks[1:], strict=False)
        )

    @property
    def full(self) -> bool:
        """Whether there may be more than are kept."""
        return len(self._ranks) >= self._most
