"""A sweep deletes what nothing needs, after its grace, and never anything else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.errors import IntegrityError, RefusedError
from listbackup.objectstore import ObjectInfo, ObjectStore
from listbackup.objectstore.passing import PassingStore, without_retries
from listbackup.testing.readings import ListedSource
from listbackup.testing.scripted import ScriptedStore
from listbackup.vault.accounts import Encryption
from listbackup.vault.beginning import begin_sync
from listbackup.vault.clocks import ask_store_time
from listbackup.vault.holds import Hold, put_hold
from listbackup.vault.layout import place
from listbackup.vault.sources import Committed
from tests.vault.days import SHOP, Days, rows

FORMS: tuple[Encryption, ...] = ("sealed", "none")
BOTH = pytest.mark.parametrize("days", FORMS, indirect=True)
SAME = rows(4)
"""What the last day shows; later days show the same, so that they add next to nothing."""


class Told(PassingStore):
    """A store that remembers what was deleted, and stops after so many deletes."""

    def __init__(self, store: ObjectStore, deleted: list[str], most: int = 10**6) -> None:
        super().__init__(store)
        self._deleted = deleted
        self._most = most

    def without_retries(self) -> ObjectStore:
        """Give the store inside without retries."""
        return without_retries(self.inside)

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete, and remember it."""
        if SHOP in key:
            if len(self._deleted) == self._most:
                raise KeyboardInterrupt
            self._deleted.append(key)
        super().delete(key, version=version)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[Encryption, Days]:
    found: dict[Encryption, Days] = {}
    for encryption in FORMS:
        days = found[encryption] = Days(tmp_path_factory.mktemp(encryption), encryption)
        for day in range(5):
            days.back_up(rows(day))
        days.prune(last=2)
    return found


@pytest.fixture
def days(request: pytest.FixtureRequest, kept: dict[Encryption, Days], tmp_path: Path) -> Days:
    """Five daily snapshots, numbers 2 to 6, of which the first three were just dropped."""
    return kept[getattr(request, "param", "none")].copy(tmp_path)


def dropped(days: Days) -> list[Committed]:
    return [days.view().dropped[number].commit for number in (2, 3, 4)]


def garbage(days: Days, *names: str) -> tuple[str, set[str]]:
    """Put objects of a sync that never commits; give its id and their keys."""
    writer = begin_sync(days.trial().open(), "shop")
    writer.close()
    keys = {place(writer.prefix + name) for name in names}
    for key in keys:
        days.store().put(key, b"garbage", tag="data")
    return writer.sync, keys


def touch(days: Days, key: str) -> None:
    days.store().put(key, b"young", tag="meta")


# ----------------------------------------------------------------------------------- what it takes


@BOTH
def test_dropped_snapshots_go_when_the_grace_is_over_and_not_before(days: Days) -> None:
    before = {one.sync: days.of(one.sync) for one in dropped(days)}
    days.pass_grace(SAME, 6)
    swept = days.sweep()
    assert (swept.objects, swept.waiting > 0) == (0, True)
    assert all(days.of(sync) == keys for sync, keys in before.items())
    days.back_up(SAME)
    swept = days.sweep()
    assert swept.objects > 0
    assert swept.syncs == [one.sync for one in reversed(dropped(days))]
    for sync, keys in before.items():
        assert days.of(sync) < keys
        assert not any("manifest.json" in key for key in days.of(sync))
    days.assert_whole()
    assert days.sweep().objects == 0


def test_what_a_later_snapshot_shares_stays(days: Days) -> None:
    first = dropped(days)[0]
    days.pass_grace(SAME)
    days.sweep()
    assert days.of(first.sync), "its batches of the stream that never changed are still needed"
    days.assert_whole()


def test_a_dry_run_tells_the_same_and_deletes_nothing(days: Days) -> None:
    days.pass_grace(SAME)
    before = days.names("")
    told = days.sweep(dry_run=True)
    assert days.names("") == before
    assert days.sweep() == told
    assert sum(info.size for info in days.store().list(SHOP)) > 0
    assert len(days.names("")) == len(before) - told.objects


@BOTH
def test_manifests_go_first_newest_snapshot_first(days: Days) -> None:
    for one in dropped(days):
        touch(days, place(one.manifest.key.replace("manifest.json", "a/batch-001.json.gz")))
    days.pass_grace(SAME)
    deleted: list[str] = []
    days.sweep(trial=days.trial(wrap=lambda store: Told(store, deleted)))
    places = {one.sync: n for n, one in enumerate(reversed(dropped(days)))}
    order = [next(n for sync, n in places.items() if sync in key) for key in deleted]
    assert order == sorted(order)
    firsts = [key for n, key in enumerate(deleted) if n == 0 or order[n] != order[n - 1]]
    assert len(firsts) == 3 < len(deleted)
    assert all("manifest.json" in key for key in firsts)


def test_no_version_and_no_marker_is_left(days: Days) -> None:
    days.pass_grace(SAME)
    key = next(key for key in days.of(dropped(days)[2].sync) if "manifest" in key)
    days.store().put(key, b"again", tag="meta", replace=True)
    days.sweep()
    days.pass_grace(SAME, 8)
    days.sweep()
    assert key not in days.shelf.objects


def test_a_killed_sweep_is_run_again(days: Days) -> None:
    days.pass_grace(SAME)
    whole = days.sweep(dry_run=True)
    for _ in range(whole.objects):
        deleted: list[str] = []
        trial = days.trial(wrap=lambda store, deleted=deleted: Told(store, deleted, 1))  # type: ignore[misc]
        try:
            days.sweep(trial=trial)
        except KeyboardInterrupt:
            assert days.trial().check("data").findings == []
            continue
        break
    assert days.sweep().objects == 0
    days.assert_whole()


def test_ledgers_keys_and_other_sources_are_never_touched(days: Days) -> None:
    days.trial().sync(ListedSource({"a": [["1"]]}), "crm")
    days.pass_grace(SAME)
    kept = {key for key in days.names("") if "/sources/shop/raw/" not in key}
    foreign = [f"{SHOP}raw/notes.txt", f"{SHOP}processed/2026/11/01/a/current/a-latest.parquet"]
    for key in foreign:
        touch(days, key)
    days.sweep(grace=timedelta(0), clock_ok=True)
    after = days.names("")
    assert kept <= after
    assert after.issuperset(foreign)


# --------------------------------------------------------------------- backups that never committed


@BOTH
def test_a_dead_attempt_goes_whole_when_its_newest_object_is_old(days: Days) -> None:
    sync, keys = garbage(days, "pack-001.bin", "a/batch-001.json.gz", "journal-001.json")
    part = f"{SHOP}processed/2026/11/07/a/history/20261107-120000-{sync}-a.parquet"
    touch(days, part)
    days.pass_grace(SAME, 6)
    assert days.sweep().objects == 0
    days.pass_grace(SAME, 2)
    assert keys | {part} <= days.names()
    days.sweep()
    assert days.names().isdisjoint(keys | {part})


def test_a_journal_keeps_a_running_sync_however_old_its_batches_are(days: Days) -> None:
    sync, keys = garbage(days, "a/batch-001.json.gz")
    part = f"{SHOP}processed/2026/11/07/a/history/20261107-120000-{sync}-a.parquet"
    touch(days, part)
    days.pass_grace(SAME)
    touch(days, next(iter(keys)).replace("a/batch-001.json.gz", "journal-002.json"))
    swept = days.sweep()
    assert sync not in swept.syncs
    assert keys | {part} <= days.names()


def test_a_journal_that_is_put_while_the_sweep_runs_is_seen(days: Days) -> None:
    sync, keys = garbage(days, "a/batch-001.json.gz")
    days.pass_grace(SAME)
    journal = next(iter(keys)).replace("a/batch-001.json.gz", "journal-002.json")

    looks: list[str] = []

    class Adopted(PassingStore):
        def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
            if sync in prefix:
                looks.append(prefix)
                if len(looks) == 2:
                    touch(days, journal)
            return super().list(prefix)

    swept = days.sweep(trial=days.trial(wrap=lambda store: Adopted(store)))
    assert len(looks) == 2
    assert sync not in swept.syncs
    assert keys <= days.names()


def test_what_a_live_sync_left_beside_its_snapshot_goes_alone(days: Days) -> None:
    newest = days.view().newest()
    assert newest is not None
    home = place(newest.manifest.key.removesuffix("manifest.json"))
    days.pass_grace(SAME)
    days.sweep()
    touch(days, home + "journal-009.json")
    days.pass_grace(SAME, 6)
    assert days.sweep().waiting == 1
    assert home + "journal-009.json" in days.names()
    days.pass_grace(SAME, 3)
    days.sweep()
    assert home + "journal-009.json" not in days.names()
    days.assert_whole()


# ------------------------------------------------------------------------------------ what protects


@BOTH
def test_a_hold_keeps_all_that_a_dropped_snapshot_needs(days: Days) -> None:
    first = dropped(days)[0]
    put_hold(days.store(), first, Hold(days.now(), days.now() + timedelta(days=12), "restoring"))
    before = days.of(first.sync)
    days.pass_grace(SAME, 10)
    swept = days.sweep()
    assert swept.held == [first.sync]
    assert days.of(first.sync) == before
    assert len(swept.syncs) == 2
    days.pass_grace(SAME, 3)
    assert days.sweep().syncs == [first.sync]


def test_a_hold_keeps_a_dead_attempt(days: Days) -> None:
    sync, keys = garbage(days, "a/batch-001.json.gz")
    hold = next(iter(keys)).replace("a/batch-001.json.gz", "hold")
    days.store().put(hold, b"whatever", tag="meta")
    days.pass_grace(SAME)
    assert days.sweep().held == [sync]
    assert keys | {hold} <= days.names()


def test_what_a_listing_hides_protects_all_the_same(days: Days) -> None:
    hidden = [place(one.manifest.key, days.encryption == "sealed") for one in dropped(days)]
    before = days.names()

    def hide(store: ObjectStore) -> ObjectStore:
        scripted = ScriptedStore(store)
        scripted.unlist(*hidden)
        return scripted

    assert days.sweep(grace=timedelta(hours=1), trial=days.trial(wrap=hide)).objects == 0
    assert days.names() == before


def test_locked_objects_stay_and_are_listed_with_their_dates(tmp_path: Path) -> None:
    days = Days(tmp_path, "none", object_lock=True)
    for day in range(3):
        days.back_up({"new": rows(day)["new"]})
    key = next(key for key in days.of(days.view().commits[2].sync) if "manifest" in key)
    body, until = days.store().get(key), days.now() + timedelta(days=11)
    days.store().put(key, body, tag="data", replace=True, retain_until=until)
    days.prune(last=1)
    days.pass_grace(SAME)
    swept = days.sweep()
    assert [(one.key, one.bytes, one.until) for one in swept.locked] == [(key, len(body), until)]
    assert days.store().get(key) == body
    assert swept.objects > 0
    days.pass_grace(SAME, 3)
    assert days.sweep().locked == []
    assert key not in days.names()


# ---------------------------------------------------------------------------------- what it refuses


@BOTH
def test_nothing_is_deleted_while_a_live_manifest_cannot_be_read(days: Days) -> None:
    live = days.view().commits[5]
    days.pass_grace(SAME)
    key = place(live.manifest.key, days.encryption == "sealed")
    days.store().put(key, b"damaged", tag="meta", replace=True)
    before = days.names()
    with pytest.raises(IntegrityError, match="Nothing was deleted"):
        days.sweep()
    assert days.names() == before
    days.prune(last=1)
    days.pass_grace(SAME)
    days.sweep()
    assert key not in days.names()


def test_nothing_is_deleted_when_a_commit_of_the_ledger_is_lost(days: Days) -> None:
    days.pass_grace(SAME)
    key = f"{SHOP}ledger/000000000005.json"
    days.store().put(key, b"{}", tag="meta", replace=True)
    before = days.names()
    with pytest.raises(IntegrityError):
        days.sweep()
    assert days.names() == before


def test_nothing_is_deleted_from_a_vault_that_was_rolled_back(days: Days) -> None:
    days.pass_grace(SAME)
    head = days.view().loaded.head
    days.store().delete(f"{SHOP}ledger/{head:012}.json")
    before = days.names()
    with pytest.raises(IntegrityError, match="rolled back"):
        days.sweep()
    assert days.names() == before


# ------------------------------------------------------------------------------------------- clocks


def test_a_sweep_long_after_the_last_backup_wants_to_be_told_that_the_clock_is_right(
    days: Days,
) -> None:
    days.wait(30)
    with pytest.raises(RefusedError, match="after the newest signed entry"):
        days.sweep()
    assert days.sweep(clock_ok=True).objects > 0
    days.assert_whole()


@pytest.mark.parametrize("skew", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_store_whose_clock_is_not_the_machines_is_refused(days: Days, skew: timedelta) -> None:
    class Skewed(PassingStore):
        def head(self, key: str) -> ObjectInfo:
            found = super().head(key)
            return replace(found, modified=found.modified + skew)

    days.pass_grace(SAME)
    with pytest.raises(RefusedError, match=r"differ by 2\.0 hours"):
        days.sweep(trial=days.trial(wrap=lambda store: Skewed(store)))


@pytest.mark.parametrize("years", [-20, -3, 3, 20])
def test_a_clock_that_steps_by_years_deletes_nothing_early(days: Days, years: int) -> None:
    garbage(days, "a/batch-001.json.gz")
    before = days.names(SHOP + "raw/")
    days.wait(365 * years)
    with pytest.raises(RefusedError):
        days.sweep()
    # the machine goes on in the wrong time, and so do its signed entries
    for day in range(3):
        days.back_up(rows(day), after=0.5)
    days.prune(last=2, clock_ok=True)
    if years > 0:
        assert days.sweep().objects == 0
    else:
        with pytest.raises(RefusedError):
            days.sweep()
    # and back again
    days.wait(-365 * years)
    for day in range(3):
        days.back_up(rows(day), after=0.5)
    days.prune(last=2, clock_ok=True)
    for _ in range(2):
        try:
            assert days.sweep().objects == 0
        except RefusedError:
            assert years > 0
    assert before <= days.names(SHOP + "raw/")
    days.assert_whole()


def test_the_probe_for_the_time_leaves_nothing(days: Days) -> None:
    before = dict(days.shelf.objects)
    now = ask_store_time(days.trial().open())
    assert timedelta(0) <= days.now() - now < timedelta(seconds=1)
    assert days.shelf.objects == before
