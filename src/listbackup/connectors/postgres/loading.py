"""Load rows: COPY text into where it belongs, several pieces at once, and large objects.

Counts are compared with what the server says it took. Values are proven later, by reading.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from listbackup.connectors.postgres import largeobjects
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.copying import copy_in
from listbackup.connectors.postgres.names import quote_table
from listbackup.connectors.postgres.session import Connection, connect, translate
from listbackup.errors import RestoreError
from listbackup.events import Emit, Progressed, StreamDone
from listbackup.records import StoredStream
from listbackup.records.counting import count_lines

CUT_FROM = 32 << 20
"""Plain bytes from which on a stream may be loaded in several pieces."""


FROZEN_FROM = 1 << 20
"""Plain bytes from which on a table that is loaded in one piece is loaded frozen."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stream, or a cut of one. `alone` says that the table is one that we made and that
    nobody else loads into."""

    stream: StoredStream
    condition: str | None
    alone: bool

    @property
    def frozen(self) -> bool:
        """Whether rows may be written as visible to all, so that nobody has to mark them later:
        in the transaction that emptied the table, which we have just made."""
        return self.alone and self.stream.plain_bytes >= FROZEN_FROM


class Loader:
    """Loads streams with up to `jobs` sessions; the first failure ends the others."""

    def __init__(self, address: Address, jobs: int, emit: Emit, *, raw_encoding: bool) -> None:
        self._address = address
        self._jobs = jobs
        self._emit = emit
        self._raw = raw_encoding
        self._waiting: deque[Piece] = deque()
        self._loaded: dict[str, int] = {}
        self._guard = threading.Lock()
        self._sessions: list[Connection] = []
        self._stopped = threading.Event()

    def load(self, streams: Sequence[StoredStream], where: Mapping[str, str]) -> dict[str, int]:
        """Load tables and give the number of rows of each. Raises RestoreError, IntegrityError."""
        # what is far from a session's share is better loaded whole, and frozen: the others keep
        # all sessions busy meanwhile
        least = max(CUT_FROM, 0.6 * sum(stream.plain_bytes for stream in streams) / self._jobs)
        for stream in sorted(streams, key=lambda s: -s.plain_bytes):
            count = self._jobs if stream.plain_bytes >= least else 1
            cuts = stream.cuts(count) if count > 1 else [stream]
            ours = stream.schema["partition_of"] is None and stream.schema["extension"] is None
            alone = ours and len(cuts) == 1
            self._waiting.extend(Piece(cut, where.get(stream.name), alone) for cut in cuts)
            self._loaded[stream.name] = 0
        jobs = max(1, min(self._jobs, len(self._waiting)))
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for running in [pool.submit(self._work) for _ in range(jobs)]:
                    running.result()
            except BaseException:
                self._stop()
                raise
        for stream in streams:
            self._verify(stream, where.get(stream.name))
        return dict(self._loaded)

    def _work(self) -> None:
        session = open_loading_session(self._address)
        with session:
            self._sessions.append(session)
            while not self._stopped.is_set():
                try:
                    piece = self._waiting.popleft()
                except IndexError:
                    return
                try:
                    self._load_piece(session, piece)
                except psycopg.Error as error:
                    self._stopped.set()
                    raise _explain(error, self._address, piece.stream.name) from error
                except BaseException:
                    self._stopped.set()
                    raise

    def _load_piece(self, session: Connection, piece: Piece) -> None:
        statement = copy_in(piece.stream.schema, raw_encoding=self._raw, frozen=piece.frozen)
        if piece.condition is not None:
            statement += f" WHERE ({piece.condition})"
        name, rows = piece.stream.name, 0
        with session.transaction(), session.cursor() as cursor:
            if piece.frozen:
                cursor.execute(f"TRUNCATE ONLY {quote_table(*_table_of(piece.stream))}")
            with cursor.copy(statement) as copy:
                for chunk in piece.stream.chunks():
                    if self._stopped.is_set():
                        raise RestoreError("The restore was stopped.", subject=name)
                    copy.write(chunk)
                    count = count_lines(chunk)
                    rows += count
                    self._emit(Progressed(name, count, len(chunk)))
            taken = cursor.rowcount
        if piece.condition is None and taken != rows:
            raise RestoreError(f"The server took {taken} of {rows} rows.", subject=name)
        with self._guard:
            self._loaded[name] += taken

    def _verify(self, stream: StoredStream, condition: str | None) -> None:
        loaded = self._loaded[stream.name]
        if condition is None and loaded != stream.rows:
            raise RestoreError(
                f"{loaded} rows were loaded, the snapshot holds {stream.rows}.",
                subject=stream.name,
            )
        self._emit(StreamDone(stream.name, "loaded", loaded))

    def _stop(self) -> None:
        self._stopped.set()
        for session in self._sessions:
            with suppress(psycopg.Error):
                session.cancel_safe(timeout=5.0)


def _table_of(stream: StoredStream) -> tuple[str, str]:
    return stream.schema["load_into"]["schema"], stream.schema["load_into"]["table"]


def open_loading_session(address: Address) -> Connection:
    """Open a session that need not wait for the disk: what is written is made durable at the
    end, or thrown away."""
    session = connect(address, purpose="listbackup-restore")
    session.execute("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'")
    return session


def load_large_objects(
    session: Connection, stream: StoredStream | None, listed: Sequence[Mapping[str, Any]]
) -> None:
    """Create large objects with their OIDs and fill them. Raises psycopg.Error, IntegrityError."""
    oids = [int(entry["oid"]) for entry in listed]
    session.execute("SELECT count(lo_create(oid)) FROM unnest(%s::oid[]) AS oid", (oids,))
    if stream is None:
        return
    session.execute("CREATE TEMP TABLE listbackup_chunks (oid oid, chunk bigint, data bytea)")
    fill = (
        f"SELECT count(*) FROM (SELECT lo_put(oid, chunk * {largeobjects.CHUNK}, data)"
        " FROM pg_temp.listbackup_chunks WHERE length(data) > 0 OFFSET 0) AS written"
    )
    for chunk in _regroup(stream.chunks(), 8 * largeobjects.CHUNK):
        with session.transaction(), session.cursor() as cursor:
            with cursor.copy("COPY pg_temp.listbackup_chunks FROM STDIN") as copy:
                copy.write(chunk)
            cursor.execute(fill)
            cursor.execute("TRUNCATE pg_temp.listbackup_chunks")
    session.execute("DROP TABLE pg_temp.listbackup_chunks")


def run_statements(
    session: Connection, statements: Iterable[str], address: Address, subject: str
) -> None:
    """Run statements one by one. Raises RestoreError with the first that fails."""
    for statement in statements:
        try:
            session.execute(statement)
        except psycopg.Error as error:
            raise _explain(error, address, subject) from error


def explaining(address: Address, subject: str, action: Callable[[], None]) -> None:
    """Run an action and put the server's errors into words."""
    try:
        action()
    except psycopg.Error as error:
        raise _explain(error, address, subject) from error


def _regroup(chunks: Iterable[bytes], size: int) -> Iterable[bytes]:
    waiting: list[bytes] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(map(len, waiting)) >= size:
            yield b"".join(waiting)
            waiting.clear()
    if waiting:
        yield b"".join(waiting)


def _explain(error: psycopg.Error, address: Address, subject: str) -> RestoreError:
    said = translate(error, address, subject)
    return RestoreError(said.message, subject=subject)
