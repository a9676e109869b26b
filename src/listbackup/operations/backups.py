"""`backup`: one sync of one source into a vault, or what it would do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from listbackup.app import App, Endpoint, Reach
from listbackup.connectors import ReadOptions
from listbackup.errors import BusyError, ListbackupError
from listbackup.events import Warned
from listbackup.history.publishing import Terms, publish, publishes
from listbackup.history.syncrecords import Told
from listbackup.operations.labels import label_snapshot
from listbackup.operations.naming import name_source
from listbackup.sync.engine import SyncOptions, SyncResult, run_sync
from listbackup.vault.labels import check_tag
from listbackup.vault.opening import Vault
from listbackup.vault.upkeep import keep_up
from listbackup.vault.writer import is_short

ASSUMED_RATE = 50_000_000
"""Plain bytes a second that an estimate of duration assumes."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What is accepted of a source that seems wrong, whether the typed view is made, whether
    each stream's whole state is published as one file (None: as the vault and the time allow), and
    whether all streams are listed whole where changes alone could be asked for."""

    accept_new_server: bool = False
    accept_deletes: bool = False
    view: bool = True
    current: bool | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class BackupWishes:
    """Which source, under which name, and how it is to be read. `source` is a URL, or None for the
    source of the configuration that has the name; `password_file` is what the configuration names
    for a URL; the environment's wins over it."""

    source: str | None = field(repr=False)
    name: str | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    manner: Manner = field(default_factory=Manner)
    password_file: Path | None = None
    tags: tuple[str, ...] = ()
    halted: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class NotRead:
    """A stream that should have been read and was not."""

    name: str
    rows: int
    carried_from: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A snapshot that was committed: rows it holds, those that are new and those that went since
    the one before; bytes that were read, and that were stored. `anew` says which streams had to be
    written anew, and why; `declared` names what by nature is not exact; `dropped` says how many
    older snapshots a prune right after it dropped, None where there was no prune."""

    source: str
    snapshot: str
    name: str
    number: int
    status: Literal["complete", "partial"]
    as_of: datetime
    streams: int
    rows: int
    new_rows: int
    gone_rows: int
    bytes: int
    stored_bytes: int
    seconds: float
    first: bool
    anew: tuple[str, ...]
    not_read: tuple[NotRead, ...]
    reasons: tuple[str, ...]
    declared: tuple[str, ...]
    tags: tuple[str, ...] = ()
    dropped: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One stream that would be read: about so many rows and bytes."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What a backup would read now. Rows, bytes and seconds are estimates."""

    source: str
    address: str
    version: str
    streams: tuple[PlannedRead, ...]
    excluded: tuple[str, ...]
    not_read: tuple[NotRead, ...]
    declared: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> int:
        """About so many rows in all."""
        return sum(one.rows for one in self.streams)

    @property
    def bytes(self) -> int:
        """About so many plain bytes in all."""
        return sum(one.bytes for one in self.streams)

    @property
    def seconds(self) -> float:
        """About so long, at 50 MB a second."""
        return round(self.bytes / ASSUMED_RATE, 1)


def back_up(app: App, reach: Reach, wishes: BackupWishes) -> BackedUp:
    """Read a source whole and commit a snapshot of it.

    Raises UsageError, AuthError, SourceError, BusyError when another backup of it runs or won,
    RefusedError when it is another database than before, and what opening a vault raises.
    """
    for tag in wishes.tags:
        check_tag(tag)
    endpoint = open_endpoint(app, reach, wishes)
    name = name_source(endpoint, wishes.name)
    began = app.host.clock.monotonic()
    vault = app.vault(reach)
    source = app.source(endpoint, replace(wishes.reading, full=wishes.manner.full))
    options = _settle(wishes)
    try:
        with app.installation.lock(f"{vault.id}/backup-{vault.account.name}-{name}"):
            _refuse_unable(vault)
            first = name not in vault.account.sources
            result = run_sync(source, vault, name, options)
            _keep_up(app, reach, name)
            taken = app.host.clock.monotonic() - began
            _publish(app, reach, name, result, Terms(taken, wishes.manner.current))
    except BusyError as error:
        raise _explain_busy(error, name) from error
    done = _summarise(name, result, taken, first)
    return _label(app, reach, done, wishes.tags)


def _settle(wishes: BackupWishes) -> SyncOptions:
    manner = wishes.manner
    options = SyncOptions(
        wishes.reading.jobs,
        manner.accept_new_server,
        accept_deletes=manner.accept_deletes,
        halted=wishes.halted,
    )
    return options if manner.view else replace(options, typed_from=None)


def open_endpoint(app: App, reach: Reach, wishes: BackupWishes) -> Endpoint:
    """Understand which source is meant. Raises UsageError, AuthError."""
    if wishes.source is None:
        return app.named_endpoint(reach, wishes.name or "")
    return app.endpoint(wishes.source, wishes.password_file)


def plan_backup(app: App, reach: Reach, wishes: BackupWishes) -> BackupPlan:
    """Say what a backup would read: the source is looked at, nothing is locked or copied. Of the
    vault only what opens a platform is asked for.

    Raises UsageError, AuthError, SourceError.
    """
    endpoint = open_endpoint(app, reach, wishes)
    name = name_source(endpoint, wishes.name)
    found = app.inspect(endpoint, wishes.reading)
    return BackupPlan(
        source=name,
        address=found.url,
        version=found.identity.version,
        streams=tuple(PlannedRead(one.name, one.rows, one.bytes) for one in found.streams),
        excluded=found.excluded,
        not_read=tuple(NotRead(one.name, 0, None, one.reason) for one in found.unread),
        declared=tuple(f"{one.subject}: {one.what} ({one.reason})" for one in found.declared),
        warnings=found.warnings,
    )


def _refuse_unable(vault: Vault) -> None:
    """Find out before the source is locked that nothing could be written."""
    vault.signer()
    if vault.account.encryption == "sealed":
        vault.keyring.account_key()


def _keep_up(app: App, reach: Reach, name: str) -> None:
    # The snapshot is acknowledged already: whatever fails here is done by the next run.
    try:
        keep_up(app.vault(reach), name)
    except ListbackupError as error:
        app.emit(Warned(f"The ledger's upkeep was put off: {error.message}"))


def _publish(app: App, reach: Reach, name: str, result: SyncResult, terms: Terms) -> None:
    # The snapshot is acknowledged already, and needs nothing of this.
    told = Told(result.commit.number, result.new_rows, result.gone_rows)
    try:
        vault = app.vault(reach)
        if terms.current and not publishes(vault):
            app.emit(
                Warned(
                    "No files of the current state are made in a sealed vault.",
                    "Nobody else could open them; `listbackup export` writes plain ones elsewhere.",
                )
            )
        large = publish(vault, name, told, terms)
    except ListbackupError as error:
        hint = "`listbackup check --repair-derived` makes it again, or the next backup."
        app.emit(Warned(f"Not all could be published beside it: {error.message}", hint))
        return
    if terms.current and large:
        listed = ", ".join(large[:3]) + (", ..." if len(large) > 3 else "")
        hint = "`listbackup export` writes them."
        app.emit(Warned(f"Too large for a file of the current state: {listed}.", hint))


def _label(app: App, reach: Reach, done: BackedUp, tags: tuple[str, ...]) -> BackedUp:
    # The snapshot is acknowledged already: it stays, with or without its tags.
    if not tags:
        return done
    try:
        said = label_snapshot(app, reach, f"{done.source}:{done.snapshot}", tags)
    except ListbackupError as error:
        app.emit(Warned(f"The tags were not written: {error.message}", error.hint))
        return done
    return replace(done, tags=said.tags)


def _explain_busy(error: BusyError, name: str) -> BusyError:
    if error.subject == name:
        return error
    return BusyError(
        "Another backup of this source is running on this machine.",
        subject=name,
        risk="Nothing was read or written by this one.",
    )


def _summarise(name: str, result: SyncResult, seconds: float, first: bool) -> BackedUp:
    commit = result.commit
    return BackedUp(
        source=name,
        snapshot=commit.sync,
        name=commit.name,
        number=commit.number,
        status="complete" if commit.status == "complete" else "partial",
        as_of=commit.end,
        streams=len(result.streams),
        rows=result.rows,
        new_rows=result.new_rows,
        gone_rows=result.gone_rows,
        bytes=result.plain_bytes,
        stored_bytes=result.stored_bytes,
        seconds=round(seconds, 3),
        first=first,
        anew=tuple(f"{stream}: {why}" for stream, why in sorted(result.anew.items())),
        not_read=tuple(
            NotRead(one.name, one.rows, one.carried_from, one.reason)
            for one in result.streams
            if is_short(one)
        ),
        reasons=tuple(result.reasons),
        declared=tuple(result.declared),
    )
