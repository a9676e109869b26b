from collections.abc import Callable

import pytest

from listbackup.clock import SystemClock
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.memory import MemoryStore, Shelf
from listbackup.objectstore.metered import MeteredStore
from listbackup.objectstore.passing import without_retries
from listbackup.objectstore.retrying import RetryingStore
from listbackup.testing.stores import OpenClient, StoreContract

from .conftest import Opener


class TestMeteredStore(StoreContract):
    @pytest.fixture
    def open_client(self, closing: Opener) -> OpenClient:
        shelf, clock = Shelf(), SystemClock()
        return closing(lambda: MeteredStore(MemoryStore("m", clock, shelf=shelf)))


class TestRetryingStore(StoreContract):
    @pytest.fixture
    def open_client(self, closing: Opener) -> OpenClient:
        shelf, clock = Shelf(), SystemClock()
        return closing(lambda: RetryingStore(MemoryStore("m", clock, shelf=shelf), Host()))


def test_a_meter_counts_calls_and_bytes_both_ways() -> None:
    store = MeteredStore(MemoryStore("m", SystemClock()))
    store.put("a", b"12345", tag="data")
    with pytest.raises(Exception, match="exists"):
        store.put("a", b"12", tag="data")
    store.get("a")
    store.get("a", start=1, length=2)
    store.head("a")
    list(store.list())
    store.barrier()
    store.delete("a")
    assert store.meter.calls == {
        "put": 2,
        "get": 2,
        "head": 1,
        "list": 1,
        "barrier": 1,
        "delete": 1,
    }
    assert (store.meter.bytes_put, store.meter.bytes_got) == (5, 7)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda store: store,
        lambda store: RetryingStore(store, Host()),
        lambda store: MeteredStore(RetryingStore(store, Host())),
        lambda store: RetryingStore(MeteredStore(RetryingStore(store, Host())), Host()),
    ],
)
def test_a_view_without_retries_speaks_to_the_same_objects(
    wrap: Callable[[ObjectStore], ObjectStore],
) -> None:
    store = wrap(MemoryStore("m", SystemClock()))
    view = without_retries(store)
    view.put("k", b"1", tag="data")
    assert store.get("k") == b"1"
    assert not isinstance(view, RetryingStore)
