"""The sessions that read: as many as jobs, each in the moment that another session holds.

A worker locks a table for itself before it reads and never waits for that: who waits behind an
ALTER that waits for us would wait for ever. Then the holder of the moment reads instead, whose
lock is older. And a worker reads nothing unless the holder is seen alive after the worker has its
own lock: so the table was locked from before the snapshot on, without a gap.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import errors as pg

from listbackup.connectors.postgres.moment import Moment
from listbackup.connectors.postgres.receiving import hang_up, receive_copy, socket_is_plain
from listbackup.connectors.postgres.session import Connection
from listbackup.errors import SourceError

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
LOST = "The session that held the snapshot was lost; what was not read by then cannot be."
MARK = "the snapshot was lost"


class Workers:
    """A pool of at most `jobs` sessions, opened when they are needed. `holder` is the session
    that holds the moment; `connect` opens another one."""

    def __init__(
        self, holder: Connection, moment: Moment, connect: Callable[[], Connection], jobs: int
    ) -> None:
        self._holder = holder
        self._moment = moment
        self._connect = connect
        self._free: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        self._open: dict[Connection, bool] = {}
        self._guard = threading.Lock()
        self._holding = threading.Lock()
        self._closed = False
        for _ in range(max(1, jobs)):
            self._free.put(None)

    @contextmanager
    def borrow(self, table: str | None) -> Iterator[Connection]:
        """Lend a session in which `table` (quoted, None for no table) is locked and the moment is
        seen. Raises SourceError where the moment is lost, psycopg.Error."""
        with self._lend() as worker:
            if table is None or self._lock(worker, table):
                self._verify_holder(worker)
                yield worker
                return
        with self.hold() as holder, holder.transaction():
            yield holder

    def copy(self, table: str | None, statement: str) -> Generator[bytes, None, None]:
        """Give what a COPY sends, in chunks of whole lines, with the same promises as `borrow`:
        the lock, the look at the holder and the COPY are one request, in this order, and whichever
        fails ends it. Raises SourceError, psycopg.Error."""
        begun = False
        try:
            with self._lend() as worker:
                request = f"{self._write_guard(table)}; {statement}"
                plain = self._open.get(worker)
                with closing(receive_copy(worker, request, plain=plain)) as chunks:
                    for chunk in chunks:
                        begun = True
                        yield chunk
            return
        except pg.LockNotAvailable:
            if begun:
                raise
        except pg.InvalidTextRepresentation as error:
            if MARK in str(error):
                raise SourceError(LOST) from error
            raise
        with self.hold() as holder, holder.transaction():
            yield from receive_copy(holder, statement)

    @contextmanager
    def _lend(self) -> Iterator[Connection]:
        worker = self._free.get()
        sound = False
        try:
            if worker is None or worker.closed:
                worker = self._make()
            yield worker
            sound = True
        finally:
            self._free.put(self._take_back(worker, sound))

    @contextmanager
    def hold(self) -> Iterator[Connection]:
        """Lend the session that holds the moment; others wait for it."""
        with self._holding:
            if self._holder.closed:
                raise SourceError(LOST)
            yield self._holder

    def verify(self) -> None:
        """See that the moment is still the one that was taken. Raises SourceError."""
        with self.hold() as holder:
            try:
                holder.execute("SELECT 1")
            except psycopg.Error as error:
                raise SourceError(LOST) from error
            if holder.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
                raise SourceError(LOST)

    def _make(self) -> Connection:
        worker = self._connect()
        with self._guard:
            if self._closed:
                worker.close()
                raise SourceError("The reading was closed.")
            self._open[worker] = socket_is_plain(worker)
        self._begin(worker)
        return worker

    def _begin(self, worker: Connection) -> None:
        worker.execute(f"{BEGIN}; SET TRANSACTION SNAPSHOT '{self._moment.snapshot}'")

    def _write_guard(self, table: str | None) -> str:
        """Write statements that lock a table, and then fail unless the holder still holds."""
        free = f"pg_try_advisory_xact_lock_shared('{self._moment.seal}'::bigint)"
        look = f"SELECT (CASE WHEN {free} THEN '{MARK}' ELSE '0' END)::int"
        return look if table is None else f"{_write_lock(table)}; {look}"

    def _lock(self, worker: Connection, table: str) -> bool:
        try:
            worker.execute(_write_lock(table))
        except pg.LockNotAvailable:
            worker.execute("ROLLBACK")
            self._begin(worker)
            return False
        return True

    def _verify_holder(self, worker: Connection) -> None:
        asked = "SELECT pg_try_advisory_xact_lock_shared(%s)"
        free = worker.execute(asked, (self._moment.seal,)).fetchone()
        if not free or free[0]:
            raise SourceError(LOST)

    def _take_back(self, worker: Connection | None, sound: bool) -> Connection | None:
        """Make a session ready for the next part, or give it up. What failed begins anew: libpq
        need not know in which state that left the transaction."""
        if worker is None:
            return None
        try:
            if not sound and not worker.closed:
                worker.execute("ROLLBACK")
                self._begin(worker)
        except psycopg.Error:
            worker.close()
        if not worker.closed:
            return worker
        with self._guard:
            self._open.pop(worker, None)
        return None

    def close(self) -> None:
        """End every session; readers that are not done get an error."""
        with self._guard:
            self._closed = True
            sessions = list(self._open)
            self._open.clear()
        for session in sessions:
            with suppress(psycopg.Error):
                hang_up(session)


def _write_lock(table: str) -> str:
    return f"LOCK TABLE ONLY {table} IN ACCESS SHARE MODE NOWAIT"
