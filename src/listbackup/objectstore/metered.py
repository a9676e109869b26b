"""A wrapper that counts what goes through a store: calls by kind, bytes in and out."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.objectstore import ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore, without_retries


@dataclass(slots=True)
class Meter:
    """What was counted so far; several stores may count into one meter. Thread-safe.

    `calls` by the name of the method; a call counts when it is made, bytes when they arrived.
    """

    calls: dict[str, int] = field(default_factory=dict)
    bytes_put: int = 0
    bytes_got: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, call: str) -> None:
        """Count one call."""
        with self._lock:
            self.calls[call] = self.calls.get(call, 0) + 1

    def add(self, *, put: int = 0, got: int = 0) -> None:
        """Count bytes."""
        with self._lock:
            self.bytes_put += put
            self.bytes_got += got


class MeteredStore(PassingStore):
    """A store with a meter."""

    def __init__(self, store: ObjectStore, meter: Meter | None = None) -> None:
        super().__init__(store)
        self.meter = meter or Meter()
        """What went through, readable at any time."""

    def without_retries(self) -> ObjectStore:
        """Give the store inside without retries, counted by the same meter."""
        return MeteredStore(without_retries(self.inside), self.meter)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key."""
        self.meter.count("put")
        super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)
        self.meter.add(put=len(body))

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it."""
        self.meter.count("get")
        body = super().get(key, start=start, length=length, version=version)
        self.meter.add(got=len(body))
        return body

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        self.meter.count("head")
        return super().head(key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        self.meter.count("list")
        return super().list(prefix)

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (one version of it where given)."""
        self.meter.count("delete")
        super().delete(key, version=version)

    def barrier(self) -> None:
        """Pass the barrier of the store inside."""
        self.meter.count("barrier")
        super().barrier()
