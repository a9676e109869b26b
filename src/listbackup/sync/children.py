"""Child processes that encode: one interpreter cannot keep two cores busy with small hashes.

A child is started with nothing but this package, for one encoder or for several that take turns.
It is given chunks, or is lent a descriptor over which it receives them itself, and answers with
batches and tallies. It opens no file and no connection and holds no secret. It ends when its pipe
does, however its parent died.
"""

import fcntl
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

from listbackup.errors import FailedError, IntegrityError, ListbackupError, SourceError
from listbackup.records import Feed
from listbackup.sync.encoding import LocalEncoder, Tally, Work
from listbackup.vault.batches import CutBatch

_PROGRAM = "from listbackup.sync.children import serve; serve({}, {}, {}, {})"
Reader = Callable[[int, bytes], Iterator[bytes]]
_ENDED = (EOFError, OSError, ValueError)
_TUNING = {
    "MALLOC_TRIM_THRESHOLD_": "4194304",
    "MALLOC_MMAP_THRESHOLD_": "2097152",
    "OPENBLAS_NUM_THREADS": "1",
}
_SECRET = ("LISTBACKUP_", "PG", "AWS_")
"""Names that begin like this may hold secrets."""
PIPE = 256 * 1024
"""Bytes that a pipe holds, where that can be chosen: batches pass in a third less time."""
_LOST = "A process that encodes records ended unexpectedly."
_DONE, _BATCH, _TALLY, _UNREADABLE, _FAILED = b"D", b"B", b"T", b"U", b"F"
_BEGIN, _CHUNK, _FEED, _CUT, _FINISH, _ABANDON = b"b", b"c", b"r", b"k", b"f", b"a"


class ChildProcess:
    """A child in which up to `encoders` encoders work, one piece of work after the other. It is
    started at once, and ends when the last of them is closed."""

    def __init__(self, encoders: int = 1) -> None:
        """Raises OSError where no process can be started."""
        ours, theirs = _make_pipe(), _make_pipe()
        self._lending, borrowing = socket.socketpair()
        given = (theirs[0], ours[1], borrowing.fileno())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM.format(*given, encoders)],
                pass_fds=given,
                env=_make_environment(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            os.close(ours[0])
            os.close(theirs[1])
            self._lending.close()
            raise
        finally:
            os.close(theirs[0])
            os.close(ours[1])
            borrowing.close()
        self._out = Connection(theirs[1], readable=False)
        self._in = Connection(ours[0], writable=False)
        self._sending = threading.Lock()
        self._encoders = [ChildEncoder(self, place) for place in range(encoders)]
        self._open = encoders
        self._listener = threading.Thread(target=self._listen, name="encoder", daemon=True)
        self._listener.start()

    @property
    def encoders(self) -> "Sequence[ChildEncoder]":
        """Its encoders, each for one thread."""
        return self._encoders

    def send(self, place: int, kind: bytes, body: bytes) -> None:
        """Tell an encoder something; waits while the child is behind. Raises FailedError."""
        try:
            with self._sending:
                self._out.send_bytes(bytes([place]) + kind)
                self._out.send_bytes(body)
        except _ENDED as error:
            raise FailedError(_LOST) from error

    def lend(self, descriptor: int) -> None:
        """Lend a descriptor to the encoder that is told so next. Raises FailedError."""
        try:
            socket.send_fds(self._lending, [b"d"], [descriptor])
        except OSError as error:
            raise FailedError(_LOST) from error

    def kill(self) -> None:
        """End it at once; whoever waits for it gets FailedError."""
        self._process.kill()

    def close_one(self) -> None:
        """Count an encoder that is closed; with the last one the child ends, when it is done."""
        self._open -= 1
        if self._open:
            return
        self._out.close()
        self._process.wait()
        self._listener.join()
        self._in.close()
        self._lending.close()

    def _listen(self) -> None:
        try:
            with suppress(*_ENDED):
                while True:
                    place, kind = self._in.recv_bytes()
                    self._encoders[place].hear(bytes([kind]), self._in.recv_bytes())
        finally:
            # whatever ended it: nobody hears an answer any more, and nobody may wait for one
            self._process.kill()
            for encoder in self._encoders:
                encoder.fail(FailedError(_LOST))


class ChildEncoder:
    """An encoder (see `encoding.Encoder`) whose work is done by a child process."""

    def __init__(self, process: ChildProcess, place: int) -> None:
        """It belongs to a process, which makes it."""
        self._process = process
        self._place = place
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._refused: ListbackupError | None = None
        self._unreadable = ""
        self._answer = b""
        self._hand_on: Callable[[CutBatch], None] = _drop
        self._tell: Callable[[Tally], None] = _drop

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        self._hand_on, self._tell = hand_on, tell
        self._send(_BEGIN, pickle.dumps(work))

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form; waits while the child is behind."""
        if self._failure is not None or self._refused is not None:
            self.finish()
        self._send(_CHUNK, chunk)

    def receive(self, feed: Feed) -> None:
        """Let the child receive the part itself. Raises SourceError where it could not."""
        self._unreadable = ""
        self._process.lend(feed.descriptor)
        self._ask(_FEED, pickle.dumps((feed.reader, feed.request)))
        if self._unreadable:
            raise SourceError(self._unreadable)

    def cut(self) -> bytes:
        """Hand on what was added so far, as `LocalEncoder.cut`. Raises as `finish`."""
        self._ask(_CUT, b"")
        return self._answer

    def finish(self) -> bytes:
        """End the part: everything has been handed on and told. Gives what was left of the
        earlier lines. Raises FailedError, IntegrityError, and what the listeners raised."""
        self._ask(_FINISH, b"")
        return self._answer

    def abandon(self) -> None:
        """Forget the part."""
        self._hand_on = self._tell = _drop
        with suppress(ListbackupError):
            self._ask(_ABANDON, b"")
        # that was of the part alone; what a listener raised, or a child that ended, is for good
        self._refused = None

    def kill(self) -> None:
        """End the child at once; whoever waits for it gets FailedError."""
        self._process.kill()

    def close(self) -> None:
        """Give the encoder back."""
        self._process.close_one()

    def hear(self, kind: bytes, body: bytes) -> None:
        """Take what the child says of it."""
        if kind == _DONE:
            self._answer = body
            self._done.set()
        elif kind == _UNREADABLE:
            self._unreadable = body.decode()
        elif kind == _FAILED:
            failure, message, hint = pickle.loads(body)  # noqa: S301 (our own child wrote it)
            self._refused = self._refused or failure(message, hint=hint)
        elif self._failure is None and self._refused is None:
            listener = self._hand_on if kind == _BATCH else self._tell
            try:
                listener(pickle.loads(body))  # noqa: S301 (our own child wrote it)
            except BaseException as error:  # noqa: BLE001
                self.fail(error)

    def fail(self, error: BaseException) -> None:
        """End whatever waits for it with an error."""
        self._failure = self._failure or error
        self._done.set()

    def _ask(self, kind: bytes, body: bytes) -> None:
        # who failed is asked, too: what the child still had to say of the part comes before that
        self._done.clear()
        if self._failure is None:
            self._send(kind, body)
            self._done.wait()
        error = self._failure or self._refused
        if error is not None:
            raise error

    def _send(self, kind: bytes, body: bytes) -> None:
        self._process.send(self._place, kind, body)


def _make_environment() -> dict[str, str]:
    """Give the child what an interpreter needs, and nothing that opens anything."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_SECRET)}
    return {**kept, **_TUNING, "PYTHONPATH": os.pathsep.join(sys.path)}


def _make_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
    return reading, writing


def _drop(value: object) -> None:
    """Listen to nothing."""


def serve(reading: int, writing: int, borrowing: int, encoders: int) -> None:
    """Be the child: encode what comes over one descriptor and answer over the other."""
    incoming, outgoing = Connection(reading, writable=False), Connection(writing, readable=False)
    with suppress(*_ENDED), socket.socket(fileno=borrowing) as lender:
        served = [_Served(place, encoders, outgoing, lender) for place in range(encoders)]
        while True:
            place, kind = incoming.recv_bytes()
            served[place].take(bytes([kind]), incoming.recv_bytes())


class _Served:
    """One encoder of the child. After a failure it hears nothing until the part is forgotten."""

    def __init__(
        self, place: int, beside: int, outgoing: Connection, lender: socket.socket
    ) -> None:
        self._place = place
        self._outgoing = outgoing
        self._lender = lender
        self._encoder = LocalEncoder(beside=beside)
        self._failed = False

    def take(self, kind: bytes, body: bytes) -> None:
        answer = b""
        try:
            if kind == _ABANDON:
                self._failed = False
                self._encoder.abandon()
            elif not self._failed:
                answer = self._work(kind, body)
            elif kind == _FEED:
                for one in socket.recv_fds(self._lender, 1, 1)[1]:
                    os.close(one)
        except (IntegrityError, FailedError) as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - what it says may show records
            self._fail(
                FailedError(f"A process that encodes records failed: {type(error).__name__}")
            )
        if kind not in (_BEGIN, _CHUNK):
            self._answer(_DONE, answer)

    def _fail(self, error: IntegrityError | FailedError) -> None:
        self._failed = True
        self._answer(_FAILED, pickle.dumps((type(error), error.message, error.hint)))

    def _work(self, kind: bytes, body: bytes) -> bytes:
        if kind == _BEGIN:
            self._encoder.begin(pickle.loads(body), self._hand_on, self._tell)  # noqa: S301
        elif kind == _CHUNK:
            self._encoder.add(body)
        elif kind == _FEED:
            self._receive(*pickle.loads(body))  # noqa: S301
        else:
            return self._encoder.cut() if kind == _CUT else self._encoder.finish()
        return b""

    def _receive(self, reader: str, request: bytes) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._lender, 1, 1)
        module, _, name = reader.partition(":")
        receive: Reader = getattr(import_module(module), name)
        try:
            for chunk in receive(descriptors[0], request):
                self._encoder.add(chunk)
        except SourceError as error:
            self._answer(_UNREADABLE, error.message.encode("utf-8", "replace"))
        finally:
            os.close(descriptors[0])

    def _hand_on(self, batch: CutBatch) -> None:
        self._answer(_BATCH, pickle.dumps(batch))

    def _tell(self, tally: Tally) -> None:
        self._answer(_TALLY, pickle.dumps(tally))

    def _answer(self, kind: bytes, body: bytes) -> None:
        self._outgoing.send_bytes(bytes([self._place]) + kind)
        self._outgoing.send_bytes(body)
