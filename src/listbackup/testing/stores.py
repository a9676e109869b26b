"""The contract that every store and every wrapper of one keeps, as one suite of tests.

Subclass StoreContract in a test module and give it a fixture `open_client`: a function that opens
one more client of a place that is fresh for each test, and whose clients are closed after it.
"""

# ruff: noqa: D102  (the name of a test is the sentence that it proves)

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from listbackup.errors import ListbackupError, ObjectExists, ObjectMissing, RefusedError
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.passing import read_tag

OpenClient = Callable[[], ObjectStore]

HOSTILE_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "../a",
    "a/../../b",
    "./a",
    "a/.",
    "a\\b",
    "a\0b",
    "a\nb",
    "a b",
    "ä",
    "a/.tmp-1",
    "x" * 300,
    "/".join(["x" * 100] * 12),
)


@contextmanager
def refusal(*kinds: type[BaseException]) -> Iterator[None]:
    """Fail unless the block raises one of these."""
    try:
        yield
    except kinds:
        return
    raise AssertionError(f"expected {' or '.join(kind.__name__ for kind in kinds)}")


def put(store: ObjectStore, key: str, body: bytes, *, replace: bool = False) -> None:
    """Put one object and make it visible."""
    store.put(key, body, tag="temp", replace=replace)
    store.barrier()


def put_wins(store: ObjectStore, key: str, body: bytes) -> bool:
    """Put one object exclusively, and tell whether it was stored."""
    try:
        put(store, key, body)
    except ObjectExists:
        return False
    return True


def keys_of(store: ObjectStore, prefix: str = "") -> list[str]:
    """Name what a store lists."""
    return [info.key for info in store.list(prefix)]


class StoreContract:
    """What holds of every store. See the module."""

    def test_what_was_put_is_read_back_by_every_client(self, open_client: OpenClient) -> None:
        writer, reader = open_client(), open_client()
        big = bytes(range(256)) * 5000
        bodies = {"a/empty": b"", "a/small": b"\0\xff", "a/big": big, "b": b"1"}
        for key, body in bodies.items():
            writer.put(key, body, tag="data")
        writer.barrier()
        for store in (writer, reader):
            assert {key: store.get(key) for key in bodies} == bodies

    def test_a_view_of_bytes_is_stored_as_it_was_at_the_put(self, open_client: OpenClient) -> None:
        store = open_client()
        buffer = bytearray(b"--first--")
        store.put("view", memoryview(buffer)[2:-2], tag="data")
        buffer[:] = b"_" * len(buffer)
        store.barrier()
        assert store.get("view") == b"first"

    def test_an_existing_object_is_never_put_over(self, open_client: OpenClient) -> None:
        first, second = open_client(), open_client()
        put(first, "taken", b"first")
        for store in (first, second):
            with refusal(ObjectExists):
                put(store, "taken", b"first")
            with refusal(ObjectExists):
                put(store, "taken", b"second")
            assert first.get("taken") == second.get("taken") == b"first"

    def test_a_lost_put_leaves_the_store_fit_for_others(self, open_client: OpenClient) -> None:
        store = open_client()
        put(store, "taken", b"first")
        assert not put_wins(store, "taken", b"second")
        assert put_wins(store, "free", b"third")
        assert keys_of(store) == ["free", "taken"]

    def test_one_client_that_puts_twice_without_a_barrier_wins_once(
        self, open_client: OpenClient
    ) -> None:
        store = open_client()
        store.put("twice", b"first", tag="data")
        with refusal(ObjectExists):
            put(store, "twice", b"second")
        store.barrier()
        assert store.get("twice") == b"first"

    def test_of_racing_puts_exactly_one_wins_and_its_bytes_stay(
        self, open_client: OpenClient
    ) -> None:
        clients = [open_client() for _ in range(3)]
        for round_number in range(4):
            key = f"race/{round_number}"
            start = threading.Barrier(6)

            def run(
                number: int, key: str = key, start: threading.Barrier = start
            ) -> tuple[bytes, bool]:
                body = b"%d" % number * 100
                start.wait()
                return body, put_wins(clients[number % 3], key, body)

            with ThreadPoolExecutor(6) as pool:
                winners = [body for body, won in pool.map(run, range(6)) if won]
            assert len(winners) == 1, f"{len(winners)} winners"
            assert [client.get(key) for client in clients] == winners * 3

    def test_a_replacing_put_takes_the_place_of_what_was_there(
        self, open_client: OpenClient
    ) -> None:
        store = open_client()
        put(store, "head", b"first")
        store.put("head", b"second", tag="data", replace=True)
        store.put("head", b"third", tag="data", replace=True)
        store.barrier()
        assert store.get("head") == b"third"
        put(store, "new", b"fresh", replace=True)
        assert store.get("new") == b"fresh"

    def test_ranges_give_what_is_there(self, open_client: OpenClient) -> None:
        store = open_client()
        put(store, "range", b"0123456789")
        put(store, "none", b"")
        assert store.get("range", start=3) == b"3456789"
        assert store.get("range", start=3, length=4) == b"3456"
        assert store.get("range", length=4) == b"0123"
        assert store.get("range", start=8, length=100) == b"89"
        assert store.get("range", start=2, length=0) == b""
        assert store.get("range", start=10) == store.get("range", start=99, length=3) == b""
        assert store.get("none", start=0, length=3) == store.get("none", length=0) == b""
        for start, length in ((-1, None), (0, -1)):
            with refusal(ValueError):
                store.get("range", start=start, length=length)

    def test_an_absent_object_is_called_missing(self, open_client: OpenClient) -> None:
        store = open_client()
        put(store, "folder/object", b"1")
        for key in ("absent", "folder", "folder/object/below", "folder/other"):
            with refusal(ObjectMissing):
                store.get(key)
            with refusal(ObjectMissing):
                store.get(key, start=1, length=1)
            with refusal(ObjectMissing):
                store.get(key, length=0)
            with refusal(ObjectMissing):
                store.head(key)

    def test_head_tells_size_and_time(self, open_client: OpenClient) -> None:
        store = open_client()
        before = store.now()
        put(store, "h/x", b"12345")
        found = store.head("h/x")
        assert (found.key, found.size) == ("h/x", 5)
        assert found.modified.tzinfo is not None
        assert abs(found.modified - before) < timedelta(minutes=5)

    def test_a_list_has_every_key_once_in_order(self, open_client: OpenClient) -> None:
        store = open_client()
        keys = ["a-b/x", "a.b", "a/b/c", "a/b/d", "a/b=c", "a0", "b/y", "b/z", "ab"]
        for key in keys:
            store.put(key, key.encode(), tag="data")
        store.barrier()
        assert keys_of(store) == sorted(keys)
        assert [info.size for info in store.list()] == [len(key) for key in sorted(keys)]
        for prefix in ("a", "a/", "a/b", "a/b/", "a/b/c", "b/", "nothing", "a/b/c/d", "b/q"):
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert keys_of(store, prefix) == expected, prefix

    def test_an_empty_store_lists_nothing(self, open_client: OpenClient) -> None:
        assert keys_of(open_client()) == []
        assert keys_of(open_client(), "x/") == []

    def test_a_deleted_object_is_gone_and_can_be_made_again(self, open_client: OpenClient) -> None:
        store, other = open_client(), open_client()
        for key in ("d/1", "d/2", "e"):
            put(store, key, b"first")
        store.delete("d/1")
        store.delete("d/1")
        store.delete("never/there")
        with refusal(ObjectMissing):
            store.get("d/1")
        assert keys_of(other) == ["d/2", "e"]
        put(other, "d/1", b"second")
        assert store.get("d/1") == b"second"

    def test_everything_put_before_a_barrier_is_there_after_it(
        self, open_client: OpenClient
    ) -> None:
        store = open_client()

        def write(worker: int) -> None:
            for number in range(5):
                key = f"many/{worker}/{number}"
                put(store, key, key.encode())
                assert store.get(key) == key.encode()

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))
        assert len(keys_of(store, "many/")) == 30

    def test_keys_that_mean_another_place_are_refused(self, open_client: OpenClient) -> None:
        store = open_client()
        for key in HOSTILE_KEYS:
            with refusal(ListbackupError):
                put(store, key, b"1")
            with refusal(ListbackupError):
                store.get(key)
            with refusal(ListbackupError):
                store.head(key)
            with refusal(ListbackupError):
                store.delete(key)
        for prefix in ("/", "../", "a/../", "a//", "\0"):
            with refusal(ListbackupError):
                keys_of(store, prefix)
        assert keys_of(store) == []

    def test_a_promise_that_the_store_cannot_keep_is_refused(self, open_client: OpenClient) -> None:
        store = open_client()
        if not store.features.object_lock:
            with refusal(RefusedError):
                store.put("l", b"1", tag="data", retain_until=store.now() + timedelta(days=1))
            store.barrier()
            assert keys_of(store) == []
        if not store.features.versions:
            put(store, "v", b"1")
            with refusal(RefusedError):
                store.get("v", version="1")
            with refusal(RefusedError):
                store.delete("v", version="1")

    def test_a_locked_version_is_not_deleted(self, open_client: OpenClient) -> None:
        store = open_client()
        if not store.features.object_lock:
            return
        until = store.now().replace(microsecond=0) + timedelta(days=1)
        store.put("locked", b"1", tag="data", retain_until=until)
        store.barrier()
        found = store.head("locked")
        assert found.retain_until == until
        with refusal(ListbackupError):
            store.delete("locked", version=found.version)
        assert store.get("locked", version=found.version) == b"1"

    def test_a_tag_is_kept(self, open_client: OpenClient) -> None:
        store = open_client()
        if not store.features.tags:
            return
        store.put("t", b"1", tag="part")
        store.barrier()
        assert read_tag(store, "t") == "part"

    def test_older_versions_are_read_and_deleted_by_name(self, open_client: OpenClient) -> None:
        store = open_client()
        if not store.features.versions:
            return
        put(store, "v", b"first")
        old = store.head("v").version
        put(store, "v", b"second", replace=True)
        new = store.head("v").version
        assert old != new
        assert store.get("v", version=old) == b"first"
        assert store.get("v", version=new, start=1, length=2) == b"ec"
        store.delete("v", version=new)
        assert store.get("v") == b"first"
        with refusal(ObjectMissing):
            store.get("v", version=new)

    def test_the_clock_of_the_store_stamps_its_objects(self, open_client: OpenClient) -> None:
        store = open_client()
        before = store.now()
        put(store, "c", b"1")
        after = store.now()
        slack = timedelta(seconds=2)
        assert before - slack <= store.head("c").modified <= after + slack
        assert keys_of(store) == ["c"]

    def test_the_address_is_fit_to_be_shown(self, open_client: OpenClient) -> None:
        store = open_client()
        assert "://" in store.url and "@" not in store.url and " " not in store.url

    def test_a_closed_client_takes_nothing_from_the_others(self, open_client: OpenClient) -> None:
        first, second = open_client(), open_client()
        put(first, "kept", b"1")
        first.close()
        assert second.get("kept") == b"1"
        assert put_wins(second, "next", b"2")
