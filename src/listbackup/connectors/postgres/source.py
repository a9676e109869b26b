"""A PostgreSQL database as a source: opening a reading, and beginning again where others were in
the way."""

from collections.abc import Mapping

from psycopg import errors as pg

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.archive import Archive, LockedOut, find_queued
from listbackup.connectors.postgres.findings import find_out
from listbackup.connectors.postgres.moment import Moment, Wishes, take_moment
from listbackup.connectors.postgres.reading import Ground, PostgresReading
from listbackup.connectors.postgres.session import (
    Connection,
    connect,
    speaking_of,
    version_is_tested,
)
from listbackup.connectors.postgres.watching import Watch
from listbackup.connectors.postgres.workers import Workers
from listbackup.connectors.throttle import Throttle
from listbackup.errors import SourceError
from listbackup.events import Emit, Waited, Warned, ignore
from listbackup.host import Host

ATTEMPTS = 6
IN_THE_WAY = "another session waits to alter it, and definitions could not be read around that"
RESTLESS = (
    LockedOut,
    pg.LockNotAvailable,
    pg.InternalError_,
    pg.UndefinedTable,
    pg.UndefinedObject,
)


class PostgresSource:
    """A `records.Source`. `environment` is what child programs inherit, and where libpq's own
    variables come from."""

    def __init__(
        self,
        address: Address,
        options: ReadOptions,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._options = options
        self._host = host
        self._emit = emit
        self._environment = dict(environment or {})

    def open(self) -> PostgresReading:
        """Lock, take the moment, start reading definitions. Raises AuthError, SourceError."""
        self._warn()
        refused: dict[int, str] = {}
        for attempt in range(1, ATTEMPTS + 1):
            with speaking_of(self._address):
                holder = self._connect()
                try:
                    return self._open_in(holder, refused, patience=float(2**attempt))
                except RESTLESS:
                    if attempt >= ATTEMPTS - 1:
                        self._refuse_queued(refused)
                    holder.close()
                except BaseException:
                    holder.close()
                    raise
            pause = 0.1 * 2**attempt
            self._emit(Waited("tables or definitions were being changed just now", pause))
            self._host.clock.sleep(pause)
        raise SourceError(
            "Tables or definitions change faster than they can be read.",
            subject=self._address.masked,
            hint="Run the backup again at a calmer time.",
        )

    def _open_in(
        self, holder: Connection, refused: dict[int, str], *, patience: float
    ) -> PostgresReading:
        if not version_is_tested(holder.info.server_version):
            major = holder.info.server_version // 10000
            self._emit(Warned(f"PostgreSQL {major} is supported, but was never tested."))
        options = self._options
        wishes = Wishes(options.include, options.exclude, options.lock_timeout)
        clock = self._host.clock
        moment = take_moment(holder, wishes, refused, self._host, self._emit)
        refused.update(moment.refused)
        archive = self._start_archive(holder, moment, patience)
        try:
            findings = find_out(holder, moment, options.include, options.exclude)
            archive.wait_for_locks(holder, moment.selection.locked, clock)
        except BaseException:
            archive.close()
            raise
        ground = Ground(
            address=self._address,
            environment=self._environment,
            holder=holder,
            moment=moment,
            workers=Workers(holder, moment, self._connect, options.jobs),
            archive=archive,
            throttle=Throttle(options.limit_rate, clock),
            watch=Watch(options.long_reading, clock, self._emit),
        )
        return PostgresReading(ground, findings)

    def _start_archive(self, holder: Connection, moment: Moment, patience: float) -> Archive:
        return Archive(
            self._address,
            self._environment,
            holder.info.server_version,
            moment.snapshot,
            [*moment.selection.barred, *moment.lost_views],
            holder.info.encoding,
            patience,
        )

    def _connect(self) -> Connection:
        return connect(
            self._address,
            lock_timeout=self._options.lock_timeout,
            statement_timeout=self._options.statement_timeout,
        )

    def _refuse_queued(self, refused: dict[int, str]) -> None:
        """Leave out the tables for which somebody waits behind us, as the last resort."""
        with connect(self._address) as other:
            refused.update(dict.fromkeys(find_queued(other), IN_THE_WAY))

    def _warn(self) -> None:
        if self._address.password_in_url:
            self._emit(
                Warned(
                    "The URL holds a password; shells and process lists may keep it.",
                    hint="Use LISTBACKUP_PASSWORD_FILE, PGPASSWORD or ~/.pgpass instead.",
                )
            )
