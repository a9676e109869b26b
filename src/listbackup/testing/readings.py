"""A source that lists what it is given: for tests and drills of everything above a source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from listbackup.errors import SourceError
from listbackup.records import (
    AsOf,
    Closing,
    Declared,
    Extra,
    Identity,
    Part,
    Stream,
    Unread,
)

IDENTITY = Identity("listed", "7000000000000000001", "shop", "1")
MOMENT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass
class ListedSource:
    """Streams by name, each a list of rows, each row a list of texts or None.

    `keyed` streams have their first column as key; `failing` ones raise in the middle; `locked`
    ones cannot be opened at all.
    """

    streams: Mapping[str, Sequence[Sequence[str | None]]]
    identity: Identity = IDENTITY
    moment: datetime = MOMENT
    keyed: bool = True
    parts: int = 1
    failing: tuple[str, ...] = ()
    locked: Mapping[str, str] = field(default_factory=dict)
    extras: tuple[Extra, ...] = (Extra("pg-archive", b"an archive"),)
    declared: tuple[Declared, ...] = ()

    def open(self) -> "ListedReading":
        """Start a reading."""
        return ListedReading(self)


class ListedReading:
    """One pass over a `ListedSource`."""

    consistent = True

    def __init__(self, source: ListedSource) -> None:
        self._source = source
        self.identity = source.identity
        self.as_of = AsOf(source.moment, source.moment)
        self.declared: Sequence[Declared] = source.declared
        self.unread: Sequence[Unread] = [
            Unread(name, reason) for name, reason in source.locked.items()
        ]
        self.streams: Sequence[Stream] = [
            self._stream(name) for name in source.streams if name not in source.locked
        ]

    def _stream(self, name: str) -> Stream:
        rows = self._source.streams[name]
        width = len(rows[0]) if rows else 1
        columns = [{"name": f"c{n}", "type": "text", "position": n} for n in range(width)]
        key = ("c0",) if self._source.keyed and width else ()
        schema = {"kind": "table", "columns": columns, "key": list(key)}
        positions = (0,) if key else ()
        return Stream(name, "copy-text-array/1", schema, key, positions, len(rows), 0)

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Cut a stream into the wanted number of parts."""
        return [
            Part(stream.name, n, f"part {n}", home=f"part {n}") for n in range(self._source.parts)
        ]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the part's rows, a hundred a chunk, as COPY text."""
        rows = self._source.streams[part.stream][part.number :: self._source.parts]
        for start in range(0, len(rows), 100):
            yield b"".join(write_copy_line(row) for row in rows[start : start + 100])
        if part.stream in self._source.failing:
            raise SourceError("the connection was lost")

    def extras(self) -> Iterator[Extra]:
        """Give the extras."""
        yield from self._source.extras

    def finish(self) -> Closing:
        """Say what definitions there are."""
        return Closing(definitions="sha256:" + "0" * 64)

    def close(self) -> None:
        """There is nothing to give back."""


def write_copy_line(row: Sequence[str | None]) -> bytes:
    """Write a row as a line of COPY text."""
    fields = (b"\\N" if one is None else _escape(one) for one in row)
    return b"\t".join(fields) + b"\n"


_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "\b": "\\b",
        "\t": "\\t",
        "\n": "\\n",
        "\v": "\\v",
        "\f": "\\f",
        "\r": "\\r",
    }
)


def _escape(text: str) -> bytes:
    return text.translate(_ESCAPES).encode("utf-8")
