"""Streams as tables of one SQLite database. Values are as `values` says; keys become primary keys
where SQLite takes them."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from listbackup.errors import FailedError
from listbackup.history.values import choose_sqlite

MOST_COLUMNS = 2000


class SqliteFile:
    """A database that is being filled; `finish` makes it whole."""

    def __init__(self, path: Path) -> None:
        """Make the database. Raises FailedError."""
        self._path = path
        self._taken: set[str] = set()
        self._database = sqlite3.connect(path, isolation_level=None)
        # A killed export leaves a temporary name: durability comes when it is whole.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")

    def __enter__(self) -> "SqliteFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def add(
        self,
        stream: str,
        schema: Mapping[str, Any],
        rows: Iterable[Sequence[list[Any]]],
        *,
        dynamic: bool = False,
    ) -> str:
        """Fill a table with a stream, and give the table's name; `dynamic` where values say their
        types themselves. Raises FailedError."""
        columns = schema["columns"]
        if not 0 < len(columns) <= MOST_COLUMNS:
            raise FailedError(
                f"SQLite takes no table of {len(columns)} columns.",
                subject=stream,
                risk="No data is at risk: the vault is not touched.",
                hint="Use another --format, or leave it out with --stream.",
            )
        kinds = [choose_sqlite(str(c.get("type")), dynamic=dynamic) for c in columns]
        table = free_name(stream, self._taken)
        taken: set[str] = set()
        named = [
            f"{_quote(free_name(str(column['name']), taken))} {kind}".rstrip()
            for column, (kind, _) in zip(columns, kinds, strict=True)
        ]
        marks = ", ".join("?" * len(columns))
        convert = [one for _, one in kinds]
        try:
            self._database.execute(f"CREATE TABLE {_quote(table)} ({', '.join(named)})")
            self._database.execute("BEGIN")
            for some in rows:
                self._database.executemany(
                    f"INSERT INTO {_quote(table)} VALUES ({marks})",
                    ([make(v) for make, v in zip(convert, row, strict=True)] for row in some),
                )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise FailedError(
                f"SQLite does not take it: {error}.",
                subject=stream,
                risk="No data is at risk: the vault is not touched.",
            ) from error
        return table


def count_rows(path: Path, table: str) -> int:
    """Count a table's rows, as another program would."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        (found,) = database.execute(f"SELECT count(*) FROM {_quote(table)}").fetchone()
    return int(found)


def free_name(name: str, taken: set[str]) -> str:
    """Give a name that none of the taken ones equals but for case, and take it."""
    name = f"_{name}" if name.lower().startswith("sqlite_") or not name else name
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
