"""Connections to a SQLite file and what SQLite's errors mean, in words.

Text comes as `str`; bytes that are no UTF-8 are halves of surrogate pairs in it
(`surrogateescape`), so nothing is lost and nothing fails.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from listbackup.errors import AuthError, SourceError

Connection = sqlite3.Connection
VERSION = f"SQLite {sqlite3.sqlite_version}"
PINNED = """
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA foreign_keys = OFF;
PRAGMA ignore_check_constraints = ON;
"""
DAMAGED = (
    "Earlier snapshots are untouched; nothing new was committed. "
    "Data is at risk: the database itself is damaged."
)
REPAIR = "Restore an earlier snapshot, or save what is left with `sqlite3 FILE .recover`."
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def connect(
    path: Path,
    mode: Literal["ro", "rw"] = "ro",
    *,
    immutable: bool = False,
    timeout: float = 0.0,
) -> Connection:
    """Open a file that exists; transactions are the caller's. `immutable`: nobody writes, no locks
    are taken, no files appear beside it. `timeout` seconds are waited for locks. Raises
    sqlite3.Error."""
    uri = f"file:{quote(os.fsencode(path))}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=timeout, check_same_thread=False
    )
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    connection.executescript(PINNED)
    return connection


@contextmanager
def speaking_of(subject: str) -> Iterator[None]:
    """Put SQLite's errors into words. Raises SourceError, AuthError."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, subject) from error
    except PermissionError as error:
        raise AuthError(
            f"This user may not read the file: {error.strerror}.",
            subject=subject,
            hint="Run as a user who may read the database and its directory.",
        ) from error
    except OSError as error:
        raise SourceError(f"The file cannot be read: {error.strerror}.", subject=subject) from error


def translate(error: sqlite3.Error, subject: str) -> SourceError:
    """Say what an error of SQLite means."""
    code = getattr(error, "sqlite_errorcode", 0)
    plain = code & 0xFF
    if plain == sqlite3.SQLITE_NOTADB:
        return SourceError(
            "It is no SQLite database, or it is encrypted.",
            subject=subject,
            hint="What encrypts a database (SQLCipher and the like) has to write it out in plain.",
        )
    if plain == sqlite3.SQLITE_CORRUPT or "malformed" in str(error):
        return SourceError(
            f"The database is damaged: {error}.", subject=subject, risk=DAMAGED, hint=REPAIR
        )
    if plain in BUSY:
        return explain_lock(subject)
    if plain == sqlite3.SQLITE_READONLY:
        return SourceError(
            "A program left a transaction unfinished; who may not write the file cannot read it.",
            subject=subject,
            hint="A backup by a user who may write file and directory rolls it back.",
        )
    if plain == sqlite3.SQLITE_CANTOPEN:
        return SourceError(
            "SQLite cannot open the file or the log beside it: rights are missing.",
            subject=subject,
            hint="Run as a user who may read the database and its -wal and -shm.",
        )
    if plain == sqlite3.SQLITE_FULL:
        return SourceError(f"The disk is full: {error}.", subject=subject)
    return SourceError(f"SQLite says: {error}.", subject=subject)


def explain_lock(subject: str) -> SourceError:
    """Say that a lock was not had in time."""
    return SourceError(
        "The database is locked by another program.",
        subject=subject,
        hint="Run it again when that program is done, or wait longer: --lock-timeout SECONDS.",
    )
