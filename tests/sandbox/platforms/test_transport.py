"""In the same process a client sees each fault of the wire as it would have seen it there."""

import asyncio

import pytest

from listbackup.connectors.rest.transport import Kind, Limits, Response, TransportError
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.testing.paces import PlayedPace
from tests.sandbox.platforms.asking import Asker

PAGE = "/v1/customers?limit=3"


def send(shop: Asker, pace: PlayedPace, limits: Limits | None = None) -> Response:
    transport = SandboxTransport(shop.stripe, pace, limits, latency=0.25)

    async def run() -> Response:
        response = await transport.send(shop.request("GET", PAGE))
        await transport.close()
        return response

    return asyncio.run(run())


SEEN = {
    Fault.RESET: (Kind.RESET, 0),
    Fault.TIMEOUT: (Kind.TIMEOUT, 60),
    Fault.DRIP: (Kind.TOO_SLOW, 20),
    Fault.WRONG_LENGTH: (Kind.WRONG_LENGTH, 0),
    Fault.BOMB: (Kind.TOO_LARGE, 0),
    Fault.HUGE: (Kind.TOO_LARGE, 0),
    Fault.CERTIFICATE: (Kind.CERTIFICATE, 0),
    Fault.REDIRECT: (Kind.FORBIDDEN_HOST, 0),
}


@pytest.mark.parametrize("fault", SEEN)
def test_a_fault_of_the_wire_is_seen_as_a_client_sees_it(shop: Asker, fault: Fault) -> None:
    shop.stripe.dial.set(Rule(fault))
    pace = PlayedPace()
    with pytest.raises(TransportError) as caught:
        send(shop, pace)
    kind, seconds = SEEN[fault]
    assert caught.value.kind is kind
    assert pace.monotonic() == pytest.approx(0.25 + seconds, abs=0.1)
    assert caught.value.maybe_done == (fault is not Fault.CERTIFICATE)


def test_an_answer_takes_its_time_and_comes_whole(shop: Asker) -> None:
    pace = PlayedPace()
    assert send(shop, pace).body == shop.get(PAGE).raw
    assert pace.monotonic() == pytest.approx(0.25, abs=0.1)


def test_a_body_over_the_limit_is_not_let_in(shop: Asker) -> None:
    with pytest.raises(TransportError) as caught:
        send(shop, PlayedPace(), Limits(largest_body=100))
    assert caught.value.kind is Kind.TOO_LARGE


def test_a_redirect_within_the_platform_is_followed(shop: Asker) -> None:
    target = (("location", "/v1/products?limit=1"),)
    shop.stripe.dial.set(Rule(Fault.REDIRECT, "GET /v1/customers", options=target))
    assert b'"url": "/v1/products"' in send(shop, PlayedPace()).body
