"""What a database's file says of itself before SQLite opens it: its header and its neighbours.

Read at once and closed again: a second descriptor of a file that SQLite has open would take its
locks away when it is closed.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from listbackup.connectors.sqlite.address import Address, show_path
from listbackup.connectors.sqlite.session import speaking_of
from listbackup.errors import SourceError

MAGIC = b"SQLite format 3\0"
HEADER = 100
WAL_VERSION = 2


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it was found. `state` changes with its content; `wal` says that it is written
    through a log beside it, `log` that this log is there, `journal` that a rollback journal is:
    of a transaction under way, or of one that was interrupted."""

    path: Path
    bytes: int
    state: tuple[int, ...]
    wal: bool
    log: bool
    journal: bool


def look_at_file(address: Address) -> FileFacts:
    """Look at a database's file. Raises SourceError where there is none, AuthError."""
    path = address.resolved
    with speaking_of(address.masked):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise SourceError(
                f"There is no file {show_path(path)}.",
                subject=address.masked,
                hint=_suggest(address),
            ) from None
        if not stat.S_ISREG(found.st_mode):
            raise SourceError("That is no file.", subject=address.masked)
        with path.open("rb") as file:
            header = file.read(HEADER)
    facts = FileFacts(
        path=path,
        bytes=found.st_size,
        state=(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns),
        wal=header[18:20] == bytes((WAL_VERSION, WAL_VERSION)),
        log=beside(path, "-wal").exists(),
        journal=beside(path, "-journal").exists(),
    )
    if not header and not facts.log and not facts.journal:
        raise SourceError(
            "The file is empty: 0 bytes, and no database yet.",
            subject=address.masked,
            hint="A database that was cut to nothing is in the earlier snapshots.",
        )
    return facts


def beside(path: Path, suffix: str) -> Path:
    """Name a file that SQLite keeps beside a database."""
    return path.with_name(path.name + suffix)


def _suggest(address: Address) -> str:
    here = Path(str(address.path).lstrip("/"))
    if os.path.lexists(here):
        return f"Three slashes begin at the root. This directory's is sqlite://{show_path(here)}"
    return "Check the path; nothing was created."
