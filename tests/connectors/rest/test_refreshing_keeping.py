"""A new token is kept before it is used; what a death or a full disk lost on the way is told."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from listbackup.connectors.rest.credentials import MemoryKeeper, read_credential
from listbackup.connectors.rest.transport import Kind, Request, Response, TransportError
from listbackup.errors import AuthError, FailedError
from listbackup.events import ConsentEnded, Waited
from tests.connectors.rest.connected import Between, Send, World, is_token, renew


def test_a_rotated_token_is_durable_before_the_next_call() -> None:
    world = World()
    world.let_expire(world.consent())
    seen: list[bool] = []

    async def act(request: Request, send: Send) -> Response:
        if not is_token(request):
            bearer = request.headers["Authorization"].removeprefix("Bearer ")
            seen.append(bearer.encode() in (world.keeper.read() or b""))
        return await send(request)

    world.transport = Between(world.transport, act)

    async def run() -> None:
        authorizer = world.authorizer()
        assert await authorizer.refused(await world.ask(authorizer), world.asked)
        assert (await world.ask(authorizer)).status == 200

    asyncio.run(run())
    assert seen == [True, True]


class Died(Exception):
    """The process ends here."""


@dataclass
class DyingKeeper(MemoryKeeper):
    """A keeper in whose process the `dies`-th write is not reached."""

    dies: int = 0
    writes: int = field(default=0, repr=False)

    def write(self, data: bytes) -> None:
        self.writes += 1
        if self.writes == self.dies:
            raise Died
        super().write(data)


def die_before_the_store(world: World) -> None:
    """Let a process die after the platform's answer and before that is stored."""
    keeper = world.keeper
    assert isinstance(keeper, DyingKeeper)

    async def run() -> None:
        authorizer = world.authorizer()
        with pytest.raises(Died):
            await authorizer.refused(await world.ask(authorizer), world.asked)

    keeper.dies = keeper.writes + 2
    asyncio.run(run())


def test_after_a_death_before_the_store_the_old_token_is_tried_once_and_then_a_person_is_told() -> (
    None
):
    world = World(keeper=DyingKeeper())
    world.let_expire(world.consent())
    die_before_the_store(world)
    assert read_credential(world.keeper.read() or b"").refreshing is not None

    async def run() -> None:
        authorizer = world.authorizer()
        with pytest.raises(AuthError, match="cut off before its answer was stored") as caught:
            await authorizer.refused(await world.ask(authorizer), world.asked)
        assert "source reconnect keap" in caught.value.hint

    asyncio.run(run())
    assert (world.counts.refreshes, world.counts.reuses) == (1, 1)
    (event,) = world.events
    assert isinstance(event, ConsentEnded)
    assert read_credential(world.keeper.read() or b"").ended


def test_a_platform_that_accepts_the_old_token_for_a_while_notices_no_death() -> None:
    world = World(keeper=DyingKeeper())
    world.let_expire(world.consent())
    answers: dict[str, Response] = {}

    async def act(request: Request, send: Send) -> Response:
        if not is_token(request):
            return await send(request)
        old = parse_qs(request.body.decode())["refresh_token"][0]
        if old not in answers:
            answers[old] = await send(request)
        return answers[old]

    world.transport = Between(world.transport, act)
    die_before_the_store(world)

    async def run() -> None:
        authorizer = world.authorizer()
        assert await authorizer.refused(await world.ask(authorizer), world.asked)
        assert (await world.ask(authorizer)).status == 200

    asyncio.run(run())
    kept = read_credential(world.keeper.read() or b"")
    assert (kept.refreshing, kept.ended) == (None, "")


def test_an_answer_that_was_lost_is_named_as_the_cause() -> None:
    world = World()
    world.let_expire(world.consent())

    async def act(request: Request, send: Send) -> Response:
        response = await send(request)
        if is_token(request) and world.counts.refreshes == 1 and not world.counts.reuses:
            raise TransportError(Kind.RESET, "in the middle of the response")
        return response

    world.transport = Between(world.transport, act)

    async def run() -> None:
        authorizer = world.authorizer()
        with pytest.raises(AuthError, match="cut off"):
            await authorizer.refused(await world.ask(authorizer), world.asked)

    asyncio.run(run())


def test_tokens_that_cannot_be_kept_are_not_used() -> None:
    world = World(keeper=DyingKeeper())
    world.let_expire(world.consent())
    keeper = world.keeper
    assert isinstance(keeper, DyingKeeper)
    keeper.dies = keeper.writes + 1

    async def run() -> None:
        authorizer = world.authorizer()
        with pytest.raises((Died, FailedError)):
            await authorizer.refused(await world.ask(authorizer), world.asked)

    asyncio.run(run())
    assert world.counts.refreshes == 0


@dataclass
class FullKeeper(MemoryKeeper):
    """Lies on a disk that has no room for some of its writes."""

    refuses: range = range(0)
    writes: int = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        if self.writes in self.refuses:
            raise FailedError("The disk is full.", hint="Free space.")
        super().write(data)


def test_tokens_that_exist_nowhere_else_are_kept_as_soon_as_there_is_room() -> None:
    keeper = FullKeeper(refuses=range(3, 6))
    world = World(keeper=keeper)
    world.let_expire(world.consent())
    assert asyncio.run(renew(world))
    assert read_credential(keeper.data or b"").refreshing is None
    assert (world.counts.refreshes, keeper.writes) == (1, 6)
    assert [type(event) for event in world.events] == [Waited] * 3
    world.let_expire(read_credential(keeper.data or b""))
    assert asyncio.run(renew(world))


def test_tokens_that_can_never_be_kept_are_told_as_what_may_be_lost() -> None:
    world = World(keeper=FullKeeper(refuses=range(3, 100)))
    world.let_expire(world.consent())
    with pytest.raises(FailedError, match="could not be kept: The disk is full") as caught:
        asyncio.run(renew(world))
    assert "may not accept the tokens" in caught.value.risk
    assert "source reconnect keap" in caught.value.hint
    assert world.counts.refreshes == 1
