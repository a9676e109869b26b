from datetime import UTC, datetime

import pytest

from listbackup.errors import ObjectMissing, StoreError, StoreUnavailable
from listbackup.retry import Patience, retry


class PlayedClock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


def longest(count: int) -> bytes:
    return b"\xff" * count


def fail_times(times: int, error: StoreError | None = None) -> list[StoreError]:
    return [error or StoreUnavailable("no answer")] * times


class Action:
    def __init__(self, errors: list[StoreError]) -> None:
        self.errors = errors
        self.runs = 0

    def __call__(self) -> int:
        self.runs += 1
        if self.runs <= len(self.errors):
            raise self.errors[self.runs - 1]
        return self.runs


def test_an_action_that_succeeds_in_the_end_gives_its_result() -> None:
    clock = PlayedClock()
    result = retry(Action(fail_times(3)), on=StoreUnavailable, clock=clock, entropy=longest)
    assert result == 4
    assert clock.waits == pytest.approx([0.25, 0.5, 1.0])


def test_patience_ends_after_its_attempts_with_the_last_error() -> None:
    action, clock = Action(fail_times(99)), PlayedClock()
    with pytest.raises(StoreUnavailable):
        retry(action, on=StoreUnavailable, clock=clock, entropy=longest, patience=Patience(3))
    assert (action.runs, len(clock.waits)) == (3, 2)


def test_patience_ends_after_its_time() -> None:
    action, clock = Action(fail_times(99)), PlayedClock()
    patience = Patience(attempts=99, first=10, longest=10, total=25)
    with pytest.raises(StoreUnavailable):
        retry(action, on=StoreUnavailable, clock=clock, entropy=longest, patience=patience)
    assert action.runs == 4


def test_other_errors_are_raised_at_once() -> None:
    action, clock = Action(fail_times(1, ObjectMissing("gone"))), PlayedClock()
    with pytest.raises(ObjectMissing):
        retry(action, on=StoreUnavailable, clock=clock, entropy=longest)
    assert (action.runs, clock.waits) == (1, [])


def test_waits_are_drawn_from_nothing_to_the_longest() -> None:
    clock = PlayedClock()
    draws = iter([b"\0\0\0\0", b"\x80\0\0\0", b"\x40\0\0\0"])
    told: list[float] = []
    retry(
        Action(fail_times(3)),
        on=StoreUnavailable,
        clock=clock,
        entropy=lambda count: next(draws),
        patience=Patience(first=8, longest=16),
        before_wait=lambda error, seconds: told.append(seconds),
    )
    assert clock.waits == told == pytest.approx([0, 8, 4])
