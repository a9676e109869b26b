from datetime import UTC, datetime, timedelta

import pytest

from listbackup.clock import SystemClock
from listbackup.errors import RefusedError, StoreError
from listbackup.objectstore.memory import MemoryStore, Shelf
from listbackup.testing.stores import OpenClient, StoreContract

from .conftest import Opener


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def open_client(self, closing: Opener) -> OpenClient:
        shelf = Shelf()
        return closing(lambda: MemoryStore("trial", SystemClock(), shelf=shelf))


class TestLockingMemoryStore(StoreContract):
    @pytest.fixture
    def open_client(self, closing: Opener) -> OpenClient:
        shelf = Shelf()
        clock = SystemClock()
        return closing(lambda: MemoryStore("locking", clock, shelf=shelf, object_lock=True))


class PlayedClock(SystemClock):
    def __init__(self) -> None:
        self.time = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def test_a_lock_ends_when_its_time_is_over() -> None:
    clock = PlayedClock()
    store = MemoryStore("lock", clock, object_lock=True)
    store.put("k", b"1", tag="data", retain_until=clock.now() + timedelta(days=1))
    version = store.head("k").version
    with pytest.raises(RefusedError):
        store.delete("k", version=version)
    clock.time += timedelta(days=2)
    store.delete("k", version=version)
    assert list(store.list()) == []


def test_two_runs_of_the_same_puts_give_the_same_versions_and_times() -> None:
    def run() -> list[object]:
        store = MemoryStore("same", PlayedClock())
        for number in range(3):
            store.put(f"k{number}", b"x", tag="data")
        return list(store.list())

    assert run() == run()


def test_a_wrong_checksum_is_refused() -> None:
    store = MemoryStore("sums", SystemClock())
    with pytest.raises(StoreError):
        store.put_claiming("k", b"right", tag="temp", sha256=bytes(32))
    assert list(store.list()) == []
