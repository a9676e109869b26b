"""Whoever reads a vault reads streams that were read over time: the typed view, the past, and the
independent reader, also where a batch has lines that were dead from the beginning."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from listbackup.history.querying import Query
from listbackup.history.timelines import SourcePast, Timeline
from listbackup.records import Outcome
from listbackup.sync.marking import Cuts
from listbackup.testing.hosts import play_host
from listbackup.testing.overtime import OvertimeSource, Page, Script
from listbackup.testing.readings import MOMENT
from listbackup.testing.vaults import Trial
from tests.tools.test_read_vault import read

Lines = Mapping[str, str]
FIRST: list[list[str | None]] = [[str(n), f"v{n}"] for n in range(50)]


def sync(trial: Trial, day: int, *pages: Page, outcome: Outcome | None = None, **more: Any) -> None:
    script = Script(pages, outcome, estimated_bytes=1)
    source = OvertimeSource({"t": script}, moment=MOMENT + timedelta(days=day))
    trial.sync(source, typed_from=0, cuts=Cuts(timedelta(), 0), **more)


@pytest.fixture
def lived(tmp_path: Path) -> tuple[Trial, list[Lines]]:
    """Give a vault of four snapshots of a stream, and what each shows."""
    trial = Trial(tmp_path, play_host(5), "none")
    trial.create()
    lines = {str(n): f"v{n}" for n in range(50)}
    history: list[Lines] = []
    sync(trial, 0, FIRST, [["7", "first"], ["7", "second"]])
    history.append(lines := lines | {"7": "second"})
    deleted = Outcome("upserts", deleted=[b'["1"]', b'["60"]'])
    sync(trial, 1, [["8", "a"]], [["8", "b"], ["60", "short"], ["61", "new"]], outcome=deleted)
    history.append(lines := {k: v for k, v in lines.items() if k != "1"} | {"8": "b", "61": "new"})
    again: Page = [[k, v] for k, v in lines.items() if k != "2"]
    sync(trial, 2, [["9", "other"]], again, [["5", "five"]])
    history.append(lines := {k: v for k, v in lines.items() if k != "2"} | {"5": "five"})
    due = {"rebase_after": timedelta(seconds=-1)}
    sync(trial, 3, [["5", "x"], ["5", "V"]], outcome=Outcome("upserts"), **due)
    history.append(lines | {"5": "V"})
    assert trial.check("records").sound
    return trial, history


def ask(trial: Trial, sql: str, words: str = "latest") -> list[list[Any]]:
    def follow(stream: str) -> Timeline:
        return SourcePast(trial.open(), "shop").timeline(stream)

    with Query(trial.snapshot(words), follow, sql) as query:
        columns = query.prepare()
        return [list(row) for row in query.rows(columns)]


def test_sql_shows_what_every_snapshot_has(lived: tuple[Trial, list[Lines]]) -> None:
    trial, history = lived
    for back, lines in enumerate(reversed(history)):
        words = f"latest~{back}"
        assert trial.snapshot(words).state("t").parts is not None
        assert dict(ask(trial, "SELECT c0, c1 FROM t", words)) == lines


def test_the_past_has_no_line_that_was_never_shown(lived: tuple[Trial, list[Lines]]) -> None:
    trial, _ = lived
    sql = "SELECT c0, c1, day(_from), day(_to) FROM history.t"
    found = sorted(ask(trial, sql), key=str)
    assert [row for row in found if row[0] in ("1", "5", "7", "8", "9", "60", "61")] == [
        ["1", "v1", 1, 2],
        ["5", "V", 4, None],
        ["5", "five", 3, 4],
        ["5", "v5", 1, 3],
        ["61", "new", 2, None],
        ["7", "second", 1, None],
        ["8", "b", 2, None],
        ["8", "v8", 1, 2],
        ["9", "v9", 1, None],
    ]


def test_the_typed_change_names_updates_inserts_and_deletes(
    lived: tuple[Trial, list[Lines]],
) -> None:
    trial, _ = lived
    states = [trial.snapshot(f"latest~{back}").state("t") for back in (3, 2, 1)]
    parts = [state.parts or () for state in states]
    fresh = [after[len(before) :] for before, after in pairwise(parts)]
    # four new lines, though two of them never showed, and one delete; two and one
    assert [sum(ref.rows for ref in parts) for parts in fresh] == [5, 3]


def test_the_independent_reader_restores_every_snapshot(
    lived: tuple[Trial, list[Lines]], tmp_path: Path
) -> None:
    trial, history = lived
    for back, lines in enumerate(reversed(history)):
        sync = trial.snapshot(f"latest~{back}").id
        target = tmp_path / sync
        target.mkdir()
        done = read(trial.place, sync, target)
        assert done.code == 0, done.error
        written = (target / "t.ndjson").read_text().splitlines()
        assert sorted(written) == sorted(f'["{key}","{value}"]' for key, value in lines.items())
