"""A platform that asks for a pause gets it, within reason, and everybody is told once."""

import asyncio

import pytest

from listbackup.connectors.rest.models.budgets import Budget
from listbackup.connectors.rest.transport import Request
from listbackup.errors import RateLimited
from tests.connectors.rest.platformtoys import (
    FINE,
    GET,
    Reply,
    Stand,
    failing,
    is_fine,
    scripted,
    tells_no_secret,
)


@pytest.mark.parametrize("asked", ["20", "Sun, 01 Nov 2026 12:00:20 GMT"])
def test_a_429_is_waited_for_as_long_as_asked_by_all_streams_and_told_once(asked: str) -> None:
    stand = Stand()

    async def reply(request: Request) -> Reply:
        await stand.pace.sleep(0.1)
        return FINE if stand.pace.monotonic() >= 20 else failing(429, retry_after=asked)

    transport = stand.transport(reply)
    requester = stand.requester(transport)

    async def work() -> None:
        await asyncio.gather(*(requester.ask(GET) for _ in range(8)))

    asyncio.run(work())
    assert len(transport.calls) == 16
    assert not [moment for moment in transport.times if 0.5 < moment < 20]
    assert 19.9 < stand.waits[0].seconds < 21.1
    assert len(stand.waits) <= 2


def test_a_429_without_a_word_is_waited_for_a_while_and_not_for_ever() -> None:
    stand = Stand()
    transport = scripted(stand, failing(429), failing(429), FINE)
    is_fine(stand, transport)
    assert 0.5 < stand.pace.monotonic() < 10
    endless = Stand()
    always = scripted(endless, then=failing(429))
    with pytest.raises(RateLimited) as caught:
        is_fine(endless, always)
    assert 2 * 3600 <= endless.pace.monotonic() < 2.2 * 3600
    assert len(always.calls) < 200
    tells_no_secret(caught.value)


def test_a_429_that_asks_for_a_day_is_not_waited_for() -> None:
    stand = Stand()
    transport = scripted(stand, then=failing(429, retry_after="86400"))
    with pytest.raises(RateLimited) as caught:
        is_fine(stand, transport)
    assert stand.pace.monotonic() < 1
    assert "1440 minutes" in caught.value.message


def test_all_that_wait_are_told_at_once_when_the_wait_becomes_too_long() -> None:
    stand = Stand()

    async def reply(request: Request) -> Reply:
        await stand.pace.sleep(0.5)
        return failing(429, retry_after="86400")

    places = Budget(name="places", title="places", concurrent=1)
    requester = stand.requester(stand.transport(reply), budgets=(places,))

    async def work() -> list[object]:
        asks = (requester.ask(GET) for _ in range(8))
        return list(await asyncio.gather(*asks, return_exceptions=True))

    ended = asyncio.run(work())
    assert all(isinstance(one, RateLimited) for one in ended)
    assert stand.pace.monotonic() < 2
