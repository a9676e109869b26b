import json
from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.clock import SystemClock
from listbackup.errors import AuthError, RefusedError
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.findings import EXCLUSIVE, QUICK, Effort, ProbeResult
from listbackup.objectstore.local import LocalStore
from listbackup.objectstore.memory import MemoryStore, Shelf
from listbackup.objectstore.metered import MeteredStore
from listbackup.objectstore.opening import open_store
from listbackup.objectstore.probe import probe, refuse_unfit
from listbackup.objectstore.retrying import RetryingStore
from listbackup.testing import brokenstores as broken
from listbackup.testing.faults import FaultyStore, Strike
from listbackup.testing.hosts import PlayedClock, play_host
from listbackup.testing.scripted import Answer, ScriptedStore

from .conftest import MakeBucket

SMALL = Effort(clients=2, connections=4, rounds=3)


def outcomes(result: ProbeResult) -> dict[str, str]:
    return {found.name: found.outcome for found in result.findings}


def in_memory(kind: Callable[..., ObjectStore]) -> Callable[[], ObjectStore]:
    shelf, clock = Shelf(), SystemClock()
    return lambda: kind("p", clock, shelf=shelf)


def test_a_directory_passes_the_full_probe_and_is_left_as_it_was(tmp_path: Path) -> None:
    root = tmp_path / "vault"
    store = LocalStore(root, Host(), volatile=True)
    store.put("kept", b"1", tag="data")
    store.barrier()
    result = probe(lambda: LocalStore(root, Host(), volatile=True), Host())
    refuse_unfit(result)
    assert (result.effort.clients, result.effort.connections, result.effort.rounds) == (4, 8, 20)
    assert {name for name, outcome in outcomes(result).items() if outcome != "passed"} == {
        "checksums",
        "versions",
        "object_lock",
        "tags",
    }
    assert set(outcomes(result).values()) == {"passed", "not offered"}
    assert [path.name for path in root.rglob("*")] == ["kept"]


def test_a_store_in_memory_passes_everything_and_keeps_only_the_locked_object() -> None:
    shelf, clock = Shelf(), SystemClock()
    result = probe(lambda: MemoryStore("p", clock, shelf=shelf, object_lock=True), Host(), SMALL)
    assert set(outcomes(result).values()) == {"passed"}
    assert [key.rpartition("/")[2] for key in shelf.objects] == ["locked"]


def test_a_bucket_is_probed_and_swept(make_bucket: MakeBucket, s3_endpoint: str) -> None:
    url = f"s3://{make_bucket(versioned=True)}/p?endpoint={s3_endpoint}"
    result = probe(lambda: open_store(url, Host()), Host(), SMALL)
    refuse_unfit(result)
    found = outcomes(result)
    # The test server stores an object whose checksum is wrong: the probe has to notice.
    assert found.pop("checksums") == "failed"
    assert found.pop("object_lock") == "not offered"
    assert set(found.values()) == {"passed"}
    store = open_store(url, Host())
    assert list(store.list()) == []
    store.close()


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (broken.IgnoresCreateExclusive, "create_race"),
        (broken.IgnoresCreateExclusive, "create_over_existing"),
        (broken.LooksThenPuts, "create_race"),
        (broken.RefusesButOverwrites, "create_over_existing"),
        (broken.RemembersDeletedNames, "create_after_delete"),
        (broken.ListsLate, "list_after_put"),
        (broken.ListsDeleted, "list_after_delete"),
        (broken.ShortensRanges, "ranges"),
        (broken.TakesAnyChecksum, "checksums"),
        (broken.LosesTags, "tags"),
        (broken.KeepsNewestOnly, "versions"),
        (broken.ForgetsLocks, "object_lock"),
        (broken.LivesTomorrow, "clock"),
        (broken.StampsWrongly, "clock"),
    ],
)
def test_a_broken_store_fails_the_check_that_it_should(
    kind: Callable[..., ObjectStore], check: str
) -> None:
    client = in_memory(kind)()
    result = probe(lambda: client, Host(), SMALL)
    assert outcomes(result)[check] == "failed"
    assert result.fit == (check not in EXCLUSIVE)


@pytest.mark.parametrize(
    "kind", [broken.IgnoresCreateExclusive, broken.LooksThenPuts, broken.RemembersDeletedNames]
)
def test_a_store_without_create_exclusive_is_refused_by_name_with_what_to_use(
    kind: Callable[..., ObjectStore],
) -> None:
    client = in_memory(kind)()
    with pytest.raises(RefusedError) as caught:
        refuse_unfit(probe(lambda: client, Host(), QUICK))
    assert caught.value.subject == "memory://p"
    assert "Amazon S3" in caught.value.hint


def test_names_that_fold_case_are_told_but_not_refused() -> None:
    result = probe(in_memory(broken.FoldsCase), Host(), SMALL)
    assert outcomes(result)["case_of_names"] == "not offered"
    assert result.fit


def test_unclear_answers_in_a_race_are_not_taken_for_wins() -> None:
    clock = PlayedClock()
    host = play_host(clock=clock)
    scripted = ScriptedStore(MemoryStore("p", clock))
    scripted.answer("/race-", Answer.STORED_BUT_NO_ANSWER, Answer.CONFLICT)
    assert probe(lambda: scripted, host, SMALL).fit
    scripted.answer("/race-", Answer.STORED_BUT_NO_ANSWER, Answer.CONFLICT)
    assert probe(lambda: RetryingStore(scripted, host), host, SMALL).fit
    assert len(scripted.answered) == 4


def test_a_store_that_takes_nothing_is_told_as_such() -> None:
    class Forbidding(MemoryStore):
        def put(self, *words: object, **more: object) -> None:
            raise AuthError("no right to write")

    with pytest.raises(AuthError):
        probe(in_memory(Forbidding), Host(), SMALL)


def test_a_fault_in_one_check_fails_that_check_only() -> None:
    clock = PlayedClock()
    store = FaultyStore(MemoryStore("p", clock), Strike("before store list", 0, "full"))
    result = probe(lambda: store, play_host(clock=clock), SMALL)
    failed = [found for found in result.findings if found.outcome == "failed"]
    assert [found.name for found in failed] == ["list_after_put"]
    assert "no space" in failed[0].detail


def test_clients_are_closed_whatever_happens() -> None:
    closed: list[int] = []

    class Counting(MemoryStore):
        def close(self) -> None:
            closed.append(1)

    probe(in_memory(Counting), Host(), Effort(3, 1, 1))
    assert len(closed) == 3


def test_the_result_is_plain_data() -> None:
    data = probe(in_memory(MemoryStore), Host(), SMALL).to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["fit"] is True
    assert data["checks"][0] == {
        "name": "create_race",
        "outcome": "passed",
        "detail": "3 races of 8 creates had one winner each",
    }


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (65, 1, 1), (1, 1, 1001)])
def test_an_effort_has_bounds(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="a probe has"):
        Effort(*numbers)


def test_the_race_really_asks_as_often_as_it_says() -> None:
    shelf = Shelf()
    meters = [MeteredStore(MemoryStore("p", SystemClock(), shelf=shelf)) for _ in range(2)]
    clients = iter(meters)
    probe(lambda: next(clients), Host(), Effort(clients=2, connections=3, rounds=4))
    puts = [store.meter.calls["put"] for store in meters]
    assert puts[1] == 12 + 1
    assert puts[0] >= 12
