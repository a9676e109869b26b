"""Collections keep order, indexes and tombstones; a lagging index shows what was."""

import pytest

from listbackup.sandbox.platforms.searching import LaggingIndex
from listbackup.sandbox.platforms.state import Account, Change
from tests.sandbox.platforms.asking import Clock


@pytest.fixture
def account(clock: Clock) -> Account:
    return Account("one", clock, {"notes": ("contact",)})


def test_records_stand_in_the_order_of_their_creation_whenever_they_were_put(
    account: Account,
) -> None:
    for id, created in (("b", 20.0), ("a", 10.0), ("c", 30.0), ("b2", 20.0)):
        account.put("notes", id, {"contact": 1}, created=created)
    notes = account["notes"]
    assert [one.id for one in notes.all.oldest_first()] == ["a", "b", "b2", "c"]
    assert [one.id for one in notes.all.newest_first(notes["b2"].place)] == ["b", "a"]
    assert [one.id for one in notes.all.oldest_first(notes["b"].place)] == ["b2", "c"]


def test_a_change_keeps_the_place_and_moves_the_record_to_another_index_entry(
    account: Account, clock: Clock
) -> None:
    account.put("notes", "a", {"contact": 1}, created=1.0)
    clock.advance(5)
    changed = account.put("notes", "a", {"contact": 2})
    assert (changed.created, changed.updated) == (1.0, clock.now().timestamp())
    assert list(account["notes"].where("contact", 1).newest_first()) == []
    assert [one.id for one in account["notes"].where("contact", 2).newest_first()] == ["a"]


def test_what_is_not_indexed_cannot_be_asked_for_quickly(account: Account) -> None:
    with pytest.raises(LookupError):
        account["notes"].where("title", "x")


def test_a_deleted_record_leaves_a_tombstone_and_an_entry_in_the_log(account: Account) -> None:
    heard: list[Change] = []
    account.listeners.append(heard.append)
    account.put("notes", "a", {"contact": 1})
    account.put("notes", "a", {"contact": 2})
    account.drop("notes", "a")
    assert "a" not in account["notes"]
    assert account["notes"].tombstones["a"].value == {"contact": 2}
    assert [(one.before, one.after) for one in account.changes] == [
        (None, {"contact": 1}),
        ({"contact": 1}, {"contact": 2}),
        ({"contact": 2}, None),
    ]
    assert heard == account.changes


def test_an_index_shows_additions_changes_and_deletions_only_after_its_lag(
    account: Account, clock: Clock
) -> None:
    for id in ("old", "gone"):
        account.put("notes", id, {"contact": 1})
    clock.advance(100)
    account.put("notes", "old", {"contact": 2})
    account.put("notes", "new", {"contact": 3})
    account.drop("notes", "gone")
    index = LaggingIndex(account, "notes", 30)
    assert dict(index.values()) == {"old": {"contact": 1}, "gone": {"contact": 1}}
    clock.advance(30)
    assert dict(index.values()) == {"old": {"contact": 2}, "new": {"contact": 3}}
