"""One DuckDB in memory that sees nothing but the bytes it is handed: no disk, no network, no
extensions, no spilling. Knows no types and no encodings. DuckDB is imported when a session opens.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from listbackup.parquet.filesystem import PROTOCOL, PartFileSystem, TakenBytes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET enable_external_file_cache = false",
    "SET preserve_insertion_order = true",
    f"SET allowed_directories = ['{PROTOCOL}://']",
    "SET enable_external_access = false",
)


class Session:
    """A connection, its file system, and how much memory it may have. For one thread."""

    def __init__(self, memory_mib: int, threads: int) -> None:
        import duckdb

        self.failure: type[Exception] = duckdb.Error
        self.overflow: type[Exception] = duckdb.OutOfRangeException
        self._memory_mib = memory_mib
        self._connection: DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": f"{memory_mib}MiB",
                "temp_directory": "",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
            },
        )
        self._files = PartFileSystem()
        self._tables: list[str] = []
        self._connection.register_filesystem(self._files)
        for setting in SETTINGS:
            self._connection.execute(setting)

    def lend(self, name: str, files: Sequence[Sequence[bytes | memoryview]]) -> list[str]:
        """Offer files of these bytes to be read; give their addresses."""
        return [self._files.lend(f"{name}-{place}", file) for place, file in enumerate(files)]

    def expect(self, name: str) -> tuple[str, TakenBytes]:
        """Make a file to be written; give its address, and it."""
        return self._files.expect(name)

    def lend_arrays(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Offer numpy arrays of one length as a table."""
        self._connection.register(name, dict(arrays))
        self._tables.append(name)

    def allow_memory(self, mib: int) -> None:
        """Let the next statements have more memory than the session was opened with, or less
        again, never less than that."""
        self._connection.execute(f"SET memory_limit = '{max(mib, self._memory_mib)}MiB'")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and give all rows. Raises `failure`."""
        rows: list[tuple[Any, ...]] = self._connection.execute(statement).fetchall()
        return rows

    def forget(self) -> None:
        """Let go of all that was lent or written."""
        self._files.forget()
        for name in self._tables:
            self._connection.unregister(name)
        self._tables.clear()

    def close(self) -> None:
        """End it. Safe twice."""
        self._files.forget()
        self._connection.close()
