"""Child processes that encode: one interpreter cannot keep two cores busy with small hashes.

A child is started with nothing but this package. It is given chunks, or is lent a descriptor over
which it receives them itself, and answers with batches and tallies. It opens no file and no
connection and holds no secret. It ends when its pipe does, however its parent died.
"""

import fcntl
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

from listbackup.errors import FailedError, SourceError
from listbackup.records import Feed
from listbackup.sync.encoding import LocalEncoder, Tally, Work
from listbackup.vault.batches import CutBatch

_PROGRAM = "from listbackup.sync.children import serve; serve({}, {}, {})"
Reader = Callable[[int, bytes], Iterator[bytes]]
_ENDED = (EOFError, OSError, ValueError)
_TUNING = {
    "MALLOC_TRIM_THRESHOLD_": "4194304",
    "MALLOC_MMAP_THRESHOLD_": "2097152",
    "OPENBLAS_NUM_THREADS": "1",
}
PIPE = 256 * 1024
"""Bytes that a pipe holds, where that can be chosen: batches pass in a third less time."""
_DONE, _BATCH, _TALLY, _UNREADABLE = b"D", b"B", b"T", b"U"
_BEGIN, _CHUNK, _FEED, _FINISH, _ABANDON = b"b", b"c", b"r", b"f", b"a"


class ChildEncoder:
    """An encoder (see `encoding.Encoder`) whose work is done by a child process."""

    def __init__(self) -> None:
        ours, theirs = _make_pipe(), _make_pipe()
        self._lending, borrowing = socket.socketpair()
        given = (theirs[0], ours[1], borrowing.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(*given)],
            pass_fds=given,
            env={**os.environ, **_TUNING, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs[0])
        os.close(ours[1])
        borrowing.close()
        self._out = Connection(theirs[1], readable=False)
        self._in = Connection(ours[0], writable=False)
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._unreadable = ""
        self._answer = b""
        self._hand_on: Callable[[CutBatch], None] = _drop
        self._tell: Callable[[Tally], None] = _drop
        self._listener = threading.Thread(target=self._listen, name="encoder", daemon=True)
        self._listener.start()

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        self._hand_on, self._tell = hand_on, tell
        self._send(_BEGIN, pickle.dumps(work))

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form; waits while the child is behind."""
        if self._failure is not None:
            self.finish()
        self._send(_CHUNK, chunk)

    def receive(self, feed: Feed) -> None:
        """Let the child receive the part itself. Raises SourceError where it could not."""
        self._unreadable = ""
        self._lend(feed.descriptor)
        self._ask(_FEED, pickle.dumps((feed.reader, feed.request)))
        if self._unreadable:
            raise SourceError(self._unreadable)

    def finish(self) -> bytes:
        """End the part: everything has been handed on and told. Gives what was left of the
        earlier lines. Raises FailedError, and what the listeners raised."""
        self._ask(_FINISH, b"")
        return self._answer

    def abandon(self) -> None:
        """Forget the part."""
        self._hand_on = self._tell = _drop
        with suppress(FailedError):
            self._ask(_ABANDON, b"")

    def kill(self) -> None:
        """End the child at once; whoever waits for it gets FailedError."""
        self._process.kill()

    def close(self) -> None:
        """End the child when it is done."""
        self._out.close()
        self._process.wait()
        self._listener.join()
        self._in.close()
        self._lending.close()

    def _ask(self, kind: bytes, body: bytes) -> None:
        if self._failure is None:
            self._done.clear()
            self._send(kind, body)
            self._done.wait()
        if self._failure is not None:
            raise self._failure

    def _lend(self, descriptor: int) -> None:
        try:
            socket.send_fds(self._lending, [b"d"], [descriptor])
        except OSError as error:
            raise FailedError("A process that encodes records ended unexpectedly.") from error

    def _send(self, kind: bytes, body: bytes) -> None:
        try:
            self._out.send_bytes(kind)
            self._out.send_bytes(body)
        except _ENDED as error:
            raise FailedError("A process that encodes records ended unexpectedly.") from error

    def _listen(self) -> None:
        try:
            while True:
                self._hear(self._in.recv_bytes(), self._in.recv_bytes())
        except _ENDED:
            self._fail(FailedError("A process that encodes records ended unexpectedly."))

    def _hear(self, kind: bytes, body: bytes) -> None:
        if kind == _DONE:
            self._answer = body
            self._done.set()
        elif kind == _UNREADABLE:
            self._unreadable = body.decode()
            self._done.set()
        elif self._failure is None:
            listener = self._hand_on if kind == _BATCH else self._tell
            try:
                listener(pickle.loads(body))  # noqa: S301 (our own child wrote it)
            except BaseException as error:  # noqa: BLE001
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._done.set()


def _make_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
    return reading, writing


def _drop(value: object) -> None:
    """Listen to nothing."""


def serve(reading: int, writing: int, borrowing: int) -> None:
    """Be the child: encode what comes over one descriptor and answer over the other."""
    incoming, outgoing = Connection(reading, writable=False), Connection(writing, readable=False)
    with suppress(*_ENDED), socket.socket(fileno=borrowing) as lender:
        _Child(incoming, outgoing, lender).run()


class _Child:
    def __init__(self, incoming: Connection, outgoing: Connection, lender: socket.socket) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lender = lender
        self._encoder = LocalEncoder()

    def run(self) -> None:
        while True:
            kind, body = self._incoming.recv_bytes(), self._incoming.recv_bytes()
            if kind == _BEGIN:
                self._encoder.begin(pickle.loads(body), self._hand_on, self._tell)  # noqa: S301
            elif kind == _CHUNK:
                self._encoder.add(body)
            elif kind == _FEED:
                self._receive(*pickle.loads(body))  # noqa: S301
            else:
                self._answer(_DONE, self._encoder.finish() if kind == _FINISH else b"")

    def _receive(self, reader: str, request: bytes) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._lender, 1, 1)
        module, _, name = reader.partition(":")
        receive: Reader = getattr(import_module(module), name)
        try:
            for chunk in receive(descriptors[0], request):
                self._encoder.add(chunk)
        except SourceError as error:
            self._answer(_UNREADABLE, error.message.encode("utf-8", "replace"))
        else:
            self._answer(_DONE, b"")
        finally:
            os.close(descriptors[0])

    def _hand_on(self, batch: CutBatch) -> None:
        self._answer(_BATCH, pickle.dumps(batch))

    def _tell(self, tally: Tally) -> None:
        self._answer(_TALLY, pickle.dumps(tally))

    def _answer(self, kind: bytes, body: bytes) -> None:
        self._outgoing.send_bytes(kind)
        self._outgoing.send_bytes(body)
