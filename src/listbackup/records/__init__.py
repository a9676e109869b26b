"""What sources, syncs and vaults say to each other about records: bytes with names and counts.

A *line* is one record. Its *source form* is what the source gave (for PostgreSQL the line of COPY
text), its *stored form* is what rests in a batch (one JSON array or object). An encoding goes
both ways. A *chunk* is any number of whole lines, each ended by a newline, on their way.

Knows no database, no platform and no vault.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from listbackup.records.fingerprints import Fingerprint

Json = Any
"""A decoded JSON value."""

StreamStatus = Literal["complete", "upserts", "carried"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One list of records within a source, as found at the moment of reading.

    `schema` is a JSON object with at least `columns` (array) and `kind`; `key` names the key's
    fields in key order, empty where there is none; `estimated_*` are for progress only.
    """

    name: str
    encoding: str
    schema: Mapping[str, Json]
    key: tuple[str, ...] = ()
    key_positions: tuple[int, ...] = ()
    estimated_rows: int = 0
    estimated_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A slice of a stream that can be read by itself; `slice` is the source's own word for it.

    `home` names the slice across readings: lines that did not change are looked for among the
    earlier ones of the same home.
    """

    stream: str
    number: int
    slice: str
    estimated_bytes: int = 0
    home: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A stream that should have been read and could not be, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that by nature cannot be exact: named, left out of the fingerprint, exit 0."""

    what: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extra:
    """Something beside the streams that a restore needs (`pg-archive`, `pg-sequences`, ...)."""

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Which source this is, beyond its address: a sync that meets another one is refused.

    `server` is what survives a restart and not a replacement (PostgreSQL: system identifier),
    `container` the name within it (database), `version` is for people.
    """

    engine: str
    server: str
    container: str
    version: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment that a snapshot shows, on the source's clock; from = to where it is one."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that is there and could not be read: its key as a line of the encoding's keys (a
    JSON array), and why. It is missing, never gone."""

    key: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reading over time says of a stream at its end.

    `complete`: it was listed to its end in one pass, and what was not seen is gone. `upserts`:
    what was read is new or changed and all else stays, but for the records of the keys `deleted`,
    of which the source said that they are gone. A `reason` says what is in doubt. `checkpoint` is
    what the next reading is told.
    """

    status: Literal["complete", "upserts"] = "complete"
    reason: str = ""
    deleted: Sequence[bytes] = ()
    set_aside: Sequence[SetAside] = ()
    checkpoint: Json = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A place between chunks of a part that a later reading can go on from."""

    place: Json


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a stream when a reading begins: the `checkpoint`, rows and plain bytes of
    the newest snapshot, and, where a dead attempt's batches are taken over, the `place` of the
    last mark up to which they reach."""

    checkpoint: Json = None
    place: Json = None
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """What a reading knows only at its end.

    `outcomes` speaks of streams that were read over time (all others were read whole). `generated`
    holds the second fingerprint of streams with stored generated columns,
    `definitions` a digest of the source's definitions (`sha256:hex`), `facts` anything a restore
    of this engine wants to find in the manifest.
    """

    definitions: str | None = None
    generated: Mapping[str, Fingerprint] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    declared: tuple[Declared, ...] = ()
    unread: tuple[Unread, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feed:
    """A part that another process can receive by itself, over an open descriptor that it is lent.

    `reader` is a dotted path `module:function`, called with descriptor and request; it gives
    chunks as `Reading.read` does and leaves the descriptor ready for the next request.
    """

    descriptor: int
    reader: str
    request: bytes


@runtime_checkable
class FeedingReading(Protocol):
    """A reading that can also lend its parts to other processes."""

    def feed(self, part: Part) -> AbstractContextManager[Feed | None]:
        """Lend what a part is received over; None where it must be read by `Reading.read`. The
        part counts as read when the block ends without an error."""
        ...


class Reading(Protocol):
    """One pass over a source. Consistent readings show all streams at one moment.

    `read` and `parts` may be called from several threads, each part by one of them.
    """

    identity: Identity
    as_of: AsOf
    consistent: bool
    streams: Sequence[Stream]
    unread: Sequence[Unread]
    declared: Sequence[Declared]

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Cut a stream into parts; empty parts are fine, a stream has at least one."""
        ...

    def read(self, part: Part) -> Iterator[bytes]:
        """Give chunks of source form. Ends normally only when the part was read whole and its
        count agrees with what the source said; raises SourceError otherwise."""
        ...

    def extras(self) -> Iterator[Extra]:
        """Give what a restore needs beside the streams, from the same moment."""
        ...

    def finish(self) -> Closing:
        """Verify that the moment still holds, and give what is known only now."""
        ...

    def close(self) -> None:
        """Give back connections. Safe after any failure, and twice."""
        ...


@runtime_checkable
class ContinuingReading(Protocol):
    """A reading that goes on where an earlier one stood."""

    def go_on(self, before: Mapping[str, Before]) -> None:
        """Be told, once and before anything else is asked, what is known of streams by name."""
        ...

    def read_on(self, part: Part) -> Iterator[bytes | Mark]:
        """Give what `Reading.read` gives, from the place that it was told of on, with marks."""
        ...


class Source(Protocol):
    """A connection that can be read. Opening it twice gives two readings."""

    def open(self) -> Reading:
        """Start a reading. Raises AuthError, SourceError."""
        ...


class StoredStream(Protocol):
    """One stream of a snapshot, as whoever writes it back sees it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def status(self) -> StreamStatus:
        """How it was read."""
        ...

    @property
    def encoding(self) -> str:
        """The encoding of its lines."""
        ...

    @property
    def schema(self) -> Mapping[str, Json]:
        """Its schema object."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """The key's fields."""
        ...

    @property
    def rows(self) -> int:
        """How many lines it has."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """What its lines add up to."""
        ...

    @property
    def generated(self) -> Fingerprint | None:
        """The same of its stored generated columns."""
        ...

    @property
    def plain_bytes(self) -> int:
        """Uncompressed bytes to read."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Give the stream's lines in source form, dead lines left out, every digest verified
        before its bytes are given. Raises IntegrityError."""
        ...

    def cuts(self, count: int) -> Sequence["StoredStream"]:
        """Cut into at most `count` pieces whose chunks may be read in parallel; `rows` and
        `fingerprint` of a piece are those of the whole stream."""
        ...


class StoredSnapshot(Protocol):
    """A snapshot, as whoever writes it back sees it."""

    @property
    def id(self) -> str:
        """The sync's id."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def source(self) -> str:
        """The source's id."""
        ...

    @property
    def identity(self) -> Identity:
        """Which database it was."""
        ...

    @property
    def definitions(self) -> str | None:
        """Digest of its definitions."""
        ...

    @property
    def facts(self) -> Mapping[str, Json]:
        """What a restore wants to know."""
        ...

    @property
    def declared(self) -> Sequence[Declared]:
        """What by nature is not exact."""
        ...

    @property
    def streams(self) -> Mapping[str, StoredStream]:
        """Its streams, by name."""
        ...

    @property
    def missing(self) -> Sequence[Unread]:
        """What it should show and does not."""
        ...

    def extra(self, kind: str) -> bytes | None:
        """Read an extra, verified; None where the snapshot has none of that kind."""
        ...
