"""A disk that remembers what was done to it, so that every power cut can be played afterwards."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from listbackup.disk import Disk, FileInfo
from listbackup.testing.crashstates import Body, CrashState, Entry, Mark, Names, Synced, play_cuts

T = TypeVar("T")


class CrashDisk:
    """A disk that does everything, one thing at a time, and logs what happens below a root.

    What is below the root at the start counts as durable. Paths elsewhere are not logged.
    """

    def __init__(self, disk: Disk, root: Path) -> None:
        self._disk = disk
        self._root = root.resolve()
        self._lock = threading.Lock()
        self._folders: dict[int, dict[str, int]] = {0: {}}
        self._nodes = 1
        self.log: list[Entry] = []
        """What happened, in order."""
        if self._root.is_dir():
            self._load(self._root, 0)
        self._start = len(self.log)

    def mark(self, label: str) -> None:
        """Log that the program says something now."""
        with self._lock:
            self.log.append(Mark(label))

    def create(self, path: Path, data: bytes | memoryview) -> None:
        """Write a new file."""

        def log() -> None:
            node = self._make_node()
            self.log.append(Body(node, bytes(data)))
            self._name(path, node)

        self._do(path, lambda: self._disk.create(path, data), log)

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes durable."""
        self._do(path, lambda: self._disk.sync_file(path), lambda: self._sync(path))

    def sync_directory(self, path: Path) -> None:
        """Make a directory's names durable."""
        self._do(path, lambda: self._disk.sync_directory(path), lambda: self._sync(path))

    def link(self, existing: Path, new: Path) -> None:
        """Give a file a second name."""
        self._do(
            new,
            lambda: self._disk.link(existing, new),
            lambda: self._name(new, self._find(existing)),
        )

    def rename_exclusive(self, existing: Path, new: Path) -> None:
        """Rename, never over an existing one."""
        self._do(
            new,
            lambda: self._disk.rename_exclusive(existing, new),
            lambda: self._move(existing, new),
        )

    def replace(self, existing: Path, new: Path) -> None:
        """Rename over whatever has the name."""
        self._do(new, lambda: self._disk.replace(existing, new), lambda: self._move(existing, new))

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        self._do(path, lambda: self._disk.unlink(path), lambda: self._name(path, None))

    def make_directory(self, path: Path) -> None:
        """Make one directory."""

        def log() -> None:
            node = self._make_node() if path != self._root else 0
            self._folders[node] = {}
            self._name(path, node)

        self._do(path, lambda: self._disk.make_directory(path), log)

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory."""
        self._do(path, lambda: self._disk.remove_directory(path), lambda: self._name(path, None))

    def read(
        self, path: Path, start: int = 0, length: int | None = None, *, plain: bool = False
    ) -> bytes:
        """Read bytes."""
        return self._disk.read(path, start, length, plain=plain)

    def info(self, path: Path) -> FileInfo:
        """Look at one file."""
        return self._disk.info(path)

    def walk(self, root: Path) -> Iterator[Path]:
        """Name every regular file below a directory."""
        return self._disk.walk(root)

    def filesystem(self, path: Path) -> str:
        """Give the kind of file system a path lies on."""
        return self._disk.filesystem(path)

    def states(self, seed: int, most: int) -> Iterator[CrashState]:
        """Give different trees that a cut at any moment since the start could have left, at most
        so many; see `play_cuts`."""
        with self._lock:
            log = list(self.log)
        return play_cuts(log, self._start, seed, most)

    def _load(self, folder: Path, node: int) -> None:
        for path in sorted(folder.iterdir()):
            child = self._make_node()
            if path.is_dir() and not path.is_symlink():
                self._folders[child] = {}
                self._load(path, child)
            else:
                self.log.append(Body(child, path.read_bytes()))
                self.log.append(Synced(child))
            self._change(node, {path.name: child})
        self.log.append(Synced(node))

    def _do(self, path: Path, action: Callable[[], None], log: Callable[[], None]) -> None:
        with self._lock:
            action()
            if path == self._root or self._root in path.parents:
                log()

    def _make_node(self) -> int:
        self._nodes += 1
        return self._nodes - 1

    def _find(self, path: Path) -> int:
        node = 0
        for name in path.relative_to(self._root).parts:
            node = self._folders[node][name]
        return node

    def _sync(self, path: Path) -> None:
        self.log.append(Synced(self._find(path)))

    def _name(self, path: Path, node: int | None) -> None:
        if path != self._root:
            self._change(self._find(path.parent), {path.name: node})

    def _move(self, existing: Path, new: Path) -> None:
        node = self._find(existing)
        if existing.parent == new.parent:
            self._change(self._find(new.parent), {existing.name: None, new.name: node})
        else:
            self._name(new, node)
            self._name(existing, None)

    def _change(self, folder: int, changes: dict[str, int | None]) -> None:
        self.log.append(Names(folder, changes))
        for name, node in changes.items():
            if node is None:
                self._folders[folder].pop(name, None)
            else:
                self._folders[folder][name] = node
