"""A comparison of two snapshots names every row that differs, and no other."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from listbackup.errors import IntegrityError
from listbackup.history.differencefile import DifferenceFile
from listbackup.history.diffing import RowDifference, StreamDifference, pair_streams
from listbackup.testing.changes import Change, commit_changes
from listbackup.testing.readings import MOMENT, ListedSource
from listbackup.testing.vaults import Trial
from tests.history.conftest import Rows, live_a_while, make_users

Found = tuple[dict[str, StreamDifference], dict[str, list[RowDifference]]]


def compare(trial: Trial, before: str, after: str, **wishes: int) -> Found:
    streams, rows = {}, {}
    for pair in pair_streams(trial.snapshot(before), trial.snapshot(after)):
        streams[pair.name] = pair.compare()
        rows[pair.name] = list(pair.rows(**wishes))  # type: ignore[arg-type]
    return streams, rows


def test_a_lineage_is_compared_to_the_row(trial: Trial) -> None:
    live_a_while(trial)
    streams, rows = compare(trial, "latest~2", "latest")
    users = streams["public.users"]
    assert (users.change, users.added, users.removed, users.changed) == ("changed", 1, 1, 1)
    assert (users.rows_before, users.rows_after, users.unchanged) == (300, 300, 298)
    assert streams["quiet"].change == "same"
    told = {(one.kind, one.key): one for one in rows["public.users"]}
    assert set(told) == {("added", '["new"]'), ("removed", '["12"]'), ("changed", '["7"]')}
    changed = told["changed", '["7"]']
    assert changed.columns == ("c1", "c2")
    assert changed.before == {"c0": "7", "c1": 'name "7"\\\n\té', "c2": None}
    assert changed.after == {"c0": "7", "c1": "a third", "c2": "3.00"}
    assert told["added", '["new"]'].after == {"c0": "new", "c1": "born", "c2": "1.00"}
    assert told["removed", '["12"]'].after is None


def test_it_can_be_read_in_both_directions(trial: Trial) -> None:
    live_a_while(trial)
    _, there = compare(trial, "latest~2", "latest")
    _, back = compare(trial, "latest", "latest~2")
    swapped = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(swapped[one.kind], one.key) for one in there["public.users"]} == {
        (one.kind, one.key) for one in back["public.users"]
    }


def test_what_two_snapshots_share_is_not_read(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(encryption="none")
    live_a_while(trial, 3000)
    place = trial.place / "data/accounts/default/sources/shop/raw"
    for path in place.rglob("batch-*"):
        path.unlink()
    streams, rows = compare(trial, "latest", "latest")
    assert {one.change for one in streams.values()} == {"same"}
    assert not any(rows.values())
    with pytest.raises(IntegrityError, match="is lost"):
        compare(trial, "latest~2", "latest")


def test_keys_alone_come_without_values(trial: Trial) -> None:
    live_a_while(trial)
    _, rows = compare(trial, "latest~2", "latest", values=False)
    assert {one.key for one in rows["public.users"]} == {'["7"]', '["new"]', '["12"]'}
    assert all(one.before is None and one.after is None for one in rows["public.users"])
    _, few = compare(trial, "latest~2", "latest", limit=2)
    assert len(few["public.users"]) == 2


def test_two_sources_are_compared_whole(trial: Trial) -> None:
    users = make_users(200)
    trial.sync(ListedSource({"public.users": users, "left": [["1"]]}), "shop")
    moved = [["3", "other", None], *users[10:], *users[:3], *users[4:10]]
    trial.sync(ListedSource({"public.users": moved, "came": [["1"], ["2"]]}), "crm")
    streams, rows = compare(trial, "shop:latest", "crm:latest")
    assert [(one.kind, one.key) for one in rows["public.users"]] == [("changed", '["3"]')]
    assert streams["public.users"].unchanged == 199
    assert (streams["left"].change, streams["left"].removed) == ("vanished", 1)
    assert (streams["came"].change, streams["came"].added) == ("appeared", 2)
    assert [one.key for one in rows["came"]] == ['["1"]', '["2"]']


def test_without_a_key_equal_rows_are_counted(trial: Trial) -> None:
    first: Rows = [["a"], ["a"], ["a"], ["b"], ["c"]]
    second: Rows = [["a"], ["c"], ["d"], ["d"], ["a"]]
    trial.sync(ListedSource({"log": first}, keyed=False), "one")
    trial.sync(ListedSource({"log": second}, keyed=False), "two")
    streams, rows = compare(trial, "one:latest", "two:latest")
    log = streams["log"]
    assert (log.added, log.removed, log.changed, log.unchanged) == (2, 2, 0, 3)
    kinds = Counter((one.kind, (one.after or one.before or {})["c0"]) for one in rows["log"])
    assert kinds == {("added", "d"): 2, ("removed", "a"): 1, ("removed", "b"): 1}
    assert all(one.key is None for one in rows["log"])


def test_columns_that_came_and_went_are_named(trial: Trial) -> None:
    trial.sync(ListedSource({"t": [["1", "x"], ["2", "y"]]}))
    wide = ListedSource({"t": [["1", "x", "new"], ["2", "y", None]]}, moment=later(1))
    trial.sync(wide)
    streams, rows = compare(trial, "latest~1", "latest")
    assert streams["t"].columns.added == ("c2",)
    assert streams["t"].changed == 2
    assert rows["t"][0].columns == ("c2",)
    assert rows["t"][0].before == {"c0": "1", "c1": "x"}
    back, _ = compare(trial, "latest", "latest~1")
    assert back["t"].columns.removed == ("c2",)


def test_another_key_pairs_nothing(trial: Trial) -> None:
    trial.sync(ListedSource({"t": [["1", "x"]]}), "one")
    trial.sync(ListedSource({"t": [["1", "y"]]}, keyed=False), "two")
    streams, _ = compare(trial, "one:latest", "two:latest")
    assert (streams["t"].added, streams["t"].removed, streams["t"].changed) == (1, 1, 0)
    assert (streams["t"].key_before, streams["t"].key_after) == (("c0",), ())


def test_what_a_snapshot_does_not_show_is_said(trial: Trial) -> None:
    trial.sync(ListedSource({"a": [["1"]], "b": [["1"]]}))
    commit_changes(
        trial.open(), "shop", {"a": Change([["1"]])}, carried={"b": "locked"}, moment=later(1)
    )
    streams, _ = compare(trial, "latest~1", "latest")
    assert streams["b"].change == "same"
    assert streams["b"].notes[0].startswith("after: carried since sync ")
    assert streams["b"].notes[0].endswith("locked")


@pytest.mark.parametrize("seed", range(4))
def test_random_tables_differ_as_dictionaries_do(
    make_trial: Callable[..., Trial], seed: int
) -> None:
    chance = random.Random(seed)
    tables = [
        {str(chance.randrange(60)): str(chance.randrange(3)) for _ in range(40)} for _ in range(3)
    ]
    trial = make_trial()
    for day, table in enumerate(tables):
        rows = [[key, value] for key, value in table.items()]
        chance.shuffle(rows)
        trial.sync(ListedSource({"t": rows}, moment=later(day)))
    for one, other in ((0, 1), (0, 2), (2, 1)):
        before, after = tables[one], tables[other]
        _, rows_found = compare(trial, f"latest~{2 - one}", f"latest~{2 - other}")
        told = {(row.kind, row.key) for row in rows_found["t"]}
        expected = {("added", f'["{key}"]') for key in after.keys() - before.keys()}
        expected |= {("removed", f'["{key}"]') for key in before.keys() - after.keys()}
        common = before.keys() & after.keys()
        expected |= {("changed", f'["{k}"]') for k in common if before[k] != after[k]}
        assert told == expected


def test_damage_is_said_and_never_compared(trial: Trial, tmp_path: Path) -> None:
    live_a_while(trial, 3000)
    kept = shutil.copytree(trial.place, tmp_path / "kept")
    damaged = 0
    for path in sorted((trial.place / "data/accounts/default/sources/shop/raw").rglob("*")):
        if not path.is_file():
            continue
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
        try:
            _, rows = compare(trial, "latest~2", "latest")
            told = {(one.kind, one.key) for one in rows["public.users"]}
            assert told == {("added", '["new"]'), ("removed", '["12"]'), ("changed", '["7"]')}
        except IntegrityError:
            damaged += 1
        shutil.copyfile(kept / path.relative_to(trial.place), path)
    assert damaged >= 5


def test_rows_can_be_written_as_parquet(make_trial: Callable[..., Trial], tmp_path: Path) -> None:
    trial = make_trial()
    live_a_while(trial)
    _, rows = compare(trial, "latest~2", "latest")
    with DifferenceFile() as file:
        for row in rows["public.users"]:
            file.add(row)
        file.write(tmp_path / "rows.parquet")
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT stream, kind, key, columns, after ->> 'c1' FROM read_parquet($1) ORDER BY key",
            [str(tmp_path / "rows.parquet")],
        ).fetchall()
    assert found == [
        ("public.users", "removed", '["12"]', [], None),
        ("public.users", "changed", '["7"]', ["c1", "c2"], "a third"),
        ("public.users", "added", '["new"]', [], "born"),
    ]


def later(days: int) -> datetime:
    return MOMENT + timedelta(days=days)
