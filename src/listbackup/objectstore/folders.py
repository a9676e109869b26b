"""The directories of a local store: made, proven to lie below the root, and synced.

A name is durable only when the directory that holds it was synced; a directory that another
process has just made counts as new, because nobody knows whether that process ever synced it.
Knows nothing of objects.
"""

import errno
import threading
from pathlib import Path

from listbackup.disk import Disk
from listbackup.errors import RefusedError

_UNSYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


class Folders:
    """What one store has entered below its root, and which names are not yet durable.

    Thread-safe. Raises OSError as the disk does.
    """

    def __init__(self, disk: Disk, root: Path) -> None:
        self._disk = disk
        self._root = root
        self._lock = threading.Lock()
        self._entered: set[Path] = set()
        self._safe: set[Path] = set()
        self._reached: set[Path] = set()
        self._unsynced: set[Path] = set()
        self.durable_names = True
        """False once a directory sync was answered with "not possible here"."""

    def enter(self, folder: Path) -> None:
        """Make a directory and what is missing above it. Raises RefusedError where something on
        the way down from the root is not a directory."""
        with self._lock:
            if folder in self._entered:
                return
            if self._root not in self._entered:
                self._make_root()
            for step in _steps(self._root, folder):
                if step not in self._entered:
                    self._make(step)
                    self._unsynced.add(step.parent)
                    self._entered.add(step)

    def holds(self, folder: Path) -> bool:
        """Tell whether the directory is there, reached from the root through directories only."""
        with self._lock:
            if folder in self._reached:  # each step of it was found, and none was forgotten since
                return True
            for step in (self._root, *_steps(self._root, folder)):
                if step in self._safe or step in self._entered:
                    continue
                try:
                    if self._disk.info(step).kind != "directory":
                        return False
                except (FileNotFoundError, NotADirectoryError):
                    return False
                self._safe.add(step)
            self._reached.add(folder)
            return True

    def forget(self, folder: Path) -> None:
        """Take back that a directory and what is above it was entered: it may have vanished."""
        with self._lock:
            self._reached.clear()
            for step in (self._root, *_steps(self._root, folder)):
                self._entered.discard(step)
                self._safe.discard(step)

    def touch(self, folder: Path) -> None:
        """Note that names in this directory changed."""
        with self._lock:
            self._unsynced.add(folder)

    def sync(self) -> None:
        """Make every noted name durable, deepest first."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            try:
                self._disk.sync_directory(folder)
            except FileNotFoundError:
                continue  # an empty directory that was removed meanwhile holds no name of ours
            except OSError as error:
                if error.errno not in _UNSYNCABLE:
                    raise
                self.durable_names = False

    def prune(self, folder: Path) -> None:
        """Remove a directory and those above it, below the root, as far as they are empty."""
        while folder != self._root:
            try:
                self._disk.remove_directory(folder)
            except OSError:
                return
            self.forget(folder)
            folder = folder.parent

    def _make_root(self) -> None:
        missing: list[Path] = []
        step = self._root
        while not self._is_directory(step) and step != step.parent:
            missing.append(step)
            step = step.parent
        for folder in reversed(missing):
            self._make(folder)
            self._unsynced.add(folder.parent)
        self._entered.add(self._root)

    def _is_directory(self, path: Path) -> bool:
        try:
            return self._disk.info(path).kind == "directory"
        except FileNotFoundError:
            return False

    def _make(self, folder: Path) -> None:
        try:
            self._disk.make_directory(folder)
        except FileExistsError:
            if self._disk.info(folder).kind != "directory":
                raise RefusedError(
                    "a directory of the store is a symbolic link or a file",
                    subject=str(folder),
                    hint="Objects are only written below the store's own directory; replace it "
                    "by a real one, or mount what it points to in its place.",
                ) from None


def _steps(root: Path, folder: Path) -> list[Path]:
    steps = []
    while folder != root:
        steps.append(folder)
        folder = folder.parent
    return steps[::-1]
