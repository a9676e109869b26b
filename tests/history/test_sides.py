"""What a state's dead lists say is believed only where it can be true."""

import json
from typing import Any

import pytest

from listbackup.errors import IntegrityError, RefusedError
from listbackup.history.sides import open_side, open_sides, whole_slices
from listbackup.testing.changes import commit_dead_list
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial

ROWS: list[list[str | None]] = [[str(n)] for n in range(10)]


def commit(trial: Trial, runs: Any, rows: int, **more: Any) -> None:
    trial.sync(ListedSource({"t": ROWS}))
    batch = trial.snapshot().state("t").batches[0].ref.key
    document = {"requires": [], "stream": "t", "dead": {batch: runs}, **more}
    commit_dead_list(trial.open(), "shop", "t", json.dumps(document).encode(), rows)


def test_dead_lines_are_left_out(trial: Trial) -> None:
    commit(trial, [[1, 2], [9, 1]], 7)
    (live,) = whole_slices(open_side(trial.snapshot(), "t"))
    assert live.numbers().tolist() == [0, 3, 4, 5, 6, 7, 8]
    assert live.hashes().shape == (7, 4)


@pytest.mark.parametrize(
    "runs",
    [
        [[10, 1]],
        [[9, 2]],
        [[-1, 1]],
        [[0, 0]],
        [[0, -1]],
        [[0, 2**62]],
        [[2**62, 2**62]],
        [[0, 2**70]],
        [[0.5, 1]],
        [["0", 1]],
        [[0]],
        [[0, 1, 2]],
        [[0, 1], [2]],
        [0, 1],
        {"0": 1},
        "01",
        None,
    ],
)
def test_runs_that_cannot_be_are_refused(trial: Trial, runs: Any) -> None:
    commit(trial, runs, 9)
    with pytest.raises(IntegrityError, match="out of bounds"):
        open_side(trial.snapshot(), "t")


@pytest.mark.parametrize(
    ("runs", "rows", "more", "said"),
    [
        ([[0, 1]], 8, {}, "counts 8 rows"),
        ([[0, 2], [1, 1]], 7, {}, "died twice"),
        ([[0, 1]], 9, {"stream": "other"}, "another stream's"),
        ([], 9, {"dead": {"accounts/default/sources/shop/x": [[0, 1]]}}, "no batch of it"),
    ],
)
def test_lists_that_do_not_belong_or_add_up_are_refused(
    trial: Trial, runs: Any, rows: int, more: dict[str, Any], said: str
) -> None:
    commit(trial, runs, rows, **more)
    with pytest.raises(IntegrityError, match=said):
        open_side(trial.snapshot(), "t")


def test_a_list_of_a_later_format_is_refused(trial: Trial) -> None:
    commit(trial, [[0, 1]], 9, requires=["erase/9"])
    with pytest.raises(RefusedError, match="erase/9"):
        open_side(trial.snapshot(), "t")


def write_dead(trial: Trial, runs: Any) -> bytes:
    batch = trial.snapshot().state("t").batches[0].ref.key
    return json.dumps({"requires": [], "stream": "t", "dead": {batch: runs}}, indent=1).encode()


def test_runs_may_be_written_with_spaces(trial: Trial) -> None:
    commit(trial, [[1, 2], [9, 1]], 7)
    commit_dead_list(trial.open(), "shop", "t", write_dead(trial, [[3, 1], [5, 2]]), 4)
    side = open_side(trial.snapshot(), "t")
    assert [lines.tolist() for lines in side.dead.values()] == [[1, 2, 3, 5, 6, 9]]


def test_a_stream_may_have_any_name(trial: Trial) -> None:
    trial.sync(ListedSource({"t\udc80": ROWS}))
    batch = trial.snapshot().state("t\udc80").batches[0].ref.key
    document = {"requires": [], "stream": "t\udc80", "dead": {batch: [[4, 1]]}}
    commit_dead_list(trial.open(), "shop", "t\udc80", json.dumps(document).encode(), 9)
    side = open_side(trial.snapshot(), "t\udc80")
    assert [lines.tolist() for lines in side.dead.values()] == [[4]]


def test_lists_that_two_states_share_are_not_read(trial: Trial) -> None:
    trial.sync(ListedSource({"t": ROWS}))
    commit_dead_list(trial.open(), "shop", "t", b"no list", 9)
    commit_dead_list(trial.open(), "shop", "t", write_dead(trial, [[3, 1]]), 8)
    sides = open_sides(trial.snapshot("latest~1"), trial.snapshot(), "t")
    assert [list(side.dead.values()) for side in sides] == [[], [[3]]]
    with pytest.raises(IntegrityError, match="not readable JSON"):
        open_side(trial.snapshot(), "t")


def test_change_sets_that_do_not_add_up_are_not_compared(trial: Trial) -> None:
    commit(trial, [[1, 2]], 8)
    commit_dead_list(trial.open(), "shop", "t", write_dead(trial, [[3, 1]]), 6)
    with pytest.raises(IntegrityError, match="counts? 8 and 6 rows"):
        open_sides(trial.snapshot("latest~1"), trial.snapshot(), "t")
