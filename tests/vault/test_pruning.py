"""A prune says which snapshots count no more: what it may drop, and what everybody makes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listbackup.crypto.signing import SigningKey
from listbackup.errors import IntegrityError, RefusedError, UsageError
from listbackup.events import Event, ManifestStored
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial
from listbackup.vault.holds import UNREADABLE, Hold, put_hold, read_hold, release_hold
from listbackup.vault.labels import write_label
from listbackup.vault.layout import place
from listbackup.vault.pruning import plan_prune, prune_source
from listbackup.vault.retention import Rules
from listbackup.vault.selection import choose_snapshot
from listbackup.vault.sources import account_head
from listbackup.vault.upkeep import keep_up
from tests.vault.days import SHOP, Days, rows


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Days:
    days = Days(tmp_path_factory.mktemp("five"))
    for day in range(5):
        days.back_up(rows(day))
    return days


@pytest.fixture
def five(kept: Days, tmp_path: Path) -> Days:
    """Five daily snapshots: numbers 2 to 6."""
    return kept.copy(tmp_path)


def live(days: Days, name: str = "home") -> list[int]:
    return sorted(days.trial(name).open().source("shop").commits)


def append(days: Days, kind: str, body: dict[str, Any], key: SigningKey | None = None) -> int:
    """Write an entry that nobody judges."""
    vault = days.trial().open()
    view = vault.source("shop")
    whole = account_head(vault.account) | body
    signer = key or vault.signer()
    entry = view.ledger.append(
        kind, lambda number: whole, signer, view.mark, lambda entry: None, days.now()
    )
    return entry.number


def damage(days: Days, number: int) -> None:
    """Change a byte of a ledger entry in the store."""
    key = f"{SHOP}ledger/{number:012}.json"
    body = days.store().get(key)
    days.store().put(key, body.replace(b'"sig"', b'"gis"'), tag="meta", replace=True)


# ---------------------------------------------------------------------------------- what it drops


def test_what_no_rule_keeps_is_a_snapshot_no_more(five: Days) -> None:
    dropped = five.view().commits[3]
    assert five.prune(last=2).plan.drop == (2, 3, 4)
    assert live(five) == [5, 6]
    trial = five.trial()
    for words in (dropped.sync, dropped.name, "latest~2"):
        with pytest.raises(UsageError):
            trial.snapshot(words)
    with pytest.raises(UsageError, match="no snapshot of shop as of"):
        trial.snapshot(dropped.end.isoformat())
    report = trial.check("records")
    assert (report.findings, report.snapshots) == ([], 2)
    five.assert_whole()


def test_a_prune_that_drops_nothing_writes_nothing(five: Days) -> None:
    five.prune(last=2)
    head = five.view().loaded.head
    assert five.prune(last=2).plan.drop == ()
    assert five.view().loaded.head == head


def test_pruning_deletes_nothing(five: Days) -> None:
    before = five.names(SHOP + "raw/")
    five.prune(last=1)
    assert five.names(SHOP + "raw/") == before


def test_another_machine_and_a_checkpoint_know_what_was_dropped(five: Days) -> None:
    five.prune(last=2)
    for _ in range(58):
        append(five, "label", {"snapshot": 6, "tags": ["t"], "note": "n"})
    keep_up(five.trial().open(), "shop")
    view = five.trial().open().source("shop")
    assert view.checkpoint == view.loaded.head > 60
    assert live(five, "other") == [5, 6]
    assert view.commits[6].tags == ("t",)
    assert sorted(five.view().dropped) == [2, 3, 4]
    assert five.trial().check().findings == []


# ----------------------------------------------------------------------------- what it never drops


def test_the_newest_complete_state_of_a_stream_keeps_its_snapshot(days: Days) -> None:
    days.back_up({**rows(0), "gone": [["1"]]})
    days.back_up({**rows(1), "gone": [["2"]]})
    days.back_up(rows(2))
    plan = days.prune(last=1).plan
    assert plan.drop == (2,)
    assert plan.keep[3] == ("newest state of gone",)


def test_a_carried_stream_keeps_the_snapshot_that_read_it(days: Days) -> None:
    days.back_up(rows(0))
    days.back_up(rows(1))
    days.back_up(rows(2), failing=("new",))
    plan = days.prune(last=1).plan
    assert plan.drop == (2,)
    assert plan.keep[4] == ("newer than any complete",)
    days.back_up(rows(3), failing=("new",))
    days.back_up({"grows": rows(4)["grows"], "stays": rows(4)["stays"]})
    plan = days.prune(last=1).plan
    assert plan.keep[3] == ("newest state of new",)
    assert plan.drop == (4, 6)
    days.assert_whole()


def test_a_snapshot_that_cannot_be_read_holds_no_newest_state(five: Days) -> None:
    manifest = five.view().commits[6].manifest
    five.store().put(place(manifest.key, True), b"damaged", tag="meta", replace=True)
    plan = five.prune(last=1).plan
    assert plan.drop == (2, 3, 4)
    assert plan.keep[5] == ("newest state of grows, new, stays",)
    assert any("cannot be read" in one for one in five.warnings())
    five.back_up(rows(5))
    assert five.prune(last=1).plan.drop == (5, 6)


def test_a_held_snapshot_is_not_dropped_until_its_hold_ends(five: Days) -> None:
    vault = five.trial().open()
    first, second = five.view().commits[2], five.view().commits[3]
    put_hold(vault.store, first, Hold(five.now(), five.now() + timedelta(days=2), "audit"))
    put_hold(vault.store, second, Hold(five.now(), None, ""))
    decided = five.prune(last=1)
    assert decided.plan.keep[2] == decided.plan.keep[3] == ("held",)
    assert decided.held[2].reason == "audit"
    five.wait(3)
    assert five.prune(last=1).plan.drop == (2,)
    assert release_hold(vault.store, second)
    assert not release_hold(vault.store, second)
    assert five.prune(last=1).plan.drop == (3,)


def test_a_hold_that_cannot_be_understood_holds(five: Days) -> None:
    commit = five.view().commits[2]
    key = place(commit.manifest.key.replace("manifest.json", "hold"))
    for body in (b"", b"{}", b'{"until": "soon", "since": null, "reason": ""}', b"\xff"):
        five.store().put(key, body, tag="meta", replace=True)
        assert read_hold(five.store(), commit) == UNREADABLE
    assert 2 in five.prune(last=1).plan.keep


def test_a_hold_can_be_read_without_a_key(five: Days) -> None:
    commit = five.view().commits[2]
    hold = Hold(five.now(), five.now() + timedelta(days=1), "why")
    put_hold(five.store(), commit, hold)
    assert read_hold(five.store(), commit) == hold
    assert five.trial().check("records").findings == []


# -------------------------------------------------------------------------------- clocks in doubt


def test_nothing_is_dropped_while_a_clock_is_in_doubt_unless_it_is_accepted(five: Days) -> None:
    five.wait(-30)
    commit = five.trial().sync(ListedSource(rows(9), moment=five.now())).commit
    five.shown[commit.sync] = five.trial().restore(commit.sync)
    assert commit.clock_suspect
    with pytest.raises(RefusedError, match="clock is in doubt"):
        five.prune(last=1)
    assert live(five) == [2, 3, 4, 5, 6, 7]
    five.prune(last=1, clock_ok=True)
    assert live(five) == [7]


def test_a_database_whose_clock_runs_years_ahead_drops_nothing(five: Days) -> None:
    five.trial().sync(ListedSource(rows(9), moment=five.now() + timedelta(days=3650)))
    with pytest.raises(RefusedError, match="clock is in doubt"):
        five.prune(daily=7)
    assert len(live(five)) == 6


# ----------------------------------------------------------------------------------------- races


def interrupted(days: Days, act: Callable[[], object]) -> Trial:
    """Give a machine in whose sync something else happens right before its commit."""

    def overtake(event: Event) -> None:
        if isinstance(event, ManifestStored):
            act()

    return replace(days.trial(), hear=lambda emit: overtake)


def test_a_sync_that_meets_a_prune_and_a_label_goes_on(five: Days) -> None:
    def act() -> None:
        five.prune(last=1)
        write_label(five.trial().open(), "shop", 6, lambda commit: (("mine",), "note"))

    commit = interrupted(five, act).sync(ListedSource(rows(5), moment=five.now())).commit
    assert commit.number == 9
    assert live(five) == [6, 9]
    five.shown[commit.sync] = five.trial().restore(commit.sync)
    five.assert_whole()


def test_a_sync_does_not_go_on_from_a_snapshot_that_was_dropped(five: Days) -> None:
    trial = interrupted(five, lambda: append(five, "prune", {"drop": [6], "keep": {}}))
    with pytest.raises(IntegrityError, match="which was the newest"):
        trial.sync(ListedSource(rows(5), moment=five.now()))


def test_of_two_prunes_that_race_the_second_judges_anew(five: Days) -> None:
    vault = five.trial().open()
    plan_prune(vault, "shop", Rules(last=3))
    acts: list[Callable[[], object]] = [
        lambda: five.back_up(rows(5), after=0),
        lambda: five.prune(last=4),
        lambda: write_label(five.trial().open(), "shop", 4, lambda commit: (("keep",), "")),
    ]
    original = vault.access.store.get

    def get(key: str, **more: Any) -> bytes:
        if key.endswith(f"ledger/{7 + 3 - len(acts):012}.json") and acts:
            acts.pop(0)()
        return original(key, **more)

    vault.access.store.get = get  # type: ignore[method-assign]
    decided, entry = prune_source(vault, "shop", Rules(last=2, tags=("keep",)))
    assert acts == []
    assert entry is not None and entry.number == 10
    assert decided.plan.keep[4] == ("tag keep",)
    assert live(five) == [4, 6, 7]
    five.assert_whole()


# ----------------------------------------------------------------------- forged, damaged, unlawful


def test_an_entry_that_drops_the_newest_snapshot_is_named_and_not_followed(five: Days) -> None:
    append(five, "prune", {"drop": [2, 6], "keep": {}, "policy": ""})
    view = five.view()
    assert sorted(view.commits) == [2, 3, 4, 5, 6]
    assert "drops the newest snapshot" in view.loaded.problems[0].message
    assert "drops the newest" in five.trial().check().findings[0].problem


@pytest.mark.parametrize("drop", [[0], [7], [99], ["2"], [True], [2.0], "2", None])
def test_an_entry_that_drops_what_is_no_commit_of_before_is_damage(five: Days, drop: Any) -> None:
    append(five, "prune", {"drop": drop, "keep": {}, "policy": ""})
    view = five.view()
    assert sorted(view.commits) == [2, 3, 4, 5, 6]
    assert view.loaded.problems


def test_a_checkpoint_that_brings_dropped_snapshots_back_is_named(five: Days) -> None:
    commits = five.view().commits
    five.prune(last=2)
    append(five, "checkpoint", {"live": [one.to_json() for one in commits.values()]})
    assert "does not name what is live" in five.trial().check().findings[0].problem
    assert sorted(five.view().commits) == [5, 6]


def test_a_damaged_prune_never_brings_snapshots_back_unnamed(five: Days) -> None:
    oldest = five.view().commits[2]
    five.prune(last=2)
    five.back_up(rows(5))
    damage(five, 7)
    assert live(five) == [2, 3, 4, 5, 6, 8]
    trial = five.trial()
    assert any("ledger/000000000007" in one.object for one in trial.check().findings)
    five.heard.clear()
    choose_snapshot(trial.open(), oldest.sync)
    assert any("may have dropped this snapshot" in one for one in five.warnings())
    with pytest.raises(IntegrityError, match="`latest~2` means is not certain"):
        choose_snapshot(trial.open(), "latest~2")
    five.heard.clear()
    choose_snapshot(trial.open(), "latest")
    assert five.warnings() == []
    with pytest.raises(IntegrityError, match="Nothing is dropped"):
        five.prune(last=1)
    with pytest.raises(IntegrityError, match="Nothing is dropped"):
        five.sweep()
    for _ in range(64):
        append(five, "label", {"snapshot": 8, "tags": [], "note": ""})
    keep_up(trial.open(), "shop")
    assert trial.open().source("shop").checkpoint == 0


def test_a_prune_by_a_stranger_is_not_followed(five: Days) -> None:
    stranger = SigningKey(b"s" * 32)
    append(five, "prune", {"drop": [2], "keep": {}, "policy": ""}, stranger)
    assert live(five) == [2, 3, 4, 5, 6]
    assert "not signed by a key that may" in five.trial().check().findings[0].problem


# ----------------------------------------------------------------------------------------- labels


def test_a_label_replaces_what_was_said_before(five: Days) -> None:
    vault = five.trial().open()
    write_label(vault, "shop", 3, lambda commit: (("a", "b"), "first"))
    write_label(vault, "shop", 3, lambda commit: ((*commit.tags[1:], "c"), commit.note))
    write_label(vault, "shop", 4, lambda commit: (("d",), ""))
    commits = five.view().commits
    assert [(one.tags, one.note) for one in commits.values()][1:3] == [
        (("b", "c"), "first"),
        (("d",), ""),
    ]
    head = five.view().loaded.head
    write_label(vault, "shop", 4, lambda commit: (commit.tags, commit.note))
    assert five.view().loaded.head == head


@pytest.mark.parametrize("tag", ["", "a b", "a,b", "a\n", "x" * 101, "\x1b[2J"])
def test_a_tag_that_is_none_is_refused(five: Days, tag: str) -> None:
    with pytest.raises(UsageError, match="is no tag"):
        write_label(five.trial().open(), "shop", 3, lambda commit: ((tag,), ""))
    assert five.view().loaded.head == 6


def test_a_snapshot_that_was_dropped_takes_no_label(five: Days) -> None:
    five.prune(last=1)
    with pytest.raises(UsageError, match="dropped meanwhile"):
        write_label(five.trial().open(), "shop", 3, lambda commit: (("a",), ""))
    append(five, "label", {"snapshot": 3, "tags": ["late"], "note": ""})
    assert live(five) == [6]
    assert five.view().dropped[3].commit.tags == ()
