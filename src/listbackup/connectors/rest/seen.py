"""Which keys a listing has given so far: eight bytes each, however many there are."""

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
        wanted = np.array(hashes, np.int64)
        known = np.zeros(len(hashes), np.bool_)
        for block in self._old:
            places = np.minimum(np.searchsorted(block, wanted), len(block) - 1)
            known |= block[places] == wanted
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
