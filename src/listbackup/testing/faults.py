"""Faults at every place where the outside world is touched: store calls, disk calls and events.

A run is recorded once; then it is repeated, struck at one recorded point in one way. Nothing in
production code knows of it: the wrappers here stand where a store, a disk or a listener is
handed in.
"""

import errno
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from listbackup.disk import Disk, FileInfo
from listbackup.errors import StoreError, StoreUnavailable
from listbackup.events import Emit, Event
from listbackup.objectstore import ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore, without_retries

T = TypeVar("T")

Seam = Literal["store", "disk", "event"]
Moment = Literal["before", "after"]
Way = Literal["kill", "exception", "full", "broken"]
"""How a point is struck: SIGKILL, an exception that nobody expects, a full disk (ENOSPC), a broken
one (EIO). A store says the last two by StoreError and StoreUnavailable."""

WAYS: tuple[Way, ...] = ("kill", "exception", "full", "broken")


class InjectedFault(Exception):
    """An error that no code expects."""


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at which a fault can strike: before or after one call or event."""

    seam: Seam
    call: str
    moment: Moment
    subject: str

    @property
    def label(self) -> str:
        """What is the same in every run of the same thing."""
        return f"{self.moment} {self.seam} {self.call}"


Hook = Callable[[Point], None]
"""Is told every point; may raise or kill."""


class Recording:
    """A hook that remembers every point. Thread-safe."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._lock = threading.Lock()

    def __call__(self, point: Point) -> None:
        """Remember one point."""
        with self._lock:
            self.points.append(point)

    def targets(self) -> list[tuple[str, int]]:
        """Name every point as (label, how many of that label came before), in order."""
        seen: Counter[str] = Counter()
        targets = []
        for point in self.points:
            targets.append((point.label, seen[point.label]))
            seen[point.label] += 1
        return targets


class Strike:
    """A hook that strikes at one point, once. Thread-safe."""

    def __init__(self, label: str, occurrence: int, way: Way) -> None:
        self._label = label
        self._left = occurrence
        self._way = way
        self._lock = threading.Lock()
        self.struck: Point | None = None
        """Where it struck, or None so far; a kill is seen from outside only."""

    def __call__(self, point: Point) -> None:
        """Strike if this is the point."""
        with self._lock:
            if self.struck is not None or point.label != self._label:
                return
            self._left -= 1
            if self._left >= 0:
                return
            self.struck = point
        strike(point, self._way)


def strike(point: Point, way: Way) -> None:
    """Do to the running process what a fault at this point does."""
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "exception" or point.seam == "event":
        raise InjectedFault(point.label)
    if point.seam == "disk":
        number = errno.ENOSPC if way == "full" else errno.EIO
        raise OSError(number, os.strerror(number), point.subject)
    if way == "full":
        raise StoreError(f"injected: no space, {point.label}", subject=point.subject)
    raise StoreUnavailable(f"injected: no answer, {point.label}", subject=point.subject)


def hear(hook: Hook, emit: Emit) -> Emit:
    """Give a listener that tells the hook of every event, before and after it is passed on."""

    def listen(event: Event) -> None:
        name = type(event).__name__
        hook(Point("event", name, "before", repr(event)))
        emit(event)
        hook(Point("event", name, "after", repr(event)))

    return listen


class FaultyStore(PassingStore):
    """A store whose calls pass by a hook, before and after."""

    def __init__(self, store: ObjectStore, hook: Hook) -> None:
        super().__init__(store)
        self._hook = hook

    def without_retries(self) -> ObjectStore:
        """Give the store inside without retries, with the same hook."""
        return FaultyStore(without_retries(self.inside), self._hook)

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
        act = super().put
        self._around(
            "put", key, lambda: act(key, body, tag=tag, replace=replace, retain_until=retain_until)
        )

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it."""
        act = super().get
        return self._around(
            "get", key, lambda: act(key, start=start, length=length, version=version)
        )

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        act = super().head
        return self._around("head", key, lambda: act(key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        act = super().list
        return iter(self._around("list", prefix, lambda: [*act(prefix)]))

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (one version of it where given)."""
        act = super().delete
        self._around("delete", key, lambda: act(key, version=version))

    def barrier(self) -> None:
        """Pass the barrier of the store inside."""
        self._around("barrier", "", super().barrier)

    def now(self) -> datetime:
        """Give the store's own time."""
        return self._around("now", "", super().now)

    def _around(self, call: str, key: str, action: Callable[[], T]) -> T:
        return _around(self._hook, "store", call, key, action)


class FaultyDisk:
    """A disk whose calls pass by a hook, before and after."""

    def __init__(self, disk: Disk, hook: Hook) -> None:
        self._disk = disk
        self._hook = hook

    def create(self, path: Path, data: bytes | memoryview) -> None:
        """Write a new file."""
        self._around("create", path, lambda: self._disk.create(path, data))

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes durable."""
        self._around("sync_file", path, lambda: self._disk.sync_file(path))

    def sync_directory(self, path: Path) -> None:
        """Make a directory's names durable."""
        self._around("sync_directory", path, lambda: self._disk.sync_directory(path))

    def link(self, existing: Path, new: Path) -> None:
        """Give a file a second name."""
        self._around("link", new, lambda: self._disk.link(existing, new))

    def rename_exclusive(self, existing: Path, new: Path) -> None:
        """Rename, never over an existing one."""
        self._around("rename_exclusive", new, lambda: self._disk.rename_exclusive(existing, new))

    def replace(self, existing: Path, new: Path) -> None:
        """Rename over whatever has the name."""
        self._around("replace", new, lambda: self._disk.replace(existing, new))

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        self._around("unlink", path, lambda: self._disk.unlink(path))

    def make_directory(self, path: Path) -> None:
        """Make one directory."""
        self._around("make_directory", path, lambda: self._disk.make_directory(path))

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory."""
        self._around("remove_directory", path, lambda: self._disk.remove_directory(path))

    def read(
        self, path: Path, start: int = 0, length: int | None = None, *, plain: bool = False
    ) -> bytes:
        """Read bytes."""
        return self._around("read", path, lambda: self._disk.read(path, start, length, plain=plain))

    def info(self, path: Path) -> FileInfo:
        """Look at one file."""
        return self._around("info", path, lambda: self._disk.info(path))

    def walk(self, root: Path) -> Iterator[Path]:
        """Name every regular file below a directory."""
        return iter(self._around("walk", root, lambda: [*self._disk.walk(root)]))

    def filesystem(self, path: Path) -> str:
        """Give the kind of file system a path lies on."""
        return self._around("filesystem", path, lambda: self._disk.filesystem(path))

    def _around(self, call: str, path: Path, action: Callable[[], T]) -> T:
        return _around(self._hook, "disk", call, str(path), action)


def _around(hook: Hook, seam: Seam, call: str, subject: str, action: Callable[[], T]) -> T:
    hook(Point(seam, call, "before", subject))
    result = action()
    hook(Point(seam, call, "after", subject))
    return result
