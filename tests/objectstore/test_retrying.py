from collections.abc import Callable, Iterator

import pytest

from listbackup.errors import ObjectExists, StoreUnavailable
from listbackup.objectstore import ObjectInfo
from listbackup.objectstore.memory import MemoryStore
from listbackup.objectstore.passing import PassingStore, without_retries
from listbackup.objectstore.retrying import RetryingStore
from listbackup.retry import Patience
from listbackup.testing.faults import FaultyStore, Strike
from listbackup.testing.hosts import PlayedClock, play_host
from listbackup.testing.scripted import Answer, ScriptedStore
from listbackup.testing.stores import keys_of


def make(*answers: Answer) -> tuple[RetryingStore, ScriptedStore]:
    clock = PlayedClock()
    scripted = ScriptedStore(MemoryStore("m", clock))
    scripted.answer("k", *answers)
    return RetryingStore(scripted, play_host(clock=clock)), scripted


@pytest.mark.parametrize(
    "answers",
    [
        [Answer.STORED_BUT_NO_ANSWER],
        [Answer.LOST_WITHOUT_ANSWER],
        [Answer.CONFLICT],
        [Answer.CONFLICT, Answer.STORED_BUT_TAKEN],
        [Answer.LOST_WITHOUT_ANSWER] * 3 + [Answer.STORED_BUT_NO_ANSWER],
    ],
)
def test_an_exclusive_put_of_ours_succeeds_whatever_was_answered(answers: list[Answer]) -> None:
    store, _ = make(*answers)
    store.put("k", b"mine", tag="data")
    assert store.get("k") == b"mine"


def test_a_late_put_of_ours_does_no_harm() -> None:
    store, scripted = make(Answer.STORED_LATER)
    store.put("k", b"mine", tag="data")
    assert scripted.land() == []
    assert store.get("k") == b"mine"


@pytest.mark.parametrize("theirs", [b"them", b"theirs is longer"])
def test_an_unclear_put_over_anothers_object_is_told_as_lost(theirs: bytes) -> None:
    store, scripted = make()
    scripted.put("k", theirs, tag="data")
    scripted.answer("k", Answer.LOST_WITHOUT_ANSWER)
    with pytest.raises(ObjectExists):
        store.put("k", b"mine", tag="data")
    assert store.get("k") == theirs


def test_equal_bytes_are_taken_for_ours_only_after_an_unclear_answer() -> None:
    store, _ = make()
    store.put("k", b"same", tag="data")
    with pytest.raises(ObjectExists):
        store.put("k", b"same", tag="data")


def test_patience_with_a_store_ends() -> None:
    store, scripted = make(*[Answer.LOST_WITHOUT_ANSWER] * 50)
    with pytest.raises(StoreUnavailable):
        store.put("k", b"mine", tag="data")
    assert 1 < len(scripted.answered) < 50


def test_the_view_without_retries_asks_once() -> None:
    store, scripted = make(Answer.LOST_WITHOUT_ANSWER)
    with pytest.raises(StoreUnavailable):
        without_retries(store).put("k", b"mine", tag="data")
    assert len(scripted.answered) == 1


@pytest.mark.parametrize("call", ["get", "head", "list", "delete", "now"])
def test_every_question_is_asked_again(call: str) -> None:
    clock = PlayedClock()
    inner = MemoryStore("m", clock)
    inner.put("k", b"1", tag="data")
    strike = Strike(f"before store {call}", 0, "broken")
    store = RetryingStore(FaultyStore(inner, strike), play_host(clock=clock))
    actions: dict[str, tuple[Callable[[], object], object]] = {
        "get": (lambda: store.get("k"), b"1"),
        "head": (lambda: store.head("k").size, 1),
        "list": (lambda: keys_of(store), ["k"]),
        "delete": (lambda: store.delete("k"), None),
        "now": (lambda: store.now() > inner.head("k").modified, True),
    }
    ask, expected = actions[call]
    assert ask() == expected
    assert strike.struck is not None
    assert keys_of(inner) == ([] if call == "delete" else ["k"])


class BreakingList(PassingStore):
    """Breaks off every listing after three keys, so many times."""

    def __init__(self, store: MemoryStore, times: int) -> None:
        super().__init__(store)
        self.times = times

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        for place, info in enumerate(super().list(prefix)):
            if place % 4 == 3 and self.times:
                self.times -= 1
                raise StoreUnavailable("broken off")
            yield info


def test_a_listing_that_breaks_off_goes_on_with_none_missing_and_none_twice() -> None:
    clock = PlayedClock()
    inner = MemoryStore("m", clock)
    keys = [f"k{number:02}" for number in range(20)]
    for key in keys:
        inner.put(key, b"1", tag="data")
    patience = Patience(attempts=3)
    store = RetryingStore(BreakingList(inner, 2), play_host(clock=clock), patience)
    assert keys_of(store) == keys
