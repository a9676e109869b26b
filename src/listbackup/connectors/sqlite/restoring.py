"""A SQLite file as a destination: plan, write, read again, publish, discard.

Everything is written into a file of another name beside the target, and proven there; it gets its
name at the end, in one step and never over something else. Compares nothing itself.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.definitions import guard, is_own, make_definition
from listbackup.connectors.sqlite.files import beside
from listbackup.connectors.sqlite.findings import find_out
from listbackup.connectors.sqlite.loading import load_stream, make_own_table, set_counters
from listbackup.connectors.sqlite.names import quote, stream_name
from listbackup.connectors.sqlite.planning import (
    LEFTOVERS,
    SEQUENCE,
    Work,
    choose_work,
    condition_of,
    find_obstacles,
    is_empty_database,
    list_notices,
    list_steps,
)
from listbackup.connectors.sqlite.reading import Ground, SqliteReading
from listbackup.connectors.sqlite.session import Connection, connect, speaking_of, translate
from listbackup.errors import RefusedError, RestoreError
from listbackup.events import Emit, StepDone, StepStarted, Warned, ignore
from listbackup.host import Host
from listbackup.records import AsOf, Reading, StoredSnapshot
from listbackup.records.restoring import PlannedStream, RestoreOptions, RestorePlan

LOADING = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
"""
READERS = 3


class SqliteTarget:
    """A `records.restoring.Destination`."""

    def __init__(
        self,
        address: Address,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._host = host
        self._emit = emit
        path = address.path
        self._working = path.with_name(f".{path.name}.{host.entropy(4).hex()}.restoring")
        self._made = False
        self._wal = False

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        """Say what `apply` would do; writes nothing. Raises UsageError, IntegrityError."""
        work = choose_work(snapshot, options)
        with speaking_of(self._address.masked):
            obstacles = tuple(find_obstacles(self._address, options, work))
        notices = list(list_notices(work.streams))
        if options.keep_failed:
            notices.append(f"what a failure leaves is kept as {show_path(self._working)}")
        return RestorePlan(
            snapshot=snapshot.name,
            source=snapshot.source,
            target=self._address.masked,
            container=self._address.database,
            creates=True,
            partial=not work.whole,
            streams=tuple(
                PlannedStream(s.name, s.rows, s.plain_bytes, condition_of(s, options))
                for s in work.streams
            ),
            steps=tuple(list_steps(work, replaces=options.into_existing)),
            left_out=work.left_out,
            notices=tuple(notices),
            obstacles=obstacles,
        )

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        """Write what the plan says. Raises RestoreError, IntegrityError."""
        work = choose_work(snapshot, options)
        settings = snapshot.facts["database"]
        self._wal = settings["journal"] == "wal"
        with self._explaining():
            self._host.disk.create(self._working, b"")
            self._made = True
            connection = connect(self._working, "rw")
            try:
                connection.executescript(_write_settings(settings) + LOADING)
                guard(connection)
                connection.execute("BEGIN")
                self._make(connection, work, "table")
                self._load(connection, snapshot, options, work, emit)
                self._make(connection, work, "index")
                self._make(connection, work, "view", "trigger", "virtual table")
                connection.execute("COMMIT")
            finally:
                connection.close()
            self._check(work, emit)

    def reopen(self, plan: RestorePlan) -> Reading:
        """Open a reading of the planned streams, from the file that was written. Raises
        SourceError, AuthError."""
        names = tuple(stream.name for stream in plan.streams)
        wanted = ReadOptions(include=names if plan.partial else ())
        with speaking_of(self._address.masked):
            readers = [connect(self._working, immutable=True) for _ in range(READERS)]
            try:
                findings = find_out(readers[0], wanted, wal=self._wal, check=False)
            except BaseException:
                for reader in readers:
                    reader.close()
                raise
        now = self._host.clock.now()
        return SqliteReading(Ground(self._address, readers, AsOf(now, now)), findings)

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        """There is no second way to look: definitions are kept letter by letter."""
        return False

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        """See it on the disk and give it its name. Raises RefusedError, RestoreError."""
        disk, path = self._host.disk, self._address.path
        with self._explaining():
            disk.sync_file(self._working)
            if any(os.path.lexists(beside(path, end)) for end in LEFTOVERS):
                raise self._taken()
            if options.into_existing and os.path.lexists(path):
                if not is_empty_database(self._address):
                    raise self._taken()
                disk.replace(self._working, path)
            else:
                self._publish(path)
            self._made = False
            disk.sync_directory(path.parent)

    def discard(self, plan: RestorePlan) -> bool:
        """Remove what `apply` wrote."""
        if not self._made:
            return False
        with self._explaining():
            self._host.disk.unlink(self._working)
            for end in LEFTOVERS:
                with suppress(FileNotFoundError):
                    self._host.disk.unlink(beside(self._working, end))
        self._made = False
        return True

    def _publish(self, path: Path) -> None:
        disk = self._host.disk
        try:
            try:
                disk.rename_exclusive(self._working, path)
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                    raise
                disk.link(self._working, path)
                disk.unlink(self._working)
        except FileExistsError:
            raise self._taken() from None

    def _taken(self) -> RefusedError:
        return RefusedError(
            "A file of that name, or a log beside it, was made by somebody else meanwhile.",
            subject=self._address.masked,
            hint="Run the restore again with another name.",
        )

    def _make(self, connection: Connection, work: Work, *kinds: str) -> None:
        for one in work.of(*kinds):
            try:
                make_definition(connection, one)
            except sqlite3.Error as error:
                raise RestoreError(f"It cannot be made: {error}.", subject=one.name) from error

    def _load(
        self,
        connection: Connection,
        snapshot: StoredSnapshot,
        options: RestoreOptions,
        work: Work,
        emit: Emit,
    ) -> None:
        emit(StepStarted("rows"))
        streams = {str(stream.schema["table"]): stream for stream in work.streams}
        for name, stream in streams.items():
            if not is_own(name):
                self._load_one(connection, stream, options, emit)
        for name, stream in streams.items():
            if is_own(name):
                make_own_table(connection, name)
                self._load_one(connection, stream, options, emit)
        if SEQUENCE not in streams and (counters := snapshot.streams.get(stream_name(SEQUENCE))):
            set_counters(connection, counters)
        emit(StepDone("rows"))

    def _load_one(
        self, connection: Connection, stream: Any, options: RestoreOptions, emit: Emit
    ) -> None:
        try:
            load_stream(connection, stream, condition_of(stream, options), emit)
        except sqlite3.Error as error:
            raise RestoreError(
                translate(error, stream.name).message, subject=stream.name
            ) from error

    def _check(self, work: Work, emit: Emit) -> None:
        """Let SQLite look through the whole file, and say what points nowhere."""
        emit(StepStarted("checking"))
        connection = connect(self._working, "rw")
        try:
            if self._wal:
                connection.execute("PRAGMA journal_mode = WAL")
            try:
                said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            except sqlite3.OperationalError as error:
                said = ["ok"]
                self._emit(Warned(f"SQLite could not check the new file: {error}."))
            if said != ["ok"]:
                raise RestoreError(
                    f"SQLite's check of the new file says: {said[0]}", subject=self._address.masked
                )
            self._tell_of_orphans(connection, work)
        finally:
            connection.close()
        emit(StepDone("checking"))

    def _tell_of_orphans(self, connection: Connection, work: Work) -> None:
        counts: dict[str, int] = {}
        for table in work.of("table"):
            check = f"PRAGMA foreign_key_check({quote(table.name)})"
            with suppress(sqlite3.OperationalError):
                if found := sum(1 for _ in connection.execute(check)):
                    counts[stream_name(table.name)] = found
        if counts:
            said = ", ".join(f"{name}: {count}" for name, count in counts.items())
            why = "the snapshot has them so" if work.whole else "only a part was restored"
            self._emit(Warned(f"Rows point to rows that are not there ({why}): {said}."))

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            said = translate(error, self._address.masked)
            raise RestoreError(said.message, subject=self._address.masked) from error
        except OSError as error:
            raise RestoreError(
                f"The file cannot be written: {error.strerror}.", subject=self._address.masked
            ) from error


def _write_settings(settings: Mapping[str, Any]) -> str:
    encoding = str(settings["encoding"])
    if encoding not in ("UTF-8", "UTF-16le", "UTF-16be"):
        raise RestoreError(f"SQLite knows no encoding {encoding!r}.")
    numbers = ("page_size", "auto_vacuum", "user_version", "application_id")
    return f"PRAGMA encoding = '{encoding}';" + "".join(
        f"PRAGMA {name} = {int(settings[name])};" for name in numbers
    )
