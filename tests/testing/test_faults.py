import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from listbackup.clock import SystemClock
from listbackup.disk import SystemDisk
from listbackup.errors import ObjectExists, ObjectMissing, StoreError, StoreUnavailable
from listbackup.events import Event, StepStarted, ignore
from listbackup.objectstore.memory import MemoryStore, Shelf
from listbackup.testing.faults import (
    FaultyDisk,
    FaultyStore,
    InjectedFault,
    Recording,
    Strike,
    Way,
    hear,
)
from listbackup.testing.scripted import Answer, ScriptedStore
from listbackup.testing.stores import OpenClient, StoreContract, keys_of


class TestFaultyStoreWithoutFaults(StoreContract):
    @pytest.fixture
    def open_client(self) -> OpenClient:
        shelf = Shelf()
        return lambda: FaultyStore(MemoryStore("f", SystemClock(), shelf=shelf), Recording())


class TestScriptedStoreWithoutScript(StoreContract):
    @pytest.fixture
    def open_client(self) -> OpenClient:
        shelf = Shelf()
        return lambda: ScriptedStore(MemoryStore("s", SystemClock(), shelf=shelf))


def test_a_recording_has_every_call_before_and_after() -> None:
    recording = Recording()
    store = FaultyStore(MemoryStore("f", SystemClock()), recording)
    store.put("a", b"1", tag="data")
    store.put("b", b"1", tag="data")
    store.get("a")
    emit = hear(recording, ignore)
    emit(StepStarted("reading"))
    assert recording.targets() == [
        ("before store put", 0),
        ("after store put", 0),
        ("before store put", 1),
        ("after store put", 1),
        ("before store get", 0),
        ("after store get", 0),
        ("before event StepStarted", 0),
        ("after event StepStarted", 0),
    ]


def test_a_strike_hits_the_named_occurrence_once() -> None:
    strike = Strike("after store put", 1, "exception")
    store = FaultyStore(MemoryStore("f", SystemClock()), strike)
    store.put("a", b"1", tag="data")
    with pytest.raises(InjectedFault):
        store.put("b", b"1", tag="data")
    store.put("c", b"1", tag="data")
    assert strike.struck is not None and strike.struck.subject == "b"
    assert keys_of(store) == ["a", "b", "c"]


def test_a_strike_before_a_call_keeps_it_from_happening() -> None:
    store = FaultyStore(MemoryStore("f", SystemClock()), Strike("before store put", 0, "broken"))
    with pytest.raises(StoreUnavailable):
        store.put("a", b"1", tag="data")
    assert keys_of(store) == []


@pytest.mark.parametrize(("way", "number"), [("full", errno.ENOSPC), ("broken", errno.EIO)])
def test_a_disk_says_what_disks_say(way: Way, number: int, tmp_path: Path) -> None:
    disk = FaultyDisk(SystemDisk(), Strike("before disk create", 0, way))
    with pytest.raises(OSError) as caught:
        disk.create(tmp_path / "f", b"1")
    assert caught.value.errno == number
    disk.create(tmp_path / "f", b"1")
    assert disk.read(tmp_path / "f") == b"1"


def test_a_store_says_what_stores_say() -> None:
    store = FaultyStore(MemoryStore("f", SystemClock()), Strike("before store put", 0, "full"))
    with pytest.raises(StoreError, match="no space") as caught:
        store.put("a", b"1", tag="data")
    assert not caught.value.retryable


def test_an_event_is_struck_too() -> None:
    heard: list[Event] = []
    emit = hear(Strike("after event StepStarted", 0, "broken"), heard.append)
    with pytest.raises(InjectedFault):
        emit(StepStarted("reading"))
    assert heard == [StepStarted("reading")]


def test_a_kill_ends_the_process_without_goodbye(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from listbackup.disk import SystemDisk
        from listbackup.testing.faults import FaultyDisk, Strike
        disk = FaultyDisk(SystemDisk(), Strike("after disk create", 1, "kill"))
        try:
            for number in range(3):
                disk.create(Path(sys.argv[1], f"f{number}"), b"1")
        finally:
            Path(sys.argv[1], "goodbye").write_bytes(b"1")
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f0", "f1"]


def test_a_scripted_store_answers_by_its_script_and_is_well_after_it() -> None:
    store = ScriptedStore(MemoryStore("s", SystemClock()))
    store.answer(
        "ledger/", Answer.CONFLICT, Answer.LOST_WITHOUT_ANSWER, Answer.STORED_BUT_NO_ANSWER
    )
    store.put("data/1", b"1", tag="data")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.put("ledger/1", b"1", tag="meta")
        with pytest.raises(ObjectMissing):
            store.get("ledger/1")
    with pytest.raises(StoreUnavailable):
        store.put("ledger/1", b"1", tag="meta")
    assert store.get("ledger/1") == b"1"
    with pytest.raises(ObjectExists):
        store.put("ledger/1", b"2", tag="meta")
    assert len(store.answered) == 3


def test_a_put_that_was_stored_may_be_answered_as_taken() -> None:
    store = ScriptedStore(MemoryStore("s", SystemClock()))
    store.answer("k", Answer.STORED_BUT_TAKEN)
    with pytest.raises(ObjectExists):
        store.put("k", b"mine", tag="meta")
    assert store.get("k") == b"mine"


def test_a_late_put_lands_when_told_but_never_over_another() -> None:
    store = ScriptedStore(MemoryStore("s", SystemClock()))
    store.answer(lambda key: True, Answer.STORED_LATER, Answer.STORED_LATER)
    for key in ("a", "b"):
        with pytest.raises(StoreUnavailable):
            store.put(key, b"late", tag="meta")
    store.put("b", b"first", tag="meta")
    assert store.land() == ["a"]
    assert (store.get("a"), store.get("b")) == (b"late", b"first")


def test_a_marker_hides_and_an_unlisted_key_is_still_there() -> None:
    store = ScriptedStore(MemoryStore("s", SystemClock()))
    for key in ("a", "b", "c"):
        store.put(key, b"1", tag="meta")
    version = store.head("a").version
    store.hide("a")
    store.unlist("c")
    assert keys_of(store) == ["b"]
    assert store.get("c") == b"1"
    with pytest.raises(ObjectMissing):
        store.get("a")
    assert store.get("a", version=version) == b"1"
