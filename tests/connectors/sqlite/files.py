"""Databases as files: making them, reading them, writing them back, all in one directory."""

import sqlite3
from contextlib import closing
from pathlib import Path

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.address import Address
from listbackup.connectors.sqlite.reading import SqliteReading
from listbackup.connectors.sqlite.restoring import SqliteTarget
from listbackup.connectors.sqlite.source import SqliteSource
from listbackup.events import Emit, ignore
from listbackup.host import Host
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import RestoreResult, restore
from tests.connectors.postgres.memory import MemorySnapshot, keep


def address_of(path: Path) -> Address:
    return Address(path, path.parent / "copies")


def run(path: Path, script: str) -> None:
    """Run a script on a database, which is made if it is not there."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(question).fetchall()


def open_reading(
    path: Path, options: ReadOptions | None = None, emit: Emit = ignore, host: Host | None = None
) -> SqliteReading:
    return SqliteSource(address_of(path), options or ReadOptions(), host or Host(), emit).open()


def snapshot_of(path: Path, options: ReadOptions | None = None) -> MemorySnapshot:
    return keep(open_reading(path, options))


def lines_of(snapshot: MemorySnapshot, stream: str) -> list[bytes]:
    return b"".join(snapshot.streams[stream].chunks()).splitlines()


def aim(path: Path, emit: Emit = ignore, host: Host | None = None) -> SqliteTarget:
    return SqliteTarget(address_of(path), host or Host(), emit)


def put_back(
    snapshot: MemorySnapshot,
    path: Path,
    options: RestoreOptions | None = None,
    emit: Emit = ignore,
) -> RestoreResult:
    return restore(snapshot, aim(path, emit), options or RestoreOptions(), emit)
