"""Chance that repeats: the same seed and names give the same throws on every machine.

Knows nothing of what is thrown for.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

_T = TypeVar("_T")
_MASK = 2**64 - 1
_AT_ONCE = 8
"""So many letters out of one throw: 64 bits are far more than they need, so none is favoured."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Dice:
    """A stream of numbers (splitmix64) that follows from a seed and names."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, *names: str | int) -> None:
        digest = blake2b(repr((seed, *names)).encode(), digest_size=8).digest()
        self._state = int.from_bytes(digest, "big")

    def throw(self) -> int:
        """Give 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def below(self, limit: int) -> int:
        """Give a number from 0 up to, but without, `limit`."""
        return self.throw() * limit >> 64

    def between(self, low: int, high: int) -> int:
        """Give a number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """Say yes with that probability, from 0 to 1."""
        return self.throw() < probability * 2**64

    def pick(self, choices: Sequence[_T]) -> _T:
        """Give one of them."""
        return choices[self.below(len(choices))]

    def shuffled(self, things: Sequence[_T]) -> list[_T]:
        """Give them in another order (Fisher and Yates)."""
        mixed = list(things)
        for at in range(len(mixed) - 1, 0, -1):
            other = self.below(at + 1)
            mixed[at], mixed[other] = mixed[other], mixed[at]
        return mixed

    def word(self, length: int, letters: str = LETTERS) -> str:
        """Give letters in a row, as ids and keys have them."""
        word = ""
        while len(word) < length:
            rest = self.throw()
            for _ in range(min(_AT_ONCE, length - len(word))):
                rest, at = divmod(rest, len(letters))
                word += letters[at]
        return word

    def bytes(self, count: int) -> bytes:
        """Give that many bytes: with this, dice are an `Entropy`."""
        words = (self.throw().to_bytes(8, "big") for _ in range(-(-count // 8)))
        return b"".join(words)[:count]
