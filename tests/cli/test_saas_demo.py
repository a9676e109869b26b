"""`demo saas`: two platforms connected, read, changed, read again and proven, by what is typed."""

import pytest

from tests.cli.machines import Machine, validator


def test_the_story_of_two_platforms_is_proven_and_leaves_nothing(machine: Machine) -> None:
    *steps, done = machine.do("demo", "saas", "--exit", "--contacts", "300", "--json").messages
    steps = [one for one in steps if one["message_type"] == "demo_step"]
    for message in (*steps, done):
        validator(message["message_type"]).validate(message)
    assert [one["name"] for one in steps] == (
        "platforms init stripe keap sync compare day again diff sweep query find alter".split()
    )
    assert [one["name"] for one in steps if one["proven"] is None] == (
        "platforms init sync day".split()
    )
    assert (done["message_type"], done["proven"], done["steps"]) == ("demo_done", True, 13)
    assert done["rows"] > 2_000
    told = {one["name"]: "\n".join(one["told"]) for one in steps}
    assert "NOT EQUAL" in told["alter"]
    assert "family_name differs" in told["alter"]
    assert "appeared" in told["find"]
    assert "went" in told["find"]
    assert not machine.config.exists()
    assert not machine.state.exists()


@pytest.mark.parametrize("words", [("saas", "--contacts", "3"), ("nothing",)])
def test_what_is_not_understood_is_refused(machine: Machine, words: tuple[str, ...]) -> None:
    assert machine.run("demo", *words, "--json").code == 2
