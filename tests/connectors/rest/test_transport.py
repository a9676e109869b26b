"""What is said of requests and responses tells no secrets."""

import asyncio

from listbackup.clock import SystemClock
from listbackup.connectors.rest.pace import SystemPace
from listbackup.connectors.rest.transport import Kind, Request, Response, TransportError, conceal


def test_a_url_in_a_message_has_no_user_no_fragment_and_no_values() -> None:
    said = conceal("https://u:pw@api.example.com:8443/v1/x?key=s3cret&limit=100&flag#frag")
    assert said == "https://api.example.com:8443/v1/x?key=…&limit=…&flag=…"
    assert conceal("https://api.example.com/v1") == "https://api.example.com/v1"
    assert conceal("https://[broken/v1?key=s3cret") == "a URL that cannot be read"


def test_requests_and_responses_show_neither_headers_nor_bodies_nor_values() -> None:
    request = Request(
        "POST",
        "https://api.example.com/token?code=s3cret",
        {"authorization": "Bearer s3cret"},
        b"refresh=s3cret",
        "token",
    )
    response = Response(200, {"set-cookie": "s3cret"}, b"s3cret")
    assert "s3cret" not in f"{request!r} {request} {response!r} {response}"
    assert "token" in repr(request)
    assert repr(response) == "Response(200, 6 B)"


def test_a_transport_error_says_its_kind_in_words() -> None:
    assert str(TransportError(Kind.TIMEOUT)) == "timeout"
    assert str(TransportError(Kind.RESET, "after 3 B")) == "connection reset: after 3 B"


def test_the_systems_pace_tells_the_clocks_time_and_really_waits() -> None:
    pace = SystemPace(SystemClock())

    async def work() -> float:
        began = pace.monotonic()
        await pace.sleep(0.02)
        await pace.sleep(-1.0)
        return pace.monotonic() - began

    assert asyncio.run(work()) >= 0.015
    assert abs((pace.now() - SystemClock().now()).total_seconds()) < 1
