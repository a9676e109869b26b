"""Played time for code on an event loop: nobody waits, and every wait lasts as long as it says."""

import asyncio
import heapq
from datetime import datetime, timedelta
from itertools import count

from listbackup.testing.hosts import START


class PlayedPace:
    """Time that stands still while anything can run, and then jumps to the earliest deadline.

    Any number of tasks of one event loop may sleep at once; each wakes when its time has come and
    not before, those with one deadline in the order in which they lay down. Meant for transports
    within the process: what waits for a socket or a thread does not hold the time.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._watched: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        """Give the played time."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Give the seconds that have passed since the start."""
        return self._elapsed

    def set_wall(self, moment: datetime) -> None:
        """Set the wall clock, forwards or backwards; what sleeps does not notice."""
        self._start = moment - timedelta(seconds=self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has come to it."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), sleeper))
        if self._watched is not loop:
            self._watched = loop
            loop.call_soon(self._watch, loop, 0)
        await sleeper

    def _watch(self, loop: asyncio.AbstractEventLoop, idle: int) -> None:
        # The loop takes one turn more after it ran dry, in which it looks at its sockets.
        ready = getattr(loop, "_ready")  # noqa: B009
        idle = 0 if ready else idle + 1
        if idle > 1:
            self._jump()
            idle = 0
        if self._sleepers:
            loop.call_soon(self._watch, loop, idle)
        else:
            self._watched = None

    def _jump(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            return
        self._elapsed = max(self._elapsed, self._sleepers[0][0])
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)
