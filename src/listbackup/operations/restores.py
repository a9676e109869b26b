"""`restore`: a snapshot written into a database and proven, or only the plan, or only compared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.app import App, Endpoint, Reach
from listbackup.connectors import REST, ReadOptions
from listbackup.errors import UsageError
from listbackup.records.restoring import Comparison, RestoreOptions, RestorePlan
from listbackup.recovery.restoring import compare_with_source, plan_restore, restore
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import Choice, choose_snapshot


@dataclass(frozen=True, slots=True)
class RestoreWishes:
    """Which snapshot, into what, and how."""

    snapshot: str
    target: str = field(repr=False)
    options: RestoreOptions = field(default_factory=RestoreOptions)


@dataclass(frozen=True, slots=True)
class PlannedRestore:
    """What a restore would write. `meant` says how the words that chose the snapshot were read."""

    snapshot: str
    meant: str
    plan: RestorePlan


Announce = Callable[[PlannedRestore], None]
"""Is told the plan before anything is written."""


def _keep_silent(planned: PlannedRestore) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that ended well: `proven` means that what was written was read again and is
    equal to what the snapshot holds."""

    source: str
    snapshot: str
    name: str
    meant: str
    as_of: datetime
    target: str
    container: str
    created: bool
    proven: bool
    streams: int
    rows: int
    bytes: int
    seconds: float
    comparison: Comparison
    left_out: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A source as it is now beside a snapshot; nothing was written."""

    source: str
    snapshot: str
    name: str
    meant: str
    target: str
    comparison: Comparison


def restore_snapshot(
    app: App, reach: Reach, wishes: RestoreWishes, announce: Announce = _keep_silent
) -> Restored:
    """Write a snapshot into a destination and prove it.

    Raises UsageError, RefusedError before anything is written; RestoreError, AuthError,
    IntegrityError after: then what was created is removed again unless it is to be kept.
    """
    began = app.host.clock.monotonic()
    endpoint, choice, snapshot = _open(app, reach, wishes)
    app.warn_of_password(endpoint)
    destination = app.destination(endpoint)

    def tell(plan: RestorePlan) -> None:
        announce(PlannedRestore(snapshot.id, choice.reading, plan))

    result = restore(snapshot, destination, wishes.options, app.emit, announce=tell)
    return Restored(
        source=snapshot.source,
        snapshot=snapshot.id,
        name=snapshot.name,
        meant=choice.reading,
        as_of=choice.commit.end,
        target=result.plan.target,
        container=result.plan.container,
        created=result.plan.creates,
        proven=result.proven,
        streams=len(result.plan.streams),
        rows=result.comparison.rows,
        bytes=result.plan.bytes,
        seconds=round(app.host.clock.monotonic() - began, 3),
        comparison=result.comparison,
        left_out=result.plan.left_out,
        notices=result.plan.notices,
    )


def plan_only(app: App, reach: Reach, wishes: RestoreWishes) -> PlannedRestore:
    """Say what a restore would write, and what stands in its way; writes nothing."""
    endpoint, choice, snapshot = _open(app, reach, wishes)
    app.warn_of_password(endpoint)
    plan = plan_restore(snapshot, app.destination(endpoint), wishes.options)
    return PlannedRestore(snapshot.id, choice.reading, plan)


def compare_only(app: App, reach: Reach, wishes: RestoreWishes) -> Compared:
    """Compare what is at the target now with the snapshot; writes nothing. Raises SourceError."""
    endpoint, choice, snapshot = _open(app, reach, wishes)
    options = wishes.options
    reading = ReadOptions(include=options.include, exclude=options.exclude, jobs=options.jobs)
    source = app.source(endpoint, reading)
    comparison = compare_with_source(snapshot, source, options, app.emit)
    return Compared(
        snapshot.source, snapshot.id, snapshot.name, choice.reading, endpoint.shown, comparison
    )


def _open(app: App, reach: Reach, wishes: RestoreWishes) -> tuple[Endpoint, Choice, Snapshot]:
    named = "://" not in wishes.target and app.configuration(reach) is not None
    endpoint = app.named_endpoint(reach, wishes.target) if named else app.endpoint(wishes.target)
    vault = app.vault(reach)
    choice = choose_snapshot(vault, wishes.snapshot, allow_partial=wishes.options.allow_partial)
    snapshot = open_snapshot(vault, choice.commit, choice.view.name)
    if endpoint.connector is not REST and endpoint.connector.engine != snapshot.identity.engine:
        raise UsageError(
            f"A snapshot of {snapshot.identity.engine} cannot be written into "
            f"{endpoint.connector.engine}.",
            subject=endpoint.shown,
            hint="`listbackup export` writes its records into files for other tools.",
        )
    return endpoint, choice, snapshot
