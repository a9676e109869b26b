"""Bytes under keys: the protocol that every store and every wrapper speaks.

What a store must give, whatever it is made of:

- `put` with `replace=False` is create-exclusive: of any number of racing puts of one key exactly
  one succeeds, the others raise ObjectExists, and the bytes are the winner's. A store may answer
  late: an exclusive put that lost may be told by `put` or only by the next `barrier`.
- Nothing is promised to be visible or durable before `barrier` returned; everything put before
  is visible, whole and durable after it. A put is never visible in part.
- `get`, `head` and `list` see every object of a returned barrier. Nothing may rest on a listing
  being complete: heads are found by asking.
- StoreUnavailable means that nobody knows whether it happened.

Stores know nothing of vaults, records or encryption. Keys are relative, `/`-separated, without
empty, `.` or `..` components.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Tag = Literal["data", "meta", "part", "derived", "export", "package", "temp"]
"""The one tag of an object (`lb=`): what kind of thing it is, for lifecycle rules."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of a stored object without reading it; `modified` on the store's clock."""

    key: str
    size: int
    modified: datetime
    version: str | None = None
    tag: str | None = None
    retain_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """What a store can do beyond the protocol."""

    create_exclusive: bool
    tags: bool = False
    versions: bool = False
    object_lock: bool = False
    checksums: bool = False
    durable_names: bool = True


class ObjectStore(Protocol):
    """Where bytes rest. Thread-safe: any method may be called from several threads."""

    @property
    def url(self) -> str:
        """The address as a person may see it, never with secrets."""
        ...

    @property
    def features(self) -> Features:
        """What this store can do."""
        ...

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key. Raises ObjectExists, StoreUnavailable, StoreError;
        RefusedError for `retain_until` on a store without object lock."""
        ...

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object, or `length` bytes from `start`. Raises ObjectMissing. A range that
        reaches past the end gives what is there."""
        ...

    def head(self, key: str) -> ObjectInfo:
        """Look at an object. Raises ObjectMissing."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        ...

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (one version of it where given). Absent is fine."""
        ...

    def barrier(self) -> None:
        """Return only when everything put before is visible and durable. Raises ObjectExists
        naming the key where a deferred exclusive put lost."""
        ...

    def now(self) -> datetime:
        """Give the store's own time (UTC): the clock that Last-Modified is written by."""
        ...

    def close(self) -> None:
        """Give back connections and threads; unpublished puts are forgotten."""
        ...
