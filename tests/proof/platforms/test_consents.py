"""Credentials that end in the middle of a sync, and two syncs of one source at the same time."""

import asyncio
import copy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.credentials import read_credential
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.disk import SystemDisk
from listbackup.errors import AuthError, BusyError, Category
from listbackup.events import ConsentEnded
from listbackup.host import Host
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.paces import PlayedPace
from listbackup.testing.vaults import Trial
from tests.proof.counts import rounds
from tests.proof.platforms.kills import OFTEN
from tests.proof.platforms.worlds import PacedClock, World


def keap_of(world: World) -> Keap:
    """Give a world's Keap."""
    assert isinstance(world.sandbox, Keap)
    return world.sandbox


def held_token(world: World) -> str:
    """Give the access token that is kept."""
    data = world.keeper.read()
    assert data is not None
    tokens = read_credential(data).tokens
    assert tokens is not None
    return tokens.access.reveal()


@rounds(suite=2, full=20)
def test_tokens_that_expire_in_the_middle_are_renewed_and_nothing_is_lost(
    scratch: Path, rounds: int
) -> None:
    renewed = 0
    for seed in range(1, rounds + 1):
        world = World("keap", scratch / str(seed), seed, way="oauth")
        keap = keap_of(world)

        def expire(world: World = world, keap: Keap = keap) -> None:
            assert keap.authority.expire(held_token(world))

        for count in (7, 40 + seed, 90, 140):
            keap.after_requests(count, expire)
        result = world.sync()
        assert result.reasons == []
        assert world.compare() == []
        assert keap.authority.counts.refreshes == 4
        assert (keap.authority.counts.reuses, keap.authority.counts.revocations) == (0, 0)
        renewed += keap.authority.counts.refreshes
    print(
        f"{rounds} syncs whose token expired 4 times each: {renewed} renewals, 0 tokens used twice"
    )


@pytest.mark.parametrize("after", [3, 60, 150])
def test_a_consent_that_is_taken_back_ends_the_sync_and_the_next_step_is_named(
    after: int, scratch: Path
) -> None:
    world = World("keap", scratch, way="oauth")
    keap = keap_of(world)
    world.sync()
    before = world.look_into_vault()
    world.pass_time(days=8)
    grant = keap.authority.grants[-1]
    keap.after_requests(after, lambda: keap.authority.revoke_grant(grant))
    with pytest.raises(AuthError) as caught:
        world.sync(full=True)
    assert caught.value.category is Category.AUTH
    assert "listbackup source reconnect keap" in caught.value.hint
    assert any(isinstance(one, ConsentEnded) for one in world.trial.events)
    assert world.look_into_vault() == before
    keap.hooks.clear()
    world.connect()
    result = world.sync()
    assert result.reasons == []
    assert world.compare() == []


@dataclass
class Interrupting:
    """A transport that lets something else happen, in another thread, before one request."""

    inner: Transport
    before: int
    act: object
    sent: int = 0

    async def send(self, request: Request) -> Response:
        """Send, after what is to happen."""
        self.sent += 1
        if self.sent == self.before and callable(self.act):
            await asyncio.get_running_loop().run_in_executor(None, self.act)
        return await self.inner.send(request)

    async def close(self) -> None:
        """Close it."""
        await self.inner.close()


def rival_of(world: World) -> World:
    """Give another process of the same installation: the same vault, source and platform."""
    rival = copy.copy(world)
    rival.pace = PlayedPace(world.pace.now())
    rival.budgets = Budgets(rival.pace, SeededEntropy(99))
    host = Host(PacedClock(rival.pace), SeededEntropy(99), SystemDisk())
    rival.trial = Trial(world.root, host, encryption="sealed")
    rival.wrap = lambda transport: transport
    world.sandbox.watch = Latest(world.pace, rival.pace)
    return rival


class Latest:
    """The platform's clock, where two processes each play their time: the later one."""

    def __init__(self, *paces: PlayedPace) -> None:
        self._paces = paces

    def now(self) -> datetime:
        """Give the latest time."""
        return max(pace.now() for pace in self._paces)


@pytest.mark.parametrize("before", [2, 9, 30, 60])
def test_of_two_syncs_at_the_same_time_one_wins_and_nothing_is_lost(
    before: int, scratch: Path
) -> None:
    world = World("post", scratch)
    won: list[str] = []

    def compete() -> None:
        try:
            rival_of(world).sync()
            won.append("rival")
        except BusyError as error:
            assert error.category is Category.BUSY

    world.wrap = lambda transport: Interrupting(transport, before, compete)
    try:
        world.sync(cuts=OFTEN)
        won.append("first")
    except BusyError as error:
        assert error.category is Category.BUSY
        assert error.hint
    assert len(won) == 1
    assert world.compare() == []
    world.wrap = lambda transport: transport
    world.pass_time(hours=2)
    assert world.sync(full=True).reasons == []
    assert world.compare() == []
    assert world.trial.check("records").findings == []
