"""A sandbox over real HTTP/1.1 on the loopback interface, which can break the wire on purpose.

One thread with an event loop of its own: keep-alive, pipelining, chunked request bodies. Knows
no platform.
"""

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listbackup.connectors.rest.transport import Request
from listbackup.errors import FailedError
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.breaking import Breaker
from listbackup.sandbox.platforms.certificate import CERTIFICATE_AND_KEY
from listbackup.sandbox.platforms.wire import GIB
from listbackup.sandbox.platforms.writing import Brokenness, make_writer, write_head

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs: its base URL, without a slash at the end."""

    url: str
    port: int


class _Malformed(Exception):
    """What came is not HTTP as it should be; the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]
    begins: int


class _Connection(asyncio.Protocol):
    """One client: requests are answered in the order in which they come."""

    def __init__(self, server: "_Listener") -> None:
        self._server = server
        self._held = bytearray()
        self._head: _Head | None = None
        self._broken = False
        self._wire: asyncio.Transport
        self._flow = asyncio.Event()
        self._flow.set()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._flow.clear()
        self._wire.pause_reading()

    def resume_writing(self) -> None:
        self._flow.set()
        self._wire.resume_reading()

    def abort(self) -> None:
        """Close without a word."""
        self._wire.abort()

    def data_received(self, data: bytes) -> None:
        self._held += data
        try:
            while not self._broken and self._take_one():
                pass
        except _Malformed as error:
            head = write_head(error.status, {"connection": "close"}, 0)
            self._wire.write(head)
            self._wire.close()
            self._broken = True

    def _take_one(self) -> bool:
        if self._head is None:
            self._head = read_head(self._held)
            if self._head is None:
                return False
            if self._head.headers.get("expect", "").lower() == "100-continue":
                self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        found = read_body(self._held, self._head)
        if found is None:
            return False
        body, ends = found
        head, self._head = self._head, None
        del self._held[:ends]
        self._answer(head, body)
        return True

    def _answer(self, head: _Head, body: bytes) -> None:
        request = Request(head.method, self._server.url + head.target, head.headers, body)
        answer = self._server.breaker.answer(request)
        closing = head.headers.get("connection", "").lower() == "close"
        if answer.wire is not None:
            self._broken = True
            writer = make_writer(answer.wire)
            way = Brokenness(self._wire, self._flow, self._server.size)
            self._task = self._server.loop.create_task(writer(way, answer.response))
            return
        response = answer.response
        headers = {**response.headers, "connection": "close"} if closing else response.headers
        shown = b"" if head.method == "HEAD" else response.body
        lead = write_head(response.status, headers, len(response.body))
        self._wire.writelines((lead, shown))
        if closing:
            self._broken = True
            self._wire.close()


def read_head(held: bytearray) -> _Head | None:
    """Read a request's first lines, or give None where they have not all come."""
    ends = held.find(b"\r\n\r\n")
    if ends < 0:
        if len(held) > LARGEST_HEAD:
            raise _Malformed(431)
        return None
    lines = held[:ends].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[1].startswith("/") or not words[2].startswith("HTTP/1."):
        raise _Malformed(400)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise _Malformed(400)
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return _Head(words[0], words[1], headers, ends + 4)


def read_body(held: bytearray, head: _Head) -> tuple[bytes, int] | None:
    """Give a request's body and where it ends, or None where it has not all come."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(held, head.begins)
    text = head.headers.get("content-length", "0")
    if not text.isdecimal():
        raise _Malformed(400)
    if int(text) > LARGEST_BODY:
        raise _Malformed(413)
    ends = head.begins + int(text)
    return (bytes(held[head.begins : ends]), ends) if len(held) >= ends else None


def _read_chunks(held: bytearray, at: int) -> tuple[bytes, int] | None:
    pieces = []
    while True:
        line = held.find(b"\r\n", at)
        if line < 0:
            return None
        try:
            size = int(held[at:line].split(b";")[0], 16)
        except ValueError:
            raise _Malformed(400) from None
        if size < 0 or len(held) > LARGEST_BODY + LARGEST_HEAD:
            raise _Malformed(413)
        if len(held) < line + 4 + size:
            return None
        pieces.append(bytes(held[line + 2 : line + 2 + size]))
        at = line + 4 + size
        if size == 0:
            return b"".join(pieces), at


class _Listener:
    """The server's own side: its loop, its connections, its port."""

    def __init__(self, application: Application[Any], size: int) -> None:
        self.breaker = Breaker(application)
        self.size = size
        self.connections: set[_Connection] = set()
        self.url = ""
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None

    def listen(self, port: int, secure: bool) -> None:
        """Take the port. Raises OSError."""
        context = _make_context() if secure else None
        made = self.loop.create_server(
            lambda: _Connection(self), "127.0.0.1", port, ssl=context, backlog=256
        )
        self._server = self.loop.run_until_complete(made)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Serve until the loop is stopped, then close everything."""
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self._close())
            self.loop.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _make_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "certificate.pem"
        path.write_text(CERTIFICATE_AND_KEY, "ascii")
        context.load_cert_chain(path)
    return context


@contextmanager
def serve(
    application: Application[Any], port: int = 0, *, secure: bool = False, size: int = GIB
) -> Iterator[Serving]:
    """Serve an application on 127.0.0.1 until the block ends; port 0: a free one.

    `secure`: by TLS with a certificate that nobody may trust. `size`: how large bodies without an
    end and bombs are, in bytes. Raises FailedError where the port cannot be had.
    """
    listener = _Listener(application, size)
    try:
        listener.listen(port, secure)
    except OSError as error:
        listener.loop.close()
        raise FailedError(
            f"The sandbox cannot listen on port {port}: {error.strerror or error}.",
            hint="Name another port, or none to take a free one.",
        ) from error
    thread = threading.Thread(target=listener.run, name=f"sandbox {application.name}", daemon=True)
    thread.start()
    try:
        yield Serving(listener.url, listener.port)
    finally:
        listener.loop.call_soon_threadsafe(listener.loop.stop)
        thread.join()
