"""Rate budgets of a process: every request waits its turn, fairly, and no limit is ever passed.

`Budgets` is one for the process; a source opens a `Line` on it, told who it is to the platform.
Sources with one client, key or account share what that client, key or account may do; among those
that wait, tenants take turns, however many requests each has waiting. Sources may run on event
loops of different threads.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from listbackup.connectors.rest.easing import Easing
from listbackup.connectors.rest.models.budgets import Budget
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.shares import Block, Pass, Share
from listbackup.connectors.rest.told import read_retry_after
from listbackup.connectors.rest.windows import UNTIL_ANSWERED
from listbackup.errors import RateLimited
from listbackup.events import Emit, Waited, ignore
from listbackup.ids import Entropy

_WORTH_TELLING = 1.0
_LOOK_AGAIN = 60.0
_GAP = 0.1


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a source is to a platform: the platform's name, digests or names of client and key, the
    account, and the tenant whose turn it is (the source)."""

    platform: str
    client: str
    key: str
    account: str
    tenant: str

    def holder(self, scope: str) -> tuple[str, ...]:
        """Say who holds a budget of a scope; where no client is given, the key stands for it."""
        names = {"client": self.client or self.key, "key": self.key, "account": self.account}
        return (self.platform, scope, names[scope])


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request in the queue: what held it back when last looked at, and until when it naps;
    `woken` is there only while it does."""

    going: Pass
    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[None] | None" = None
    blocked: Block = Block(UNTIL_ANSWERED, "")
    until: float = 0.0
    leads: bool = True

    def hold(self, block: Block, now: float, *, leads: bool) -> None:
        """Note what holds it back now. Of a tenant's requests that wait for the same, the first
        leads and looks again when that has passed; it is woken where it would nap for longer, or
        where there is something new to be told."""
        new = block.why != self.blocked.why or not self.leads
        self.blocked, self.leads = block, leads
        if leads and (new or now + block.seconds < self.until):
            self.wake()

    def doze_until(self, now: float) -> float:
        """Say when to look again."""
        return now + (min(self.blocked.seconds, _LOOK_AGAIN) if self.leads else _LOOK_AGAIN)

    def wake(self) -> None:
        """End its nap, from any thread. The loop of a source that was given up may be closed."""
        if self.woken is not None:
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(_wake, self.woken)


@dataclass(slots=True)
class Passage:
    """What a line gives for one request: tell it what came, inside the `async with`."""

    going: Pass
    refused: bool = False
    asked: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answered: bool = False

    def answer(self, headers: Mapping[str, str], *, refused: bool) -> None:
        """An answer came; `refused` for the rate or not."""
        self.answered, self.headers, self.refused = True, headers, refused


class Budgets:
    """All budgets of a process, and who waits for them."""

    def __init__(self, pace: Pace, entropy: Entropy) -> None:
        self._pace = pace
        self._entropy = entropy
        self._lock = threading.Lock()
        self._shares: dict[tuple[str, ...], Share] = {}
        self._queues: OrderedDict[str, list[_Waiting]] = OrderedDict()

    def open(
        self,
        owner: Owner,
        budgets: Sequence[Budget],
        *,
        title: str,
        concurrent: int | None = None,
        longest_wait: float = 3600.0,
        emit: Emit = ignore,
    ) -> "Line":
        """Open a source's line. `title` names the platform for people; `concurrent` bounds the
        requests of the account that are under way; a wait above `longest_wait` seconds is an
        error and not waited for."""
        gaps = [one.within / one.requests for budget in budgets for one in budget.windows[:1]]
        own = Budget(name="own", title=title, scope="account", concurrent=concurrent)
        with self._lock:
            place = (*owner.holder("account"), owner.key)
            easing = Easing(self._entropy, max(gaps, default=_GAP))
            shares = [self._shares.setdefault(place, Share(own, easing))]
            for budget in budgets:
                place = (*owner.holder(budget.scope), budget.name)
                shares.append(self._shares.setdefault(place, Share(budget)))
        return Line(self, owner, tuple(shares), title, longest_wait, emit)

    async def take(self, going: Pass, line: "Line") -> None:
        """Wait until a request may go. Raises RateLimited where that would take too long."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(going, loop)
        with self._lock:
            self._queues.setdefault(going.tenant, []).append(waiting)
            self._dispatch()
        try:
            while not going.is_taken:
                now = self._pace.monotonic()
                with self._lock:
                    block = waiting.blocked
                    waiting.woken = woken = loop.create_future()
                    waiting.until = waiting.doze_until(now)
                    left = not going.is_taken
                if left:
                    line.tell(block, now, self._describe_day(going))
                    await self._doze(woken, waiting.until - now)
                with self._lock:
                    if not going.is_taken:
                        self._dispatch()
        except BaseException:
            with self._lock:
                self._leave(waiting)
            raise

    def give_back(self, going: Pass, passage: Passage) -> None:
        """A request has ended: take in what its answer told, and let others go."""
        now, moment = self._pace.monotonic(), self._pace.now()
        with self._lock:
            for share in going.shares:
                if passage.answered:
                    share.learn(passage.headers, now, moment, fine=not passage.refused)
                if passage.refused:
                    share.refuse(going, now, read_retry_after(passage.headers, moment))
                elif passage.answered:
                    share.succeed(going)
                share.give_back(going, now, moment.timestamp())
            self._dispatch()

    async def _doze(self, woken: "asyncio.Future[None]", seconds: float) -> None:
        nap = asyncio.ensure_future(self._pace.sleep(seconds))
        try:
            await asyncio.wait({nap, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()

    def _dispatch(self) -> None:
        """Let go whoever may, one of each tenant in turn, until nobody may."""
        now, wall = self._pace.monotonic(), self._pace.now().timestamp()
        went = True
        while went:
            went = False
            for tenant in list(self._queues):
                chosen = self._choose(self._queues[tenant], now, wall)
                if chosen is not None:
                    self._release(tenant, chosen, now, wall)
                    went = True

    def _choose(self, queue: list[_Waiting], now: float, wall: float) -> _Waiting | None:
        """Give the first of a tenant's requests that may go now; note what blocks the others."""
        known: dict[tuple[int, ...], Block] = {}
        for waiting in queue:
            kind = tuple(id(share) for share in waiting.going.shares)
            block = known.get(kind) or _find_block(waiting.going.shares, now, wall)
            if block is None:
                return waiting
            waiting.hold(block, now, leads=kind not in known)
            known[kind] = block
        return None

    def _release(self, tenant: str, waiting: _Waiting, now: float, wall: float) -> None:
        queue = self._queues[tenant]
        queue.remove(waiting)
        self._queues.move_to_end(tenant)
        if not queue:
            del self._queues[tenant]
        waiting.going.taken, waiting.going.wall = now, wall
        for share in waiting.going.shares:
            share.take(waiting.going)
        waiting.wake()

    def _leave(self, waiting: _Waiting) -> None:
        going = waiting.going
        if going.is_taken:
            now, wall = self._pace.monotonic(), self._pace.now().timestamp()
            for share in going.shares:
                share.give_back(going, now, wall)
        else:
            queue = self._queues[going.tenant]
            queue.remove(waiting)
            if not queue:
                del self._queues[going.tenant]
        self._dispatch()

    def describe(self, shares: Sequence[Share]) -> list[str]:
        """Say what is left of budgets."""
        now, wall = self._pace.monotonic(), self._pace.now().timestamp()
        with self._lock:
            return [said for share in shares for said in share.describe(now, wall)]

    def _describe_day(self, going: Pass) -> str:
        now, wall = self._pace.monotonic(), self._pace.now().timestamp()
        with self._lock:
            said = [share.describe_day(now, wall) for share in going.shares]
        return max(said, key=len)


class Line:
    """One source's way to its platform's budgets."""

    def __init__(
        self,
        budgets: Budgets,
        owner: Owner,
        shares: tuple[Share, ...],
        title: str,
        longest_wait: float,
        emit: Emit,
    ) -> None:
        self.title = title
        self._budgets = budgets
        self._owner = owner
        self._shares = shares
        self._longest = longest_wait
        self._emit = emit
        self._told = 0.0

    @asynccontextmanager
    async def passage(self, operation: str) -> AsyncIterator[Passage]:
        """Wait until a request of an operation (`METHOD /path`) may go, and hold its place while
        it is under way. Raises RateLimited where the wait would be too long."""
        shares = tuple(share for share in self._shares if share.covers(operation))
        going = Pass(self._owner.tenant, shares)
        await self._budgets.take(going, self)
        passage = Passage(going)
        try:
            yield passage
        finally:
            self._budgets.give_back(going, passage)

    def describe(self) -> list[str]:
        """Say what is left of the source's budgets, as far as this process knows."""
        return self._budgets.describe(self._shares)

    def tell(self, block: Block, now: float, day: str) -> None:
        """Say what the source waits for, once for all its requests that wait for it. Raises
        RateLimited where that is too long."""
        if block.seconds == UNTIL_ANSWERED:
            return
        if block.seconds > self._longest:
            raise RateLimited(
                f"{self.title} takes no more requests now: waiting for {block.why} would take "
                f"{block.seconds / 60:.0f} minutes.",
                subject=self._owner.tenant,
                risk="What was read so far is kept; the rest is missing from this snapshot.",
                hint="Run the backup again later; it goes on from where it stopped.",
            )
        if block.seconds < _WORTH_TELLING or now + block.seconds <= self._told + _WORTH_TELLING:
            return
        self._told = now + block.seconds
        self._emit(Waited(", ".join(part for part in (block.why, day) if part), block.seconds))


def _find_block(shares: tuple[Share, ...], now: float, wall: float) -> Block | None:
    blocks = [block for share in shares if (block := share.block(now, wall)) is not None]
    return max(blocks, key=lambda block: block.seconds, default=None)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
