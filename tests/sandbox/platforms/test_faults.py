"""The dial chooses by rules: always, every nth, by chance and seed, per operation, for a time."""

import pytest

from listbackup.errors import UsageError
from listbackup.sandbox.platforms.faults import Dial, Fault, Rule, parse_rules
from tests.sandbox.platforms.asking import Clock


def chosen(dial: Dial, count: int, operation: str = "GET /v1/a") -> list[int]:
    """Give the numbers of the requests that a fault meets, from 1."""
    return [at for at in range(1, count + 1) if dial.choose(operation) is not None]


def test_without_rules_nothing_is_broken(clock: Clock) -> None:
    assert chosen(Dial(clock), 50) == []


def test_rules_meet_always_every_nth_from_a_first_one_and_so_often(clock: Clock) -> None:
    dial = Dial(clock)
    dial.set(Rule(Fault.RESET))
    assert chosen(dial, 3) == [1, 2, 3]
    dial.clear()
    dial.set(Rule(Fault.RESET, every=3, first=2))
    assert chosen(dial, 9) == [2, 5, 8]
    dial.clear()
    dial.set(Rule(Fault.RESET, first=4, times=2))
    assert chosen(dial, 9) == [4, 5]


def test_chance_follows_from_the_seed(clock: Clock) -> None:
    def play(seed: int) -> list[int]:
        dial = Dial(clock, seed)
        dial.set(Rule(Fault.RESET, probability=0.3))
        return chosen(dial, 200)

    assert play(1) == play(1) != play(2)
    assert 35 < len(play(1)) < 85


def test_a_rule_for_one_operation_leaves_the_others_alone(clock: Clock) -> None:
    dial = Dial(clock)
    dial.set(Rule(Fault.HTML, "GET /v1/b*"), Rule(Fault.RESET, "POST *"))
    assert dial.choose("GET /v1/a") is None
    met = dial.choose("GET /v1/bills/{id}")
    assert met is not None
    assert met.fault is Fault.HTML


def test_a_storm_begins_and_ends(clock: Clock) -> None:
    dial = Dial(clock)
    dial.set(Rule(Fault.THROTTLED, since=60, until=1860))
    assert chosen(dial, 1) == []
    clock.advance(60)
    assert chosen(dial, 1) == [1]
    clock.advance(1800)
    assert chosen(dial, 1) == []


def test_rules_are_read_from_a_line() -> None:
    assert parse_rules("throttled:0.1, html:every=50:on=GET /v1/a,field_removed:field=created") == (
        Rule(Fault.THROTTLED, probability=0.1),
        Rule(Fault.HTML, "GET /v1/a", every=50),
        Rule(Fault.FIELD_REMOVED, options=(("field", "created"),)),
    )
    assert parse_rules("") == ()


@pytest.mark.parametrize("text", ["earthquake", "reset:often", "reset:every=0", "reset:2"])
def test_a_line_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_rules(text)
