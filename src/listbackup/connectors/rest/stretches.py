"""Stretches of a list that a platform can be asked for, by offset or by number of page.

A page's number tells a position only together with the size of pages. So the size varies, such
that a page begins where we want it to, or a little before. Asks for nothing.
"""

from dataclasses import dataclass

LEAST_CUT = 5
DEFAULTS = frozenset((12, 15, 24, 36, 48))
"""So many records have pages of platforms that nobody told how many, besides round numbers."""
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


@dataclass(slots=True)
class Fill:
    """Whether the platform fills the pages of some lists, so that a short page is the last one:
    believed of one that is no longer than another behind which nothing was found."""

    _longest: int = 0
    _filled: bool = True

    def believes(self, count: int) -> bool:
        """Say whether a page of so many records may be taken for the last one."""
        return self._filled and count <= self._longest

    def learn(self, count: int, *, last: bool) -> None:
        """See what was found behind such a page."""
        self._filled = self._filled and last
        self._longest = max(self._longest, count)


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


def may_be_cut(count: int) -> bool:
    """Say whether a page of so many records may be one that a platform cut, although it was asked
    for more: such sizes are round numbers."""
    round_one = count % 10 == 0 or count % 25 == 0 or count & (count - 1) == 0
    return count >= LEAST_CUT and round_one


def look_behind(
    stretch: Stretch, count: int, numbered: bool, limit: int | None = None
) -> list[Stretch]:
    """Choose where to look whether anything follows a page that has fewer records than were asked
    for: right behind its last record, and behind the positions that were asked for. Not behind
    `limit`."""
    end = stretch.start + count
    found = [Stretch(stretch.stop, stretch.size)]
    if not numbered:
        # some platforms take only offsets that are a multiple of the size
        found = [Stretch(end, stretch.size), Stretch(end, count), *found]
    elif stretch.start == 0 and may_be_cut(count):
        found = [Stretch(end, count), *found]
    if limit is None:
        return found
    clipped = [Stretch(one.start, min(one.size, limit - one.start)) for one in found]
    return [one for one in clipped if one.size > 0 and (not numbered or one in found)]
