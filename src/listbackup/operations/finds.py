"""`find`: the life of a record, through all live snapshots of one source or of all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.errors import UsageError
from listbackup.events import Progressed, StepDone, StepStarted
from listbackup.history.finding import Finder, Life, Step, StepKind
from listbackup.history.timelines import SourcePast
from listbackup.operations.diffs import name_streams
from listbackup.records.patterns import is_wanted
from listbackup.vault.opening import Vault


@dataclass(frozen=True, slots=True)
class FindWishes:
    """What is looked for, where (patterns over streams; none means all), how many records at
    most, and whether what was found as a key is looked for as text, too."""

    what: str
    source: str | None = None
    streams: tuple[str, ...] = ()
    limit: int = 100
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class RecordStep:
    """What happened to a record up to one snapshot. `copies` is how many equal rows there are."""

    snapshot: str
    name: str
    as_of: datetime
    kind: StepKind
    columns: tuple[str, ...]
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None
    copies: int


@dataclass(frozen=True, slots=True)
class RecordLife:
    """One record. `found_as` says whether its key or a text in it was meant; `still_there`
    whether the newest snapshot has it."""

    source: str
    stream: str
    key: str | None
    found_as: str
    still_there: bool
    steps: tuple[RecordStep, ...]


@dataclass(frozen=True, slots=True)
class FindDone:
    """How far was looked. `limited` says that there may be more records than were given."""

    what: str
    records: int
    sources: int
    streams: int
    snapshots: int
    limited: bool
    seconds: float


def find_records(
    app: App, reach: Reach, wishes: FindWishes, tell: Callable[[RecordLife], None]
) -> FindDone:
    """Find records by key, else by text. Raises UsageError, IntegrityError, WrongKeyError,
    AuthError."""
    if not wishes.what:
        raise UsageError("Nothing was named to look for.")
    began = app.host.clock.monotonic()
    vault = app.vault(reach)
    pasts = [SourcePast(vault, name) for name in choose_sources(vault, wishes.source)]
    search = _Search(app, wishes, pasts)
    app.emit(StepStarted("looking for keys"))
    found = search.by_key(tell)
    app.emit(StepDone("looking for keys"))
    if wishes.everywhere or not found:
        app.emit(StepStarted("looking for text"))
        search.by_text(tell)
        app.emit(StepDone("looking for text"))
    return FindDone(
        what=wishes.what,
        records=len(search.told),
        sources=len(pasts),
        streams=len(search.streams),
        snapshots=sum(len(past.snapshots) for past in pasts),
        limited=search.left <= 0,
        seconds=round(app.host.clock.monotonic() - began, 3),
    )


class _Search:
    def __init__(self, app: App, wishes: FindWishes, pasts: list[SourcePast]) -> None:
        self._app = app
        self._wishes = wishes
        wanted = name_streams(wishes.streams)
        self.streams = [
            (past, name) for past in pasts for name in past.streams() if is_wanted(name, wanted, ())
        ]
        if wishes.streams and not self.streams:
            raise UsageError("No stream is named like that.", hint="`listbackup ls` names them.")
        self.told: set[tuple[str, str, str]] = set()

    @property
    def left(self) -> int:
        """How many records may still be told."""
        return self._wishes.limit - len(self.told) if self._wishes.limit else 2**31

    def by_key(self, tell: Callable[[RecordLife], None]) -> int:
        for finder in self._finders():
            self._tell(finder.find_key(self._wishes.what), "key", tell)
        return len(self.told)

    def by_text(self, tell: Callable[[RecordLife], None]) -> None:
        for finder in self._finders():
            most = min(self.left, 100_000) + len(self.told)
            self._tell(finder.find_text(self._wishes.what, most), "text", tell)

    def _finders(self) -> Iterator[Finder]:
        for past, name in self.streams:
            if self.left > 0:

                def heard(rows: int, size: int, name: str = name) -> None:
                    self._app.emit(Progressed(name, rows, size))

                yield Finder(past.timeline(name), heard)

    def _tell(self, lives: list[Life], found_as: str, tell: Callable[[RecordLife], None]) -> None:
        for one in lives:
            mark = (one.source, one.stream, one.key or repr(one.steps))
            if mark not in self.told and self.left > 0:
                self.told.add(mark)
                tell(_describe(one, found_as))


def _describe(life: Life, found_as: str) -> RecordLife:
    steps = tuple(map(_describe_step, life.steps))
    return RecordLife(
        life.source, life.stream, life.key, found_as, steps[-1].after is not None, steps
    )


def _describe_step(step: Step) -> RecordStep:
    commit = step.commit
    return RecordStep(
        commit.sync,
        commit.name,
        commit.end,
        step.kind,
        step.columns,
        step.before,
        step.after,
        step.copies,
    )


def choose_sources(vault: Vault, source: str | None) -> list[str]:
    """Give the named source, or all. Raises UsageError for one that is not there."""
    names = vault.sources()
    if source is None:
        return names
    if source not in names:
        raise UsageError(
            f"There is no source {source!r}.", hint=f"Sources: {', '.join(names) or 'none'}."
        )
    return [source]
