"""`diff`: what two snapshots do not share, by stream and, where it is asked for, by row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.errors import UsageError
from listbackup.events import Progressed, StepDone, StepStarted, StreamDone
from listbackup.history.diffing import (
    RowDifference,
    StreamDifference,
    StreamPair,
    pair_streams,
)
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import choose_snapshot


@dataclass(frozen=True, slots=True)
class DiffWishes:
    """Which snapshots, which streams (patterns; none means all), and whether rows are wanted:
    whole, or only their keys, at most `limit` of each stream (0 for all)."""

    before: str
    after: str
    streams: tuple[str, ...] = ()
    rows: bool = False
    keys: bool = False
    limit: int = 0
    allow_partial: bool = False


@dataclass(frozen=True, slots=True)
class DiffedSnapshot:
    """One of the two snapshots. `meant` says how the words that chose it were read."""

    source: str
    snapshot: str
    name: str
    status: str
    as_of: datetime
    meant: str


@dataclass(frozen=True, slots=True)
class Diffed:
    """What two snapshots do not share, added up. `rows_shown` is how many rows were given, of
    `added + removed + changed`."""

    before: DiffedSnapshot
    after: DiffedSnapshot
    different: bool
    streams: int
    streams_differing: int
    added: int
    removed: int
    changed: int
    unchanged: int
    rows_shown: int
    output: Path | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who is told of streams and of rows as they are found."""

    stream: Callable[[StreamDifference], None]
    row: Callable[[RowDifference], None]


def diff_snapshots(app: App, reach: Reach, wishes: DiffWishes, hearing: Hearing) -> Diffed:
    """Compare two snapshots. Raises UsageError, IntegrityError, WrongKeyError, AuthError."""
    began = app.host.clock.monotonic()
    vault = app.vault(reach)
    (before, old), (after, new) = (
        open_words(vault, words, wishes.allow_partial) for words in (wishes.before, wishes.after)
    )
    counts = _Counts()
    app.emit(StepStarted("comparing"))
    for pair in pair_streams(before, after, name_streams(wishes.streams)):
        found = pair.compare()
        counts.add(found)
        hearing.stream(found)
        for row in _rows(app, pair, wishes):
            counts.shown += 1
            hearing.row(row)
        app.emit(StreamDone(pair.name, found.change, found.rows_after))
    if wishes.streams and not counts.streams:
        raise UsageError("No stream is named like that.", hint="`listbackup ls` names them.")
    app.emit(StepDone("comparing"))
    return Diffed(
        before=old,
        after=new,
        different=bool(counts.differing),
        streams=counts.streams,
        streams_differing=counts.differing,
        added=counts.added,
        removed=counts.removed,
        changed=counts.changed,
        unchanged=counts.unchanged,
        rows_shown=counts.shown,
        output=None,
        seconds=round(app.host.clock.monotonic() - began, 3),
    )


@dataclass(slots=True)
class _Counts:
    streams: int = 0
    differing: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    shown: int = 0

    def add(self, one: StreamDifference) -> None:
        self.streams += 1
        self.differing += one.change != "same"
        self.added += one.added
        self.removed += one.removed
        self.changed += one.changed
        self.unchanged += one.unchanged


def _rows(app: App, pair: StreamPair, wishes: DiffWishes) -> Iterator[RowDifference]:
    if not wishes.rows and not wishes.keys:
        return iter(())

    def heard(count: int) -> None:
        app.emit(Progressed(pair.name, count, 0))

    return pair.rows(values=wishes.rows, limit=wishes.limit, heard=heard)


def open_words(
    vault: Vault, words: str, allow_partial: bool = False
) -> tuple[Snapshot, DiffedSnapshot]:
    """Open the snapshot that words mean. Raises UsageError, IntegrityError."""
    choice = choose_snapshot(vault, words, allow_partial=allow_partial)
    commit = choice.commit
    snapshot = open_snapshot(vault, commit, choice.view.name)
    shown = DiffedSnapshot(
        choice.view.name, commit.sync, commit.name, commit.status, commit.end, choice.reading
    )
    return snapshot, shown


def name_streams(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Give patterns over stream names; one without a schema means the schema `public`, too."""
    return tuple(
        name for one in patterns for name in ((one,) if "." in one else (one, f"public.{one}"))
    )
