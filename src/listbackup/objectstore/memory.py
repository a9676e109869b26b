"""A store in memory: for trials, drills and tests. Keeps versions; forgets all with the process.

Deterministic: times come from the clock it is given, version names count from 1.
"""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.clock import Clock
from listbackup.errors import ObjectExists, ObjectMissing, RefusedError, StoreError
from listbackup.objectstore import Features, ObjectInfo, Tag
from listbackup.objectstore.names import check_key, check_prefix, check_range


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of an object; a body of None is a delete marker."""

    info: ObjectInfo
    body: bytes | None


@dataclass(slots=True)
class Shelf:
    """What a memory store holds; several stores may share one, as clients share a bucket."""

    objects: dict[str, list[_Version]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    written: int = 0


class MemoryStore:
    """Objects in a dict, every version kept until it is deleted by name."""

    def __init__(
        self, name: str, clock: Clock, *, shelf: Shelf | None = None, object_lock: bool = False
    ) -> None:
        self._name = name
        self._clock = clock
        self._shelf = shelf or Shelf()
        self._features = Features(
            create_exclusive=True, tags=True, versions=True, object_lock=object_lock, checksums=True
        )

    @property
    def url(self) -> str:
        """The address: `memory://name`."""
        return f"memory://{self._name}"

    @property
    def features(self) -> Features:
        """What this store can do."""
        return self._features

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key, visible at once."""
        check_key(key)
        if retain_until is not None and not self._features.object_lock:
            raise RefusedError("this memory store has no object lock", subject=self.url)
        with self._shelf.lock:
            if not replace and self._newest(key) is not None:
                raise ObjectExists("an object of that name exists already", subject=key)
            self._add(key, bytes(body), tag, retain_until)

    def put_claiming(self, key: str, body: bytes, *, tag: Tag, sha256: bytes) -> None:
        """Store bytes only if they have the SHA-256 that the caller claims. Raises StoreError."""
        if hashlib.sha256(body).digest() != sha256:
            raise StoreError("the bytes do not have the checksum sent with them", subject=key)
        self.put(key, body, tag=tag, replace=True)

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object, a range of it, or an older version. Raises ObjectMissing."""
        check_range(start, length)
        body = self._find(key, version).body or b""
        return body[start:] if length is None else body[start : start + length]

    def head(self, key: str) -> ObjectInfo:
        """Look at an object. Raises ObjectMissing."""
        return self._find(key, None).info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        check_prefix(prefix)
        with self._shelf.lock:
            found = [self._newest(key) for key in sorted(self._shelf.objects)]
        for version in found:
            if version is not None and version.info.key.startswith(prefix):
                yield version.info

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Hide an object behind a delete marker, or remove one version of it. Absent is fine;
        raises RefusedError for a version that is still retained."""
        check_key(key)
        with self._shelf.lock:
            if version is None:
                if self._newest(key) is not None:
                    self._add(key, None, None, None)
                return
            kept = []
            for one in self._shelf.objects.get(key, []):
                if one.info.version != version:
                    kept.append(one)
                elif one.info.retain_until is not None and one.info.retain_until > self.now():
                    raise RefusedError("this version is locked", subject=f"{key} ({version})")
            self._shelf.objects[key] = kept
            if not kept:
                del self._shelf.objects[key]

    def barrier(self) -> None:
        """Nothing to do: what was put is visible."""

    def now(self) -> datetime:
        """Give the time of the clock it was made with."""
        return self._clock.now()

    def close(self) -> None:
        """Nothing to give back."""

    def _add(self, key: str, body: bytes | None, tag: Tag | None, until: datetime | None) -> None:
        self._shelf.written += 1
        name = f"v{self._shelf.written:06}"
        info = ObjectInfo(key, len(body or b""), self.now(), name, tag, until)
        self._shelf.objects.setdefault(key, []).append(_Version(info, body))

    def _newest(self, key: str) -> _Version | None:
        versions = self._shelf.objects.get(key)
        return versions[-1] if versions and versions[-1].body is not None else None

    def _find(self, key: str, version: str | None) -> _Version:
        check_key(key)
        with self._shelf.lock:
            found = self._newest(key)
            if version is not None:
                known = {one.info.version: one for one in self._shelf.objects.get(key, [])}
                found = known.get(version)
        if found is None or found.body is None:
            raise ObjectMissing("there is no such object", subject=key)
        return found


_shelves: dict[str, Shelf] = {}
_shelves_lock = threading.Lock()


def share_shelf(name: str) -> Shelf:
    """Give the one shelf of that name in this process, made at the first call."""
    with _shelves_lock:
        return _shelves.setdefault(name, Shelf())
