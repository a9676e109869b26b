"""Lock tables in ACCESS SHARE mode without ever holding one lock while waiting for another.

Whoever waits with locks held can be the second half of a deadlock with somebody's ALTER, and the
server may then end theirs. So all locks are asked for at once and without waiting; where one is
refused, everything is given back, that one is waited for alone, and it begins again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import errors as pg

from listbackup.clock import Clock
from listbackup.connectors.postgres.catalog import Table
from listbackup.connectors.postgres.session import Connection
from listbackup.events import Emit, Waited

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ENCORES = 20
"""How often it is tried again after the deadline, when each table alone was free."""
BUSY = (pg.LockNotAvailable, pg.QueryCanceled, pg.DeadlockDetected)
NO_RIGHT = "there is no right to lock it"
GONE = (pg.UndefinedTable, pg.InvalidSchemaName, pg.WrongObjectType)


@dataclass(slots=True)
class Locking:
    """What became of it: `refused` says per oid why a table could not be locked; `gone` that some
    table is not there any more, so that the list has to be made again. With either, no
    transaction is open; else the locks are held in one that has taken no snapshot yet."""

    refused: dict[int, str] = field(default_factory=dict)
    gone: bool = False

    @property
    def held(self) -> bool:
        """Whether all locks are held."""
        return not self.refused and not self.gone


def lock_tables(
    connection: Connection, tables: Sequence[Table], deadline: float, clock: Clock, emit: Emit
) -> Locking:
    """Begin a transaction and lock all tables, waiting for the busy ones until `deadline` on the
    monotonic clock. Raises psycopg.Error for what has nothing to do with locks."""
    encores = 0
    while encores < ENCORES:
        connection.execute(BEGIN)
        try:
            if tables:
                connection.execute(_lock(tables) + " NOWAIT")
            return Locking()
        except (*BUSY, *GONE, pg.InsufficientPrivilege):
            connection.execute("ROLLBACK")
        busy = _sort_out(connection, tables)
        late = clock.monotonic() >= deadline
        if busy.gone or busy.refused and (late or NO_RIGHT in busy.refused.values()):
            return busy
        for table in tables:
            if table.oid in busy.refused:
                _wait_for(connection, table, deadline, clock, emit)
        if late:
            encores += 1
            clock.sleep(0.05)
    return Locking(gone=True)


def _lock(tables: Sequence[Table]) -> str:
    return f"LOCK TABLE {', '.join(f'ONLY {t.sql}' for t in tables)} IN ACCESS SHARE MODE"


def _sort_out(connection: Connection, tables: Sequence[Table]) -> Locking:
    """Ask for each table alone, without waiting and without keeping."""
    found = Locking()
    for table in tables:
        try:
            with connection.transaction():
                connection.execute(_lock([table]) + " NOWAIT")
        except BUSY:
            found.refused[table.oid] = "another session holds it locked exclusively"
        except pg.InsufficientPrivilege:
            found.refused[table.oid] = NO_RIGHT
        except GONE:
            found.gone = True
    return found


def _wait_for(
    connection: Connection, table: Table, deadline: float, clock: Clock, emit: Emit
) -> None:
    left = deadline - clock.monotonic()
    if left <= 0:
        return
    emit(Waited(f"{table.stream} is locked by another session", left))
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {max(1, int(left * 1000))}")
            connection.execute(_lock([table]))
    except (*BUSY, *GONE, psycopg.errors.InsufficientPrivilege):
        return
