"""A request is sent again where that helps, waits as it should, and is given up in words."""

import asyncio

import pytest

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.bodies import Unreadable
from listbackup.connectors.rest.requester import Check
from listbackup.connectors.rest.transport import Kind, Request, Response, TransportError
from listbackup.errors import AuthError
from tests.connectors.rest.platformtoys import (
    FINE,
    GET,
    JSON,
    Key,
    Reply,
    Stand,
    failing,
    is_fine,
    is_refused,
    scripted,
    tells_no_secret,
)

TRANSIENT: list[Reply] = [
    *(failing(status) for status in (408, 425, 500, 502, 503, 504, 520)),
    *(
        TransportError(kind)
        for kind in (
            *(Kind.TIMEOUT, Kind.TOO_SLOW, Kind.RESET, Kind.REFUSED, Kind.UNRESOLVED),
            *(Kind.CERTIFICATE, Kind.TOO_LARGE, Kind.WRONG_LENGTH, Kind.MALFORMED),
        )
    ),
    Response(200, {"content-type": "text/html"}, b"<html>Maintenance</html>"),
    Response(200, JSON, b'{"data": [1, 2'),
    Response(200, JSON, b""),
    Response(200, JSON, '{"a": "ü"}'.encode("latin-1")),
]


@pytest.mark.parametrize("reply", TRANSIENT, ids=str)
def test_what_passes_is_tried_again_until_it_is_fine(reply: Reply) -> None:
    stand = Stand()
    transport = scripted(stand, reply, FINE)
    assert is_fine(stand, transport) == FINE
    assert len(transport.calls) == 2
    assert 0 < stand.pace.monotonic() <= 2


def test_waits_grow_with_full_jitter_and_have_an_end_in_tries() -> None:
    stand = Stand()
    transport = scripted(stand, then=failing(500))
    error = is_refused(stand, transport)
    assert (error.means, error.status) == ("transient", 500)
    assert "8 tries" in error.message
    assert "status 500" in error.message
    assert len(transport.calls) == 8
    assert sum(wait.seconds for wait in stand.waits) > 5
    other = Stand(entropy=type(stand.entropy)(8))
    again = scripted(other, then=failing(500))
    is_refused(other, again)
    assert again.times != transport.times


def test_retry_after_is_kept_to_on_a_503_and_has_an_end_in_time() -> None:
    stand = Stand()
    transport = scripted(stand, failing(503, retry_after="100"), FINE)
    is_fine(stand, transport)
    assert transport.times[1] >= 100
    assert stand.waits[0].seconds >= 100
    assert "Demo to answer again (status 503)" in stand.waits[0].reason
    late = Stand()
    error = is_refused(late, scripted(late, then=failing(503, retry_after="86400")))
    assert error.means == "transient"
    assert late.pace.monotonic() < 1


def test_what_is_too_large_is_tried_only_once_more() -> None:
    stand = Stand()
    transport = scripted(stand, then=TransportError(Kind.TOO_LARGE, "the body is larger"))
    error = is_refused(stand, transport)
    assert error.means == "too_large"
    assert len(transport.calls) == 2
    assert "the body is larger" in error.message


@pytest.mark.parametrize(
    ("status", "means"),
    [(400, "invalid"), (403, "forbidden"), (404, "missing"), (410, "missing"), (409, "invalid")],
)
def test_what_no_retry_helps_is_said_at_once(status: int, means: str) -> None:
    stand = Stand()
    transport = scripted(stand, failing(status, b'{"key": "s3cret"}'))
    error = is_refused(stand, transport)
    assert (error.means, error.status) == (means, status)
    assert len(transport.calls) == 1


@pytest.mark.parametrize("kind", [Kind.FORBIDDEN_HOST, Kind.REDIRECT])
def test_a_host_that_is_not_allowed_is_not_asked_again(kind: Kind) -> None:
    stand = Stand()
    transport = scripted(stand, TransportError(kind, "127.0.0.1 leads to a loopback address"))
    error = is_refused(stand, transport)
    assert error.means == "invalid"
    assert "loopback" in error.message
    assert len(transport.calls) == 1


def test_a_reader_may_say_that_an_answer_is_none() -> None:
    stand = Stand()
    transport = scripted(stand, Response(200, JSON, b'{"oops": 1}'), FINE)

    def check(response: Response) -> None:
        if b"data" not in response.body:
            raise Unreadable("it holds no list")

    asked: Check = check
    assert asyncio.run(stand.requester(transport).ask(GET, asked)) == FINE
    assert len(transport.calls) == 2


# -------------------------------------------------------------------------------------- credentials


def test_fresh_credentials_are_tried_at_once() -> None:
    stand = Stand()
    transport = scripted(stand, failing(401), FINE)
    is_fine(stand, transport, key=Key(fresh=1))
    sent = [request.headers["authorization"] for _, request in transport.calls]
    assert sent == ["Bearer s3cret0", "Bearer s3cret1"]
    assert stand.pace.monotonic() == 0


def test_credentials_that_are_refused_end_in_what_to_do() -> None:
    stand = Stand()
    with pytest.raises(AuthError) as caught:
        is_fine(stand, scripted(stand, then=failing(401, b'{"token": "s3cret0"}')))
    assert "reconnect shop" in caught.value.hint
    tells_no_secret(caught.value)
    endless = Stand()
    transport = scripted(endless, then=failing(401))
    with pytest.raises(AuthError):
        is_fine(endless, transport, key=Key(fresh=10**6))
    assert len(transport.calls) == 3


def test_an_authorizer_that_gives_up_gives_its_place_back() -> None:
    class Broken(Key):
        async def authorize(self, request: Request) -> Request:
            raise AuthError("consent was withdrawn")

    stand = Stand()
    for _ in range(3):
        with pytest.raises(AuthError):
            is_fine(stand, scripted(stand, FINE), key=Broken())
    assert is_fine(stand, scripted(stand, FINE)) == FINE


# ------------------------------------------------------------------------------------------ circuit


def test_sixteen_streams_do_not_hammer_a_platform_that_is_down() -> None:
    stand = Stand()
    transport = scripted(stand, then=TransportError(Kind.REFUSED, "api.example.com port 443"))
    requester = stand.requester(transport)

    async def work() -> list[object]:
        asks = (requester.ask(GET) for _ in range(16))
        return list(await asyncio.gather(*asks, return_exceptions=True))

    ended = asyncio.run(work())
    assert all(isinstance(one, Refused) and one.means == "transient" for one in ended)
    assert stand.pace.monotonic() < 1200
    assert len(transport.calls) <= 60
    before = len(transport.calls)
    for _ in range(50):
        with pytest.raises(Refused):
            asyncio.run(requester.ask(GET))
    assert len(transport.calls) - before <= 2
    assert len(stand.waits) < 80


def test_all_go_on_when_it_is_up_again() -> None:
    stand = Stand()

    async def reply(request: Request) -> Reply:
        return FINE if stand.pace.monotonic() >= 200 else failing(502)

    transport = stand.transport(reply)
    requester = stand.requester(transport)

    async def work() -> None:
        await asyncio.gather(*(requester.ask(GET) for _ in range(16)))

    asyncio.run(work())
    assert stand.pace.monotonic() < 420
    assert len(transport.calls) < 70


def test_one_bad_item_among_good_ones_stops_nobody() -> None:
    stand = Stand()

    async def reply(request: Request) -> Reply:
        await stand.pace.sleep(0.1)
        return failing(500) if request.url.endswith("bad") else FINE

    transport = stand.transport(reply)
    requester = stand.requester(transport)
    bad = Request("GET", "https://api.example.com/bad", operation="GET /v1/things")

    async def good() -> float:
        for _ in range(100):
            await requester.ask(GET)
        return stand.pace.monotonic()

    async def work() -> float:
        ended, wrong = await asyncio.gather(good(), requester.ask(bad), return_exceptions=True)
        assert isinstance(wrong, Refused)
        assert isinstance(ended, float)
        return ended

    assert asyncio.run(work()) < 11


@pytest.mark.parametrize("kind", [None, Kind.TIMEOUT])
def test_one_list_that_never_comes_holds_nobody_up_for_long(kind: Kind | None) -> None:
    stand = Stand()

    async def reply(request: Request) -> Reply:
        if request.url.endswith("bad"):
            return failing(500) if kind is None else TransportError(kind)
        return FINE

    requester = stand.requester(stand.transport(reply))
    bad = Request("GET", "https://api.example.com/bad", operation="GET /bad")

    async def work() -> float:
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                await requester.ask(bad)
            assert ("status 500" if kind is None else "timeout") in caught.value.message
        began = stand.pace.monotonic()
        await requester.ask(GET)
        return stand.pace.monotonic() - began

    assert asyncio.run(work()) == 0


def test_answers_that_are_too_large_are_answers() -> None:
    stand = Stand()
    transport = scripted(stand, then=TransportError(Kind.TOO_LARGE, "over 32 MiB"))
    requester = stand.requester(transport)

    async def work() -> list[str]:
        asks = (requester.ask(GET) for _ in range(8))
        found = await asyncio.gather(*asks, return_exceptions=True)
        return [str(one) for one in found]

    assert all("answered too much to" in one for one in asyncio.run(work()))
    assert stand.pace.monotonic() < 10
