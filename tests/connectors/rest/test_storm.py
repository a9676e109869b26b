"""Half an hour in which a platform refuses nine requests in ten: few calls, little time lost, and
nobody else is held up. In played time."""

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from listbackup.connectors.rest.models.budgets import Budget, Window
from listbackup.connectors.rest.requester import Requester
from listbackup.connectors.rest.transport import Request
from tests.connectors.rest.platformtoys import FINE, GET, Played, Reply, Stand, failing

STORM = 1800.0
BUDGET = (Budget(name="calls", title="calls", windows=(Window(requests=10, within=1),)),)


@dataclass
class Weather:
    """A platform that answers in a tenth of a second and refuses while the storm blows."""

    stand: Stand
    dice: Random
    retry_after: str = ""
    answered: list[float] = field(default_factory=list)
    tokens: float = 1.0
    looked: float = 0.0

    async def blow(self, request: Request) -> Reply:
        """Refuse nine in ten, whoever asks and how slowly."""
        refused = self.dice.random() < 0.9
        return await self._reply(refused)

    async def throttle(self, request: Request) -> Reply:
        """Let through a tenth of what is allowed otherwise: one a second."""
        now = self.stand.pace.monotonic()
        self.tokens = min(3.0, self.tokens + (now - self.looked) * 1.0)
        self.looked = now
        refused = self.tokens < 1.0
        self.tokens -= 0.0 if refused else 1.0
        return await self._reply(refused)

    async def _reply(self, refused: bool) -> Reply:
        now = self.stand.pace.monotonic()
        await self.stand.pace.sleep(0.1)
        if refused and now < STORM:
            if self.retry_after:
                return failing(429, retry_after=self.retry_after)
            return failing(429)
        self.answered.append(now)
        return FINE


async def read(requester: Requester, pages: int, streams: int = 8) -> None:
    left = iter(range(pages))

    async def stream() -> None:
        for _ in left:
            await requester.ask(GET)

    await asyncio.gather(*(stream() for _ in range(streams)))


def weather(seed: int, retry_after: str = "") -> Weather:
    stand = Stand()
    stand.entropy = type(stand.entropy)(seed)
    return Weather(stand, Random(seed), retry_after)


@pytest.mark.parametrize(("seed", "retry_after"), [(1, ""), (2, "1"), (3, "30")])
def test_a_storm_that_refuses_nine_in_ten_costs_few_calls_and_little_time(
    seed: int, retry_after: str
) -> None:
    sky = weather(seed, retry_after)
    transport = sky.stand.transport(sky.blow)
    pages = 1500
    asyncio.run(read(sky.stand.requester(transport, budgets=BUDGET), pages))
    assert len(sky.answered) == pages
    assert len(transport.calls) <= 1.2 * pages
    # The best that one could do: wait for the end of the storm, and then go at full speed.
    assert sky.stand.pace.monotonic() <= 1.5 * (STORM + pages / 10)


def test_a_platform_that_takes_a_tenth_of_the_rate_is_given_about_that() -> None:
    sky = weather(1)
    transport = sky.stand.transport(sky.throttle)
    pages = 800
    asyncio.run(read(sky.stand.requester(transport, budgets=BUDGET), pages))
    assert len(transport.calls) <= 1.2 * pages
    assert sky.stand.pace.monotonic() <= 1.5 * pages / 1.0


def test_full_speed_is_found_again_after_the_storm() -> None:
    sky = weather(3)
    transport = sky.stand.transport(sky.blow)
    asyncio.run(read(sky.stand.requester(transport, budgets=BUDGET), 3500))
    late = [moment for moment in sky.answered if moment > STORM + 240]
    assert len(late) > 1000
    assert len(late) / (late[-1] - late[0]) > 8


def test_the_calls_of_two_runs_do_not_beat_in_step() -> None:
    def times(seed: int) -> list[float]:
        sky = weather(seed)
        sky.dice = Random(5)
        transport = sky.stand.transport(sky.blow)
        # Jitter comes from the host's entropy alone.
        sky.stand.budgets = type(sky.stand.budgets)(sky.stand.pace, sky.stand.entropy)
        asyncio.run(read(sky.stand.requester(transport, budgets=BUDGET), 50))
        return transport.times[8:]

    first, second = times(1), times(2)
    assert not set(first) & set(second)
    assert times(1) == first


def test_other_accounts_do_not_feel_the_storm() -> None:
    sky = weather(4)
    stand = sky.stand
    calm: list[float] = []

    async def fine(request: Request) -> Reply:
        await stand.pace.sleep(0.1)
        calm.append(stand.pace.monotonic())
        return FINE

    stormy, quiet = stand.transport(sky.blow), Played(stand.pace, fine)

    async def work() -> None:
        here = stand.requester(stormy, budgets=BUDGET, source="here")
        there = stand.requester(quiet, budgets=BUDGET, source="there")
        await asyncio.gather(read(here, 100), read(there, 1500))

    asyncio.run(work())
    assert calm[-1] < 1.15 * 150
