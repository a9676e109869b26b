"""Take one moment of a database: tables locked first, the snapshot after, the list made again.

TRUNCATE and rewrites of tables do not obey snapshots: a snapshot taken before the locks can show
an empty table, silently. So nothing is asked in the transaction before all locks are held, and if
the list of tables then differs from the one that was locked, it all begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from listbackup.connectors.postgres.catalog import (
    Table,
    View,
    describe_tables,
    find_dependent_views,
    list_tables,
)
from listbackup.connectors.postgres.locking import lock_tables
from listbackup.connectors.postgres.selection import Selection, select_tables
from listbackup.connectors.postgres.session import Connection
from listbackup.errors import SourceError
from listbackup.events import Emit
from listbackup.host import Host

ATTEMPTS = 12
RESTLESS = "it was made or rewritten again and again while the snapshot was to be taken"

EXPORT = """
SELECT pg_export_snapshot(), clock_timestamp(), pg_is_in_recovery(),
       pg_try_advisory_xact_lock(%s)
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be read, and how long locks may be waited for (seconds)."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    lock_timeout: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot that is held open by the session that took it: `seal` is the key of an advisory
    lock that its transaction holds, so that others can see that it still does;
    `refused` says why tables could not be locked, by oid; `lost_views` are those whose
    definitions read such tables."""

    snapshot: str
    time: datetime
    seal: int
    on_replica: bool
    tables: Mapping[int, Table]
    selection: Selection
    refused: Mapping[int, str]
    lost_views: tuple[View, ...]


def take_moment(
    connection: Connection,
    wishes: Wishes,
    refused: Mapping[int, str],
    host: Host,
    emit: Emit,
) -> Moment:
    """Lock, export the snapshot, list again; the transaction stays open. `refused` are tables
    that must not be tried. Raises SourceError and psycopg.Error."""
    known = dict(refused)
    clock = host.clock
    deadline = clock.monotonic() + wishes.lock_timeout
    attempt = 0
    while True:
        attempt += 1
        found = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        on_replica = bool(found and found[0])
        first = list_tables(connection)
        selection = _select(first, wishes, known, on_replica)
        locking = lock_tables(connection, selection.locked, deadline, clock, emit)
        if locking.refused:
            known.update(locking.refused)
            continue
        if locking.held:
            final = attempt >= ATTEMPTS
            seal = int.from_bytes(host.entropy(8), "big", signed=True)
            moment = _take(connection, wishes, known, first, final, seal)
            if moment:
                return moment
            connection.execute("ROLLBACK")
        if attempt >= 2 * ATTEMPTS:
            raise SourceError(
                "Tables are made and dropped faster than they can be locked.",
                hint="Leave the restless ones out with --exclude, or back up at a calmer time.",
            )
        clock.sleep(min(2.0, 0.02 * 2**attempt))


def _select(
    tables: Mapping[int, Table], wishes: Wishes, refused: Mapping[int, str], on_replica: bool
) -> Selection:
    return select_tables(
        tables, wishes.include, wishes.exclude, refused=refused, on_replica=on_replica
    )


def _take(
    connection: Connection,
    wishes: Wishes,
    refused: Mapping[int, str],
    first: Mapping[int, Table],
    final: bool,
    seal: int,
) -> Moment | None:
    row = connection.execute(EXPORT, (seal,)).fetchone()
    if row is None or not row[3]:
        return None
    snapshot, time, on_replica, _ = row
    second = list_tables(connection)
    restless = _compare(first, second)
    if restless and not final:
        return None
    known = {**dict.fromkeys(restless, RESTLESS), **refused}
    selection = _select(second, wishes, known, on_replica)
    described = describe_tables(connection, second, [table.oid for table in selection.locked])
    return Moment(
        snapshot=snapshot,
        time=time.astimezone(UTC),
        seal=seal,
        on_replica=on_replica,
        tables=described,
        selection=_select(described, wishes, known, on_replica),
        refused=known,
        lost_views=find_dependent_views(connection, [table.oid for table in selection.barred]),
    )


def _compare(first: Mapping[int, Table], second: Mapping[int, Table]) -> set[int]:
    """Find the tables that are new, gone, renamed or rewritten."""
    before = {table.marks for table in first.values() if table.kind in ("r", "p")}
    after = {table.marks for table in second.values() if table.kind in ("r", "p")}
    return {marks[0] for marks in before ^ after if marks[0] in second}
