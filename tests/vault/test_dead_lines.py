"""A stream that keeps an earlier state's batches and names the lines that died in them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from listbackup.errors import FailedError, IntegrityError
from listbackup.testing.changes import Change, commit_changes, commit_dead_list
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.accounts import Encryption
from listbackup.vault.states import Runs, write_dead

FEW, MANY = 40, 3000
"""Rows that fit a pack, and rows whose hashes alone need objects of their own."""


@pytest.fixture(params=["sealed", "none"])
def encryption(request: pytest.FixtureRequest) -> Encryption:
    """Give both forms of vault."""
    form: Encryption = request.param
    return form


@pytest.fixture
def trial(tmp_path: Path, encryption: Encryption) -> Trial:
    """Give a vault with one snapshot of a small and a large stream."""
    trial = Trial(tmp_path, play_host(), encryption)
    trial.create()
    trial.sync(ListedSource({"few": make_rows(FEW), "many": make_rows(MANY)}))
    return trial


def without(rows: Rows, runs: Runs) -> list[list[str | None]]:
    gone = {line for first, count in runs for line in range(first, first + count)}
    return [list(row) for line, row in enumerate(rows) if line not in gone]


def lose(trial: Trial, runs: Runs, new: Rows = (), *, name: str = "many") -> Rows:
    """Commit a snapshot in which those lines of the first batch died; give what is left."""
    rows = without(make_rows(FEW if name == "few" else MANY), runs)
    after: Rows = [*rows, *new]
    commit_changes(trial.open(), "shop", {name: Change(after, new, {0: runs})})
    return after


@pytest.mark.parametrize("name", ["few", "many"])
def test_a_snapshot_leaves_out_what_died_since_the_one_it_builds_on(
    trial: Trial, name: str
) -> None:
    after = lose(trial, [(0, 1), (7, 3), (39, 1)], make_rows(2, "new"), name=name)
    assert trial.restore() == expect({name: after})
    assert trial.check("records").findings == []


def test_the_snapshot_before_still_has_the_lines_that_died_after_it(trial: Trial) -> None:
    lose(trial, [(0, MANY - 1)])
    assert trial.restore("latest~1")["many"] == expect({"many": make_rows(MANY)})["many"]
    assert trial.restore()["many"] == expect({"many": make_rows(MANY)[-1:]})["many"]


def test_what_did_not_change_is_not_stored_again(trial: Trial) -> None:
    before = sum(path.stat().st_size for path in trial.place.rglob("*.json.gz*"))
    lose(trial, [(5, 2)])
    assert sum(path.stat().st_size for path in trial.place.rglob("*.json.gz*")) == before


def test_dead_lists_of_several_syncs_add_up(trial: Trial) -> None:
    lose(trial, [(10, 5)], [["new", "line", None]])
    rows = without(make_rows(MANY), [(10, 5), (2000, 900)])
    commit_changes(
        trial.open(), "shop", {"many": Change(rows, (), {0: [(2000, 900)], 1: [(0, 1)]})}
    )
    assert trial.restore() == expect({"many": rows})
    assert trial.check("records").findings == []
    state = trial.snapshot().state("many")
    assert (len(state.batches), len(state.dead), state.rows) == (2, 2, MANY - 905)


def test_lines_may_all_be_dead(trial: Trial) -> None:
    assert lose(trial, [(0, MANY)]) == []
    assert trial.restore() == {"many": b""}
    assert trial.check("records").findings == []


def test_a_carried_stream_keeps_its_dead_lines(trial: Trial) -> None:
    after = lose(trial, [(3, 30)])
    trial.sync(ListedSource({"few": make_rows(1), "many": []}, locked={"many": "locked"}))
    assert trial.restore()["many"] == expect({"many": after})["many"]


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([(MANY - 1, 2)], "out of bounds"),
        ([(-1, 2)], "out of bounds"),
        ([(4, 0)], "out of bounds"),
        ([(0, 5), (4, 2)], "died twice"),
    ],
)
def test_the_writer_refuses_positions_that_are_none(trial: Trial, runs: Runs, why: str) -> None:
    change = Change(make_rows(MANY)[: MANY - 2], (), {0: runs})
    with pytest.raises(FailedError, match=why):
        commit_changes(trial.open(), "shop", {"many": change})
    assert len(trial.open().source("shop").commits) == 1


def test_the_writer_refuses_a_line_that_had_died_before(trial: Trial) -> None:
    after = lose(trial, [(10, 5)])
    with pytest.raises(FailedError, match="died twice"):
        commit_changes(trial.open(), "shop", {"many": Change(after[1:], (), {0: [(14, 1)]})})


def test_the_writer_refuses_a_state_whose_rows_do_not_add_up(trial: Trial) -> None:
    with pytest.raises(FailedError, match="does not add up"):
        commit_changes(trial.open(), "shop", {"many": Change(make_rows(MANY), (), {0: [(0, 1)]})})


def test_the_writer_keeps_nothing_of_a_stream_whose_columns_changed(trial: Trial) -> None:
    wider: list[list[str | None]] = [[*row, "more"] for row in make_rows(MANY)]
    with pytest.raises(FailedError, match="columns, key or encoding changed"):
        commit_changes(trial.open(), "shop", {"many": Change(wider)})


def hostile(trial: Trial) -> Mapping[str, tuple[bytes, int, str]]:
    """Give dead lists that lie, the rows that would be left, and the word for what is wrong."""
    state = trial.snapshot().state("many")
    other = trial.snapshot().state("few").batches[0].ref.key
    batch = state.batches[0].ref.key
    return {
        "another stream's": (write_dead("few", {batch: [(0, 1)]}), MANY - 1, "another stream's"),
        "another stream's batch": (write_dead("many", {other: [(0, 1)]}), MANY - 1, "no batch"),
        "overlapping": (write_dead("many", {batch: [(0, 5), (4, 2)]}), MANY - 7, "died twice"),
        "the same twice": (write_dead("many", {batch: [(3, 1), (3, 1)]}), MANY - 2, "died twice"),
        "beyond the end": (write_dead("many", {batch: [(MANY, 1)]}), MANY - 1, "out of bounds"),
        "before the start": (write_dead("many", {batch: [(-1, 1)]}), MANY - 1, "out of bounds"),
        "of no length": (write_dead("many", {batch: [(0, 0)]}), MANY, "out of bounds"),
        "no runs": (b'{"stream":"many","dead":{"%s":7}}' % batch.encode(), MANY, "no batch"),
        "miscounted": (write_dead("many", {batch: [(0, 1)]}), MANY - 2, "counts"),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "another stream's",
        "another stream's batch",
        "overlapping",
        "the same twice",
        "beyond the end",
        "before the start",
        "of no length",
        "no runs",
        "miscounted",
    ],
)
def test_a_dead_list_that_lies_is_named_and_its_stream_not_read(trial: Trial, kind: str) -> None:
    dead, rows, why = hostile(trial)[kind]
    commit = commit_dead_list(trial.open(), "shop", "many", dead, rows)
    with pytest.raises(IntegrityError, match=why):
        trial.restore()
    [finding] = trial.check().findings
    assert (finding.streams, finding.snapshots) == (("many",), (f"shop:{commit.name}",))
    assert trial.restore("latest~1") == expect({"few": make_rows(FEW), "many": make_rows(MANY)})
