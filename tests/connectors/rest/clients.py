"""The real client with little patience, and servers that say to it what a test tells them to."""

import asyncio
from dataclasses import replace

import pytest

from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient
from listbackup.connectors.rest.transport import Limits, Request, Response, TransportError
from tests.connectors.rest.rawservers import Answer, RawServer, Wire, serve

QUICK = Limits(connect=2.0, read=1.0, total=3.0, grace=0.3, slowest=1000, largest_body=2**20)


def make_client(server: RawServer, limits: Limits = QUICK, *also: str) -> HttpClient:
    """Make a client that may go to a server, and where else is said."""
    return HttpClient(HostGuard([server.url, *also], allow_private_hosts=True), limits)


def ask(answer: Answer, limits: Limits = QUICK, request: Request | None = None) -> Response:
    """Ask a server that answers so, once."""

    async def work() -> Response:
        async with serve(answer) as server:
            client = make_client(server, limits)
            try:
                sent = request or Request("GET", "/v1")
                return await client.send(replace(sent, url=server.url + sent.url))
            finally:
                await client.close()

    return asyncio.run(work())


def fails(answer: Answer, limits: Limits = QUICK, request: Request | None = None) -> TransportError:
    """Ask a server that answers so, and give what is wrong with that."""
    with pytest.raises(TransportError) as caught:
        ask(answer, limits, request)
    return caught.value


def saying(data: bytes, *, close: bool = True) -> Answer:
    """Let a server say just this."""

    async def answer(wire: Wire) -> None:
        await wire.say(data)
        if close:
            wire.writer.close()

    return answer
