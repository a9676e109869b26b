"""Rate limits: several windows at once, counted per whoever asks, on a clock that is given.

Knows no headers and no bodies: a platform says in its own words what a verdict means.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in `seconds`. Fixed windows begin at multiples of their length
    since 1970, so that a day ends at midnight UTC; a sliding one looks back from each request."""

    name: str
    limit: int
    seconds: float
    sliding: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a window stands: used within it, still free, and when (since 1970) more is free."""

    window: Window
    used: int
    free: int
    resets: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; `spent` is the window that says no, the one that opens last
    where there are several."""

    allowed: bool
    standings: tuple[Standing, ...]
    spent: Standing | None


class Quota:
    """Windows over whoever asks. A request that is refused does not count, unless `strict`."""

    def __init__(self, windows: Sequence[Window], *, strict: bool = False) -> None:
        self.windows = tuple(windows)
        self._strict = strict
        self._fixed: dict[tuple[str, str], tuple[float, int]] = {}
        self._sliding: dict[tuple[str, str], deque[float]] = {}

    def take(self, who: str, now: float) -> Verdict:
        """Let a request of `who` pass, or not."""
        before = [self._look(window, who, now) for window in self.windows]
        full = [standing for standing in before if standing.free <= 0]
        if not full or self._strict:
            for window in self.windows:
                self._count(window, who, now)
        spent = max(full, key=lambda one: one.resets, default=None)
        return Verdict(not full, tuple(self._look(one, who, now) for one in self.windows), spent)

    def look(self, who: str, now: float) -> tuple[Standing, ...]:
        """Say how the windows stand, without a request."""
        return tuple(self._look(window, who, now) for window in self.windows)

    def _look(self, window: Window, who: str, now: float) -> Standing:
        if window.sliding:
            taken = self._sliding.setdefault((window.name, who), deque())
            while taken and taken[0] <= now - window.seconds:
                taken.popleft()
            used = len(taken)
            resets = taken[0] + window.seconds if taken else now
        else:
            start = now - now % window.seconds
            began, count = self._fixed.get((window.name, who), (start, 0))
            used = count if began == start else 0
            resets = start + window.seconds
        return Standing(window, used, max(0, window.limit - used), resets)

    def _count(self, window: Window, who: str, now: float) -> None:
        key = window.name, who
        if window.sliding:
            self._sliding.setdefault(key, deque()).append(now)
            return
        start = now - now % window.seconds
        began, count = self._fixed.get(key, (start, 0))
        self._fixed[key] = start, (count if began == start else 0) + 1
