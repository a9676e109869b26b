"""Sweeping: deleting the objects of a source that nothing needs any more, after a time of grace.

What is needed is computed from the ledger each time: all that live snapshots reach, all that those
reach which a prune dropped less than the grace ago, and all that held ones reach. Of the rest an
object goes when it is older than the grace itself, and in a directory without commit when the
newest object of that sync is: a running sync is younger. Manifests go before what they name, newest
snapshot first, so that no manifest ever names what a sweep took. A sweep that was killed is run
again. Knows nothing of the rules by which snapshots were dropped, nor of clocks (`clocks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from listbackup.errors import AuthError, IntegrityError, ObjectMissing, RefusedError, StoreError
from listbackup.objectstore import ObjectInfo, ObjectStore
from listbackup.objectstore.passing import find_leaving
from listbackup.vault import layout
from listbackup.vault.clocks import Ages
from listbackup.vault.holds import HOLD, Hold, read_hold, read_hold_at
from listbackup.vault.needs import Needs
from listbackup.vault.opening import Vault
from listbackup.vault.pruning import refuse_damaged
from listbackup.vault.sources import Committed, SourceView

MANIFEST = "manifest.json"
_MOST_VERSIONS = 100


@dataclass(frozen=True, slots=True)
class Locked:
    """An object that may go, but that the store keeps; `until` None is unknown."""

    key: str
    bytes: int
    until: datetime | None


@dataclass(slots=True)
class Swept:
    """What a sweep deleted, or would delete, and what it left alone: `kept` is needed by live or
    held snapshots, `waiting` by none, but younger than the grace. Sizes in stored bytes."""

    objects: int = 0
    bytes: int = 0
    syncs: list[str] = field(default_factory=list)
    waiting: int = 0
    waiting_bytes: int = 0
    held: list[str] = field(default_factory=list)
    locked: list[Locked] = field(default_factory=list)
    kept: int = 0
    kept_bytes: int = 0


@dataclass(slots=True)
class _Sync:
    """What the store has of one sync, in its directory and of its typed views."""

    id: str
    home: str = ""
    found: list[ObjectInfo] = field(default_factory=list)

    def newest(self, store: ObjectStore) -> datetime:
        """Give the time of the newest object; the directory is looked at anew, because a running
        sync that adopts from it has put a journal there."""
        again = list(store.list(self.home)) if self.home else []
        return max(one.modified for one in [*self.found, *again])


def sweep_source(
    vault: Vault, view: SourceView, ages: Ages, grace: timedelta, *, dry_run: bool = False
) -> Swept:
    """Delete what may go of a source whose ledger was read whole; `dry_run` only says what would.

    Raises IntegrityError when the ledger, or what a live snapshot needs to tell what it needs, is
    damaged: then nothing is deleted. Raises StoreError, WrongKeyError, AuthError.
    """
    vault.refuse_contradictions()
    refuse_damaged(view)
    sweep = _Sweep(vault, view, ages, grace)
    for sync, objects in sweep.choose():
        if not dry_run and sync.id in sweep.uncommitted and not sweep.is_idle(sync):
            continue
        sweep.swept.syncs.append(sync.id)
        for info in objects:
            if dry_run or sweep.delete(info):
                sweep.swept.objects += 1
                sweep.swept.bytes += info.size
    if sweep.swept.objects and not dry_run:
        vault.store.barrier()
    return sweep.swept


def sweep_leftovers(
    store: ObjectStore, now: datetime, grace: timedelta, *, dry_run: bool = False
) -> tuple[int, int]:
    """Remove what writes that never ended left in a directory; give their number and bytes."""
    leaving = find_leaving(store)
    if leaving is None:
        return 0, 0
    old = [one for one in leaving.list_leftovers() if now - one.modified > grace]
    for one in old:
        if not dry_run:
            leaving.remove_leftover(one.key)
    return len(old), sum(one.size for one in old)


class _Sweep:
    def __init__(self, vault: Vault, view: SourceView, ages: Ages, grace: timedelta) -> None:
        self.swept = Swept()
        self._store = vault.store
        self._view = view
        self._ages = ages
        self._grace = grace
        self._now = ages.now
        self._before = ages.before(grace)
        self._needs = Needs(vault.objects, vault.host.clock, view.name)
        self._syncs = _list_syncs(vault.store, vault.account.name, view.name)
        committed = {one.sync for one in view.commits.values()}
        committed |= {one.commit.sync for one in view.dropped.values()}
        self.uncommitted = self._syncs.keys() - committed

    def choose(self) -> list[tuple[_Sync, list[ObjectInfo]]]:
        """Give what may go, newest sync first (ids begin with the time), manifests first."""
        lasting, passing = self._choose_roots()
        kept = self._find_needed(lasting)
        needed = kept | self._find_needed(passing)
        going = []
        for sync in sorted(self._syncs.values(), key=lambda one: one.id, reverse=True):
            unneeded = [one for one in sync.found if one.key not in needed]
            old = [one for one in unneeded if one.modified < self._before]
            if sync.id in self.swept.held or (
                old and sync.id in self.uncommitted and not self.is_idle(sync)
            ):
                old = []
            self._count(sync.found, [one for one in sync.found if one.key not in kept], old)
            if old:
                going.append((sync, sorted(old, key=_manifest_first)))
        return going

    def is_idle(self, sync: _Sync) -> bool:
        """Tell whether nothing was put into a sync's directory for the time of grace."""
        return sync.newest(self._store) < self._before

    def delete(self, info: ObjectInfo) -> bool:
        """Delete an object, every version of it where there are some; False where it stays."""
        if not self._store.features.versions:
            self._store.delete(info.key)
            return True
        until: datetime | None = None
        try:
            for _ in range(_MOST_VERSIONS):
                found = self._store.head(info.key)
                until = found.retain_until
                if until is not None and until > self._now:
                    break
                self._store.delete(info.key, version=found.version)
        except ObjectMissing:
            return True
        except (RefusedError, AuthError, StoreError) as error:
            if error.retryable:
                raise
        self.swept.locked.append(Locked(info.key, info.size, until))
        return False

    def _choose_roots(self) -> tuple[list[Committed], list[Committed]]:
        """Give the snapshots whose needs stay: live or held; and dropped a short while ago."""
        lasting = list(self._view.commits.values())
        passing: list[Committed] = []
        for one in self._view.dropped.values():
            young = self._ages.since(one.by) < self._grace
            sync = self._syncs.get(one.commit.sync)
            held = sync is not None and self._is_held(read_hold(self._store, one.commit))
            if held:
                self.swept.held.append(one.commit.sync)
            if (young or held) and self._exists(one.commit):
                (lasting if held else passing).append(one.commit)
        for name in self.uncommitted:
            home = self._syncs[name].home
            if home and self._is_held(read_hold_at(self._store, home + HOLD)):
                self.swept.held.append(name)
        return lasting, passing

    def _is_held(self, hold: Hold | None) -> bool:
        return hold is not None and hold.holds(self._now)

    def _exists(self, commit: Committed) -> bool:
        """Tell whether a manifest is still there: it goes first, so what is left is garbage."""
        try:
            self._store.head(layout.place(commit.manifest.key, commit.manifest.form == "sealed"))
        except ObjectMissing:
            return False
        return True

    def _find_needed(self, commits: Sequence[Committed]) -> frozenset[str]:
        needs = self._needs
        needs.read(commits)
        needed: set[str] = set()
        for commit in commits:
            try:
                needed |= needs.objects(commit)
            except IntegrityError as error:
                raise IntegrityError(
                    f"What snapshot {commit.name} needs cannot be told: {error.message} "
                    "Nothing was deleted.",
                    subject=self._view.name,
                    hint="`listbackup check` names what is damaged; once the snapshot is dropped "
                    "and the grace is over, sweeping goes on.",
                ) from error
        return frozenset(needed)

    def _count(
        self, found: list[ObjectInfo], passing: list[ObjectInfo], going: list[ObjectInfo]
    ) -> None:
        swept, stays = self.swept, sum(one.size for one in passing)
        swept.kept += len(found) - len(passing)
        swept.kept_bytes += sum(one.size for one in found) - stays
        swept.waiting += len(passing) - len(going)
        swept.waiting_bytes += stays - sum(one.size for one in going)


def _list_syncs(store: ObjectStore, account: str, source: str) -> dict[str, _Sync]:
    """Find what the store has of each sync. What belongs to none is left alone."""
    prefix = layout.source_prefix(account, source)
    syncs: dict[str, _Sync] = {}
    for part in ("raw", "processed"):
        for info in store.list(layout.place(f"{prefix}{part}/")):
            key = info.key.removeprefix(layout.place("")).removesuffix(layout.SEALED_SUFFIX)
            steps = key.split("/")
            if part == "processed" and steps[9:10] != ["history"]:
                continue
            try:
                name = layout.sync_of(key)
            except IntegrityError:
                continue
            sync = syncs.setdefault(name, _Sync(name))
            if part == "raw":
                sync.home = layout.place("/".join(steps[:9]) + "/")
            if part == "processed" or steps[9:] != [HOLD]:
                sync.found.append(info)
    return syncs


def _manifest_first(info: ObjectInfo) -> tuple[bool, str]:
    name = info.key.rpartition("/")[2].removesuffix(layout.SEALED_SUFFIX)
    return name != MANIFEST, info.key
