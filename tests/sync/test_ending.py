"""A sync that is ended does not wait for what a platform may say in some hours."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listbackup.errors import AuthError, SourceError
from listbackup.records import AsOf, Closing, Declared, Extra, Identity, Part, Stream, Unread
from listbackup.testing.hosts import play_host
from listbackup.testing.vaults import Trial

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
SCHEMA = {"kind": "records", "columns": [], "key": ["id"]}


class Waiting:
    """A source with two streams: one waits until it is closed, then the other is refused."""

    identity = Identity("toy", "toy.example", "1", "1")
    as_of = AsOf(MOMENT, MOMENT)
    consistent = False
    unread: Sequence[Unread] = ()
    declared: Sequence[Declared] = ()

    def __init__(self) -> None:
        self.streams: Sequence[Stream] = [
            Stream(name, "records/1", SCHEMA, ("id",), (0,)) for name in ("a", "b")
        ]
        self._waits = threading.Event()
        self._closed = threading.Event()

    def open(self) -> "Waiting":
        return self

    def parts(self, stream: Stream) -> list[Part]:
        return [Part(stream.name, 0, "all")]

    def read(self, part: Part) -> Iterator[bytes]:
        if part.stream == "a":
            self._waits.set()
            assert self._closed.wait(30), "nobody closed the reading"
            raise SourceError("The reading was ended.")
        self._waits.wait(30)
        raise AuthError("The token was revoked.")
        yield b""

    def extras(self) -> Iterator[Extra]:
        yield from ()

    def finish(self) -> Closing:
        return Closing()

    def close(self) -> None:
        self._closed.set()


def test_a_refused_key_ends_the_waits_of_other_streams(tmp_path: Path) -> None:
    trial = Trial(tmp_path, play_host(5), "none")
    trial.create()
    with pytest.raises(AuthError):
        trial.sync(Waiting(), "toy", jobs=2)
