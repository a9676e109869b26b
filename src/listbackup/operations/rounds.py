"""Backups by the configuration file: one named source, or all of them, with their hooks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from listbackup.app import App, Reach
from listbackup.errors import (
    AuthError,
    BusyError,
    FailedError,
    IntegrityError,
    InterruptedByUser,
    ListbackupError,
    RateLimited,
    RefusedError,
    UsageError,
    VaultMissing,
    WrongKeyError,
    exit_code,
)
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.log import Redactor
from listbackup.operations.backups import (
    BackedUp,
    BackupPlan,
    BackupWishes,
    Manner,
    back_up,
    open_endpoint,
    plan_backup,
)
from listbackup.operations.hooks import Event, Outcome, run_hooks
from listbackup.operations.lanes import Halted, run_in_lanes
from listbackup.operations.policies import prune_after_backup, prunes_after_backup
from listbackup.operations.preferences import ReadingWishes, settle_reading

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration

PARTIAL = 3
MOST_PARALLEL = 16
_KINDS: Mapping[int, type[ListbackupError]] = {
    exit_code(kind.category): kind
    for kind in (
        FailedError,
        UsageError,
        AuthError,
        RefusedError,
        VaultMissing,
        BusyError,
        WrongKeyError,
        IntegrityError,
        RateLimited,
    )
}
Told = Callable[[BackedUp], None]


@dataclass(frozen=True, slots=True)
class RoundWishes:
    """What was typed beside the name of a source, or beside --all."""

    reading: ReadingWishes = field(default_factory=ReadingWishes)
    manner: Manner = field(default_factory=Manner)
    parallel: int = 1
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """How one source of a round ended. `exit_code` is that of a backup of it alone."""

    source: str
    status: Literal["complete", "partial", "failed"]
    exit_code: int
    snapshot: str | None
    name: str | None
    rows: int
    seconds: float
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class RoundDone:
    """Every source of a round, in the order of the file. `exit_code` is 0 where all are complete;
    what failed gives its own code where all that failed agree, else 1; 3 where nothing failed but
    something is partial."""

    sources: tuple[SourceEnded, ...]
    exit_code: int
    seconds: float

    @property
    def failed(self) -> int:
        """How many have no new snapshot."""
        return sum(one.status == "failed" for one in self.sources)

    @property
    def partial(self) -> int:
        """How many have a snapshot that lacks something."""
        return sum(one.status == "partial" for one in self.sources)


def is_named(words: str) -> bool:
    """Whether words mean a source of the file, not a URL."""
    return "://" not in words


def demand_configuration(app: App, reach: Reach, what: str) -> "Configuration":
    """Give the configuration file. Raises UsageError where there is none."""
    found = app.configuration(reach)
    if found is None:
        raise UsageError(
            f"{what}, but there is no configuration file.",
            hint="Give a URL (postgresql://user@host:5432/database), or write listbackup.yaml "
            "(docs/config.md) and name it with --config or LISTBACKUP_CONFIG.",
        )
    return found


def settle_wishes(app: App, reach: Reach, name: str, wishes: RoundWishes) -> BackupWishes:
    """Say what a named source of the file means. Raises UsageError."""
    found = demand_configuration(app, reach, f"{name!r} is no URL")
    said = found.source(name)
    reading = settle_reading(wishes.reading, app.environment, found, name)
    tags = wishes.tags if wishes.tags is not None else said.tags or ()
    manner = wishes.manner
    if manner.current is None:
        manner = replace(manner, current=said.current)
    return BackupWishes(said.url, name, reading, manner, said.password_file, tags)


def plan_named(app: App, reach: Reach, name: str, wishes: RoundWishes) -> BackupPlan:
    """Say what a backup of a named source would read. Raises what `plan_backup` raises."""
    return plan_backup(app, reach, settle_wishes(app, reach, name, wishes))


def back_up_named(
    app: App, reach: Reach, name: str, wishes: RoundWishes, halted: Halted = lambda: False
) -> BackedUp:
    """Back up a named source; its hooks are told. `halted` is asked now and then whether to end.
    Raises what `back_up` raises."""
    found = demand_configuration(app, reach, f"{name!r} is no URL")
    found.source(name)
    redactor = app.redactor
    vault = app.vault_url(reach) or ""
    start = Outcome("start", name, vault, unforeseen="it failed unforeseen")
    run_hooks(app, found, start, redactor)
    ended = replace(start, event="failure")
    try:
        meant = settle_wishes(app, reach, name, wishes)
        _learn_password(app, reach, meant, redactor)
        done = back_up(app, reach, replace(meant, halted=halted))
        if done.status == "complete" and prunes_after_backup(app, reach, name):
            done = replace(done, dropped=prune_after_backup(app, reach, name))
        event: Event = "success" if done.status == "complete" else "partial"
        ended = replace(start, event=event, done=done)
        return done
    except ListbackupError as error:
        ended = replace(ended, error=error)
        raise
    except KeyboardInterrupt:
        ended = replace(ended, error=InterruptedByUser("It was interrupted."))
        raise
    finally:
        run_hooks(app, found, ended, redactor)


def back_up_all(
    app: App, reach: Reach, wishes: RoundWishes, told: Told = lambda done: None
) -> RoundDone:
    """Back up every source of the file, in its order, at most `parallel` at once. One that fails
    is warned of at once and does not stop the others; `told` hears of each snapshot.

    Raises UsageError where the file is absent, wrong, or names no source.
    """
    if not 1 <= wishes.parallel <= MOST_PARALLEL:
        raise UsageError(f"--parallel is a number from 1 to {MOST_PARALLEL}.")
    names = name_sources(app, reach)
    began = app.host.clock.monotonic()
    ended = run_in_lanes(
        names,
        wishes.parallel,
        lambda name, halted: _end_one(app, reach, name, wishes, told, halted),
    )
    seconds = round(app.host.clock.monotonic() - began, 3)
    sources = tuple(ended[name] for name in names)
    return RoundDone(sources, judge(sources), seconds)


def name_sources(app: App, reach: Reach) -> list[str]:
    """Name the sources of the file, in its order. Raises UsageError where there are none."""
    found = demand_configuration(app, reach, "--all means the sources of the file")
    if not found.document.sources:
        raise UsageError(
            "The configuration file names no source.",
            subject=str(found.path),
            hint="Write one below `sources:`; see docs/config.md.",
        )
    return list(found.document.sources)


def judge(sources: tuple[SourceEnded, ...]) -> int:
    """Give the exit code of a round."""
    failed = {one.exit_code for one in sources if one.status == "failed"}
    if failed:
        return failed.pop() if len(failed) == 1 else 1
    return PARTIAL if any(one.status == "partial" for one in sources) else 0


def _end_one(
    app: App, reach: Reach, name: str, wishes: RoundWishes, told: Told, halted: Halted
) -> SourceEnded:
    app.emit(StepStarted("source", name))
    began = app.host.clock.monotonic()
    try:
        done = back_up_named(app, reach, name, wishes, halted)
    except ListbackupError as error:
        app.emit(Warned(f"{name} was NOT backed up: {error.message}", error.hint))
        seconds = round(app.host.clock.monotonic() - began, 3)
        code = exit_code(error.category)
        return SourceEnded(name, "failed", code, None, None, 0, seconds, error.message, error.hint)
    app.emit(StepDone("source", name))
    told(done)
    code = 0 if done.status == "complete" else PARTIAL
    return SourceEnded(
        name, done.status, code, done.snapshot, done.name, done.rows, done.seconds, "", ""
    )


def _learn_password(app: App, reach: Reach, meant: BackupWishes, redactor: Redactor) -> None:
    password = getattr(open_endpoint(app, reach, meant).address, "password", None)
    if password:
        redactor.learn(password)


def summarise_failures(done: RoundDone) -> ListbackupError | None:
    """Give the error that a round with failures ends with; None where nothing failed."""
    failed = [one for one in done.sources if one.status == "failed"]
    if not failed:
        return None
    names = ", ".join(one.source for one in failed)
    verb = "was" if len(failed) == 1 else "were"
    return _KINDS[done.exit_code](
        f"{len(failed)} of {len(done.sources)} sources {verb} not backed up.",
        subject=names,
        hint=failed[0].hint if len(failed) == 1 else "What to do about each is told above.",
    )
