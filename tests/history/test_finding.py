"""A record is found by its key or by a text in it, with every snapshot in which it changed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from listbackup.errors import IntegrityError
from listbackup.history.finding import Finder, Life
from listbackup.history.rows import ArrayRows
from listbackup.history.timelines import SourcePast
from listbackup.testing.changes import Change, commit_changes
from listbackup.testing.readings import MOMENT, ListedSource
from listbackup.testing.vaults import Trial
from tests.history.conftest import live_a_while, make_users


def finder(trial: Trial, stream: str = "public.users") -> Finder:
    return Finder(SourcePast(trial.open(), "shop").timeline(stream))


def tell(life: Life) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(step.commit.name[:8], step.kind, step.columns) for step in life.steps]


def test_the_life_of_a_record_is_told_by_its_key(trial: Trial) -> None:
    live_a_while(trial)
    (seven,) = finder(trial).find_key("7")
    assert seven.key == '["7"]'
    assert tell(seven) == [
        ("20261101", "appeared", ()),
        ("20261102", "changed", ("c1",)),
        ("20261103", "changed", ("c1", "c2")),
    ]
    assert seven.steps[1].before == {"c0": "7", "c1": 'name "7"\\\n\té', "c2": None}
    assert seven.steps[2].after == {"c0": "7", "c1": "a third", "c2": "3.00"}
    (eleven,) = finder(trial).find_key('["11"]')
    assert [kind for _, kind, _ in tell(eleven)] == ["appeared", "went", "appeared"]
    (twelve,) = finder(trial).find_key("12")
    assert [kind for _, kind, _ in tell(twelve)] == ["appeared", "went"]
    assert finder(trial).find_key("nobody") == []


def test_a_key_is_found_without_reading_other_lines(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(encryption="none")
    live_a_while(trial, 9000)
    for path in (trial.place / "data").rglob("*users/batch*.json.gz"):
        path.unlink()
    (new,) = finder(trial).find_key("new")
    assert [kind for _, kind, _ in tell(new)] == ["appeared"]
    with pytest.raises(IntegrityError, match="is lost"):
        finder(trial).find_key("1")


def test_text_is_found_in_what_is_gone_long_since(trial: Trial) -> None:
    live_a_while(trial)
    (seven,) = finder(trial).find_text("another", 10)
    assert seven.key == '["7"]'
    assert len(seven.steps) == 3
    awkward = finder(trial).find_text('"12"\\\n\té', 10)
    assert [one.key for one in awkward] == ['["12"]']
    assert len(finder(trial).find_text("name", 5)) == 5
    assert finder(trial).find_text("no such text", 5) == []


@pytest.mark.parametrize("text", ['","', "null", "[", '"', "\\", "\\n"])
def test_text_is_looked_for_in_values_and_not_between_them(trial: Trial, text: str) -> None:
    trial.sync(ListedSource({"public.users": [["1", "a", None], ["2", f"<{text}>", "b"]]}))
    assert [one.key for one in finder(trial).find_text(text, 10)] == ['["2"]']


def test_without_a_key_equal_lines_are_counted(trial: Trial) -> None:
    trial.sync(ListedSource({"log": [["same"], ["same"], ["once"]]}, keyed=False))
    assert finder(trial, "log").find_key("same") == []
    (same,) = finder(trial, "log").find_text("same", 10)
    assert same.key is None
    assert [(step.kind, step.copies) for step in same.steps] == [("appeared", 2)]


def test_a_carried_stream_and_a_lost_table_are_told_apart(trial: Trial) -> None:
    trial.sync(ListedSource({"public.users": make_users(3), "other": [["1"]]}))
    kept = {"other": Change([["1"]])}
    commit_changes(trial.open(), "shop", kept, carried={"public.users": "locked"}, moment=later(1))
    trial.sync(ListedSource({"other": [["1"]]}, moment=later(2)))
    (one,) = finder(trial).find_key("1")
    assert [(day, kind) for day, kind, _ in tell(one)] == [
        ("20261101", "appeared"),
        ("20261103", "went"),
    ]


def test_keys_are_read_as_a_value_or_as_an_array() -> None:
    one = ArrayRows({"columns": [{"name": "c0"}]}, ["c0"], "s")
    two = ArrayRows({"columns": [{"name": "c0"}, {"name": "c1"}]}, ["c0", "c1"], "s")
    assert one.spell_keys("7") == [b'["7"]', b"[7]"]
    assert one.spell_keys('["7"]') == [b'["7"]', rb'["[\"7\"]"]']
    assert two.spell_keys('["a", 1]') == [b'["a",1]', b'["a","1"]']
    assert two.spell_keys("a") == []
    assert one.spell_keys("[[[") == [b'["[[["]']


def test_damage_is_told(trial: Trial, tmp_path: Path) -> None:
    live_a_while(trial, 9000)
    for path in (trial.place / "data/accounts/default/sources/shop/raw").rglob("*batch*"):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    with pytest.raises(IntegrityError) as by_key:
        finder(trial).find_key("7")
    with pytest.raises(IntegrityError) as by_text:
        finder(trial).find_text("a", 1)
    assert by_key.value.subject
    assert by_text.value.subject


def later(days: int) -> datetime:
    return MOMENT + timedelta(days=days)
