"""Time for code on an event loop: what the time is, and how to wait without blocking the loop."""

import asyncio
from datetime import datetime
from typing import Protocol

from listbackup.clock import Clock


class Pace(Protocol):
    """What `Clock` is to threads."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; others on the loop go on."""
        ...


class SystemPace:
    """Time as the host's clock tells it; waiting is the event loop's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Give seconds that never run backwards."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; others on the loop go on."""
        await asyncio.sleep(max(0.0, seconds))
