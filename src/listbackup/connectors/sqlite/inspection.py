"""What a backup would find in a file: looked at in place, nothing copied, nothing written."""

import sqlite3

from listbackup.connectors import ReadOptions
from listbackup.connectors.inspections import FoundStream, Inspection
from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.files import FileFacts, look_at_file
from listbackup.connectors.sqlite.findings import find_out
from listbackup.connectors.sqlite.reading import identify
from listbackup.connectors.sqlite.session import connect, speaking_of
from listbackup.events import Emit
from listbackup.host import Host
from listbackup.records import Identity

LOCK_TIMEOUT = 2.0
COUNTED_TO = 1 << 30
"""Bytes up to which the rows of a database are counted only to be shown."""


def inspect(address: Address, options: ReadOptions, host: Host, emit: Emit) -> Inspection:
    """Open and look. Raises AuthError, UsageError, SourceError."""
    facts = look_at_file(address)
    unused = facts.wal and not facts.log
    with speaking_of(address.masked):
        connection = connect(facts.path, immutable=unused, timeout=LOCK_TIMEOUT)
        try:
            connection.execute("BEGIN")
            count = facts.bytes <= COUNTED_TO
            findings = find_out(connection, options, wal=facts.wal, check=False, count=count)
        finally:
            connection.close()
    identity = identify(address)
    version = f"{identity.version}, {'WAL' if facts.wal else 'rollback journal'}"
    return Inspection(
        url=address.masked,
        identity=Identity(identity.engine, identity.server, identity.container, version),
        bytes=facts.bytes,
        streams=tuple(
            FoundStream(name, one.stream.estimated_rows, one.stream.estimated_bytes)
            for name, one in findings.found.items()
        ),
        excluded=findings.excluded,
        unread=findings.unread,
        declared=findings.declared,
        warnings=tuple(_warn(address, facts)),
    )


def _warn(address: Address, facts: FileFacts) -> list[str]:
    warnings = [
        f"A backup copies the file to {show_path(address.copies)} first, unencrypted and without"
        " a name, so that it is gone when the backup ends."
    ]
    if facts.journal:
        warnings.append("A transaction is under way, or was interrupted and will be rolled back.")
    if sqlite3.sqlite_version_info < (3, 37):
        warnings.append(f"SQLite {sqlite3.sqlite_version} is supported, but was never tested.")
    return warnings
