"""One pass over a SQLite database: every stream at one moment, read from a file that is ours."""

import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.definitions import (
    EXTRA,
    digest_definitions,
    summarise,
    write_definitions,
)
from listbackup.connectors.sqlite.findings import Findings, Found
from listbackup.connectors.sqlite.parts import WHOLE, Slice, cut_table, narrow
from listbackup.connectors.sqlite.rows import read_chunks, write_select
from listbackup.connectors.sqlite.session import VERSION, Connection, translate
from listbackup.errors import SourceError
from listbackup.records import AsOf, Closing, Declared, Extra, Identity, Part, Stream, Unread
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import NO_LANES, Fingerprint, add_lanes, digest_schema

ENGINE = "sqlite"
SERVER = "file"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a reading stands on: connections to a file that nobody else writes, and its moment."""

    address: Address
    readers: Sequence[Connection]
    as_of: AsOf


class SqliteReading:
    """A `records.Reading` of one database."""

    consistent = True

    def __init__(self, ground: Ground, findings: Findings) -> None:
        self.identity = identify(ground.address)
        self.as_of = ground.as_of
        self.streams: Sequence[Stream] = tuple(one.stream for one in findings.found.values())
        self.unread: Sequence[Unread] = findings.unread
        self.declared: Sequence[Declared] = findings.declared
        self._ground = ground
        self._findings = findings
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        for reader in ground.readers:
            self._free.put(reader)
        self._guard = threading.Lock()
        self._slices: dict[str, list[Slice]] = {}
        self._missing: dict[str, set[int]] = {}
        self._rows: dict[str, int] = {}
        self._reasons: dict[str, str] = {}

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Cut a stream into ranges of rowids."""
        found = self._findings.found[stream.name]
        try:
            with self._borrow(stream.name) as connection:
                slices = cut_table(connection, found.table, found.counted)
        except SourceError:
            # the reason is remembered; reading it will fail again
            slices = [Slice(WHOLE)]
        share = stream.estimated_bytes // len(slices)
        with self._guard:
            self._slices[stream.name] = slices
            self._missing[stream.name] = set(range(len(slices)))
            self._rows[stream.name] = 0
        return [
            Part(stream.name, number, one.word, share, one.word)
            for number, one in enumerate(slices)
        ]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give chunks of lines, about a megabyte each. Raises SourceError."""
        found = self._findings.found[part.stream]
        schema = found.stream.schema
        piece = self._slices[part.stream][part.number]
        statement = write_select(schema, schema["columns"], narrow(found.table, piece))
        rows = 0
        with self._borrow(part.stream) as connection:
            for chunk in self._give(connection, statement, found):
                rows += chunk.count(b"\n")
                yield chunk
        with self._guard:
            self._missing[part.stream].discard(part.number)
            self._rows[part.stream] += rows

    def _give(self, connection: Connection, statement: str, found: Found) -> Iterator[bytes]:
        charset = found.stream.schema["charset"]
        return read_chunks(connection, statement, charset, found.largest)

    @contextmanager
    def _borrow(self, stream: str) -> Iterator[Connection]:
        """Lend a connection, and remember why a stream failed."""
        connection = self._free.get()
        try:
            yield connection
        except sqlite3.Error as error:
            said = translate(error, stream)
            with self._guard:
                self._reasons.setdefault(stream, said.message)
            raise said from error
        finally:
            self._free.put(connection)

    def extras(self) -> Iterator[Extra]:
        """Give the definitions."""
        yield Extra(EXTRA, write_definitions(self._findings.definitions))

    def finish(self) -> Closing:
        """Say what was not read whole, and where a table and its index count differently."""
        unread = [
            Unread(name, self._reasons.get(name, "it was not read to its end"))
            for name, parts in self._missing.items()
            if parts
        ]
        read = [name for name, parts in self._missing.items() if not parts]
        unread += [found for name in read if (found := self._reconcile(name))]
        failed = {one.name for one in unread}
        generated = {
            name: self._fingerprint_generated(self._findings.found[name])
            for name in read
            if name not in failed and self._findings.found[name].stream.schema["generated"]
        }
        findings = self._findings
        return Closing(
            definitions=digest_definitions(findings.definitions, findings.settings),
            generated=generated,
            facts={
                "database": dict(findings.settings),
                "definitions": summarise(findings.definitions, findings.settings),
            },
            unread=tuple(unread),
        )

    def _reconcile(self, name: str) -> Unread | None:
        counted, rows = self._findings.found[name].counted, self._rows[name]
        if counted in (-1, rows):
            return None
        return Unread(name, f"it is damaged: {rows} rows were read, an index counts {counted}")

    def _fingerprint_generated(self, found: Found) -> Fingerprint:
        schema = found.stream.schema
        columns = list(schema["generated"])
        encoding = open_encoding(found.stream.encoding, {**schema, "columns": columns})
        rows, lanes = 0, NO_LANES
        with self._borrow(found.stream.name) as connection:
            for chunk in self._give(connection, write_select(schema, columns), found):
                hashes = encoding.hash_lines(chunk, ())
                rows += hashes.rows
                lanes = add_lanes(lanes, hashes.lanes)
        return Fingerprint(digest_schema({"columns": columns}), rows, lanes)

    def close(self) -> None:
        """Close every connection; the copy goes with the last. Safe after any failure, and
        twice."""
        for reader in self._ground.readers:
            reader.close()


def identify(address: Address) -> Identity:
    """Say which database this is: a file has no more than its place."""
    return Identity(ENGINE, SERVER, show_path(address.resolved), VERSION)
