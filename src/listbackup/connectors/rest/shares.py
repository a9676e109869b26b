"""What a request needs before it may go: a place in every budget that it falls under.

One `Share` is one budget as one client, key or account has it; all sources of the process that
use it hold the same one. Knows no event loop and no lock: its owner calls in turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from listbackup.connectors.rest.easing import Easing
from listbackup.connectors.rest.models.budgets import Budget, Told
from listbackup.connectors.rest.told import read_tidings
from listbackup.connectors.rest.windows import UNTIL_ANSWERED, Window

_NUMBERS = count(1)
_UNLIMITED = 10**9
_RECENT = 60.0


@dataclass(slots=True, eq=False)
class Pass:
    """One request's way through the budgets: when it went, by both clocks, and what it holds."""

    tenant: str
    shares: tuple["Share", ...]
    number: int = field(default_factory=lambda: next(_NUMBERS))
    taken: float = -1.0
    wall: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Whether it was let go."""
        return self.taken >= 0


@dataclass(frozen=True, slots=True)
class Block:
    """What holds a request back, for how many seconds (infinite: until another is answered)."""

    seconds: float
    why: str


class Share:
    """One budget of one client, key or account: windows, places at once, and the speed."""

    def __init__(self, budget: Budget, easing: Easing | None = None) -> None:
        self._budget = budget
        self._easing = easing
        self._flying = 0
        self._tenants: dict[str, float] = {}
        self._windows = [
            Window(one.requests, one.within, aligned=one.aligned == "utc", title=one.title)
            for one in budget.windows
        ]
        for told in budget.told:
            if self._find(told) is None:
                self._windows.append(Window(_UNLIMITED, told.within or 60, aligned=False))

    def covers(self, operation: str) -> bool:
        """Say whether an operation (`METHOD /path`) falls under this budget."""
        wanted = self._budget.operations
        return not wanted or any(operation.startswith(one) for one in wanted)

    def block(self, now: float, wall: float) -> Block | None:
        """Say what holds back one more request, None where nothing does."""
        title = self._budget.title
        if self._easing is not None:
            wait = self._easing.wait(now)
            if wait is None:
                return Block(UNTIL_ANSWERED, f"{title} to take requests again")
            if wait > 0:
                return Block(wait, f"{title} to take requests again")
        if self._budget.concurrent is not None and self._flying >= self._budget.concurrent:
            return Block(UNTIL_ANSWERED, f"{title} to answer what is under way")
        contended = sum(now - taken < _RECENT for taken in self._tenants.values()) > 1
        waits = [(one.wait(now, wall, contended=contended), one) for one in self._windows]
        longest, window = max(waits, key=lambda pair: pair[0], default=(0.0, None))
        if window is None or longest <= 0:
            return None
        return Block(longest, window.title or f"{title} ({window.span:g} s)")

    def take(self, going: Pass) -> None:
        """Let a request go."""
        self._flying += 1
        self._tenants[going.tenant] = going.taken
        for window in self._windows:
            window.take(going.taken, going.wall)
        if self._easing is not None:
            self._easing.take(going.taken, going.number)

    def give_back(self, going: Pass, now: float, wall: float) -> None:
        """A request was answered, or given up."""
        self._flying -= 1
        for window in self._windows:
            window.give_back(now, wall, going.wall)
        if self._easing is not None:
            self._easing.end(going.number)

    def learn(self, headers: Mapping[str, str], now: float, wall: datetime, *, fine: bool) -> None:
        """Take in what an answer told; call before `give_back`."""
        for told in self._budget.told:
            window = self._find(told)
            if window is not None:
                tidings = read_tidings(told, headers, wall)
                others = self._flying - 1
                window.learn(tidings, now, wall.timestamp(), flying=others, fine=fine)

    def succeed(self, going: Pass) -> None:
        """A request was answered as it should be."""
        if self._easing is not None:
            self._easing.succeed(going.taken)

    def refuse(self, going: Pass, now: float, asked: float | None) -> None:
        """A request was refused for the rate, with a wish for a wait of so many seconds."""
        if self._easing is not None:
            self._easing.refuse(now, going.taken, asked)

    def describe_day(self, now: float, wall: float) -> str:
        """Say how much of the day's budget is used up, nothing where there is none."""
        days = [one for one in self._windows if one.span >= 86400]
        if not days:
            return ""
        share = max(one.share_used(now, wall) for one in days)
        return f"{share:.0%} of today's budget used".replace("%", " %")

    def describe(self, now: float, wall: float) -> list[str]:
        """Say what is left of each window."""
        return [
            f"{one.title or self._budget.title}: {1 - one.share_used(now, wall):.0%} left".replace(
                "%", " %"
            )
            for one in self._windows
        ]

    def _find(self, told: Told) -> Window | None:
        fitting = [one for one in self._windows if told.within in (None, int(one.span))]
        return fitting[0] if fitting else None
