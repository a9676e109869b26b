"""What writes that never ended leave in a directory: found, told apart, taken away."""

from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.errors import RefusedError
from listbackup.host import Host
from listbackup.objectstore.local import LocalStore
from listbackup.objectstore.memory import MemoryStore
from listbackup.objectstore.metered import MeteredStore
from listbackup.objectstore.passing import find_leaving
from listbackup.objectstore.retrying import RetryingStore
from listbackup.testing.hosts import PlayedClock, SeededEntropy, StampedDisk
from listbackup.vault.sweeping import sweep_leftovers

WEEK = timedelta(days=7)


@pytest.fixture
def clock() -> PlayedClock:
    return PlayedClock()


@pytest.fixture
def store(tmp_path: Path, clock: PlayedClock) -> LocalStore:
    host = Host(clock, SeededEntropy(1), StampedDisk(clock))
    return LocalStore(tmp_path / "store", host, volatile=True)


def drafts(store: LocalStore) -> list[str]:
    return [info.key for info in store.list_leftovers()]


def test_a_write_that_never_ended_is_left_over_and_no_object(store: LocalStore) -> None:
    store.put("a/done", b"done", tag="data")
    store.barrier()
    store.put("a/b/draft", b"draft", tag="data")
    (left,) = store.list_leftovers()
    assert left.key.startswith("a/b/.tmp-")
    assert left.size == 5
    assert [info.key for info in store.list()] == ["a/done"]
    store.remove_leftover(left.key)
    store.remove_leftover(left.key)
    assert drafts(store) == []
    assert not (Path(store.url.removeprefix("file://")) / "a/b").exists()
    assert store.get("a/done") == b"done"


@pytest.mark.parametrize("key", ["a/done", "a/.tmp-1/x", "../.tmp-1", "/etc/.tmp-1", "a//.tmp-1"])
def test_only_left_overs_are_removed_that_way(store: LocalStore, key: str) -> None:
    store.put("a/done", b"done", tag="data")
    store.barrier()
    with pytest.raises(RefusedError):
        store.remove_leftover(key)
    assert store.get("a/done") == b"done"


def test_they_are_found_through_wrappers_and_not_where_there_are_none(
    store: LocalStore, clock: PlayedClock
) -> None:
    host = Host(clock, SeededEntropy(2))
    assert find_leaving(RetryingStore(MeteredStore(store), host)) is store
    assert find_leaving(MeteredStore(MemoryStore("m", clock))) is None
    assert sweep_leftovers(MemoryStore("m", clock), clock.now(), WEEK) == (0, 0)


def test_a_sweep_takes_the_old_ones_and_leaves_the_young(
    store: LocalStore, clock: PlayedClock
) -> None:
    store.put("old", b"older", tag="data")
    clock.jump(timedelta(days=8))
    store.put("young", b"young", tag="data")
    before = drafts(store)
    assert sweep_leftovers(store, clock.now(), WEEK, dry_run=True) == (1, 5)
    assert drafts(store) == before
    assert sweep_leftovers(store, clock.now(), WEEK) == (1, 5)
    (left,) = store.list_leftovers()
    assert clock.now() - left.modified < WEEK
