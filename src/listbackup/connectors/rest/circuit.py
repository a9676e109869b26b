"""A platform that is down is left alone: after some failures in a row of all streams together, one
request tries at growing intervals, and the others wait for its success. Where no more than a few
operations fail, it is not the platform: what has not failed itself passes.

Serves one event loop.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from listbackup.connectors.rest.pace import Pace
from listbackup.ids import Entropy

_FAILURES = 6
_FIRST = 5.0
_LONGEST = 120.0
_INSTANT = 0.001
_FEW = 3
"""So many operations that fail are a platform that is down."""


class StillDown(Exception):
    """The platform has not answered for so long that nobody waits for it any more."""


class Circuit:
    """Closed while the platform answers; open for a while after failures in a row.

    Open for longer than `patience` seconds, it turns away at once whoever is not the one to try.
    """

    def __init__(self, pace: Pace, entropy: Entropy, patience: float) -> None:
        self._patience = patience
        self._opened = 0.0
        self._pace = pace
        self._entropy = entropy
        self._failures = 0
        self._pauses = 0
        self._until = 0.0
        self._trying = False
        self._failed: set[str] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether requests wait for one that tries."""
        return self._pauses > 0

    @property
    def seconds_left(self) -> float:
        """How long until one tries."""
        left = self._until - self._pace.monotonic()
        return left if self.is_open and left > _INSTANT else 0.0

    @asynccontextmanager
    async def passing(self, operation: str) -> AsyncIterator[None]:
        """Wait until a request may be sent; report inside what came of it. Raises StillDown."""
        if not self._is_innocent(operation):
            await self._wait()
        mine = self.is_open and not self._is_innocent(operation)
        self._trying = self._trying or mine
        try:
            yield
        finally:
            if mine:
                self._trying = False
            self._wake()

    def succeed(self) -> None:
        """The platform answered."""
        self._failures = self._pauses = 0
        self._failed.clear()

    def fail(self, operation: str) -> None:
        """The platform did not answer, or said that it cannot."""
        self._failures += 1
        self._failed.add(operation)
        due = self.seconds_left == 0
        if self._failures >= _FAILURES and (due or not self.is_open):
            draw = int.from_bytes(self._entropy(4), "big") / 2**32
            self._opened = self._opened if self.is_open else self._pace.monotonic()
            pause = min(_LONGEST, _FIRST * 2.0**self._pauses) * (0.75 + 0.5 * draw)
            self._pauses += 1
            self._until = self._pace.monotonic() + pause

    def _is_innocent(self, operation: str) -> bool:
        return operation not in self._failed and len(self._failed) < _FEW

    async def _wait(self) -> None:
        while self.is_open:
            left = self.seconds_left
            if not left and not self._trying:
                return
            last = self._opened + self._patience - self._pace.monotonic()
            if last <= 0:
                raise StillDown
            if left > 0:
                await self._pace.sleep(min(left, last + 0.001))
            else:
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiting.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
