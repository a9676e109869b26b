"""How bytes get into DuckDB and out of it without a file: a file system of what lies in memory.

Vaults may be sealed, so nothing in plain text touches a disk. What is to be read is lent under a
name, what is written is taken back by its name. Knows nothing of what the bytes mean.
"""

import io
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from fsspec import AbstractFileSystem

PROTOCOL = "part"
UNCHANGED = datetime(1970, 1, 1, tzinfo=UTC)


class LentBytes:
    """Chunks as one file that can be read at any position; never joined. Of a read no more is
    copied than was asked for."""

    def __init__(self, chunks: Sequence[bytes | memoryview]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]
        ends = list(accumulate(len(chunk) for chunk in self._chunks))
        self._starts = [0, *ends][: len(ends)]
        self.size = ends[-1] if ends else 0
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Read as many bytes as are asked for, fewer only at the end."""
        wanted = self.size - self._position if size < 0 else size
        pieces = []
        while wanted > 0 and self._position < self.size:
            number = bisect_right(self._starts, self._position) - 1
            start = self._position - self._starts[number]
            piece = memoryview(self._chunks[number])[start : start + wanted]
            pieces.append(piece)
            self._position += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Say where the next read starts."""
        return self._position

    def seekable(self) -> bool:
        """Say that moving is possible."""
        return True

    def close(self) -> None:
        """Nothing is to be given back."""


class TakenBytes:
    """A file that is only written, from front to back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        """Add bytes at the end."""
        self._pieces.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Say how much was written."""
        return self.size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is to be given back."""

    def take(self) -> bytes:
        """Give all that was written, and forget it."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body


class PartFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The file system that one DuckDB connection sees as `part://`."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, LentBytes | TakenBytes] = {}

    def lend(self, name: str, chunks: Sequence[bytes | memoryview]) -> str:
        """Offer bytes to be read; give their address."""
        self._files[name] = LentBytes(chunks)
        return f"{PROTOCOL}://{name}"

    def expect(self, name: str) -> tuple[str, TakenBytes]:
        """Make a file to be written; give its address, and it."""
        self._files[name] = taken = TakenBytes()
        return f"{PROTOCOL}://{name}", taken

    def forget(self) -> None:
        """Let go of all files."""
        self._files.clear()

    def open(self, path: str, mode: str = "rb", **options: Any) -> LentBytes | TakenBytes:
        """Open a file: DuckDB reads each by one handle at a time."""
        return self._find(path)

    def exists(self, path: str, **options: Any) -> bool:
        """Say whether there is such a file."""
        return self._strip_protocol(path) in self._files

    def isfile(self, path: str) -> bool:
        """Say whether there is such a file."""
        return self.exists(path)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Describe a file. Raises FileNotFoundError."""
        return {"name": path, "size": self._find(path).size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """Say when a file changed: what is lent never does."""
        return UNCHANGED

    def glob(self, path: str, **options: Any) -> list[str]:
        """Names are no patterns here."""
        return [self._strip_protocol(path)] if self.exists(path) else []

    def _find(self, path: str) -> LentBytes | TakenBytes:
        try:
            return self._files[self._strip_protocol(path)]
        except KeyError:
            raise FileNotFoundError(path) from None
