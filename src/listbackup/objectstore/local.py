"""A store in a directory: written so that a power cut at any instant leaves whole objects.

An object is written under a temporary name beside its own, and only `barrier` makes it durable,
then visible, then its name durable. Knows nothing of what the objects mean.
"""

import errno
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from listbackup.errors import ObjectExists, ObjectMissing, RefusedError, StoreError
from listbackup.host import Host
from listbackup.objectstore import Features, ObjectInfo, Tag
from listbackup.objectstore.diskfaults import explain
from listbackup.objectstore.folders import Folders
from listbackup.objectstore.names import TEMPORARY, check_key, check_prefix, check_range
from listbackup.objectstore.publishing import Draft, publish

VOLATILE = ("tmpfs", "ramfs")
"""File systems that forget everything when the power goes."""

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EINVAL)


class LocalStore:
    """Objects as files below a directory. Keeps no body in memory after `put` returned.

    After a barrier that failed otherwise than by ObjectExists nobody knows what is durable: this
    instance then refuses every further put and barrier. Open the store again to go on.
    """

    def __init__(self, root: Path, host: Host, *, volatile: bool = False) -> None:
        """Take a directory, which need not exist; `volatile` allows file systems in memory."""
        self._root = root.expanduser().resolve()
        self._host = host
        self._folders = Folders(host.disk, self._root)
        self._volatile = volatile
        self._admitted = False
        self._lock = threading.Lock()
        self._barrier = threading.Lock()
        self._drafts: list[Draft] = []
        self._reserved: set[str] = set()
        self._untold: dict[int, list[str]] = {}
        self._broken = False

    @property
    def url(self) -> str:
        """The directory as a `file://` URL."""
        return "file://" + quote(str(self._root))

    @property
    def features(self) -> Features:
        """What this store can do; `durable_names` is known after the first barrier."""
        return Features(create_exclusive=True, durable_names=self._folders.durable_names)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Write an object under a temporary name; the next `barrier` publishes it."""
        check_key(key)
        if retain_until is not None:
            raise _no("object lock", self.url)
        self._admit()
        final = self._root / key
        if not replace:
            self._reserve(key)
        try:
            if not replace and self._exists(final):
                raise _taken(key)
            temporary = self._write(final.parent, body)
        except BaseException as error:
            if not replace:
                self._release([key])
            if isinstance(error, OSError):
                raise explain(error, f"writing {key}", self.url) from error
            raise
        with self._lock:
            self._drafts.append(Draft(key, temporary, final, replace, threading.get_ident()))

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it. Raises ObjectMissing."""
        check_range(start, length)
        path = self._look(key, version)
        try:
            return self._host.disk.read(path, start, length, plain=True)
        except OSError as error:
            raise self._unreadable(error, key) from error

    def head(self, key: str) -> ObjectInfo:
        """Look at an object. Raises ObjectMissing."""
        path = self._look(key, None)
        try:
            found = self._host.disk.info(path)
        except OSError as error:
            raise self._unreadable(error, key) from error
        if found.kind != "file":
            raise _missing(key)
        return ObjectInfo(key, found.size, found.modified)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every published object whose key starts with `prefix`, in key order."""
        check_prefix(prefix)
        folder = self._root / prefix.rpartition("/")[0]
        try:
            if not self._folders.holds(folder):
                return
            for path in self._host.disk.walk(folder):
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix) and not path.name.startswith(TEMPORARY):
                    with suppress(ObjectMissing):
                        yield self._info(path, key)
        except OSError as error:
            raise explain(error, "listing", self.url) from error

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object, and the directories that it leaves empty. Absent is fine."""
        check_key(key)
        if version is not None:
            raise _no("versions", self.url)
        path = self._root / key
        try:
            if self._folders.holds(path.parent):
                self._host.disk.unlink(path)
                self._folders.touch(path.parent)
                self._folders.prune(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise explain(error, f"deleting {key}", self.url) from error

    def list_leftovers(self) -> Iterator[ObjectInfo]:
        """Name the temporary files of writes that have not ended, or never will."""
        try:
            for path in self._host.disk.walk(self._root):
                if path.name.startswith(TEMPORARY):
                    with suppress(ObjectMissing):
                        yield self._info(path, path.relative_to(self._root).as_posix())
        except OSError as error:
            raise explain(error, "listing", self.url) from error

    def remove_leftover(self, key: str) -> None:
        """Remove such a file. Absent is fine."""
        folder, _, name = key.rpartition("/")
        if folder:
            check_key(folder)
        if "/" in name or not name.startswith(TEMPORARY):
            raise RefusedError("this is no left-over of a write", subject=repr(key[:120]))
        try:
            self._host.disk.unlink(self._root / key)
            self._folders.prune((self._root / key).parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise explain(error, f"deleting {key}", self.url) from error

    def barrier(self) -> None:
        """Make everything put before durable and visible. Raises ObjectExists naming the keys
        that were taken meanwhile (the other objects are published), StoreError else."""
        with self._barrier:
            self._refuse_if_broken()
            with self._lock:
                drafts, self._drafts = self._drafts, []
            try:
                lost = publish(self._host.disk, self._folders, drafts)
            except BaseException as error:
                self._broken = True
                self._discard(drafts)
                if isinstance(error, OSError):
                    raise explain(error, "making objects durable", self.url) from error
                raise
            self._release([draft.key for draft in drafts if not draft.replace])
            taken = self._tell(lost)
        if taken:
            raise _taken(*taken)

    def now(self) -> datetime:
        """Give the time that the file system writes: the mtime of a fresh file."""
        try:
            path = self._write(self._root, b"")
            try:
                return self._host.disk.info(path).modified
            finally:
                self._host.disk.unlink(path)
        except OSError as error:
            raise explain(error, "asking for the time", self.url) from error

    def close(self) -> None:
        """Forget what was not published, and remove its temporary files."""
        with self._lock:
            drafts, self._drafts = self._drafts, []
        self._discard(drafts)

    def _admit(self) -> None:
        self._refuse_if_broken()
        if self._admitted:
            return
        kind = "" if self._volatile else self._host.disk.filesystem(self._root)
        if kind in VOLATILE:
            raise RefusedError(
                f"the directory lies in memory ({kind}): a restart of the machine forgets it",
                subject=self.url,
                hint="Use a directory on a disk, or allow it with --volatile for a trial.",
            )
        self._admitted = True

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise StoreError(
                "an earlier write could not be made durable, so this store cannot be written on",
                subject=self.url,
                hint="Look at the disk (space, kernel log), then run the command again.",
            )

    def _write(self, folder: Path, body: bytes | memoryview) -> Path:
        disk = self._host.disk
        for _ in range(10):
            path = folder / f"{TEMPORARY}{self._host.entropy(10).hex()}"
            try:
                self._folders.enter(folder)
                disk.create(path, body)
            except FileNotFoundError:
                self._folders.forget(folder)  # emptied and removed by another process
            except FileExistsError:
                continue  # not ours: another name
            except BaseException:
                with suppress(OSError):
                    disk.unlink(path)
                raise
            else:
                return path
        raise FileNotFoundError(errno.ENOENT, "the directory vanishes again and again", str(folder))

    def _discard(self, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            with suppress(OSError):
                self._host.disk.unlink(draft.temporary)
        self._release([draft.key for draft in drafts if not draft.replace])

    def _tell(self, lost: Sequence[Draft]) -> Sequence[str]:
        # The barrier that found out tells it, and so does the next one of the thread that put.
        here = threading.get_ident()
        for draft in lost:
            if draft.thread != here:
                self._untold.setdefault(draft.thread, []).append(draft.key)
        return [draft.key for draft in lost] + self._untold.pop(here, [])

    def _reserve(self, key: str) -> None:
        with self._lock:
            if key in self._reserved:
                raise _taken(key)
            self._reserved.add(key)

    def _release(self, keys: Sequence[str]) -> None:
        with self._lock:
            self._reserved.difference_update(keys)

    def _exists(self, path: Path) -> bool:
        try:
            self._host.disk.info(path)
        except FileNotFoundError:
            return False
        return True

    def _look(self, key: str, version: str | None) -> Path:
        check_key(key)
        if version is not None:
            raise _no("versions", self.url)
        try:
            path = self._root / key
            if not self._folders.holds(path.parent):
                raise _missing(key)
        except OSError as error:
            raise self._unreadable(error, key) from error
        return path

    def _info(self, path: Path, key: str) -> ObjectInfo:
        try:
            found = self._host.disk.info(path)
        except FileNotFoundError:
            raise _missing(key) from None
        return ObjectInfo(key, found.size, found.modified)

    def _unreadable(self, error: OSError, key: str) -> StoreError:
        if error.errno in _ABSENT:
            return _missing(key)
        return explain(error, f"reading {key}", self.url)


def _missing(key: str) -> ObjectMissing:
    return ObjectMissing("there is no such object", subject=key)


def _taken(*keys: str) -> ObjectExists:
    more = f" (and {len(keys) - 1} more: {', '.join(keys[1:4])})" if len(keys) > 1 else ""
    return ObjectExists(f"an object of that name exists already{more}", subject=keys[0])


def _no(feature: str, subject: str) -> RefusedError:
    return RefusedError(
        f"a directory has no {feature}",
        subject=subject,
        hint="Use an S3 bucket that has it, or go on without.",
    )
