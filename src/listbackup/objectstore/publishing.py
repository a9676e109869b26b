"""How written files become objects: durable first, then visible, then their names durable.

In that order and never otherwise: a name that survives a power cut always leads to whole bytes.
"""

import errno
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from listbackup.disk import Disk
from listbackup.errors import RefusedError
from listbackup.objectstore.folders import Folders

SYNCS_AT_ONCE = 8

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_NO_RENAME = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Draft:
    """An object that a thread has written, but that is neither durable nor visible."""

    key: str
    temporary: Path
    final: Path
    replace: bool
    thread: int


def publish(disk: Disk, folders: Folders, drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Make drafts into objects, and give back those whose key was taken (their files are gone).

    Raises OSError as the disk does (some drafts may be published then, none is durable by name)
    and RefusedError where the file system cannot create a name exclusively.
    """
    sync_files(disk, [draft.temporary for draft in drafts])
    lost = []
    for draft in drafts:
        if draft.replace:
            disk.replace(draft.temporary, draft.final)
        elif not give_name(disk, draft.temporary, draft.final):
            lost.append(draft)
        folders.touch(draft.final.parent)
    folders.sync()
    return lost


def sync_files(disk: Disk, paths: Sequence[Path]) -> None:
    """Make the bytes of files durable. A sync that failed is never tried again: the pages that
    could not be written are gone, and a second sync would say that all is well."""
    if len(paths) < 2:
        for path in paths:
            disk.sync_file(path)
        return
    with ThreadPoolExecutor(min(SYNCS_AT_ONCE, len(paths)), "listbackup-fsync") as pool:
        for _ in pool.map(disk.sync_file, paths):
            pass


def give_name(disk: Disk, temporary: Path, final: Path) -> bool:
    """Move a synced file to its own name, never over another; False where the name is taken.

    Raises RefusedError where the file system can neither link nor rename exclusively.
    """
    try:
        disk.link(temporary, final)
    except OSError as error:
        # A network file system may have done it and lost the answer: the link count knows.
        if disk.info(temporary).links != 2:
            if isinstance(error, FileExistsError):
                disk.unlink(temporary)
                return False
            if error.errno not in _NO_LINKS:
                raise
            return _rename(disk, temporary, final)
    with suppress(OSError):  # it has its name; what is left over is swept later
        disk.unlink(temporary)
    return True


def _rename(disk: Disk, temporary: Path, final: Path) -> bool:
    try:
        disk.rename_exclusive(temporary, final)
    except FileExistsError:
        disk.unlink(temporary)
        return False
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
        raise RefusedError(
            "this file system cannot create a file exclusively, neither by link nor by rename",
            subject=str(final.parent),
            hint="Two backups at once could overwrite each other there. Use a local disk (ext4, "
            "xfs, btrfs, zfs, apfs) or an S3 bucket.",
        ) from error
    return True
