"""The local store under power cuts, full and broken disks, and hostile directories."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from listbackup.clock import SystemClock
from listbackup.disk import Disk, SystemDisk
from listbackup.errors import ListbackupError, ObjectExists, ObjectMissing, RefusedError, StoreError
from listbackup.host import Host
from listbackup.ids import system_entropy
from listbackup.objectstore.local import LocalStore
from listbackup.testing.crashes import CrashDisk
from listbackup.testing.crashstates import CrashState
from listbackup.testing.faults import WAYS, FaultyDisk, InjectedFault, Recording, Strike, Way
from listbackup.testing.stores import keys_of, put, put_wins

SMALL, BIG = b"small", bytes(range(256)) * 100
STATES = 700


def open_on(disk: Disk, root: Path) -> LocalStore:
    return LocalStore(root, Host(SystemClock(), system_entropy, disk), volatile=True)


def fill(store: LocalStore) -> None:
    """Put, replace, delete, lose a race: what a vault does."""
    store.put("data/a/1", BIG, tag="data")
    store.put("data/a/2", SMALL, tag="data")
    store.put("data/b/c/3", b"", tag="data")
    store.barrier()
    put(store, "ledger/1", SMALL)
    put(store, "head", b"first", replace=True)
    assert not put_wins(store, "ledger/1", BIG)
    put(store, "head", b"second", replace=True)
    store.delete("data/a/2")
    put(store, "ledger/2", BIG)


class Cut:
    """A run of `fill` on a disk that remembers, with a mark after every barrier that returned."""

    bodies = {
        "data/a/1": {BIG},
        "data/a/2": {SMALL},
        "data/b/c/3": {b""},
        "ledger/1": {SMALL},
        "ledger/2": {BIG},
        "head": {b"first", b"second"},
    }

    def __init__(self, disk: CrashDisk, root: Path) -> None:
        store = open_on(disk, root)
        self.disk = disk
        barrier = store.barrier
        said: list[str] = []

        def barrier_and_say() -> None:
            barrier()
            said.append("barrier")
            disk.mark(",".join(keys_of(store)))

        store.barrier = barrier_and_say  # type: ignore[method-assign]
        fill(store)
        store.close()
        assert len(said) == 5


def find_wrong(state: CrashState) -> list[str]:
    """Say what a cut may not have left: torn objects, and promised ones that are gone."""
    objects = {
        name.removeprefix("vault/"): data
        for name, data in state.files.items()
        if not Path(name).name.startswith(".tmp-")
    }
    wrong = [f"torn {key}" for key, data in objects.items() if data not in Cut.bodies[key]]
    promised = set(state.marks[-1].split(",")) if state.marks else set()
    promised.discard("data/a/2")  # is deleted in the end
    return wrong + [f"gone {key}" for key in promised - objects.keys()]


def test_every_state_that_a_power_cut_can_leave_is_whole(tmp_path: Path) -> None:
    run = Cut(CrashDisk(SystemDisk(), tmp_path), tmp_path / "vault")
    states = list(run.disk.states(seed=7, most=STATES))
    wrong = [problem for state in states for problem in find_wrong(state)]
    assert wrong == []
    assert len(states) == STATES, "the run gives fewer different states than were asked for"


class Unsynced(CrashDisk):
    """A disk that says it synced and did not."""

    def sync_file(self, path: Path) -> None:
        pass


class Unnamed(CrashDisk):
    """A disk that says it synced directories and did not."""

    def sync_directory(self, path: Path) -> None:
        pass


@pytest.mark.parametrize("lying", [Unsynced, Unnamed])
def test_a_writer_without_its_syncs_would_be_caught(lying: type[CrashDisk], tmp_path: Path) -> None:
    run = Cut(lying(SystemDisk(), tmp_path), tmp_path / "vault")
    assert any(find_wrong(state) for state in run.disk.states(seed=7, most=STATES))


def record(root: Path) -> list[tuple[str, int]]:
    recording = Recording()
    fill(open_on(FaultyDisk(SystemDisk(), recording), root))
    return recording.targets()


def test_a_fault_at_any_disk_call_leaves_whole_objects_and_no_litter(tmp_path: Path) -> None:
    targets = record(tmp_path / "recorded")
    ways: list[Way] = [way for way in WAYS if way != "kill"]
    struck = 0
    for number, (label, occurrence) in enumerate(targets):
        for way in ways:
            root = tmp_path / f"{number}-{way}"
            strike = Strike(label, occurrence, way)
            store = open_on(FaultyDisk(SystemDisk(), strike), root)
            try:
                fill(store)
            except (ListbackupError, InjectedFault) as error:
                assert isinstance(error, InjectedFault) == (way == "exception"), label
            store.close()
            struck += strike.struck is not None
            check_after_fault(root, f"{label} {occurrence} {way}")
    assert struck == len(targets) * len(ways) >= 200


def check_after_fault(root: Path, where: str) -> None:
    """Every visible object is whole, and the next writer can go on."""
    store = open_on(SystemDisk(), root)
    for info in store.list():
        assert store.get(info.key) in Cut.bodies[info.key], where
    put(store, "next/object", SMALL)
    assert store.get("next/object") == SMALL, where
    store.close()


@pytest.mark.parametrize("call", ["create", "sync_file", "link", "sync_directory"])
def test_a_full_disk_is_told_with_a_hint_and_leaves_no_temporary_file(
    call: str, tmp_path: Path
) -> None:
    store = open_on(FaultyDisk(SystemDisk(), Strike(f"before disk {call}", 0, "full")), tmp_path)
    with pytest.raises(StoreError) as caught:
        put(store, "a/b", BIG)
    assert "No space left" in caught.value.message and "free some space" in caught.value.hint
    assert [path.name for path in tmp_path.rglob("*") if path.name.startswith(".tmp-")] == []


@pytest.mark.parametrize("call", ["sync_file", "link", "sync_directory"])
def test_after_a_failed_barrier_nothing_is_called_durable_again(call: str, tmp_path: Path) -> None:
    store = open_on(FaultyDisk(SystemDisk(), Strike(f"before disk {call}", 0, "broken")), tmp_path)
    with pytest.raises(StoreError):
        put(store, "a", b"1")
    for _ in range(2):
        with pytest.raises(StoreError):
            store.barrier()
    with pytest.raises(StoreError):
        store.put("b", b"1", tag="data")
    assert put_wins(open_on(SystemDisk(), tmp_path), "b", b"1")


class Errno(SystemDisk):
    """A disk on which some calls answer with an error number, after doing their work or before."""

    def __init__(self, done: bool = False, **numbers: int) -> None:
        self.done = done
        self.numbers = numbers

    def fail(self, call: str, path: Path) -> None:
        if call in self.numbers:
            raise OSError(self.numbers[call], os.strerror(self.numbers[call]), str(path))

    def link(self, existing: Path, new: Path) -> None:
        if self.done:
            super().link(existing, new)
        self.fail("link", new)
        super().link(existing, new)

    def rename_exclusive(self, existing: Path, new: Path) -> None:
        self.fail("rename_exclusive", new)
        super().rename_exclusive(existing, new)

    def create(self, path: Path, data: bytes | memoryview) -> None:
        self.fail("create", path)
        super().create(path, data)

    def sync_directory(self, path: Path) -> None:
        self.fail("sync_directory", path)
        super().sync_directory(path)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_links_objects_are_published_by_exclusive_rename(
    number: int, tmp_path: Path
) -> None:
    store = open_on(Errno(link=number), tmp_path)
    put(store, "a", b"first")
    store.put("b", b"mine", tag="data")
    put(open_on(SystemDisk(), tmp_path), "b", b"theirs")
    with pytest.raises(ObjectExists):
        store.barrier()
    assert (store.get("a"), store.get("b")) == (b"first", b"theirs")
    assert len(list(tmp_path.iterdir())) == 2


def test_without_links_and_exclusive_rename_writing_is_refused(tmp_path: Path) -> None:
    store = open_on(Errno(link=errno.EPERM, rename_exclusive=errno.EINVAL), tmp_path)
    with pytest.raises(RefusedError) as caught:
        put(store, "a", b"1")
    assert "exclusively" in caught.value.message
    assert keys_of(store) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EEXIST, errno.ETIMEDOUT])
def test_a_link_whose_answer_was_lost_counts_by_the_links_of_the_file(
    number: int, tmp_path: Path
) -> None:
    store = open_on(Errno(done=True, link=number), tmp_path)
    put(store, "a", b"mine")
    assert store.get("a") == b"mine"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_told(number: int, tmp_path: Path) -> None:
    store = open_on(Errno(sync_directory=number), tmp_path)
    assert store.features.durable_names
    put(store, "a", b"1")
    assert not store.features.durable_names
    assert store.get("a") == b"1"


def test_a_directory_in_memory_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    class Memory(SystemDisk):
        def filesystem(self, path: Path) -> str:
            return "tmpfs"

    host = Host(SystemClock(), system_entropy, Memory())
    with pytest.raises(RefusedError) as caught:
        put(LocalStore(tmp_path, host), "a", b"1")
    assert "--volatile" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    put(LocalStore(tmp_path, host, volatile=True), "a", b"1")


def test_nothing_is_visible_before_the_barrier_and_all_of_it_after(tmp_path: Path) -> None:
    writer, reader = open_on(SystemDisk(), tmp_path), open_on(SystemDisk(), tmp_path)
    writer.put("a", b"1", tag="data")
    assert keys_of(reader) == []
    with pytest.raises(ObjectMissing):
        reader.get("a")
    writer.barrier()
    assert reader.get("a") == b"1"


def test_what_was_never_published_leaves_no_file(tmp_path: Path) -> None:
    store = open_on(SystemDisk(), tmp_path)
    store.put("a/b", b"1", tag="data")
    store.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_race_lost_in_anothers_barrier_is_told_to_who_put(tmp_path: Path) -> None:
    store = open_on(SystemDisk(), tmp_path)
    store.put("a", b"mine", tag="data")
    put(open_on(SystemDisk(), tmp_path), "a", b"theirs")
    with ThreadPoolExecutor(1) as pool, pytest.raises(ObjectExists):
        pool.submit(store.barrier).result()
    with pytest.raises(ObjectExists):
        store.barrier()
    store.barrier()


def test_objects_and_directories_are_for_their_owner_only(tmp_path: Path) -> None:
    put(open_on(SystemDisk(), tmp_path / "vault"), "a/b", b"1")
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "vault/a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "vault/a/b").stat().st_mode & 0o777 == 0o600


def test_a_link_out_of_the_directory_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "folder").symlink_to(outside)
    (vault / "file").symlink_to(outside / "secret")
    store = open_on(SystemDisk(), vault)
    for key in ("folder/secret", "file"):
        with pytest.raises(ObjectMissing):
            store.get(key)
        with pytest.raises(ObjectMissing):
            store.head(key)
    assert keys_of(store) == keys_of(store, "folder/") == []
    for key in ("folder/new", "folder/new/deep"):
        with pytest.raises(RefusedError):
            put(store, key, b"1")
    store.delete("folder/secret")
    with pytest.raises(ObjectExists):
        put(store, "file", b"1")
    put(store, "file", b"own", replace=True)
    assert store.get("file") == b"own"
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("secret", b"secret")]


def test_a_pipe_in_the_directory_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    store = open_on(SystemDisk(), tmp_path)
    with pytest.raises(ObjectMissing):
        store.get("pipe")
    assert keys_of(store) == []


def test_a_vault_below_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(open_on(SystemDisk(), tmp_path / "link" / "vault"), "a", b"1")
    assert (tmp_path / "real" / "vault" / "a").read_bytes() == b"1"


def test_directories_that_others_empty_and_remove_are_made_again(tmp_path: Path) -> None:
    first, second = open_on(SystemDisk(), tmp_path), open_on(SystemDisk(), tmp_path)
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            put(second, "a/b/other", b"1", replace=True)
            second.delete("a/b/other")

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        for number in range(30):
            put(first, f"a/b/{number}", b"1")
            first.delete(f"a/b/{number}")
        stop.set()
        churning.result()
    put(first, "a/b/last", b"1")
    assert keys_of(first) == ["a/b/last"]


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.EACCES, "right"), (errno.EROFS, "read-only"), (errno.EDQUOT, "quota")],
)
def test_a_directory_that_cannot_be_written_is_told_with_a_hint(
    number: int, word: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreError) as caught:
        put(open_on(Errno(create=number), tmp_path), "a", b"1")
    assert word in caught.value.hint
