"""The real client against a server that says whatever it is told: nothing wrong goes unnamed."""

import asyncio
import gzip
import socket
import traceback
import tracemalloc
from dataclasses import replace

import pytest

from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient, connect
from listbackup.connectors.rest.transport import Kind, Limits, Request, TransportError
from tests.connectors.rest.clients import QUICK, ask, fails, make_client, saying
from tests.connectors.rest.rawservers import Answer, Wire, serve


def test_an_answer_comes_whole_with_its_headers_in_lower_case() -> None:
    async def answer(wire: Wire) -> None:
        assert wire.head.startswith("POST /v1/x?a=%20b&c=d%2Fe HTTP/1.1\r\n")
        assert wire.header("authorization") == "Bearer t"
        assert (wire.header("user-agent") or "").startswith("listbackup/")
        await wire.answer(wire.body[::-1], "X-One: 1", "x-one: 2", "X-Two: b", status="418 Tea")

    request = Request(
        "POST", "/v1/x?a=%20b&c=d%2Fe", {"Authorization": "Bearer t"}, b"abc", "POST /v1/x"
    )
    got = ask(answer, request=request)
    assert (got.status, got.body) == (418, b"cba")
    assert (got.headers["x-one"], got.headers["x-two"]) == ("1, 2", "b")


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_a_body_in_chunks_and_compressed_is_given_as_it_was(encoding: str) -> None:
    page = b'{"a": "' + b"x" * 300_000 + b'"}'
    sent = gzip.compress(page) if encoding else page
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: %s\r\n\r\n"
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(sent[i : i + 999]), sent[i : i + 999])
        for i in range(0, len(sent), 999)
    )
    assert ask(saying(head % encoding.encode() + chunks + b"0\r\n\r\n")).body == page


BROKEN: dict[str, tuple[bytes, Kind]] = {
    "shorter than said": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", Kind.WRONG_LENGTH),
    "cut in a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
        Kind.WRONG_LENGTH,
    ),
    "without the last chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        Kind.WRONG_LENGTH,
    ),
    "a chunk of nonsense": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        Kind.MALFORMED,
    ),
    "gzip cut short": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}" * 99)[:-4],
        Kind.WRONG_LENGTH,
    ),
    "no gzip": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}{}{}{}{}{}", Kind.MALFORMED),
    "brotli": (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n{}", Kind.MALFORMED),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", Kind.MALFORMED),
    "a header of nonsense": (b"HTTP/1.1 200 OK\r\nCon tent: 1\r\n\r\n{}", Kind.MALFORMED),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        Kind.MALFORMED,
    ),
    "nothing": (b"", Kind.RESET),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", Kind.RESET),
    "headers too large together": (
        b"HTTP/1.1 200 OK\r\n" + (b"X-A: " + b"a" * 15_000 + b"\r\n") * 6 + b"\r\n{}",
        Kind.TOO_LARGE,
    ),
    "a huge header": (
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n{}",
        Kind.MALFORMED,
    ),
    "many headers": (
        b"HTTP/1.1 200 OK\r\n" + b"X-B: b\r\n" * 20_000 + b"\r\n{}",
        Kind.MALFORMED,
    ),
    "a large body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b" " * 3_000_000,
        Kind.TOO_LARGE,
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_answer_is_named(what: str) -> None:
    data, kind = BROKEN[what]
    request = Request("GET", "/v1?key=s3cret", {"Authorization": "Bearer s3cret"})
    error = fails(saying(data), request=request)
    assert error.kind is kind
    assert error.maybe_done
    assert "s3cret" not in "".join(traceback.format_exception(error)) + repr(error.__context__)


def test_a_body_that_ends_with_its_connection_is_an_answer() -> None:
    assert ask(saying(b"HTTP/1.1 200 OK\r\n\r\n{}")).body == b"{}"


def test_a_reset_is_named_before_and_within_the_body() -> None:
    async def before(wire: Wire) -> None:
        wire.reset()

    async def within(wire: Wire) -> None:
        await wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        await asyncio.sleep(0.05)
        wire.reset()

    assert fails(before).kind is Kind.RESET
    assert fails(within).kind is Kind.WRONG_LENGTH


def test_silence_is_not_waited_for_longer_than_the_limits_say() -> None:
    async def silent(wire: Wire) -> None:
        await asyncio.sleep(60)

    async def stuck(wire: Wire) -> None:
        await wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        await asyncio.sleep(60)

    impatient = replace(QUICK, connect=0.1, read=0.2)
    assert fails(silent, impatient).kind is Kind.TIMEOUT
    assert fails(stuck, impatient).kind is Kind.TIMEOUT


def dripping(head: bytes) -> Answer:
    async def answer(wire: Wire) -> None:
        await wire.say(head)
        while not wire.writer.is_closing():
            await wire.say(b"a")
            await asyncio.sleep(0.05)

    return answer


def test_drips_are_cut_in_the_head_and_in_the_body() -> None:
    body = fails(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"))
    assert body.kind is Kind.TOO_SLOW
    assert "1000 B/s" in body.detail
    head = fails(dripping(b"HTTP/1.1 200 OK\r\nX-A: "), replace(QUICK, connect=0.2, read=0.3))
    assert head.kind is Kind.TIMEOUT


def test_an_endless_body_ends_at_its_limit_in_bounded_memory() -> None:
    async def endless(wire: Wire) -> None:
        await wire.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.say(b"10000\r\n" + b" " * 65536 + b"\r\n")

    tracemalloc.start()
    try:
        assert fails(endless).kind is Kind.TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()


def test_a_bomb_of_a_gigabyte_is_let_in_up_to_the_limit() -> None:
    member = gzip.compress(bytes(2**24))
    bomb = member * 64

    async def answer(wire: Wire) -> None:
        await wire.answer(bomb, "Content-Encoding: gzip")

    tracemalloc.start()
    try:
        assert fails(answer).kind is Kind.TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()


def test_connections_are_kept_and_used_again() -> None:
    async def work() -> None:
        async def answer(wire: Wire) -> None:
            await wire.answer(b"{}")

        async with serve(answer) as server:
            client = make_client(server)
            for _ in range(20):
                assert (await client.send(Request("GET", server.url))).status == 200
            assert server.connections == 1
            await asyncio.gather(*(client.send(Request("GET", server.url)) for _ in range(8)))
            assert server.connections <= 9
            await client.close()
            await client.close()

    asyncio.run(work())


def test_who_gives_up_leaves_nothing_open() -> None:
    async def work() -> None:
        async def answer(wire: Wire) -> None:
            if wire.path == "/slow":
                await asyncio.sleep(60)
            await wire.answer(b"{}")

        async with serve(answer) as server:
            client = make_client(server, Limits())
            task = asyncio.create_task(client.send(Request("GET", f"{server.url}/slow")))
            while not server.heads:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.send(Request("GET", server.url))).status == 200
            await client.close()

    asyncio.run(work())


def test_nobody_there_and_no_such_name_are_named_and_certainly_nothing_was_done() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def send(client: HttpClient, url: str) -> None:
        try:
            await client.send(Request("GET", url))
        finally:
            await client.close()

    url = f"http://127.0.0.1:{port}/v1?key=s3cret"
    with pytest.raises(TransportError) as caught:
        asyncio.run(send(connect([url], True), url))
    assert (caught.value.kind, caught.value.maybe_done) == (Kind.REFUSED, False)
    assert "s3cret" not in str(caught.value)
    named = HttpClient(HostGuard(["https://api.example.com"]), QUICK, resolve=nowhere)
    with pytest.raises(TransportError) as caught:
        asyncio.run(send(named, "https://api.example.com/v1"))
    assert (caught.value.kind, caught.value.maybe_done) == (Kind.UNRESOLVED, False)
