"""A consistent copy of a database in a private file that has no name.

SQLite's online backup copies pages, a few at a time. The copy's file loses its name before the
first page is written, so it goes with the last connection, however the process ends. Knows
nothing of what is in the pages.

Three ways, by how the source is written:
- through a log (WAL): one read transaction is held; it sees one moment and nobody waits for it;
- through a log that is not there: nobody has it open. It is read without locks, because these
  would leave files beside it, and read again should somebody come meanwhile;
- through a rollback journal: locks are held for a few pages at a time. A writer between makes
  SQLite begin again; after some times the lock is held throughout, and writers wait.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.files import FileFacts, look_at_file
from listbackup.connectors.sqlite.session import (
    BUSY,
    Connection,
    connect,
    explain_lock,
    speaking_of,
)
from listbackup.connectors.throttle import Throttle
from listbackup.errors import SourceError
from listbackup.events import Emit, Progressed, StepDone, StepStarted, Warned
from listbackup.host import Host

STEP = 4 * 1024 * 1024
"""Bytes that are copied under one lock, about."""
RESTARTS = 3
"""How often writers may make the copy begin again before they have to wait."""
ATTEMPTS = 4
TOUCH = "SELECT count(*) FROM sqlite_master"
"""Takes the read lock, and finds out whether this is a database."""
PAUSE = 0.05
ROOM = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of one moment, and the connections that read it; `wal` says how the source itself is
    written. Whoever gets it closes the connections."""

    readers: tuple[Connection, ...]
    wal: bool
    moment: datetime
    bytes: int

    def close(self) -> None:
        """Give up the copy."""
        for reader in self.readers:
            reader.close()


class _BegunTooOften(Exception):
    """Writers came between again and again."""


def copy_database(
    address: Address, options: ReadOptions, readers: int, host: Host, emit: Emit
) -> Copy:
    """Copy a database. Raises SourceError, AuthError."""
    copier = _Copier(address, options, host, emit)
    emit(StepStarted("copying the database"))
    with speaking_of(address.masked):
        made = copier.run(readers)
    emit(StepDone("copying the database", figures={"bytes": made.bytes}))
    return made


def require_room(directory: Path, needed: int, subject: str) -> None:
    """Refuse where the copy would not fit. Raises SourceError, OSError."""
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    if free < needed + ROOM:
        raise SourceError(
            f"The database is copied to be read; {show_path(directory)} has room for {free} bytes,"
            f" {needed} are needed.",
            subject=subject,
            hint="LISTBACKUP_COPY_DIR names another directory for the copy.",
        )


class _Copier:
    def __init__(self, address: Address, options: ReadOptions, host: Host, emit: Emit) -> None:
        self._address = address
        self._options = options
        self._host = host
        self._emit = emit
        self._throttle = Throttle(options.limit_rate, host.clock)
        self._began = host.clock.monotonic()
        self._told = False

    def run(self, readers: int) -> Copy:
        """Copy; again where somebody came meanwhile, and then with the lock held."""
        held = False
        for attempt in range(ATTEMPTS):
            facts = look_at_file(self._address)
            unused = facts.wal and not facts.log and attempt < ATTEMPTS - 1
            try:
                made = self._copy(facts, readers, unused=unused, held=held or facts.wal)
            except _BegunTooOften:
                held = True
                self._emit(Warned("It is written without pause; its writers wait for the copy."))
                continue
            if not unused or look_at_file(self._address) == facts:
                return made
            made.close()
        raise SourceError(
            "It changes faster, and between more kinds of journal, than it can be copied.",
            subject=self._address.masked,
            hint="Run the backup again at a calmer time.",
        )

    def _copy(self, facts: FileFacts, readers: int, *, unused: bool, held: bool) -> Copy:
        path = self._make_file(facts.bytes)
        opened: list[Connection] = []
        try:
            try:
                target = connect(path, "rw")
                opened.append(target)
                opened += [connect(path) for _ in range(readers)]
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            finally:
                os.unlink(path)
            try:
                target.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
                moment = self._fill(target, facts, unused=unused, held=held)
                opened.remove(target)
                target.close()
                size = os.fstat(descriptor).st_size
                if size:
                    # a file without a name can have no log beside it
                    os.pwrite(descriptor, b"\1\1", 18)
                return Copy(tuple(opened), facts.wal, moment, size)
            finally:
                os.close(descriptor)
        except BaseException:
            for connection in opened:
                connection.close()
            raise

    def _make_file(self, size: int) -> Path:
        directory = self._address.copies
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_room(directory, size, self._address.masked)
        path = directory / f"copy-{self._host.entropy(8).hex()}.db"
        self._host.disk.create(path, b"")
        return path

    def _fill(self, target: Connection, facts: FileFacts, *, unused: bool, held: bool) -> datetime:
        source = self._open(facts, unused=unused)
        try:
            if held:
                source.execute("BEGIN")
                source.execute(TOUCH).fetchone()
            moment = self._host.clock.now()
            self._step(source, target, self._ignore if held else self._count_restarts())
            return moment if held else self._host.clock.now()
        finally:
            with suppress(sqlite3.Error):
                source.close()

    def _open(self, facts: FileFacts, *, unused: bool) -> Connection:
        """Open the source for reading; roll back a transaction that was interrupted, as whoever
        opens it next would do, where it cannot be read otherwise."""
        patience = self._options.lock_timeout
        source = connect(facts.path, immutable=unused, timeout=patience)
        try:
            source.execute(TOUCH).fetchone()
        except sqlite3.OperationalError as error:
            source.close()
            if error.sqlite_errorcode not in (
                sqlite3.SQLITE_READONLY_ROLLBACK,
                sqlite3.SQLITE_READONLY_RECOVERY,
            ):
                raise
            source = connect(facts.path, "rw", timeout=patience)
            try:
                source.execute("PRAGMA query_only = ON")
                source.execute(TOUCH).fetchone()
            except BaseException:
                source.close()
                raise
            self._emit(Warned("A transaction that its program left unfinished was rolled back."))
        except BaseException:
            source.close()
            raise
        return source

    def _step(self, source: Connection, target: Connection, look: Callable[[int], None]) -> None:
        size = int(source.execute("PRAGMA page_size").fetchone()[0])
        pages = max(1, STEP // size)
        clock = self._host.clock
        waiting_since: float | None = None
        before = 0

        def watch(status: int, remaining: int, total: int) -> None:
            nonlocal waiting_since, before
            if status & 0xFF in BUSY:
                waiting_since = clock.monotonic() if waiting_since is None else waiting_since
                if clock.monotonic() - waiting_since >= self._options.lock_timeout:
                    raise explain_lock(self._address.masked)
                return
            waiting_since = None
            look(remaining)
            done = (total - remaining) * size
            self._emit(Progressed("", 0, max(0, done - before)))
            self._throttle.pass_through(max(0, done - before))
            before = done
            self._watch_time()

        source.backup(target, pages=pages, progress=watch, sleep=PAUSE)

    def _ignore(self, remaining: int) -> None:
        """Nobody can come between."""

    def _count_restarts(self) -> Callable[[int], None]:
        last, restarts = -1, 0

        def look(remaining: int) -> None:
            nonlocal last, restarts
            restarts += 0 <= last <= remaining
            if restarts > RESTARTS:
                raise _BegunTooOften
            last = remaining

        return look

    def _watch_time(self) -> None:
        """Say once that the source is held for long."""
        if self._told or self._host.clock.monotonic() - self._began < self._options.long_reading:
            return
        self._told = True
        self._emit(
            Warned(
                "Copying the database takes long; a log beside it cannot be emptied meanwhile.",
                hint="A higher --limit-rate, or a calmer time, makes it shorter.",
            )
        )
