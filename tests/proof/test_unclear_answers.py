"""A store that stores and says nothing, stores late, or says what is not so: right each time.

Right: exactly one commit for each acknowledged backup, none for a failed one unless it is found
later and said, the exit's category is true, and every snapshot restores.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.errors import BusyError, Category, ListbackupError, StoreUnavailable
from listbackup.events import Warned
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.memory import MemoryStore
from listbackup.objectstore.retrying import RetryingStore
from listbackup.testing.faults import FaultyStore, Point, Recording
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.scripted import Answer, ScriptedStore
from listbackup.testing.vaults import Trial, expect, make_rows
from listbackup.vault.unlocking import Secret

ONE = {"a": make_rows(120), "b": make_rows(3, "b")}
TWO = {"a": make_rows(130, "two"), "b": make_rows(3, "b")}
HEAD = "sources/shop/ledger/000000000003.json"
"""The entry of the second commit: after `open` and the first."""


class Cloud:
    """One bucket behind a script, and machines that use it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = play_host(1)
        self.script = ScriptedStore(MemoryStore("bucket", self.host.clock))
        self.home = self.machine()

    def machine(
        self,
        name: str = "home",
        wrap: Callable[[ObjectStore], ObjectStore] = lambda store: store,
        seed: int = 2,
    ) -> Trial:
        """Give a machine, with retries of its own."""
        host = play_host(seed)
        return Trial(
            self.root, host, name=name, wrap=lambda _: RetryingStore(wrap(self.script), host)
        )

    def commits(self) -> int:
        """Count the snapshots that anybody can see."""
        vault = self.machine(seed=50).open()
        return len(vault.source("shop").commits) if "shop" in vault.sources() else 0

    def assert_right(self, commits: int) -> None:
        """Assert the number of commits, that late puts change nothing, and that all is sound."""
        self.script.land()
        assert self.commits() == commits
        assert self.machine(seed=51).check("records").findings == []


@pytest.fixture
def cloud(scratch: Path) -> Cloud:
    """Give a bucket without a vault."""
    return Cloud(scratch)


def list_puts(root: Path, play: Callable[[Trial], object], *before: str) -> list[str]:
    """Name the kinds of keys that something puts, in order, each once."""
    cloud, recording = Cloud(root), Recording()
    for step in before:
        STEPS[step](cloud.home)
    play(cloud.machine(wrap=lambda store: FaultyStore(store, recording), seed=3))
    puts = [one.subject for one in recording.points if one.label == "before store put"]
    return list(dict.fromkeys(kind(one) for one in puts))


def kind(key: str) -> str:
    """Give the part of a key that is the same in every run."""
    name = key.rpartition("/")[2]
    return "/".join(key.split("/")[-3:]) if name.startswith("0") else name


STEPS: dict[str, Callable[[Trial], object]] = {
    "init": lambda trial: trial.create(),
    "first": lambda trial: trial.sync(ListedSource(ONE)),
    "second": lambda trial: trial.sync(ListedSource(TWO)),
}


@pytest.mark.parametrize("answer", list(Answer), ids=lambda answer: answer.name.lower())
@pytest.mark.parametrize("step", list(STEPS))
def test_one_unclear_answer_to_any_put_changes_nothing(
    scratch: Path, step: str, answer: Answer
) -> None:
    before = list(STEPS)[: list(STEPS).index(step)]
    puts = list_puts(scratch / "recorded", STEPS[step], *before)
    assert len(puts) >= 3
    for number, name in enumerate(puts):
        cloud = Cloud(scratch / str(number))
        for one in before:
            STEPS[one](cloud.home)
        cloud.script.answer(lambda key, name=name: kind(key) == name, answer)  # type: ignore[misc]
        STEPS[step](cloud.machine(seed=3))
        assert [kind(key) for key, _ in cloud.script.answered] == [name]
        cloud.assert_right(len(before))
        if step != "init":
            rows = ONE if step == "first" else TWO
            assert cloud.machine().restore() == expect(rows)


@pytest.fixture
def busy_cloud(cloud: Cloud) -> Cloud:
    """Give a bucket with a vault and one snapshot in it."""
    cloud.home.create()
    cloud.home.sync(ListedSource(ONE))
    return cloud


def refuse(trial: Trial, category: Category) -> ListbackupError:
    """Back up, and be refused in that category."""
    with pytest.raises(ListbackupError) as refusal:
        trial.sync(ListedSource(TWO))
    assert refusal.value.category is category
    return refusal.value


def test_a_store_that_never_answers_fails_the_backup_and_commits_nothing(busy_cloud: Cloud) -> None:
    busy_cloud.script.answer(HEAD, *[Answer.LOST_WITHOUT_ANSWER] * 40)
    error = refuse(busy_cloud.home, Category.FAILED)
    assert isinstance(error, StoreUnavailable)
    busy_cloud.assert_right(1)
    assert busy_cloud.machine().restore() == expect(ONE)


def fail_with_a_late_entry(cloud: Cloud) -> None:
    """Let a backup fail whose entry is still under way."""
    answers = [Answer.STORED_LATER, *[Answer.LOST_WITHOUT_ANSWER] * 11]
    cloud.script.answer(HEAD, *answers)
    refuse(cloud.home, Category.FAILED)
    assert len(cloud.script.answered) == len(answers)


def test_an_entry_that_lands_after_the_successors_commit_comes_to_nothing(
    busy_cloud: Cloud,
) -> None:
    fail_with_a_late_entry(busy_cloud)
    busy_cloud.machine(seed=4).sync(ListedSource(TWO))
    assert busy_cloud.script.land() == []
    busy_cloud.assert_right(2)
    assert busy_cloud.machine().restore() == expect(TWO)


def test_an_entry_that_lands_after_its_backup_failed_is_found_and_said(busy_cloud: Cloud) -> None:
    fail_with_a_late_entry(busy_cloud)
    assert len(busy_cloud.script.land()) == 1
    later = busy_cloud.machine(seed=4)
    later.sync(ListedSource(ONE))
    said = [one.message for one in later.events if isinstance(one, Warned)]
    assert any("committed by an earlier run" in message for message in said)
    busy_cloud.assert_right(3)


class Overtaking:
    """A hook that lets another machine back up, while the first asks what became of its entry."""

    def __init__(self, cloud: Cloud) -> None:
        self._script = cloud.script
        self._other = cloud.machine(seed=4)
        self.done = False

    def __call__(self, point: Point) -> None:
        """Back up once, in between."""
        asks = point.label == "before store get" and HEAD in point.subject
        if asks and self._script.answered and not self.done:
            self.done = True
            self._other.sync(ListedSource(ONE))


@pytest.mark.parametrize("answer", [Answer.STORED_LATER, Answer.CONFLICT])
def test_who_is_overtaken_while_waiting_for_an_answer_loses(
    busy_cloud: Cloud, answer: Answer
) -> None:
    hook = Overtaking(busy_cloud)
    busy_cloud.script.answer(HEAD, answer)
    slow = busy_cloud.machine(wrap=lambda store: FaultyStore(store, hook), seed=5)
    assert isinstance(refuse(slow, Category.BUSY), BusyError)
    assert hook.done
    busy_cloud.assert_right(2)
    assert busy_cloud.machine().restore() == expect(ONE)


def test_who_stored_without_an_answer_wins_although_overtaken(busy_cloud: Cloud) -> None:
    hook = Overtaking(busy_cloud)
    busy_cloud.script.answer(HEAD, Answer.STORED_BUT_NO_ANSWER)
    slow = busy_cloud.machine(wrap=lambda store: FaultyStore(store, hook), seed=5)
    slow.sync(ListedSource(TWO))
    busy_cloud.assert_right(3)
    assert busy_cloud.machine().restore("latest~1") == expect(TWO)


def test_a_delete_marker_on_the_head_is_a_rollback(busy_cloud: Cloud) -> None:
    busy_cloud.home.sync(ListedSource(TWO))
    busy_cloud.script.hide("data/accounts/default/" + HEAD)
    error = refuse(busy_cloud.machine(seed=4), Category.INTEGRITY)
    assert "rolled back" in error.message
    reader = busy_cloud.machine(seed=5)
    assert reader.restore() == expect(ONE)
    assert any(isinstance(one, Warned) and "rolled back" in one.message for one in reader.events)
    problems = [one.problem for one in busy_cloud.machine(seed=6).check().findings]
    assert any("rolled back" in problem for problem in problems)


def test_a_listing_without_the_newest_keys_misleads_nobody(busy_cloud: Cloud) -> None:
    busy_cloud.home.sync(ListedSource(TWO))
    newest = [info.key for info in busy_cloud.script.inside.list("data/accounts/default")][-6:]
    busy_cloud.script.unlist("data/accounts/default/" + HEAD, *newest)
    kit = Secret("kit", busy_cloud.home.kit().secret, "kit")
    bare = busy_cloud.machine("bare", seed=7)
    assert len(bare.open(secrets=[kit]).source("shop").commits) == 2
    busy_cloud.machine(seed=4).sync(ListedSource(ONE))
    busy_cloud.assert_right(3)


def test_a_delete_marker_within_the_chain_is_named_by_check(busy_cloud: Cloud) -> None:
    busy_cloud.home.sync(ListedSource(TWO))
    hidden = "accounts/default/sources/shop/ledger/000000000002.json"
    busy_cloud.script.hide("data/" + hidden)
    findings = busy_cloud.machine(seed=4).check().findings
    assert hidden in [finding.object for finding in findings]
