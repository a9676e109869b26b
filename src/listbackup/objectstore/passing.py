"""A store around a store that changes nothing: what wrappers begin with."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

from listbackup.errors import RefusedError
from listbackup.objectstore import Features, ObjectInfo, ObjectStore, Tag


@runtime_checkable
class Wrapper(Protocol):
    """A store that can pass on what another answers, or that meets unclear answers itself."""

    def without_retries(self) -> ObjectStore:
        """Give the same store, but with every answer passed on as it came."""
        ...


def without_retries(store: ObjectStore) -> ObjectStore:
    """Give a store that asks once only: what the one put that commits must be done with."""
    return store.without_retries() if isinstance(store, Wrapper) else store


@runtime_checkable
class TellsTags(Protocol):
    """A store that gives an object's tag only when asked for it."""

    def read_tag(self, key: str) -> str | None:
        """Give the tag that an object was put with. Raises ObjectMissing."""
        ...


def read_tag(store: ObjectStore, key: str) -> str | None:
    """Give the tag that an object was put with, however this store tells it."""
    return store.read_tag(key) if isinstance(store, TellsTags) else store.head(key).tag


@runtime_checkable
class TakesClaims(Protocol):
    """A store that can be given bytes together with the checksum that they are said to have."""

    def put_claiming(self, key: str, body: bytes, *, tag: Tag, sha256: bytes) -> None:
        """Store bytes only if they have that SHA-256. Raises StoreError."""
        ...


def find_claimed(store: ObjectStore) -> TakesClaims | None:
    """Give the store as one that takes checksums, or None where what does the work does not."""
    if isinstance(store, PassingStore) and find_claimed(store.inside) is None:
        return None
    return store if isinstance(store, TakesClaims) else None


@runtime_checkable
class LeavesDrafts(Protocol):
    """A store in which writes that never ended leave something behind."""

    def list_leftovers(self) -> Iterator[ObjectInfo]:
        """Name what writes that have not ended left, or are about to finish."""
        ...

    def remove_leftover(self, key: str) -> None:
        """Remove one of them. Absent is fine."""
        ...


def find_leaving(store: ObjectStore) -> LeavesDrafts | None:
    """Give what does the work inside all wrappers, where it is a store that leaves drafts."""
    while isinstance(store, PassingStore):
        store = store.inside
    return store if isinstance(store, LeavesDrafts) else None


class PassingStore:
    """A store that passes everything on to the one inside."""

    def __init__(self, store: ObjectStore) -> None:
        self.inside = store
        """The store that does the work."""

    @property
    def url(self) -> str:
        """The address of the store inside."""
        return self.inside.url

    @property
    def features(self) -> Features:
        """What the store inside can do."""
        return self.inside.features

    def without_retries(self) -> ObjectStore:
        """Give the store inside without its retries."""
        return without_retries(self.inside)

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
        self.inside.put(key, body, tag=tag, replace=replace, retain_until=retain_until)

    def put_claiming(self, key: str, body: bytes, *, tag: Tag, sha256: bytes) -> None:
        """Store bytes only if they have that SHA-256, where the store inside can tell."""
        inside = find_claimed(self.inside)
        if inside is None:
            raise RefusedError("this store takes no checksum with an object", subject=self.url)
        inside.put_claiming(key, body, tag=tag, sha256=sha256)

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it."""
        return self.inside.get(key, start=start, length=length, version=version)

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        return self.inside.head(key)

    def read_tag(self, key: str) -> str | None:
        """Give the tag that an object was put with."""
        return read_tag(self.inside, key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        return self.inside.list(prefix)

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (one version of it where given)."""
        self.inside.delete(key, version=version)

    def barrier(self) -> None:
        """Pass the barrier of the store inside."""
        self.inside.barrier()

    def now(self) -> datetime:
        """Give the store's own time."""
        return self.inside.now()

    def close(self) -> None:
        """Close the store inside."""
        self.inside.close()
