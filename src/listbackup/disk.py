"""The disk, as an argument: every call that touches a local file on behalf of a vault.

Faults and crash simulations enter here. Knows nothing of vaults, keys or durability rules: who
calls decides the order of syncs.
"""

import ctypes
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

Kind = Literal["file", "directory", "other"]


@dataclass(frozen=True, slots=True)
class FileInfo:
    """Size in bytes, modification time (UTC), link count and kind; a symbolic link is `other`."""

    size: int
    modified: datetime
    links: int
    kind: Kind = "file"


class Disk(Protocol):
    """File operations with the errors of `os` (FileExistsError, OSError with errno, ...)."""

    def create(self, path: Path, data: bytes | memoryview) -> None:
        """Write a new file (mode 0600, never over an existing one); not yet durable."""
        ...

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes durable (fsync; F_FULLFSYNC on macOS)."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Make a directory's names durable."""
        ...

    def link(self, existing: Path, new: Path) -> None:
        """Give a file a second name, never over an existing one."""
        ...

    def rename_exclusive(self, existing: Path, new: Path) -> None:
        """Rename, never over an existing one; OSError(ENOTSUP) where the system cannot."""
        ...

    def replace(self, existing: Path, new: Path) -> None:
        """Rename over whatever has the name."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        ...

    def make_directory(self, path: Path) -> None:
        """Make one directory (mode 0700); its parent exists."""
        ...

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory; OSError(ENOTEMPTY) where it is not."""
        ...

    def read(
        self, path: Path, start: int = 0, length: int | None = None, *, plain: bool = False
    ) -> bytes:
        """Read bytes from `start`, all or at most `length`. `plain`: only an ordinary file, never
        through a symbolic link at the end of the path (OSError(ELOOP or EINVAL))."""
        ...

    def info(self, path: Path) -> FileInfo:
        """Look at one file; FileNotFoundError where there is none."""
        ...

    def walk(self, root: Path) -> Iterator[Path]:
        """Name every regular file below a directory, following no links, in the order of the
        bytes of their paths. An absent directory has none."""
        ...

    def filesystem(self, path: Path) -> str:
        """Give the kind of file system a path lies on (`ext4`, `tmpfs`, ...), or "" if unknown."""
        ...


class SystemDisk:
    """The machine's disk."""

    def create(self, path: Path, data: bytes | memoryview) -> None:
        """Write a new file (mode 0600, never over an existing one); not yet durable."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes durable (fsync; F_FULLFSYNC on macOS)."""
        self._sync(path, os.O_RDONLY)

    def sync_directory(self, path: Path) -> None:
        """Make a directory's names durable."""
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def _sync(self, path: Path, flags: int) -> None:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            full_sync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, existing: Path, new: Path) -> None:
        """Give a file a second name, never over an existing one."""
        os.link(existing, new)

    def rename_exclusive(self, existing: Path, new: Path) -> None:
        """Rename, never over an existing one; OSError(ENOTSUP) where the system cannot."""
        rename_without_replacing(existing, new)

    def replace(self, existing: Path, new: Path) -> None:
        """Rename over whatever has the name."""
        os.replace(existing, new)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        os.unlink(path)

    def make_directory(self, path: Path) -> None:
        """Make one directory (mode 0700); its parent exists."""
        os.mkdir(path, 0o700)

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory; OSError(ENOTEMPTY) where it is not."""
        os.rmdir(path)

    def read(
        self, path: Path, start: int = 0, length: int | None = None, *, plain: bool = False
    ) -> bytes:
        """Read bytes from `start`, all or at most `length`. `plain`: only an ordinary file, never
        through a symbolic link at the end of the path (OSError(ELOOP or EINVAL))."""
        with open(path, "rb", opener=_open_plain if plain else None) as file:
            if start:
                file.seek(start)
            return file.read() if length is None else file.read(length)

    def info(self, path: Path) -> FileInfo:
        """Look at one file; FileNotFoundError where there is none."""
        found = os.stat(path, follow_symlinks=False)
        kind: Kind = "other"
        if stat.S_ISREG(found.st_mode):
            kind = "file"
        elif stat.S_ISDIR(found.st_mode):
            kind = "directory"
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return FileInfo(found.st_size, modified, found.st_nlink, kind)

    def walk(self, root: Path) -> Iterator[Path]:
        """Name every regular file below a directory, following no links, in the order of the
        bytes of their paths. An absent directory has none."""
        try:
            with os.scandir(root) as found:
                entries = sorted(found, key=_order_in_path)
        except FileNotFoundError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self.walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)

    def filesystem(self, path: Path) -> str:
        """Give the kind of file system a path lies on (`ext4`, `tmpfs`, ...), or "" if unknown."""
        return find_filesystem(path)


def _open_plain(path: str, flags: int) -> int:
    # O_NONBLOCK: a named pipe left in a vault must not hang whoever reads it.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not an ordinary file", path)
    return descriptor


def _order_in_path(entry: os.DirEntry[str]) -> bytes:
    # A directory sorts as its paths do: "a-b" comes before "a/c" because "-" is before "/".
    name = os.fsencode(entry.name)
    return name + b"/" if entry.is_dir(follow_symlinks=False) else name


def find_filesystem(path: Path) -> str:
    """Give the kind of file system a path lies on, from Linux's table of mounts; "" elsewhere."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return ""
    wanted = os.fsencode(os.path.realpath(path))
    longest, kind = -1, b""
    for line in lines:
        left, _, right = line.partition(b" - ")
        mount = left.split(b" ")[4]
        for octal, char in (
            (b"\\040", b" "),
            (b"\\011", b"\t"),
            (b"\\012", b"\n"),
            (b"\\134", b"\\"),
        ):
            mount = mount.replace(octal, char)
        below = wanted == mount or wanted.startswith(mount.rstrip(b"/") + b"/")
        if below and len(mount) >= longest:
            longest, kind = len(mount), right.split(b" ")[0]
    return kind.decode("ascii", "replace")


def full_sync(descriptor: int) -> None:
    """Sync an open file to the medium; on macOS fsync alone stops at the drive's cache."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        fcntl.fcntl(descriptor, full)
    else:
        os.fsync(descriptor)


def rename_without_replacing(existing: Path, new: Path) -> None:
    """Call renameat2(RENAME_NOREPLACE) or renamex_np(RENAME_EXCL); ENOTSUP where neither is."""
    library = ctypes.CDLL(None, use_errno=True)
    old, fresh = os.fsencode(existing), os.fsencode(new)
    if sys.platform == "darwin":
        outcome = library.renamex_np(old, fresh, 0x4)
    elif hasattr(library, "renameat2"):
        here = -100
        outcome = library.renameat2(here, old, here, fresh, 1)
    else:
        raise OSError(errno.ENOTSUP, "no exclusive rename on this system", str(new))
    if outcome != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(new))
