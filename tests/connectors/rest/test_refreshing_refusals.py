"""What a token server says when it renews nothing: told in short words, and never a secret."""

import asyncio
import json
from typing import Any

import pytest

from listbackup.connectors.rest.credentials import read_credential
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import AuthError, SourceError
from listbackup.events import ConsentEnded
from listbackup.log import Redactor
from tests.connectors.rest.connected import CLIENT, Between, Send, World, is_token, renew


def answering(world: World, status: int, body: Any) -> Between:
    """Give what stands before a token server that answers so, whatever it is asked."""

    async def act(request: Request, send: Send) -> Response:
        if is_token(request):
            return Response(status, body=json.dumps(body).encode())
        return await send(request)

    return Between(world.transport, act)


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
