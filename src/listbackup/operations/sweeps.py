"""`sweep`: deletes what no snapshot needs any more, after a time of grace."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from listbackup.app import App, Reach
from listbackup.errors import BusyError, UsageError
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.vault.clocks import Ages, ask_store_time, find_most_gap, refuse_wrong_clock
from listbackup.vault.opening import Vault
from listbackup.vault.retention import read_span
from listbackup.vault.selection import choose_sources
from listbackup.vault.sweeping import Locked, Swept, sweep_leftovers, sweep_source

GRACE = "7d"
SHORT = timedelta(days=1)
"""Below that a backup that runs meanwhile may lose what it has put."""


@dataclass(frozen=True, slots=True)
class SweepWishes:
    """Of which source (None: of every one), and after how long. `dry_run` deletes nothing;
    `clock_ok` trusts the store's clock whatever speaks against it."""

    source: str | None = None
    grace: str = GRACE
    dry_run: bool = False
    clock_ok: bool = False


@dataclass(frozen=True, slots=True)
class SweptSource:
    """What was deleted of one source, of how many syncs; what `waits` is needed no more, but
    younger than the grace; `kept` is needed. Bytes as stored."""

    source: str
    objects: int
    bytes: int
    syncs: int
    waiting: int
    waiting_bytes: int
    kept: int
    kept_bytes: int
    held: tuple[str, ...]
    locked: tuple[Locked, ...]


@dataclass(frozen=True, slots=True)
class SweepDone:
    """What a sweep did, or with `dry_run` would do. `leftovers` are files of writes that never
    ended, in a vault that is a directory."""

    dry_run: bool
    store_time: datetime
    grace_hours: int
    sources: tuple[SweptSource, ...]
    leftovers: int
    leftover_bytes: int

    @property
    def objects(self) -> int:
        """Objects in all."""
        return sum(one.objects for one in self.sources)

    @property
    def bytes(self) -> int:
        """Stored bytes in all."""
        return self.leftover_bytes + sum(one.bytes for one in self.sources)


def sweep(app: App, reach: Reach, wishes: SweepWishes) -> SweepDone:
    """Delete what nothing needs.

    Raises UsageError, RefusedError when a clock is in doubt or this machine may not write,
    IntegrityError when something that must be read is damaged (then nothing of that source is
    deleted), BusyError, WrongKeyError, StoreError.
    """
    grace = read_grace(wishes.grace)
    vault = app.vault(reach)
    vault.signer()
    now = ask_store_time(vault)
    done = []
    for name in choose_sources(vault, wishes.source):
        app.emit(StepStarted("sweeping", name))
        with _alone(app, vault, name, grace):
            done.append(_tell(name, _sweep_one(vault, name, now, grace, wishes)))
        app.emit(StepDone("sweeping", name))
    leftovers, left = sweep_leftovers(vault.store, now, grace, dry_run=wishes.dry_run)
    hours = round(grace.total_seconds() / 3600)
    return SweepDone(wishes.dry_run, now, hours, tuple(done), leftovers, left)


def read_grace(text: str) -> timedelta:
    """Read a time of grace, in weeks, days and hours. Raises UsageError."""
    span = read_span(text)
    if span.months:
        raise UsageError("A time of grace is given in weeks, days and hours.", hint="Write 7d.")
    return timedelta(hours=span.hours)


def _sweep_one(
    vault: Vault, source: str, now: datetime, grace: timedelta, wishes: SweepWishes
) -> Swept:
    view = vault.source(source, whole=True)
    if not wishes.clock_ok:
        refuse_wrong_clock(vault, view, now)
    ages = Ages(view, now, None if wishes.clock_ok else find_most_gap(view))
    return sweep_source(vault, view, ages, grace, dry_run=wishes.dry_run)


@contextmanager
def _alone(app: App, vault: Vault, source: str, grace: timedelta) -> Iterator[None]:
    """Where the grace is too short to protect a running backup, keep those of this machine out."""
    if grace >= SHORT:
        yield
        return
    app.emit(
        Warned(
            "The grace is less than a day.",
            "A backup of this source that runs on another machine may lose what it has put.",
        )
    )
    try:
        with app.installation.lock(f"{vault.id}/backup-{vault.account.name}-{source}"):
            yield
    except BusyError as error:
        raise BusyError(
            "A backup of this source is running on this machine.",
            subject=source,
            risk="Nothing of it was deleted.",
            hint="Wait until it has ended, or give a grace of a day or more.",
        ) from error


def _tell(source: str, swept: Swept) -> SweptSource:
    return SweptSource(
        source=source,
        objects=swept.objects,
        bytes=swept.bytes,
        syncs=len(swept.syncs),
        waiting=swept.waiting,
        waiting_bytes=swept.waiting_bytes,
        kept=swept.kept,
        kept_bytes=swept.kept_bytes,
        held=tuple(swept.held),
        locked=tuple(swept.locked),
    )
