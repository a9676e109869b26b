"""Tokens are renewed once, ahead of their end, by whoever has the lease."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from listbackup.connectors.rest.credentials import MemoryKeeper, read_credential, write_credential
from listbackup.connectors.rest.models.authentication import OAuthClient
from listbackup.connectors.rest.models.placeholders import read_text
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import BusyError, SourceError
from listbackup.events import Waited
from tests.connectors.rest.connected import Between, Send, World, ahead, is_token, renew


def test_a_token_is_used_until_shortly_before_its_end() -> None:
    world = World()
    tokens = world.consent().tokens
    assert tokens is not None

    async def run() -> None:
        authorizer = world.authorizer()
        life = (tokens.expires - tokens.obtained).total_seconds()
        assert (await world.ask(authorizer)).status == 200
        await world.pace.sleep(life - ahead(world.connection()) - 1)
        assert (await world.ask(authorizer)).status == 200
        assert world.counts.refreshes == 0
        await world.pace.sleep(2)
        assert (await world.ask(authorizer)).status == 200
        assert world.counts.refreshes == 1

    asyncio.run(run())
    kept = read_credential(world.keeper.read() or b"").tokens
    assert kept is not None
    assert kept.access != tokens.access
    assert kept.refresh != tokens.refresh


def test_requests_that_are_refused_together_renew_the_token_once() -> None:
    world = World()
    credential = world.consent()
    world.let_expire(credential)

    async def run() -> list[int]:
        authorizer = world.authorizer()

        refused = [await world.ask(authorizer) for _ in range(8)]
        assert [one.status for one in refused] == [401] * 8
        assert (
            await asyncio.gather(*(authorizer.refused(one, world.asked) for one in refused))
            == [True] * 8
        )
        return [(await world.ask(authorizer)).status for _ in range(8)]

    assert asyncio.run(run()) == [200] * 8
    assert (world.counts.refreshes, world.counts.reuses) == (1, 0)


def test_a_token_that_ends_right_after_its_renewal_is_renewed_again() -> None:
    world = World()
    world.let_expire(world.consent())

    async def run() -> list[int]:
        authorizer, found = world.authorizer(), []
        for _ in range(3):
            assert await authorizer.refused(await world.ask(authorizer), world.asked)
            late = world.asked
            found.append((await world.ask(authorizer)).status)
            # of a request that was under way with the token before nothing follows
            assert await authorizer.refused(Response(401), late)
            world.keap.authority.expire(world.asked.headers["Authorization"].split()[1])
        return found

    assert asyncio.run(run()) == [200] * 3
    assert (world.counts.refreshes, world.counts.reuses) == (3, 0)


def test_what_another_process_renewed_is_taken_over() -> None:
    world = World()
    world.let_expire(world.consent())

    async def run() -> None:
        ours, theirs = world.authorizer(), world.authorizer()
        refused, asked = await world.ask(ours), world.asked
        assert await theirs.refused(await world.ask(theirs), world.asked)
        assert await ours.refused(refused, asked)
        assert (await world.ask(ours)).status == 200

    asyncio.run(run())
    assert world.counts.refreshes == 1


@dataclass
class HeldKeeper(MemoryKeeper):
    """A keeper whose lease another process has for the first `held` times that it is asked for."""

    held: int = 0
    asked: int = 0

    def lease(self) -> Any:
        self.asked += 1
        if self.asked <= self.held:
            raise BusyError("Another process of this machine is working on it.")
        return nullcontext()


def test_whoever_does_not_have_the_lease_waits_for_it() -> None:
    world = World(keeper=HeldKeeper(held=50))
    world.let_expire(world.consent())

    async def run() -> None:
        authorizer = world.authorizer()
        assert await authorizer.refused(await world.ask(authorizer), world.asked)

    asyncio.run(run())
    assert 4 < world.pace.monotonic() < 6
    assert world.counts.refreshes == 1


def test_who_waits_for_a_process_that_hangs_says_so_and_gives_up() -> None:
    world = World(keeper=HeldKeeper(held=10**9))
    world.let_expire(world.consent())
    with pytest.raises(BusyError):
        asyncio.run(renew(world))
    (event,) = world.events
    assert isinstance(event, Waited)
    assert "another process" in event.reason
    assert world.counts.refreshes == 0


def test_a_token_server_that_is_down_is_waited_for_as_long_as_the_token_lasts() -> None:
    world = World()
    tokens = world.consent().tokens
    assert tokens is not None
    down = True

    async def act(request: Request, send: Send) -> Response:
        return Response(503) if is_token(request) and down else await send(request)

    world.transport = Between(world.transport, act)

    async def run() -> None:
        nonlocal down
        authorizer = world.authorizer()
        life = (tokens.expires - tokens.obtained).total_seconds()
        await world.pace.sleep(life - ahead(world.connection()) + 1)
        assert (await world.ask(authorizer)).status == 200
        await world.pace.sleep(ahead(world.connection()))
        with pytest.raises(SourceError, match="503") as caught:
            await authorizer.authorize(Request("GET", "https://h/"))
        assert "nobody has to consent anew" in caught.value.hint
        down = False
        assert (await world.ask(authorizer)).status == 200

    asyncio.run(run())
    assert world.counts.refreshes == 1


@pytest.mark.parametrize(("client", "scopes"), [("basic", ("a", "b")), ("body", ())])
def test_client_credentials_are_exchanged_for_tokens_that_are_kept(
    client: Any, scopes: tuple[str, ...]
) -> None:
    world = World()
    world.keeper.write(write_credential(replace(world.consent(), tokens=None, way="machine")))
    asked: list[Request] = []

    async def act(request: Request, send: Send) -> Response:
        asked.append(request)
        return Response(200, body=b'{"access_token":"t-%d","expires_in":"60"}' % len(asked))

    way = OAuthClient(
        kind="oauth2_client",
        name="machine",
        title="A machine",
        token_url=read_text("https://h/token"),
        scopes=scopes,
        client=client,
        parameters={"audience": read_text("all")},
    )
    world.transport = Between(world.transport, act)

    async def run() -> list[str]:
        bearers = []
        authorizer = world.authorizer(way=way)
        for seconds in (0, 20, 20):
            await world.pace.sleep(seconds)
            request = await authorizer.authorize(Request("GET", "https://h/"))
            bearers.append(request.headers["Authorization"])
        return bearers

    assert asyncio.run(run()) == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]
    form = parse_qs(asked[0].body.decode())
    assert form["grant_type"] == ["client_credentials"]
    assert form["audience"] == ["all"]
    assert form.get("scope") == (["a b"] if scopes else None)
    assert ("Authorization" in asked[0].headers) == (client == "basic")
    assert ("client_id" in form) == (client == "body")
