"""One pass over a PostgreSQL database: every stream at one moment, read by several sessions.

Everything is locked and known when a `PostgresReading` is made; `source.py` makes it.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from listbackup.connectors.postgres import largeobjects
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.archive import Archive, LockedOut, read_globals
from listbackup.connectors.postgres.copying import copy_generated, copy_out
from listbackup.connectors.postgres.extras import list_large_objects, write_extra
from listbackup.connectors.postgres.findings import Findings
from listbackup.connectors.postgres.fingerprinting import fingerprint_copy
from listbackup.connectors.postgres.moment import Moment
from listbackup.connectors.postgres.parts import WHOLE, cut_table, name_home, narrow
from listbackup.connectors.postgres.receiving import hang_up, socket_is_plain
from listbackup.connectors.postgres.session import Connection, translate
from listbackup.connectors.postgres.watching import Watch
from listbackup.connectors.postgres.workers import Workers
from listbackup.connectors.throttle import Throttle
from listbackup.errors import ListbackupError, SourceError
from listbackup.records import AsOf, Closing, Declared, Extra, Feed, Part, Stream, Unread
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint


@dataclass(frozen=True, slots=True)
class Ground:
    """What a reading stands on: the session that holds the moment, the pool that reads in it, the
    archive on its way, and what slows down and watches."""

    address: Address
    environment: Mapping[str, str]
    holder: Connection
    moment: Moment
    workers: Workers
    archive: Archive
    throttle: Throttle
    watch: Watch


class PostgresReading:
    """A `records.Reading` of one database."""

    consistent = True

    def __init__(self, ground: Ground, findings: Findings) -> None:
        self.identity = findings.identity
        self.as_of = AsOf(ground.moment.time, ground.moment.time)
        self.streams: Sequence[Stream] = tuple(findings.streams.values())
        self.unread: Sequence[Unread] = findings.unread
        self.declared: Sequence[Declared] = findings.declared
        self._ground = ground
        self._findings = findings
        self._guard = threading.Lock()
        self._missing: dict[str, set[int]] = {}
        self._reasons: dict[str, str] = {}
        self._late: list[Declared] = []

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Cut a stream into ranges of pages."""
        table = self._findings.tables.get(stream.name)
        slices = cut_table(table, self._findings.server_version) if table else [WHOLE]
        share = stream.estimated_bytes // len(slices)
        with self._guard:
            self._missing[stream.name] = set(range(len(slices)))
        return [
            Part(stream.name, number, one, share, name_home(one))
            for number, one in enumerate(slices)
        ]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give chunks of COPY text, about a megabyte each. Raises SourceError."""
        table = self._findings.tables.get(part.stream)
        copying = self._ground.workers.copy(table.sql if table else None, self._statement(part))
        with self._failing(part.stream), closing(copying) as chunks:
            for chunk in chunks:
                self._ground.throttle.pass_through(len(chunk))
                self._ground.watch.look()
                yield chunk
        with self._guard:
            self._missing[part.stream].discard(part.number)

    @contextmanager
    def feed(self, part: Part) -> Iterator[Feed | None]:
        """Lend the socket of a session that has the part's table locked; None where rows cannot
        be received from the socket itself, or have to be slowed down. Raises SourceError."""
        table = self._findings.tables.get(part.stream)
        if self._ground.throttle.limits:
            yield None
            return
        with (
            self._failing(part.stream),
            self._ground.workers.borrow(table.sql if table else None) as session,
        ):
            if session is self._ground.holder or not socket_is_plain(session):
                yield None
                return
            self._ground.watch.look()
            request = self._statement(part).encode(session.info.encoding)
            try:
                yield Feed(
                    session.pgconn.socket, "listbackup.connectors.postgres.wire:receive", request
                )
            except BaseException:
                # who was lent it may have stopped anywhere in the answer
                hang_up(session)
                raise
        with self._guard:
            self._missing[part.stream].discard(part.number)

    def _statement(self, part: Part) -> str:
        if part.stream not in self._findings.tables:
            return largeobjects.COPY_OUT
        schema = self._findings.streams[part.stream].schema
        raw = self._findings.raw_encoding
        return copy_out(schema, where=narrow(part.slice), raw_encoding=raw)

    @contextmanager
    def _failing(self, stream: str) -> Iterator[None]:
        """Remember why a stream failed, in words that bear no secret."""
        try:
            yield
        except (psycopg.Error, ListbackupError) as error:
            address = self._ground.address
            said = translate(error, address) if isinstance(error, psycopg.Error) else error
            with self._guard:
                self._reasons.setdefault(stream, said.message)
            raise SourceError(said.message, subject=stream, hint=said.hint) from error

    def extras(self) -> Iterator[Extra]:
        """Give definitions, sequences, views to refresh, large objects' owners, roles. Raises
        SourceError."""
        yield Extra("pg-sequences", write_extra(self._findings.sequences))
        yield Extra("pg-matviews", write_extra(self._findings.views))
        if largeobjects.STREAM in self._findings.streams:
            with self._failing(largeobjects.STREAM), self._ground.workers.borrow(None) as session:
                found = list_large_objects(session)
            yield Extra("pg-largeobjects", write_extra(found))
        yield Extra("pg-archive", self._take_archive())
        address, version = self._ground.address, self._findings.server_version
        roles, reason = read_globals(address, self._ground.environment, version)
        if roles is None:
            self._late.append(Declared("roles", "pg_roles", f"they may not be read: {reason}"))
        else:
            yield Extra("pg-globals", roles)

    def _take_archive(self) -> bytes:
        try:
            return self._ground.archive.take()
        except LockedOut as error:
            raise SourceError(
                f"The definitions changed while they were read: {error}",
                subject=self._ground.address.masked,
                hint="Run the backup again.",
            ) from error

    def finish(self) -> Closing:
        """Verify that the moment held to the end and say what was not read whole. Raises
        SourceError where it did not hold: then nothing that was read can be trusted."""
        self._ground.workers.verify()
        self._take_archive()
        generated = {}
        for stream in self.streams:
            if stream.schema["generated"] and not self._missing.get(stream.name, {0}):
                generated[stream.name] = self._fingerprint_generated(stream)
        self._ground.workers.verify()
        unread = [
            Unread(name, self._reasons.get(name, "it was not read to its end"))
            for name, parts in self._missing.items()
            if parts
        ]
        return Closing(
            definitions=self._findings.definitions,
            generated=generated,
            facts=self._findings.facts,
            declared=tuple(self._late),
            unread=tuple(unread),
        )

    def _fingerprint_generated(self, stream: Stream) -> Fingerprint:
        columns = list(stream.schema["generated"])
        statement = copy_generated(stream.schema, raw_encoding=self._findings.raw_encoding)
        table = self._findings.tables[stream.name]
        encoding = open_encoding(stream.encoding, {**stream.schema, "columns": columns})
        with self._failing(stream.name), self._ground.workers.borrow(table.sql) as session:
            return fingerprint_copy(session, statement, columns, encoding)

    def close(self) -> None:
        """Give back every session and end what still runs. Safe after any failure, and twice."""
        self._ground.archive.close()
        self._ground.workers.close()
        with suppress(psycopg.Error):
            self._ground.holder.close()
