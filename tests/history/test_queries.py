"""SQL sees a stream as its snapshot has it, and all that it ever was."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from listbackup.errors import FailedError, IntegrityError, UsageError
from listbackup.history.querying import Query
from listbackup.history.timelines import SourcePast, Timeline
from listbackup.history.views import Names, split_stream, write_name
from listbackup.testing.changes import Change, commit_changes
from listbackup.testing.readings import MOMENT, ListedSource
from listbackup.testing.vaults import Trial
from tests.history.conftest import Rows, live_a_while, make_users


def ask(trial: Trial, sql: str, words: str = "latest", **bounds: Any) -> list[list[Any]]:
    def follow(stream: str) -> Timeline:
        return SourcePast(trial.open(), "shop").timeline(stream)

    with Query(trial.snapshot(words), follow, sql) as query:
        columns = query.prepare()
        return [list(row) for row in query.rows(columns, **bounds)]


def test_a_table_is_what_the_snapshot_has(trial: Trial) -> None:
    shown = live_a_while(trial)
    for words, streams in zip(("latest~2", "latest~1", "latest"), shown, strict=True):
        for name, rows in streams.items():
            found = ask(trial, f"SELECT * FROM {name}", words)
            assert sorted(found) == sorted(map(list, rows))


def test_public_tables_need_no_schema_and_rows_have_no_columns_of_ours(trial: Trial) -> None:
    live_a_while(trial)
    assert ask(trial, "SELECT count(*) FROM users") == [[300]]
    described = ask(trial, "DESCRIBE users")
    assert [row[0] for row in described] == ["c0", "c1", "c2"]


def test_every_row_that_ever_was_has_its_time(trial: Trial) -> None:
    live_a_while(trial)
    days = ["20261101-120000", "20261102-120000", "20261103-120000"]
    sql = (
        "SELECT c0, c1, _from_snapshot, _to_snapshot, epoch(_from), epoch(_to)"
        " FROM history.public.users WHERE c0 IN ('1', '7', '11', '12', 'new') ORDER BY c0, _from"
    )
    found = [row[:4] for row in ask(trial, sql)]
    old = dict(enumerate(row[1] for row in make_users(13)))
    assert found == [
        ["1", old[1], days[0], None],
        ["11", old[11], days[0], days[1]],
        ["11", old[11], days[2], None],
        ["12", old[12], days[0], days[1]],
        ["7", old[7], days[0], days[1]],
        ["7", "another", days[1], days[2]],
        ["7", "a third", days[2], None],
        ["new", "born", days[1], None],
    ]
    (first, *_), begin = ask(trial, sql), MOMENT.timestamp()
    assert first[4:] == [begin, None]
    assert ask(trial, 'SELECT count(*) FROM history."public.users"') == [[304]]


def test_a_rebase_does_not_end_what_stays(trial: Trial) -> None:
    rows: Rows = [["1", "a"], ["2", "b"], ["2", "b"], ["3", "c"]]
    trial.sync(ListedSource({"t": rows}))
    commit_changes(
        trial.open(), "shop", {"t": Change(rows[1:], dead={0: [(0, 1)]})}, moment=later(1)
    )
    commit_rebase(trial, [["3", "c"], ["2", "b"], ["4", "d"]])
    found = ask(trial, "SELECT c0, _from_snapshot, _to_snapshot FROM history.t ORDER BY ALL")
    one, two, three = (commit.name for commit in commits(trial))
    assert found == [
        ["1", one, two],
        ["2", one, three],
        ["2", one, None],
        ["3", one, None],
        ["4", three, None],
    ]


@pytest.mark.parametrize("seed", range(3))
def test_random_pasts_are_told_as_a_dictionary_tells_them(
    make_trial: Callable[..., Trial], seed: int
) -> None:
    chance = random.Random(seed)
    trial = make_trial()
    days: list[dict[str, str]] = []
    for day in range(5):
        table = {str(chance.randrange(12)): str(chance.randrange(2)) for _ in range(9)}
        rows = [[key, value] for key, value in table.items()]
        trial.sync(ListedSource({"t": rows}, moment=MOMENT + timedelta(days=day)))
        days.append(table)
    names = [commit.name for commit in commits(trial)]
    sql = "SELECT c0, c1, _from_snapshot, _to_snapshot FROM history.t"
    assert sorted(map(repr, ask(trial, sql))) == sorted(map(repr, spell(days, names)))
    for back, table in enumerate(reversed(days)):
        assert dict(ask(trial, "SELECT * FROM t", f"latest~{back}")) == table


def spell(days: list[dict[str, str]], names: list[str]) -> list[list[str | None]]:
    """Say in plain words from when until when each pair was there."""
    told: list[list[str | None]] = []
    for day, table in enumerate(days):
        for pair in table.items():
            if day and pair in days[day - 1].items():
                continue
            ends = (n for n in range(day, len(days)) if pair not in days[n].items())
            end = next(ends, None)
            told.append([*pair, names[day], None if end is None else names[end]])
    return told


def test_hostile_names_are_quoted_and_do_not_collide(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    hostile = {
        'public."; DROP TABLE x; --"': [["1"]],
        "public.users": [["2"]],
        'public."USERS"': [["3"]],
        "pg_catalog.pg_largeobject": [["4"]],
        "../../etc/passwd": [["5"]],
        "": [["6"]],
        'history."it\'s"': [["7"]],
        "a.b.c": [["8"]],
    }
    trial.sync(ListedSource(hostile))
    names = Names(hostile)
    for stream, rows in hostile.items():
        schema, table = names.tables[stream]
        quoted = ".".join('"' + word.replace('"', '""') + '"' for word in (schema, table))
        three = f"SELECT * FROM {quoted} UNION ALL SELECT * FROM {write_name(schema, table)}"
        assert ask(trial, f"{three} UNION ALL SELECT c0 FROM history.{quoted}") == rows * 3
    assert split_stream("public.users") == ("public", "users")
    assert split_stream('a."b.c"') == ("a", "b.c")


def test_only_what_is_named_is_read(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(encryption="none")
    trial.sync(ListedSource({"small": [["1"]], "public.users": make_users(9000)}))
    for path in (trial.place / "data").rglob("*users/batch*"):
        path.unlink()
    assert ask(trial, "SELECT * FROM small") == [["1"]]


def test_errors_of_sql_are_one_line_with_the_place(trial: Trial) -> None:
    live_a_while(trial)
    with pytest.raises(UsageError) as caught:
        ask(trial, "SELECT nix\nFROM users")
    assert caught.value.message.startswith('Binder Error: Referenced column "nix" not found')
    assert caught.value.message.endswith("(line 1, at `nix`)")
    with pytest.raises(UsageError, match="syntax error"):
        ask(trial, "SELEC 1")
    with pytest.raises(UsageError, match="Table with name user does not exist") as caught:
        ask(trial, "SELECT * FROM user")
    assert "users" in caught.value.hint


@pytest.mark.parametrize(
    "sql", ["", "SELECT 1; SELECT 2", "CREATE TABLE t AS SELECT 1", "SET threads = 1", "PRAGMA x"]
)
def test_all_but_one_select_is_refused(make_trial: Callable[..., Trial], sql: str) -> None:
    trial = make_trial()
    trial.sync(ListedSource({"t": [["1"]]}))
    with pytest.raises(UsageError):
        ask(trial, sql)


def test_values_come_as_json_has_them(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    trial.sync(ListedSource({"t": [["1"]]}))
    sql = (
        "SELECT 1, 9007199254740993, 1.5::FLOAT, 0.1::FLOAT, 'nan'::DOUBLE, 1.10::DECIMAL(9,2),"
        " true, '\\x00\\xff'::BLOB, [1, NULL], {'a': 1}, DATE '2026-01-02', NULL,"
        " TIMESTAMPTZ '2026-01-02 03:04:05+00'"
    )
    (row,) = ask(trial, sql)
    assert row == [
        *(1, "9007199254740993", 1.5, 0.1, "NaN", "1.10", True, "\\x00ff"),
        *([1, None], "{'a': 1}", "2026-01-02", None, "2026-01-02 03:04:05+00"),
    ]


def test_limits_of_rows_time_and_memory_hold(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    trial.sync(ListedSource({"t": [["1"]]}))
    assert len(ask(trial, "SELECT * FROM range(100000)", limit=7)) == 7
    with pytest.raises(FailedError, match="longer than it may"):
        endless = "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT 1 FROM r) SELECT * FROM r"
        ask(trial, f"SELECT sum(a) FROM ({endless})", timeout=0.3)
    with pytest.raises(FailedError, match="more memory"):
        ask(trial, "SELECT list(range) FROM range(99999999)")


def test_damage_is_told_and_no_row_is_given(trial: Trial) -> None:
    trial.sync(ListedSource({"public.users": make_users(9000)}))
    stored = trial.place / "data/accounts/default/sources/shop"
    paths = [p for p in stored.rglob("*") if p.is_file() and p.stat().st_size > 20_000]
    assert paths
    for path in paths:
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    for sql in ("SELECT sum(length(c1)) FROM users", "SELECT * FROM history.public.users"):
        with pytest.raises(IntegrityError) as caught:
            ask(trial, sql)
        assert caught.value.subject


def commits(trial: Trial) -> list[Any]:
    found: Mapping[int, Any] = trial.open().source("shop").commits
    return [found[number] for number in sorted(found)]


def later(days: int) -> Any:
    return MOMENT + timedelta(days=days)


def commit_rebase(trial: Trial, rows: Rows) -> None:
    """Write a stream wholly anew, whatever a sync would do."""
    state = trial.snapshot().state("t")
    whole = {at: [(0, batch.ref.rows)] for at, batch in enumerate(state.batches)}
    whole[0] = [(1, state.batches[0].ref.rows - 1)]
    commit_changes(trial.open(), "shop", {"t": Change(rows, rows, whole)}, moment=later(2))
