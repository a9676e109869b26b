"""One window of a rate limit, counted so that the platform never counts more than it allows.

When a request reaches the platform is not known, only that it is between sending and answer. So a
request counts from the moment it is let go until a span after its answer, whichever window within
the platform slides over it. What the answers tell can only make the window narrower, and never
for longer than its span.
"""

import math
from collections import deque
from dataclasses import dataclass

from listbackup.connectors.rest.told import Tidings

UNTIL_ANSWERED = math.inf
"""How long to wait where only an answer to what is under way can make room."""

_SLACK = 0.001
_MARGIN = 2.0
_SLOTS = 1000
_LIES = 3
_LONG = 3600.0


@dataclass(slots=True)
class _Slot:
    """Requests answered at about one time; they leave together, when the last of them may."""

    first: float
    last: float
    count: int


class SlidingWindow:
    """At most `requests` in any `span` seconds. Times are monotonic seconds.

    Contended, the second half of the window is given out evenly over time, so that who asks for
    little at once does not find everything gone; who is alone may take it in one go.
    """

    def __init__(self, requests: int, span: float) -> None:
        self.requests = requests
        self.span = span
        self._slots: deque[_Slot] = deque()
        self._answered = 0
        self._flying = 0
        self._last = -math.inf

    def wait(self, now: float, wall: float, *, contended: bool = False) -> float:
        """Give the seconds until one more may go, 0 for now."""
        self._forget(now)
        used = self._answered + self._flying
        if used < self.requests:
            even = self._last + self.span / self.requests if contended else now
            return even - now + _SLACK if even > now and used * 2 >= self.requests else 0.0
        if not self._slots:
            return UNTIL_ANSWERED
        return max(0.0, self._slots[0].last + self.span - now) + _SLACK

    def take(self, now: float, wall: float) -> None:
        """Let one go."""
        self._flying += 1
        self._last = now

    def give_back(self, now: float, wall: float, taken: float) -> None:
        """One was answered, or given up."""
        self._flying -= 1
        self._answered += 1
        slots = self._slots
        if slots and now - slots[-1].first <= self.span / _SLOTS:
            slots[-1].last = now
            slots[-1].count += 1
        else:
            slots.append(_Slot(now, now, 1))

    def used(self, now: float, wall: float) -> int:
        """Give how many count now."""
        self._forget(now)
        return self._answered + self._flying

    def longest_wait(self, wall: float) -> float:
        """Give the seconds after which the window is as new, whatever was counted."""
        return self.span

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0].last + self.span <= now:
            self._answered -= self._slots.popleft().count


class AlignedWindow:
    """At most `requests` from one multiple of `span` seconds of the wall clock (in UTC) to the
    next. A request near a border counts on both sides of it: the platform's clock is another."""

    def __init__(self, requests: int, span: float) -> None:
        self.requests = requests
        self.span = span
        self._counts: dict[int, int] = {}

    def wait(self, now: float, wall: float, *, contended: bool = False) -> float:
        """Give the seconds until one more may go, 0 for now."""
        full = [i for i in self._places(wall) if self._counts.get(i, 0) >= self.requests]
        if not full:
            return 0.0
        return (max(full) + 1) * self.span + _MARGIN - wall + _SLACK

    def take(self, now: float, wall: float) -> None:
        """Let one go."""
        here = self._places(wall)
        self._counts = {i: n for i, n in self._counts.items() if i >= min(here) - 1}
        for place in here:
            self._counts[place] = self._counts.get(place, 0) + 1

    def give_back(self, now: float, wall: float, taken: float) -> None:
        """One was answered, or given up."""
        for place in self._places(wall) - self._places(taken):
            self._counts[place] = self._counts.get(place, 0) + 1

    def used(self, now: float, wall: float) -> int:
        """Give how many count now."""
        return self._counts.get(math.floor(wall / self.span), 0)

    def longest_wait(self, wall: float) -> float:
        """Give the seconds after which the window is as new, whatever was counted."""
        return self.span - wall % self.span + _MARGIN

    def _places(self, wall: float) -> set[int]:
        return {math.floor((wall + off) / self.span) for off in (-_MARGIN, _MARGIN)}


class Window:
    """A window as declared, narrowed by what the platform's answers tell.

    A platform that says again and again that nothing is left, and answers all the same, is not
    believed any more; of a long window (a day) it is believed only when it refuses.
    """

    def __init__(self, requests: int, span: float, *, aligned: bool, title: str = "") -> None:
        self.span = span
        self.title = title
        self._declared = requests
        kind = AlignedWindow if aligned else SlidingWindow
        self._counted: AlignedWindow | SlidingWindow = kind(requests, span)
        self._left: int | None = None
        self._until = 0.0
        self._lies = 0

    def wait(self, now: float, wall: float, *, contended: bool = False) -> float:
        """Give the seconds until one more may go, 0 for now."""
        if self._left is not None and now >= self._until:
            self._left = None
        told = self._until - now + _SLACK if self._left is not None and self._left <= 0 else 0.0
        return max(told, self._counted.wait(now, wall, contended=contended))

    def take(self, now: float, wall: float) -> None:
        """Let one go."""
        self._counted.take(now, wall)
        if self._left is not None:
            self._left -= 1

    def give_back(self, now: float, wall: float, taken: float) -> None:
        """One was answered, or given up."""
        self._counted.give_back(now, wall, taken)

    def learn(self, tidings: Tidings, now: float, wall: float, *, flying: int, fine: bool) -> None:
        """Take in what an answer told; `flying` others are under way, `fine` says that the answer
        was not a refusal for the rate."""
        if tidings.limit is not None:
            self._counted.requests = max(1, min(self._declared, tidings.limit))
        if tidings.remaining is None or self._lies >= _LIES:
            return
        if tidings.remaining <= 0 and fine:
            # It says that nothing is left, has answered all the same, and we took less than half.
            plenty = self._counted.used(now, wall) * 2 < self._counted.requests
            self._lies += 1 if plenty and self._left is None else 0
            if self._lies >= _LIES or self.span > _LONG:
                self._left = None
                return
        elif tidings.remaining > 0:
            self._lies = 0
        left = max(0, tidings.remaining - flying)
        allowed = self._counted.requests
        if left >= allowed - self._counted.used(now, wall) - max(1, allowed // 50):
            # Nobody but us: our own count knows when there is room again, the header does not.
            self._left = None
            return
        longest = min(self.span, self._counted.longest_wait(wall))
        self._left = left
        self._until = now + (longest if tidings.reset is None else min(tidings.reset, longest))

    def share_used(self, now: float, wall: float) -> float:
        """Give which part of the window is used up, by our count or the platform's, 0 to 1."""
        used = self._counted.used(now, wall) / self._counted.requests
        if self._left is not None and now < self._until:
            used = max(used, 1 - self._left / self._counted.requests)
        return min(1.0, max(0.0, used))
