"""A server on the loopback interface that waits for one browser to come back with one answer.

It answers one path, to requests that name it by its own address; everything else gets 404 and
changes nothing. What comes is judged by whoever waits; until that accepts an answer it goes on
waiting. Of too many connections the oldest are given up, so that whoever only opens them keeps no
browser away. Knows no OAuth.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

HOST = "127.0.0.1"
_MOST = 16 * 1024
_SLOWEST = 10.0
_MOST_OPEN = 32


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a browser is shown, and whether this was the answer."""

    status: int
    title: str
    text: str
    done: bool


Judge = Callable[[str], Verdict]
"""Is given the query of a request."""


class CallbackServer:
    """One place to come back to. `open` it, then `wait`."""

    def __init__(self, path: str, judge: Judge, *, port: int = 0, host: str = HOST) -> None:
        self._path = path
        self._judge = judge
        self._port = port
        self._host = host
        self._server: asyncio.Server | None = None
        self._answered = asyncio.Event()
        self._taken = False
        self._open: dict[asyncio.StreamWriter, None] = {}

    async def open(self) -> str:
        """Listen; gives the URL to come back to. Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._serve, HOST, self._port, limit=_MOST)
        self._port = self._server.sockets[0].getsockname()[1]
        return f"http://{self._host}:{self._port}{self._path}"

    async def wait(self, patience: float) -> bool:
        """Wait for the answer, at most so many seconds; say whether it came."""
        try:
            await asyncio.wait_for(self._answered.wait(), patience)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                self._give_up(writer)
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        while len(self._open) > _MOST_OPEN:
            self._give_up(next(iter(self._open)))
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                head = await asyncio.wait_for(self._read_head(reader), _SLOWEST)
                verdict = self._answer(head)
                self._taken = self._taken or verdict.done
                writer.write(_write_page(verdict))
                await asyncio.wait_for(writer.drain(), _SLOWEST)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        finally:
            self._give_up(writer)
        if self._taken:
            self._answered.set()

    def _give_up(self, writer: asyncio.StreamWriter) -> None:
        self._open.pop(writer, None)
        writer.transport.abort()

    async def _read_head(self, reader: asyncio.StreamReader) -> list[str]:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise ValueError("too long") from None
        return head.decode("latin-1").split("\r\n")

    def _answer(self, head: list[str]) -> Verdict:
        nothing = Verdict(404, "Nothing here", "", False)
        words = head[0].split(" ")
        hosts = [
            line.partition(":")[2].strip() for line in head if line.lower().startswith("host:")
        ]
        # A name that was pointed at this machine would be another site's: only our own is answered.
        if len(words) != 3 or words[0] != "GET" or hosts != [f"{self._host}:{self._port}"]:
            return nothing
        target = urlsplit(words[1])
        if target.path != self._path or target.scheme or target.netloc or self._taken:
            return nothing
        return self._judge(target.query)


def _write_page(verdict: Verdict) -> bytes:
    title, text = escape(verdict.title), escape(verdict.text)
    body = (
        f"<!doctype html><meta charset=utf-8><title>listbackup</title><h1>{title}</h1><p>{text}</p>"
    ).encode()
    reason = {200: "OK", 400: "Bad Request"}.get(verdict.status, "Not Found")
    head = (
        f"HTTP/1.1 {verdict.status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode("ascii") + body
