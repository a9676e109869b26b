"""`query`: SQL over a snapshot, and over all that its streams ever were."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from listbackup.app import App, Reach
from listbackup.errors import UsageError
from listbackup.events import Warned
from listbackup.history.querying import Column, Query, Row, Value
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import Choice, choose_snapshot, read_time
from listbackup.vault.writer import is_short

if TYPE_CHECKING:
    from listbackup.history.timelines import SourcePast, Timeline

MANY = 1_000_000
"""Rows from which on it is said that a typed view is made anew."""


@dataclass(frozen=True, slots=True)
class QueryWishes:
    """What is asked, of which snapshot (`snapshot` or `at`, else the newest complete one), and
    within which bounds: rows given (0 for all), seconds (0 for any), memory of the engine."""

    sql: str
    snapshot: str | None = None
    at: str | None = None
    source: str | None = None
    limit: int = 0
    timeout: float = 0.0
    memory: str = "256MB"
    allow_partial: bool = False


@dataclass(frozen=True, slots=True)
class QueryRow:
    """One row of an answer, by the names of its columns."""

    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Queried:
    """An answer's columns and how many rows were given; `limited` says that there are more.
    `notes` name streams that the snapshot shows as of an earlier one."""

    source: str
    snapshot: str
    name: str
    meant: str
    as_of: datetime
    columns: tuple[Column, ...]
    rows: int
    limited: bool
    notes: tuple[str, ...]
    output: Path | None
    seconds: float


class Asking:
    """A query that is under way: its columns and notes are known, its rows are yet to come."""

    def __init__(
        self, query: Query, columns: Sequence[Column], notes: Sequence[str], wishes: QueryWishes
    ) -> None:
        """Take a prepared query."""
        self.columns = tuple(columns)
        self.notes = tuple(notes)
        self.given = 0
        self.limited = False
        self._query = query
        self._wishes = wishes

    @property
    def names(self) -> list[str]:
        """The names of the columns, those that come again with a number."""
        names: list[str] = []
        for column in self.columns:
            name, number = column.name, 1
            while name in names:
                name, number = f"{column.name}_{number}", number + 1
            names.append(name)
        return names

    def rows(self, *, texts: bool = False) -> Generator[Row, None, None]:
        """Give the rows. Raises UsageError, FailedError, IntegrityError."""
        limit = self._wishes.limit
        found = self._query.rows(
            self.columns,
            limit=limit + 1 if limit else 0,
            timeout=self._wishes.timeout,
            texts=texts,
        )
        for row in islice(found, limit or None):
            self.given += 1
            yield row
        self.limited = bool(limit) and next(found, None) is not None
        found.close()

    def write_parquet(self, path: Path) -> None:
        """Write the rows as Parquet. Raises as `rows`."""
        self.given = self._query.write_parquet(
            path, limit=self._wishes.limit, timeout=self._wishes.timeout
        )


def run_query(
    app: App, reach: Reach, wishes: QueryWishes, take: Callable[[Asking], None]
) -> Queried:
    """Run one SELECT statement and hand its rows on. Raises UsageError, FailedError,
    IntegrityError, WrongKeyError, AuthError."""
    began = app.host.clock.monotonic()
    vault = app.vault(reach)
    choice = _choose(vault, wishes)
    snapshot = open_snapshot(vault, choice.commit, choice.view.name)
    pasts: list[SourcePast] = []

    def follow(stream: str) -> "Timeline":
        from listbackup.history.timelines import SourcePast

        if not pasts:
            pasts.append(SourcePast(vault, choice.view.name))
        return pasts[0].timeline(stream)

    with Query(snapshot, follow, wishes.sql, wishes.memory) as query:
        notes = [note for one in query.asked for note in _explain(choice, snapshot, one.stream)]
        for one in query.asked:
            _warn_of_making(app, snapshot, one.stream)
        asking = Asking(query, query.prepare(), notes, wishes)
        take(asking)
    return Queried(
        source=choice.view.name,
        snapshot=choice.commit.sync,
        name=choice.commit.name,
        meant=choice.reading,
        as_of=choice.commit.end,
        columns=asking.columns,
        rows=asking.given,
        limited=asking.limited,
        notes=asking.notes,
        output=None,
        seconds=round(app.host.clock.monotonic() - began, 3),
    )


def _choose(vault: Vault, wishes: QueryWishes) -> Choice:
    if wishes.snapshot is not None and wishes.at is not None:
        raise UsageError("A snapshot and a time are named.", hint="Give --snapshot or --at.")
    if wishes.at is not None:
        read_time(wishes.at)
    words = wishes.snapshot or wishes.at or "latest"
    if wishes.source is not None:
        words = f"{wishes.source}:{words}"
    return choose_snapshot(vault, words, allow_partial=wishes.allow_partial)


def _explain(choice: Choice, snapshot: Snapshot, stream: str) -> Iterator[str]:
    entry = snapshot.entry(stream)
    if entry is None or not is_short(entry):
        return
    if entry.set_aside_count:
        yield f"{stream}: {entry.reason}."
    if entry.status == "upserts":
        doubt = "read with doubt" if entry.reason else "only changes were read"
        yield f"{stream}: {doubt}; rows that were deleted may still be there."
    if entry.status != "carried":
        return
    since = [one for one in choice.view.commits.values() if one.sync == entry.carried_from]
    shown = f"{since[0].end:%Y-%m-%d %H:%M:%S} UTC" if since else "an earlier snapshot"
    yield f"{stream}: as of {shown}, carried since ({entry.reason or 'not read'})."


def _warn_of_making(app: App, snapshot: Snapshot, stream: str) -> None:
    if stream in snapshot.streams:
        state = snapshot.streams[stream].state
        if state.parts is None and state.rows > MANY:
            app.emit(
                Warned(
                    f"{stream} has no typed view; it is made from {state.rows:,} rows now.",
                    "That takes about a minute for every 20 million rows, each time.",
                )
            )
