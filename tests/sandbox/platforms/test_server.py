"""Over real HTTP: requests in a row on one connection, and each fault really on the wire."""

import asyncio
import gzip
import http.client
import socket
import ssl
import threading
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient
from listbackup.connectors.rest.transport import Kind, Limits, Request, Response, TransportError
from listbackup.errors import FailedError
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.server import Serving, serve
from listbackup.sandbox.platforms.wire import make_bomb
from tests.sandbox.platforms.asking import Asker

PAGE = "/v1/customers?limit=3"
SIZE = 8 * 2**20
LIMITS = Limits(connect=2, read=0.4, total=5, grace=0.3, slowest=1024, largest_body=2**20)


@pytest.fixture
def at(shop: Asker) -> Iterator[Serving]:
    with serve(shop.stripe, size=SIZE) as serving:
        yield serving


def write(shop: Asker, path: str = PAGE, method: str = "GET", more: str = "") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {shop.key}\r\n{more}\r\n"
    ).encode()


def connect(at: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", at.port), timeout=5)


def read_all(link: socket.socket) -> bytes:
    pieces = []
    while piece := link.recv(2**16):
        pieces.append(piece)
    return b"".join(pieces)


def ask(shop: Asker, at: Serving, path: str = PAGE) -> Response:
    """Ask as the connectors do, over the network."""

    async def run() -> Response:
        client = HttpClient(HostGuard([at.url], allow_private_hosts=True), LIMITS)
        try:
            return await client.send(replace(shop.request("GET", path), url=at.url + path))
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_response_comes_as_it_is_in_process_and_says_that_it_is_a_sandbox(
    shop: Asker, at: Serving
) -> None:
    response = ask(shop, at)
    assert response.status == 200
    assert response.body == shop.get(PAGE).raw
    assert response.headers["x-listbackup-sandbox"] == "stripe"


def test_one_connection_serves_many_requests(shop: Asker, at: Serving) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=5)
    headers = {"Authorization": f"Bearer {shop.key}"}
    for path, status in ((PAGE, 200), ("/v1/none", 404), ("/v1/account", 200)):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_requests_that_are_sent_at_once_are_answered_in_their_order(
    shop: Asker, at: Serving
) -> None:
    with connect(at) as link:
        last = write(shop, "/v1/products", more="connection: close\r\n")
        link.sendall(write(shop) + write(shop, "/v1/account") + last)
        answer = read_all(link)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"/v1/customers") < answer.index(b'"account"') < answer.index(b"/v1/prod")


def test_bodies_come_with_a_length_or_in_chunks(shop: Asker, at: Serving) -> None:
    for more, body in (
        ("content-length: 8\r\n", b"name=Ada"),
        ("transfer-encoding: chunked\r\n", b"5\r\nname=\r\n3\r\nAda\r\n0\r\n\r\n"),
    ):
        with connect(at) as link:
            head = write(shop, "/v1/customers", "POST", f"{more}connection: close\r\n")
            link.sendall(head + body[:4])
            link.sendall(body[4:])
            answer = read_all(link)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"name": "Ada"' in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\ncontent-length: many\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", 413),
        (b"GET /" + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_http_is_refused(at: Serving, sent: bytes, status: int) -> None:
    with connect(at) as link:
        link.sendall(sent)
        assert read_all(link).startswith(f"HTTP/1.1 {status}".encode())


def test_the_state_may_change_from_another_thread_meanwhile(shop: Asker, at: Serving) -> None:
    def work() -> None:
        for number in range(50):
            with shop.stripe.changing():
                shop.stripe.books().make("customers", name=f"New {number}")

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(20):
        shop.clock.advance(1)
        assert ask(shop, at).status == 200
    worker.join()


SEEN = {
    Fault.RESET: {Kind.RESET, Kind.WRONG_LENGTH},
    Fault.TIMEOUT: {Kind.TIMEOUT},
    Fault.DRIP: {Kind.TIMEOUT},
    Fault.WRONG_LENGTH: {Kind.WRONG_LENGTH},
    Fault.BOMB: {Kind.TOO_LARGE},
    Fault.HUGE: {Kind.TOO_LARGE},
    Fault.REDIRECT: {Kind.FORBIDDEN_HOST},
}
"""A reset in the middle of a body shows in either way."""


@pytest.mark.parametrize("fault", SEEN)
def test_our_client_meets_each_fault_for_real_and_names_it(
    shop: Asker, at: Serving, fault: Fault
) -> None:
    shop.stripe.dial.set(Rule(fault, times=1))
    with pytest.raises(TransportError) as caught:
        ask(shop, at)
    assert caught.value.kind in SEEN[fault]
    assert ask(shop, at).status == 200


def test_a_reset_comes_in_the_middle_of_the_body(shop: Asker, at: Serving) -> None:
    shop.stripe.dial.set(Rule(Fault.RESET))
    with connect(at) as link:
        link.sendall(write(shop))
        with pytest.raises(ConnectionResetError):
            read_all(link)


def test_a_wrong_length_promises_more_than_comes(shop: Asker, at: Serving) -> None:
    shop.stripe.dial.set(Rule(Fault.WRONG_LENGTH))
    request = urllib.request.Request(at.url + PAGE, headers={"authorization": f"Bearer {shop.key}"})
    with pytest.raises(http.client.IncompleteRead) as caught, urllib.request.urlopen(request) as it:
        it.read()
    assert caught.value.expected == 1000


def test_a_drip_gives_a_byte_at_once_and_the_next_a_second_later(shop: Asker, at: Serving) -> None:
    shop.stripe.dial.set(Rule(Fault.DRIP))
    with connect(at) as link:
        link.sendall(write(shop))
        link.settimeout(0.4)
        came = b""
        with pytest.raises(TimeoutError):
            while True:
                came += link.recv(2**16)
    assert came.endswith(b"\r\n\r\n{")


def test_a_bomb_is_small_on_the_wire_and_valid() -> None:
    bomb = make_bomb(SIZE)
    assert len(bomb) < SIZE / 500
    assert gzip.decompress(bomb) == b" " * SIZE
    with pytest.raises(zlib.error):
        zlib.decompress(bomb[:-20] + b"damaged" * 3, 31)


def test_a_huge_body_really_has_the_size_that_it_announces(shop: Asker, at: Serving) -> None:
    shop.stripe.dial.set(Rule(Fault.HUGE))
    with connect(at) as link:
        link.sendall(write(shop))
        seen = 0
        while seen < SIZE:
            seen += len(link.recv(2**20))


def test_nobody_trusts_the_certificate(shop: Asker) -> None:
    with serve(shop.stripe, secure=True) as at:
        assert at.url.startswith("https://")
        with pytest.raises(TransportError) as caught:
            ask(shop, at)
        assert caught.value.kind is Kind.CERTIFICATE
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        headers = {"authorization": f"Bearer {shop.key}"}
        request = urllib.request.Request(at.url + PAGE, headers=headers)
        with urllib.request.urlopen(request, context=trusting) as response:
            assert response.status == 200


def test_a_port_that_is_taken_is_an_error_with_words(shop: Asker, at: Serving) -> None:
    with pytest.raises(FailedError, match="cannot listen"), serve(shop.stripe, at.port):
        pass


def test_nothing_listens_any_more_afterwards(shop: Asker) -> None:
    with serve(shop.stripe) as at, connect(at) as held:
        held.sendall(write(shop))
        assert held.recv(10)
    with pytest.raises(ConnectionRefusedError):
        connect(at)


def test_a_request_of_another_kind_is_not_mistaken(shop: Asker) -> None:
    request = Request("HEAD", "https://x/v1/customers", {"authorization": f"Bearer {shop.key}"})
    assert shop.stripe.handle(request).status == 404
