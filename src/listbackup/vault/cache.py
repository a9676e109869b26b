"""What a machine keeps of a vault's small objects, so that they need not be fetched again.

Stored bytes (sealed ones stay sealed) by the digest that refs name: whoever takes something out
compares it with its ref as if the store had answered, so the cache can be cut, damaged or deleted
at any time. Bounded; what was put longest ago goes first. Knows no meaning of anything.
"""

import threading
from contextlib import suppress
from pathlib import Path

from listbackup.host import Host

MOST_BYTES = 1024**3
_CHECKED_EVERY = 64 * 1024 * 1024
"""Bytes put between two looks at how large the cache has become."""


class Cache:
    """A directory of stored bytes. Thread-safe; a failure of the disk is a miss."""

    def __init__(self, directory: Path, host: Host, most_bytes: int = MOST_BYTES) -> None:
        self._directory = directory
        self._host = host
        self._most = most_bytes
        self._lock = threading.Lock()
        self._unchecked = min(_CHECKED_EVERY, most_bytes)

    def get(self, sha256: str) -> bytes | None:
        """Give what is kept under a digest, which may be anything."""
        try:
            return self._host.disk.read(self._path(sha256))
        except OSError:
            return None

    def drop(self, sha256: str) -> None:
        """Forget what proved to be something else."""
        with suppress(OSError):
            self._host.disk.unlink(self._path(sha256))

    def put(self, sha256: str, body: bytes) -> None:
        """Keep stored bytes."""
        path = self._path(sha256)
        with suppress(OSError):
            self._make(path.parent)
            self._host.disk.create(path, body)
        with self._lock:
            self._unchecked += len(body)
            if self._unchecked >= min(_CHECKED_EVERY, self._most):
                self._unchecked = 0
                self._shrink()

    def _make(self, directory: Path) -> None:
        try:
            self._host.disk.make_directory(directory)
        except FileExistsError:
            return
        except FileNotFoundError:
            self._make(directory.parent)
            self._host.disk.make_directory(directory)

    def _path(self, sha256: str) -> Path:
        name = sha256.removeprefix("sha256:")
        return self._directory / name[:2] / name

    def _shrink(self) -> None:
        disk = self._host.disk
        with suppress(OSError):
            known = [(disk.info(path), path) for path in disk.walk(self._directory)]
            total = sum(info.size for info, _ in known)
            for info, path in sorted(known, key=lambda one: one[0].modified):
                if total <= self._most * 3 // 4:
                    break
                disk.unlink(path)
                total -= info.size
