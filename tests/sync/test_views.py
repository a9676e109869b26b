"""The typed view of a state says what its lines say, whatever syncs it was built from."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedReading, ListedSource
from listbackup.testing.vaults import Rows, Trial, make_rows
from listbackup.vault.reading import read_dead_positions
from listbackup.vault.states import number_batch

TYPED: dict[str, Any] = {"typed_from": 0}
MANY = make_rows(3000)


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a fresh vault, once sealed and once plain."""
    trial = Trial(tmp_path, play_host(5), request.param)
    trial.create()
    return trial


def query(trial: Trial, what: str, words: str = "latest") -> list[tuple[Any, ...]]:
    """Ask the parts of stream `t`: table `part` all of them, table `dead` the dead positions."""
    snapshot = trial.snapshot(words)
    state = snapshot.state("t")
    assert state.parts is not None
    with duckdb.connect() as connection:
        for number, ref in enumerate(state.parts):
            path = trial.root / f"part-{number}.parquet"
            path.write_bytes(snapshot.objects.read(ref))
        files = f"{trial.root}/part-*.parquet"
        connection.execute(f"CREATE TABLE part AS FROM read_parquet('{files}', union_by_name=true)")
        connection.execute("CREATE TABLE dead (batch UBIGINT, line UINTEGER)")
        for batch, runs in read_dead_positions(snapshot.objects, state).items():
            lines = [line for first, count in runs for line in range(first, first + count)]
            connection.execute("INSERT INTO dead SELECT ?, unnest(?)", [number_batch(batch), lines])
        connection.execute(
            "CREATE VIEW state AS SELECT * FROM part WHERE _op <> 'delete' AND NOT EXISTS "
            "(FROM dead WHERE batch = _batch AND line = _line)"
        )
        for path in trial.root.glob("part-*.parquet"):
            path.unlink()
        return connection.execute(what).fetchall()


def shown(trial: Trial, width: int = 3) -> Counter[tuple[Any, ...]]:
    columns = ", ".join(f"c{n}" for n in range(width))
    return Counter(query(trial, f"SELECT {columns} FROM state"))


def rows(rows: Rows) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row) for row in rows)


@pytest.mark.parametrize("options", [TYPED, TYPED | {"children_from": 0}], ids=["here", "beside"])
def test_a_first_backup_has_all_rows_as_inserts(trial: Trial, options: dict[str, Any]) -> None:
    trial.sync(ListedSource({"t": MANY}, parts=3), "shop", **options)
    assert shown(trial) == rows(MANY)
    assert query(trial, "SELECT DISTINCT _op FROM part") == [("insert",)]
    assert trial.check("records").sound


def test_a_later_backup_tells_inserts_updates_and_deletes(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}), **TYPED)
    changed = [[row[0], "changed", row[2]] for row in MANY[:5]]
    after = [*changed, *MANY[8:], ["new", "row", None]]
    trial.sync(ListedSource({"t": after}), **TYPED)
    assert shown(trial) == rows(after)
    operations = dict(query(trial, "SELECT _op, count(*) FROM part GROUP BY 1"))
    assert operations == {"insert": 3001, "update": 5, "delete": 3}
    deleted = query(trial, "SELECT c0, c1 FROM part WHERE _op = 'delete' ORDER BY 1")
    assert deleted == [(row[0], None) for row in MANY[5:8]]
    assert trial.check("records").sound


def test_a_random_life_is_shown_at_every_moment(trial: Trial) -> None:
    dice = Random(7)
    current: list[list[str | None]] = [[str(n), str(n % 5), None] for n in range(300)]
    moments = []
    for step in range(12):
        for _ in range(dice.randrange(1, 30)):
            at = dice.randrange(len(current))
            if dice.randrange(2):
                current[at] = [current[at][0], "a\tb\\" * dice.randrange(3), str(step)]
            elif dice.randrange(2):
                current.pop(at)
            else:
                current.insert(at, [f"{step}/{dice.randrange(10**9)}", None, "x"])
        trial.sync(ListedSource({"t": [list(row) for row in current]}), **TYPED)
        moments.append(rows(current))
    for back, wanted in enumerate(reversed(moments)):
        found = query(trial, "SELECT c0, c1, c2 FROM state", f"latest~{back}")
        assert Counter(found) == wanted
    assert trial.check("records").sound


def test_equal_lines_without_a_key_keep_their_number(trial: Trial) -> None:
    trial.sync(ListedSource({"t": [["a"], ["a"], ["b"]]}, keyed=False), **TYPED)
    trial.sync(ListedSource({"t": [["a"], ["c"], ["c"]]}, keyed=False), **TYPED)
    assert shown(trial, 1) == rows([["a"], ["c"], ["c"]])


def test_a_small_stream_has_no_parts_and_gets_them_when_it_grew(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}))
    assert trial.snapshot().state("t").parts is None
    wide: Rows = [[str(n), "x" * 2000, None] for n in range(3000)]
    trial.sync(ListedSource({"t": wide}))
    trial.sync(ListedSource({"t": wide}))
    assert trial.snapshot().state("t").parts is None
    assert trial.sync(ListedSource({"t": wide})).new_rows == 0
    trial.sync(ListedSource({"t": wide}), **TYPED)
    assert shown(trial) == rows(wide)


def test_no_view_is_made_where_none_is_wanted(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}), **TYPED)
    after = [*MANY, ["new", None, None]]
    trial.sync(ListedSource({"t": after}), typed_from=None)
    assert shown(trial) == rows(after)
    trial.sync(ListedSource({"u": MANY}), "other", typed_from=None)
    assert trial.snapshot("other:latest").state("u").parts is None


def test_a_view_that_cannot_be_made_fails_no_backup(trial: Trial) -> None:
    class Misshapen(ListedSource):
        """Gives lines that have not the columns of their schema."""

        def open(self) -> ListedReading:
            reading = super().open()
            read = reading.read
            reading.read = lambda part: (  # type: ignore[method-assign]
                chunk.replace(b"\n", b"\tmore\n", 1) for chunk in read(part)
            )
            return reading

    for _ in range(2):
        result = trial.sync(Misshapen({"t": MANY}), **TYPED)
        assert result.commit.status == "complete"
    state = trial.snapshot().state("t")
    assert (state.parts, len(state.batches)) == (None, 1)
    assert "typed view" in state.unviewed
    assert result.new_rows == 0
    assert trial.check("records").sound
