"""Children that meet answers without an end, over real HTTP: how much memory that takes, how long,
and what they say of it."""

import asyncio
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection as Line

from listbackup.clock import Clock
from listbackup.connectors.rest.pace import SystemPace
from listbackup.testing.vaults import Trial
from tests.proof.platforms.kills import Installation
from tests.proof.strikes import forks


class Hasty(SystemPace):
    """Time that is waited for by nobody, and passes all the same."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waited = 0.0

    def monotonic(self) -> float:
        """Give the seconds, those that nobody waited for included."""
        return super().monotonic() + self._waited

    async def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self._waited += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a sync took: MiB of memory more than a sync before it, seconds; and what it said."""

    memory: float
    seconds: float
    reasons: list[str]


def weigh(installation: Installation) -> Weighed:
    """Sync in a child that has synced before, and weigh that."""
    ear, mouth = forks().Pipe(duplex=False)
    child = forks().Process(target=_child, args=(installation, mouth))
    child.start()
    mouth.close()
    try:
        weighed: Weighed = ear.recv()
        return weighed
    finally:
        child.join()
        child.close()
        ear.close()


def _child(installation: Installation, line: Line) -> None:
    trial: Trial = installation.trial(_ignore)
    pace = Hasty(trial.host.clock)
    installation.sync(_ignore, pace, include=("products",))
    before, began = _peak(), time.monotonic()
    result = installation.sync(_ignore, pace)
    line.send(Weighed(_peak() - before, time.monotonic() - began, list(result.reasons)))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ignore(word: str) -> None:
    """Nobody has to be told."""
