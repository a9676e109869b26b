"""Tokens are renewed once, ahead of their end, and nothing is lost on the way."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from listbackup.connectors.rest.connection import choose_way
from listbackup.connectors.rest.credentials import (
    MemoryKeeper,
    list_wanted,
    read_credential,
    write_credential,
)
from listbackup.connectors.rest.models.authentication import (
    ApiKey,
    Authentication,
    Basic,
    Bearer,
    OAuthClient,
)
from listbackup.connectors.rest.models.placeholders import read_text
from listbackup.connectors.rest.transport import Kind, Request, Response, TransportError
from listbackup.errors import AuthError, BusyError, FailedError, SourceError
from listbackup.events import ConsentEnded, Waited
from listbackup.log import Redactor, Secret
from tests.connectors.rest.connected import BASE, CLIENT, World, ahead

Send = Callable[[Request], Awaitable[Response]]


@dataclass
class Between:
    """A transport with something between: `act` is given each request and how it is sent on."""

    inner: Any
    act: Callable[[Request, Send], Awaitable[Response]]

    async def send(self, request: Request) -> Response:
        return await self.act(request, self.inner.send)

    async def close(self) -> None:
        await self.inner.close()


def is_token(request: Request) -> bool:
    return request.url.endswith("/token")


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


def test_a_consent_that_was_revoked_ends_with_an_event_and_the_next_step() -> None:
    world = World()
    world.consent()
    world.keap.authority.revoke_grant(world.keap.authority.grants[0])

    async def run() -> None:
        authorizer = world.authorizer()
        with pytest.raises(AuthError, match="does not let keap in any more") as caught:
            await authorizer.refused(await world.ask(authorizer), world.asked)
        assert caught.value.hint == "Run `listbackup source reconnect keap`."
        assert caught.value.subject == "keap"

    asyncio.run(run())
    (event,) = world.events
    assert isinstance(event, ConsentEnded)
    assert event.platform == "Keap"
    assert read_credential(world.keeper.read() or b"").refreshing is None


def test_a_key_that_is_refused_is_told_once() -> None:
    world = World()
    way = choose_way(world.connection().platform, "key")
    keys = {"key": Secret("no such key")}
    world.keeper.write(write_credential(replace(world.consent(), way="key", secrets=keys)))

    async def run() -> None:
        authorizer = world.authorizer(way=way)
        asked = await authorizer.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags"))
        assert asked.headers == {"X-Keap-API-Key": "no such key"}
        for _ in range(2):
            assert not await authorizer.refused(await world.transport.send(asked), asked)

    asyncio.run(run())
    assert world.events == [ConsentEnded("keap", "Keap", "status 401")]
    assert "status 401" in read_credential(world.keeper.read() or b"").ended
    again = world.authorizer(way=way)
    asyncio.run(again.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags")))
    assert read_credential(world.keeper.read() or b"").ended == ""


def test_a_key_that_was_refused_is_not_noted_of_the_one_that_came_after_it() -> None:
    world = World()
    way = choose_way(world.connection().platform, "key")
    old, new = ({"key": Secret(text)} for text in ("the old key", "the new key"))
    credential = replace(world.consent(), way="key", secrets=old)
    for after in (write_credential(replace(credential, secrets=new)), None):
        world.keeper.write(write_credential(credential))
        authorizer = world.authorizer(way=way)
        asyncio.run(authorizer.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags")))
        assert isinstance(world.keeper, MemoryKeeper)
        world.keeper.data = after
        assert not asyncio.run(authorizer.refused(Response(401), world.asked))
        assert world.keeper.data == after


@pytest.mark.parametrize(
    ("way", "secrets", "header"),
    [
        (Bearer(kind="bearer", name="w", title="W"), {"token": "t"}, "Bearer t"),
        (
            Basic(kind="basic", name="w", title="W"),
            {"user": "u", "password": "p:é"},
            "Basic dTpwOsOp",
        ),
        (Basic(kind="basic", name="w", title="W", password="none"), {"user": "u"}, "Basic dTo="),
        (
            ApiKey(kind="api_key", name="w", title="W", header="Authorization", prefix="Token "),
            {"key": "k"},
            "Token k",
        ),
    ],
)
def test_what_a_person_gave_stands_in_the_header(
    way: Authentication, secrets: dict[str, str], header: str
) -> None:
    world = World()
    given = {name: Secret(text) for name, text in secrets.items()}
    assert [one.name for one in list_wanted(way)] == list(secrets)
    credential = replace(world.consent(), way="w", secrets=given, tokens=None)
    world.keeper.write(write_credential(credential))
    asked = asyncio.run(world.authorizer(way=way).authorize(Request("GET", "https://h/")))
    assert asked.headers == {"Authorization": header}


def test_nothing_that_is_raised_or_told_has_a_secret() -> None:
    world = World()
    credential = world.consent()
    canaries = credential.every_secret()
    assert credential.tokens is not None
    refresh = credential.tokens.refresh
    assert refresh is not None

    async def act(request: Request, send: Send) -> Response:
        if not is_token(request):
            return await send(request)
        words = f"no: {refresh.reveal()} of {CLIENT.secret}"
        return Response(
            400, body=f'{{"error":"invalid_grant","error_description":"{words}"}}'.encode()
        )

    world.transport = Between(world.transport, act)
    world.let_expire(credential)

    async def run() -> str:
        authorizer = world.authorizer()
        asked = await authorizer.authorize(Request("GET", "https://h/"))
        with pytest.raises(AuthError) as caught:
            await authorizer.refused(await world.ask(authorizer), world.asked)
        error = caught.value
        return (
            f"{asked!r}{error!r}{error.message}{error.hint}{error.__cause__!r}{vars(authorizer)!r}"
        )

    told = asyncio.run(run()) + repr(world.events) + repr(credential) + repr(world.connection())
    assert "no: *** of ***" in told
    for canary in canaries[1:]:
        assert canary not in told


def test_a_source_without_credentials_or_with_others_is_told_to_connect() -> None:
    world = World()

    async def ask() -> None:
        await world.authorizer().authorize(Request("GET", "https://h/"))

    with pytest.raises(AuthError, match="not connected"):
        asyncio.run(ask())
    world.keeper.write(write_credential(replace(world.consent(), way="key")))
    with pytest.raises(AuthError, match="connected to keap by key"):
        asyncio.run(ask())


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


def answering(world: World, status: int, body: Any) -> Between:
    """Give what stands before a token server that answers so, whatever it is asked."""

    async def act(request: Request, send: Send) -> Response:
        if is_token(request):
            return Response(status, body=json.dumps(body).encode())
        return await send(request)

    return Between(world.transport, act)


async def renew(world: World, **changes: Any) -> bool:
    authorizer = world.authorizer(**changes)
    return await authorizer.refused(await world.ask(authorizer), world.asked)


@pytest.mark.parametrize("before", [140, 160, 170, 180, 190, 195, 1900, 1980, 1990])
def test_no_beginning_of_a_token_is_left_where_words_are_cut(before: int) -> None:
    world = World()
    credential = world.consent()
    world.let_expire(credential)
    told = ""
    for secret in credential.every_secret()[1:]:
        words = " " * (before - 100) + "x" * 100 + " " + secret
        answer = {"error": "invalid_grant", "error_description": words}
        world.transport = answering(world, 400, answer)
        with pytest.raises(AuthError) as caught:
            asyncio.run(renew(world, clean=Redactor(credential.every_secret()).clean))
        told += caught.value.message + repr(world.keeper.read())
        assert secret[:8] not in caught.value.message


def test_an_error_that_is_no_word_is_told_short_and_on_one_line() -> None:
    world = World()
    world.let_expire(world.consent())
    world.transport = answering(world, 400, {"error": "no\x1b[31m\n" + "word " * 20_000})
    with pytest.raises(AuthError) as caught:
        asyncio.run(renew(world))
    assert len(caught.value.message) < 300
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("odd", ["\ud800x", "a\nb", "\x7f", "ключ"])
def test_a_refresh_token_that_cannot_be_sent_is_no_answer(odd: str) -> None:
    world = World()
    kept = world.consent()
    world.let_expire(kept)
    answer = {"access_token": "abcd", "refresh_token": odd, "expires_in": 1}
    world.transport = answering(world, 200, answer)
    with pytest.raises(SourceError, match="without a token"):
        asyncio.run(renew(world))
    assert read_credential(world.keeper.read() or b"").tokens == kept.tokens


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


def test_who_waits_for_a_process_that_hangs_says_so_and_gives_up() -> None:
    world = World(keeper=HeldKeeper(held=10**9))
    world.let_expire(world.consent())
    with pytest.raises(BusyError):
        asyncio.run(renew(world))
    (event,) = world.events
    assert isinstance(event, Waited)
    assert "another process" in event.reason
    assert world.counts.refreshes == 0
