"""Stretches of a list that a platform can be asked for, by offset or by number of page.

A page's number tells a position only together with the size of pages. So the size varies, such
that a page begins where we want it to, or a little before. Asks for nothing.
"""

from dataclasses import dataclass

LOOK_FURTHER = 64
"""So many numbers of pages are tried for the one whose page reaches farthest."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Positions of a list, counted from 0: `size` of them from `start` on."""

    start: int
    size: int

    @property
    def stop(self) -> int:
        """The first position behind it."""
        return self.start + self.size

    @property
    def number(self) -> int:
        """Which page of that size it is, counted from 0."""
        return self.start // self.size


def reach(start: int, most: int, numbered: bool, limit: int | None = None) -> Stretch | None:
    """Choose the stretch of at most `most` positions that contains `start` and at least one
    behind it and reaches farthest, not over `limit`; None where there is none. `numbered`
    stretches begin at a multiple of their size."""
    if limit is not None and start + 2 > limit:
        return None
    if not numbered or start == 0:
        size = most if limit is None else min(most, limit - start)
        return Stretch(start, size)
    best: Stretch | None = None
    first = max(1, start // most)
    for number in range(first, first + LOOK_FURTHER):
        size = min(most, start // number)
        if size < 2:
            break
        found = Stretch(number * size, size)
        if found.stop < start + 2 or (limit is not None and found.stop > limit):
            continue
        if best is None or found.stop > best.stop:
            best = found
    return best
