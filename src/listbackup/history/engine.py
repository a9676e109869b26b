"""DuckDB, opened so that it reads what it is lent and nothing else.

No file, no network, no extension, no temporary file, no variable of ours: what SQL asks for beyond
`vault://` is refused by settings that SQL cannot change any more once `lock` was called. Knows no
vault.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from listbackup.errors import FailedError, ListbackupError, UsageError
from listbackup.history.filesystem import PROTOCOL, VaultFileSystem

MEMORY = "256MB"
THREADS = 2
GAP = 65_536
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": THREADS,
    "temp_directory": "",
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "enable_external_file_cache": False,
    "http_proxy": "",
}
_SAID = 300

_Result = TypeVar("_Result")


class Engine:
    """One DuckDB in memory."""

    def __init__(self, memory: str = MEMORY) -> None:
        """Start it; `memory` bounds what it holds. Raises UsageError for no size."""
        self.files = VaultFileSystem()
        self._timed_out = False
        self.database = duckdb.connect(":memory:", config=SETTINGS)
        try:
            self.database.execute("SET memory_limit = $1", [memory])
        except duckdb.Error as error:
            self.database.close()
            raise UsageError(f"{memory!r} is no size of memory.", hint="Write 512MB.") from error
        self.database.register_filesystem(self.files)
        self.database.execute("SET TimeZone = 'UTC'")
        self.database.execute("SET parquet_metadata_cache = true")
        # where a block is verified as a whole, reading what lies between columns gains nothing
        self.database.execute(f"SET parquet_prefetch_column_gap = {GAP}")

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *error: object) -> None:
        self.database.close()

    def lock(self) -> None:
        """From here on SQL reaches nothing but what was lent."""
        self.database.execute(f"SET allowed_directories = ['{PROTOCOL}://']")
        self.database.execute("SET enable_external_access = false")
        self.database.execute("SET lock_configuration = true")

    def guard(self, call: Callable[[], _Result]) -> _Result:
        """Call something that runs SQL. Raises what a reader raised; UsageError for SQL that does
        not run; FailedError for too little time or memory."""
        try:
            result = call()
        except (duckdb.Error, OSError) as error:
            raise self._translate(error) from error
        if self.files.problem is not None:
            raise self.files.problem
        return result

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Interrupt what runs in the block after so many seconds; 0 is never."""
        if not seconds:
            yield
            return
        timer = threading.Timer(seconds, self._interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _interrupt(self) -> None:
        self._timed_out = True
        self.database.interrupt()

    def _translate(self, error: Exception) -> ListbackupError:
        if self.files.problem is not None:
            return self.files.problem
        if isinstance(error, duckdb.InterruptException):
            if not self._timed_out:
                raise KeyboardInterrupt from error
            return FailedError(
                "The query took longer than it may.",
                risk="No data is at risk.",
                hint="Say --timeout with more seconds, or ask for less.",
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return FailedError(
                "The query needs more memory than it may use.",
                risk="No data is at risk.",
                hint="Say --memory with more (512MB, 2GB), or ask for less.",
            )
        return UsageError(
            explain(str(error)),
            risk="No data is at risk: a query changes nothing.",
            hint="Columns are told by `DESCRIBE schema.table`, tables by `listbackup ls SNAPSHOT`.",
        )


def explain(told: str) -> str:
    """Write DuckDB's message as one line, with the place that it points at."""
    message, _, place = told.partition("\nLINE ")
    text = " ".join(message.split())[:_SAID]
    if not place:
        return text
    shown, _, pointer = place.partition("\n")
    number, _, line = shown.partition(": ")
    at = len(pointer.split("^")[0]) - len(f"LINE {number}: ")
    near = line[max(0, at) :][:40].strip()
    return f"{text} (line {number}, at `{near}`)"
