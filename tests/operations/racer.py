"""Processes that want the same token at the same moment: `racer.py SOURCE COUNT`.

Each says `asking` when it is about to ask for a token, and waits for a line before it does; says
`waiting` when it begins to wait for another one. In the end it prints whose account it is.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.clock import SystemClock
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient
from listbackup.connectors.rest.opening import identify, open_requester
from listbackup.connectors.rest.refreshing import LEASE_POLL
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.events import ignore


def say(word: str) -> None:
    """Say it in one piece: all of them speak into one pipe."""
    os.write(1, f"{word}\n".encode())


class TellingTransport:
    """Real HTTP that says when a token is asked for."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Response:
        if request.url.endswith("/token"):
            say("asking")
            sys.stdin.readline()
        return await self._inner.send(request)

    async def close(self) -> None:
        await self._inner.close()


class TellingPace:
    """Real time that says when the lease is waited for."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._told = False

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        if seconds == LEASE_POLL and not self._told:
            self._told = True
            say("waiting")
        await asyncio.sleep(seconds)


def connect(urls: Sequence[str], private: bool) -> Transport:
    return TellingTransport(HttpClient(HostGuard(urls, allow_private_hosts=private)))


async def ask(app: App, connection: Connection) -> str:
    requester = open_requester(connection, ignore, app.host.entropy)
    try:
        account = await identify(connection, requester)
    finally:
        await requester.close()
    return account.id if account else ""


def run() -> None:
    app = App(os.environ, connect=connect, pace=TellingPace())
    connection = app.named_endpoint(Reach(volatile=True), sys.argv[1]).address
    say(asyncio.run(ask(app, connection)))


def main() -> None:
    """Fork, so that what is slow, loading the program, is done once."""
    children = []
    for _ in range(int(sys.argv[2])):
        child = os.fork()
        if child == 0:
            run()
            return
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
