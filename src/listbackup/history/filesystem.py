"""What DuckDB sees as `vault://`: a few named readers, and nothing else.

Only what was lent can be opened, by its exact name; there are no directories, no patterns and no
ways up. Reads are positioned by thread, because DuckDB reads one handle from several. What a
reader raises is kept: DuckDB turns it into words of its own.
"""

import io
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from fsspec import AbstractFileSystem

from listbackup.errors import ListbackupError
from listbackup.parquet.filesystem import TakenBytes

PROTOCOL = "vault"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Readable(Protocol):
    """Bytes that can be read at any position."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Give bytes from `start`, fewer only at the end."""
        ...


class Handle:
    """An open reader. Every thread has its own position."""

    def __init__(self, files: "VaultFileSystem", readable: Readable) -> None:
        self._files = files
        self._readable = readable
        self._at = threading.local()

    def read(self, size: int = -1) -> bytes:
        """Read from this thread's position on."""
        start = self.tell()
        with self._files.noting():
            total = self._readable.size
            body = self._readable.read(start, total - start if size < 0 else size)
        self._at.position = start + len(body)
        return body

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move this thread's position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._readable.size}
        self._at.position = base[whence] + offset
        return int(self._at.position)

    def tell(self) -> int:
        """Say where this thread is."""
        return int(getattr(self._at, "position", 0))

    def seekable(self) -> bool:
        """Say that moving is possible."""
        return True

    def close(self) -> None:
        """Nothing is to be given back."""


class VaultFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The file system of one DuckDB connection."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._lent: dict[str, Readable] = {}
        self._expected: dict[str, Path | TakenBytes] = {}
        self.problem: ListbackupError | None = None

    def lend(self, name: str, readable: Readable) -> str:
        """Let something be read under a name; give its address."""
        self._lent[name] = readable
        return f"{PROTOCOL}://{name}"

    def expect(self, name: str, path: Path) -> str:
        """Let one new file be written, once, at a path; give its address."""
        self._expected[name] = path
        return f"{PROTOCOL}://{name}"

    def take(self, name: str) -> tuple[str, TakenBytes]:
        """Let one file be written in memory, once; give its address, and it."""
        self._expected[name] = taken = TakenBytes()
        return f"{PROTOCOL}://{name}", taken

    def noting(self) -> "_Noting":
        """Keep what is raised within a block."""
        return _Noting(self)

    def open(self, path: str, mode: str = "rb", **options: Any) -> Handle | IO[bytes] | TakenBytes:
        """Open what was lent, or the file that is expected. Raises FileNotFoundError,
        PermissionError."""
        name = self._name(path)
        if mode in ("r", "rb"):
            if name not in self._lent:
                raise FileNotFoundError(path)
            return Handle(self, self._lent[name])
        target = self._expected.pop(name, None)
        if mode != "wb" or target is None:
            raise PermissionError(f"{path} cannot be written")
        return target if isinstance(target, TakenBytes) else target.open("xb")

    def info(self, path: str, **options: Any) -> Mapping[str, Any]:
        """Describe what was lent. Raises FileNotFoundError."""
        name = self._name(path)
        if name not in self._lent:
            raise FileNotFoundError(path)
        with self.noting():
            return {"name": path, "size": self._lent[name].size, "type": "file"}

    def exists(self, path: str, **options: Any) -> bool:
        """Say whether something was lent under that name."""
        return self._name(path) in self._lent

    def isfile(self, path: str) -> bool:
        """Say whether something was lent under that name."""
        return self.exists(path)

    def isdir(self, path: str) -> bool:
        """There are no directories."""
        return False

    def glob(self, path: str, **options: Any) -> list[str]:
        """Names are no patterns here."""
        return [path] if self.exists(path) else []

    def modified(self, path: str) -> datetime:
        """What was lent does not change."""
        return _EPOCH

    def _name(self, path: str) -> str:
        return path.removeprefix(f"{PROTOCOL}://")


class _Noting:
    def __init__(self, files: VaultFileSystem) -> None:
        self._files = files

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ListbackupError) and self._files.problem is None:
            self._files.problem = error
