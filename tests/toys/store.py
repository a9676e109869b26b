"""A store in one SQLite file: as small as a store that keeps the whole contract can be."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from listbackup.errors import ObjectExists, ObjectMissing, RefusedError
from listbackup.host import Host
from listbackup.objectstore import Features, ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.names import check_key, check_prefix, check_range
from listbackup.objectstore.opening import StoreUrl

TABLE = "CREATE TABLE IF NOT EXISTS o (key TEXT PRIMARY KEY, body BLOB, at REAL, tag TEXT)"


class SqliteStore:
    """Objects as rows. Every put is a transaction of its own, so a barrier has nothing to do."""

    features = Features(create_exclusive=True, tags=True)

    def __init__(self, path: str, host: Host) -> None:
        self.url = f"sqlite://{path}"
        self._host = host
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute(TABLE)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key, durable when it returns."""
        check_key(key)
        if retain_until is not None:
            raise RefusedError("a SQLite file has no object lock", subject=self.url)
        verb = "INSERT OR REPLACE" if replace else "INSERT"
        row = (key, bytes(body), self.now().timestamp(), tag)
        try:
            self._run(f"{verb} INTO o VALUES (?, ?, ?, ?)", *row)
        except sqlite3.IntegrityError as error:
            raise ObjectExists("an object of that name exists already", subject=key) from error

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it."""
        check_range(start, length)
        self._refuse_versions(version)
        kept: bytes = self._find("body", key)[0]
        return kept[start:] if length is None else kept[start : start + length]

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        return _info(self._find("key, length(body), at, tag", key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        check_prefix(prefix)
        asked = "SELECT key, length(body), at, tag FROM o WHERE substr(key, 1, ?) = ? ORDER BY key"
        yield from map(_info, self._run(asked, len(prefix), prefix))

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object."""
        check_key(key)
        self._refuse_versions(version)
        self._run("DELETE FROM o WHERE key = ?", key)

    def barrier(self) -> None:
        """Nothing to do: every put was durable."""

    def now(self) -> datetime:
        """Give this machine's time."""
        return self._host.clock.now()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _run(self, sql: str, *values: object) -> Sequence[tuple[Any, ...]]:
        with self._lock, closing(self._file.execute(sql, values)) as cursor:
            return cursor.fetchall()

    def _find(self, columns: str, key: str) -> tuple[Any, ...]:
        check_key(key)
        for row in self._run(f"SELECT {columns} FROM o WHERE key = ?", key):
            return row
        raise ObjectMissing("there is no such object", subject=key)

    def _refuse_versions(self, version: str | None) -> None:
        if version is not None:
            raise RefusedError("a SQLite file keeps no versions", subject=self.url)


def _info(row: tuple[Any, ...]) -> ObjectInfo:
    key, size, at, tag = row
    return ObjectInfo(key, size, datetime.fromtimestamp(at, UTC), tag=tag)


def open_sqlite(url: StoreUrl, host: Host, *, volatile: bool) -> ObjectStore:
    """Open (or make) the file."""
    url.check_options()
    return SqliteStore(url.path, host)
