"""Stores that break the contract, each in one way: what shows that a suite or a probe says no."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from listbackup.clock import SystemClock
from listbackup.errors import ObjectExists, ObjectMissing
from listbackup.objectstore import ObjectInfo, Tag
from listbackup.objectstore.memory import MemoryStore, Shelf

Body = bytes | memoryview


class IgnoresCreateExclusive(MemoryStore):
    """Overwrites, whatever was asked: an S3 server that does not know If-None-Match."""

    def put(
        self,
        key: str,
        body: Body,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes."""
        super().put(key, body, tag=tag, replace=True, retain_until=retain_until)


class LooksThenPuts(MemoryStore):
    """Looks whether the key is free, and then puts: two at once both find it free."""

    def put(
        self,
        key: str,
        body: Body,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes."""
        if not replace:
            try:
                self.head(key)
            except ObjectMissing:
                threading.Event().wait(0.002)
            else:
                raise ObjectExists("taken", subject=key)
        super().put(key, body, tag=tag, replace=True, retain_until=retain_until)


class RefusesButOverwrites(MemoryStore):
    """Says that the key is taken, but has stored the bytes all the same."""

    def put(
        self,
        key: str,
        body: Body,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes."""
        try:
            super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)
        except ObjectExists:
            super().put(key, body, tag=tag, replace=True, retain_until=retain_until)
            raise


class RemembersDeletedNames(MemoryStore):
    """Never lets a name be created again."""

    def __init__(self, name: str, clock: SystemClock, *, shelf: Shelf) -> None:
        super().__init__(name, clock, shelf=shelf)
        self.used: set[str] = set()

    def put(
        self,
        key: str,
        body: Body,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes."""
        if not replace and key in self.used:
            raise ObjectExists("was taken once", subject=key)
        super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)
        self.used.add(key)


class ListsLate(MemoryStore):
    """Does not list the newest object yet."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name objects."""
        found = list(super().list(prefix))
        newest = max((info.version or "" for info in found), default="")
        return (info for info in found if info.version != newest)


class ListsDeleted(MemoryStore):
    """Still lists what was deleted."""

    def __init__(self, name: str, clock: SystemClock, *, shelf: Shelf) -> None:
        super().__init__(name, clock, shelf=shelf)
        self.seen: dict[str, ObjectInfo] = {}

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object."""
        for info in super().list(key):
            self.seen[info.key] = info
        super().delete(key, version=version)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name objects."""
        found = {info.key: info for info in super().list(prefix)}
        old = {key: info for key, info in self.seen.items() if key.startswith(prefix)}
        return iter([info for _, info in sorted((old | found).items())])


class ShortensRanges(MemoryStore):
    """Gives one byte less of a range."""

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read bytes."""
        body = super().get(key, start=start, length=length, version=version)
        return body[:-1] if start and length else body


class TakesAnyChecksum(MemoryStore):
    """Does not look at checksums."""

    def put_claiming(self, key: str, body: bytes, *, tag: Tag, sha256: bytes) -> None:
        """Store bytes."""
        self.put(key, body, tag=tag, replace=True)


class LosesTags(MemoryStore):
    """Keeps no tags, but says so nowhere."""

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        found = super().head(key)
        return ObjectInfo(found.key, found.size, found.modified, found.version)


class KeepsNewestOnly(MemoryStore):
    """Says it keeps versions, and gives the newest for each."""

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read bytes."""
        return super().get(key, start=start, length=length)


class ForgetsLocks(MemoryStore):
    """Takes locks, and deletes what is locked."""

    def __init__(self, name: str, clock: SystemClock, *, shelf: Shelf) -> None:
        super().__init__(name, clock, shelf=shelf, object_lock=True)

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object, locked or not."""
        self._shelf.objects.pop(key, None)


class LivesTomorrow(MemoryStore):
    """Tells a time of its own."""

    def now(self) -> datetime:
        """Give a wrong time."""
        return super().now() + timedelta(days=1)


class StampsWrongly(MemoryStore):
    """Tells the right time, but stamps its objects with another."""

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        found = super().head(key)
        yesterday = found.modified - timedelta(days=1)
        return ObjectInfo(found.key, found.size, yesterday, found.version, found.tag)


class FoldsCase(MemoryStore):
    """Takes names that differ in case for one, as some file systems do."""

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        for info in self.list():
            if info.key.lower() == key.lower():
                return info
        return super().head(key)
