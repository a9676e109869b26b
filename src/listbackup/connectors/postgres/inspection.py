"""Look at a database without reading or locking it: what a backup would find, and what it lacks."""

from collections.abc import Mapping, Sequence

from psycopg import errors as pg

from listbackup.connectors import ReadOptions
from listbackup.connectors.inspections import FoundStream, Inspection
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.catalog import Table, describe_tables, list_tables
from listbackup.connectors.postgres.extras import read_sequences
from listbackup.connectors.postgres.facts import find_enum_hash_partitions, identify
from listbackup.connectors.postgres.largeobjects import STREAM, count_large_objects
from listbackup.connectors.postgres.selection import select_tables
from listbackup.connectors.postgres.session import (
    Connection,
    connect,
    speaking_of,
    version_is_tested,
)
from listbackup.events import Emit
from listbackup.host import Host
from listbackup.records import Declared, Identity, Unread
from listbackup.records.patterns import is_wanted

LOCK_TIMEOUT = 2.0

LOOK_AROUND = """
SELECT current_user, current_setting('is_superuser')::bool, pg_is_in_recovery(),
       pg_database_size(current_database()),
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
"""


def inspect(address: Address, options: ReadOptions, host: Host, emit: Emit) -> Inspection:
    """Connect and look. Raises AuthError, UsageError, SourceError."""
    with speaking_of(address), connect(address, lock_timeout=LOCK_TIMEOUT) as connection:
        return _inspect(connection, address, options)


def _inspect(connection: Connection, address: Address, options: ReadOptions) -> Inspection:
    row = connection.execute(LOOK_AROUND).fetchone()
    user, superuser, on_replica, size, encrypted = row or ("", False, False, 0, False)
    tables, warnings = _measure(connection, list_tables(connection))
    selection = select_tables(
        tables, options.include, options.exclude, refused={}, on_replica=on_replica
    )
    streams = [FoundStream(t.stream, t.estimated_rows, t.bytes) for t in selection.read]
    unread, excluded = [*selection.unread], [*selection.excluded]
    _, silent = read_sequences(connection)
    unread += silent
    objects, closed = count_large_objects(connection)
    if objects and not is_wanted(STREAM, options.include, options.exclude):
        excluded.append(STREAM)
    elif closed:
        unread.append(Unread(STREAM, f"{closed} of {objects} large objects may not be read"))
    elif objects:
        streams.append(FoundStream(STREAM, objects, 0))
    declared = [
        Declared("placement in hash partitions", name, "the hash of an enum is one of an OID")
        for name in find_enum_hash_partitions(connection)
    ]
    server, container = identify(connection)
    version = connection.info.server_version
    shown = connection.info.parameter_status("server_version") or str(version)
    tested = version_is_tested(version)
    if not tested:
        warnings.append(f"PostgreSQL {version // 10000} is supported, but was never tested.")
    if address.password_in_url:
        warnings.append("The URL holds a password; a password file or ~/.pgpass is safer.")
    return Inspection(
        url=address.masked,
        identity=Identity("postgresql", server, container, f"PostgreSQL {shown}"),
        tested=tested,
        user=user,
        superuser=superuser,
        on_replica=on_replica,
        encrypted=encrypted,
        bytes=size,
        streams=tuple(streams),
        excluded=tuple(excluded),
        unread=tuple(unread),
        declared=(*selection.declared, *declared),
        warnings=tuple(warnings),
    )


def _measure(
    connection: Connection, tables: Mapping[int, Table]
) -> tuple[Mapping[int, Table], list[str]]:
    """Add columns and sizes; a size is asked under a lock that may not be had."""
    sized: Sequence[int] = [t.oid for t in tables.values() if t.kind in ("r", "m")]
    try:
        return describe_tables(connection, tables, sized), []
    except pg.LockNotAvailable:
        return describe_tables(connection, tables, ()), [
            "Some table is locked exclusively by another session: sizes are not known."
        ]
