"""Where a SQLite database is: a path in a URL. Opens nothing.

What follows `sqlite://` is the path: from the root where it begins with a slash
(`sqlite:///srv/app.db`, as with `file:///`; a fourth slash changes nothing), else from the
directory that one is in (`sqlite://data/app.db`). `%3F` stands for a question mark, `%23` for `#`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from listbackup.errors import UsageError
from listbackup.settings import find_directories

COPIES = "LISTBACKUP_COPY_DIR"
EXAMPLE = "From the root: sqlite:///srv/app.db; from this directory: sqlite://data/app.db"


@dataclass(frozen=True, slots=True)
class Address:
    """One file: `path` is absolute, `copies` the directory where it is copied to be read."""

    path: Path
    copies: Path
    host: str = "file"
    port: int = 0
    password_in_url: bool = False

    @property
    def database(self) -> str:
        """The path as it was given, from the root and without dots: what a name is made of."""
        return show_path(os.path.abspath(self.path))

    @property
    def resolved(self) -> Path:
        """The file itself, behind all links."""
        return self.path.resolve()

    @property
    def masked(self) -> str:
        """The URL; there is nothing to mask."""
        return "sqlite://" + quote(os.fsencode(os.path.abspath(self.path)), safe="/:@+,=~")


def parse_address(url: str, environment: Mapping[str, str]) -> Address:
    """Take a URL apart. Raises UsageError."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() != "sqlite":
        raise UsageError("A SQLite database is given as sqlite:// and a path.", hint=EXAMPLE)
    path, mark, _ = rest.partition("?")
    if mark:
        raise UsageError("The URL of a SQLite database has no parameters.", hint=EXAMPLE)
    given = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if not given or given.endswith("/") or "\0" in given:
        raise UsageError("The URL names no file.", hint=EXAMPLE)
    if given.startswith("/"):
        given = "/" + given.lstrip("/")
    state = find_directories(environment).state
    return Address(Path.cwd() / given, Path(environment.get(COPIES) or state / "copies"))


def show_path(path: str | Path) -> str:
    """Write a path as text; bytes that are no Unicode are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
