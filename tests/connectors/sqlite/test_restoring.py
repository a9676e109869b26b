"""A snapshot comes back as the database it was, by an opinion that is not the product's own; or it
does not come back at all."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.source import SqliteSource
from listbackup.errors import (
    IntegrityError,
    ListbackupError,
    RefusedError,
    RestoreError,
    UsageError,
)
from listbackup.events import Event, Progressed, Warned, ignore
from listbackup.host import Host
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import compare_with_source, explain, plan_restore
from tests.connectors.postgres.memory import MemorySnapshot, MemoryStream
from tests.connectors.sqlite.awkward import build, fingerprint
from tests.connectors.sqlite.files import address_of, aim, ask, put_back, run, snapshot_of

SHOP = """
CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
CREATE TABLE orders (number TEXT PRIMARY KEY, person REFERENCES people (id), total REAL);
CREATE INDEX orders_person ON orders (person);
CREATE VIEW totals AS SELECT person, sum(total) FROM orders GROUP BY person;
CREATE TRIGGER ordered AFTER INSERT ON orders BEGIN UPDATE people SET name = name; END;
INSERT INTO people (name) VALUES ('Ada'), ('Bob'), ('Cy');
DELETE FROM people WHERE name = 'Cy';
INSERT INTO orders VALUES ('a', 1, 9.5), ('b', 1, 1), ('c', 2, 7);
"""


@pytest.fixture
def shop(tmp_path: Path) -> MemorySnapshot:
    run(tmp_path / "shop.db", SHOP)
    return snapshot_of(tmp_path / "shop.db")


@pytest.mark.parametrize(
    ("encoding", "journal", "vacuum"),
    [("UTF-8", "wal", 0), ("UTF-16le", "delete", 1), ("UTF-16be", "wal", 2)],
)
def test_an_awkward_database_comes_back_as_it_was(
    tmp_path: Path, encoding: str, journal: str, vacuum: int
) -> None:
    path, back = tmp_path / "awkward.db", tmp_path / "back.db"
    build(path, encoding, journal, vacuum)
    result = put_back(snapshot_of(path), back)
    assert result.proven
    assert result.comparison.definitions
    assert fingerprint(back) == fingerprint(path)
    assert {p.name for p in tmp_path.iterdir()} == {"awkward.db", "back.db", "copies"}


def test_the_opinion_of_its_own_sees_a_change(tmp_path: Path) -> None:
    path = tmp_path / "awkward.db"
    build(path)
    before = fingerprint(path)
    for change in (
        "DELETE FROM log; UPDATE named SET value = 1.0 WHERE value = 1",
        "UPDATE keyless SET rowid = 77 WHERE rowid = 1",
        "UPDATE boxes SET x1 = 11 WHERE id = 1",
        "PRAGMA user_version = 43",
        "DROP VIEW broken",
    ):
        run(path, change)
        assert fingerprint(path) != before
        before = fingerprint(path)


def test_what_came_back_is_alive(tmp_path: Path) -> None:
    path, back = tmp_path / "awkward.db", tmp_path / "back.db"
    build(path)
    put_back(snapshot_of(path), back)
    assert ask(back, "SELECT rowid FROM docs WHERE docs MATCH 'quick'") == [(1,)]
    assert ask(back, "SELECT id FROM boxes WHERE x0 < 6 AND x1 > 6 ORDER BY id") == [(1,), (2,)]
    run(back, "INSERT INTO docs VALUES ('three', 'a slow fox'); INSERT INTO counted (v) VALUES (9)")
    assert ask(back, "SELECT rowid FROM docs WHERE docs MATCH 'slow'") == [(3,)]
    assert ask(back, "SELECT id FROM counted WHERE v = 9") == [(4,)]
    run(back, "INSERT INTO plain (id, name) VALUES (50, 'new')")
    assert ask(back, "SELECT count(*) FROM log WHERE what = 50") == [(1,)]


def test_rows_that_point_nowhere_are_told_and_kept(tmp_path: Path, shop: MemorySnapshot) -> None:
    run(tmp_path / "shop.db", "INSERT INTO orders VALUES ('x', 99, 0)")
    said: list[Event] = []
    put_back(snapshot_of(tmp_path / "shop.db"), tmp_path / "back.db", emit=said.append)
    (told,) = [event.message for event in said if isinstance(event, Warned)]
    assert "main.orders: 1" in told


def test_a_part_comes_back_with_what_hangs_on_it(tmp_path: Path, shop: MemorySnapshot) -> None:
    back = tmp_path / "back.db"
    options = RestoreOptions(include=("main.orders",), where={"main.orders": "total > 5"})
    result = put_back(shop, back, options)
    assert result.proven
    assert ask(back, "SELECT number FROM orders ORDER BY 1") == [("a",), ("c",)]
    names = ask(back, "SELECT name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1")
    assert names == [("orders",), ("orders_person",)]
    left = " ".join(result.plan.left_out)
    assert "view totals" in left
    assert "trigger ordered" in left


def test_a_part_goes_on_counting_where_it_was(tmp_path: Path, shop: MemorySnapshot) -> None:
    back = tmp_path / "back.db"
    put_back(shop, back, RestoreOptions(include=("main.people",)))
    run(back, "INSERT INTO people (name) VALUES ('Dan')")
    assert ask(back, "SELECT max(id) FROM people") == [(4,)]


def test_counters_of_tables_that_are_gone_are_kept_beside_a_table_of_any_name(
    tmp_path: Path,
) -> None:
    path, back = tmp_path / "a.db", tmp_path / "back.db"
    run(
        path,
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5);"
        "DROP TABLE t; CREATE TABLE counted (a); INSERT INTO counted VALUES (1);"
        "INSERT INTO sqlite_sequence VALUES ('ghost', 7)",
    )
    assert put_back(snapshot_of(path), back).proven
    assert ask(back, "SELECT * FROM sqlite_sequence") == [("ghost", 7)]
    assert ask(back, "SELECT * FROM counted") == [(1,)]


def test_a_part_that_is_not_there_is_a_mistake(tmp_path: Path, shop: MemorySnapshot) -> None:
    with pytest.raises(UsageError, match=r"main\.nothing"):
        put_back(shop, tmp_path / "back.db", RestoreOptions(include=("main.nothing",)))


@pytest.mark.parametrize(
    ("there", "options", "word"),
    [
        ("back.db", RestoreOptions(), "there is a file of that name"),
        ("back.db", RestoreOptions(into_existing=True), "the file is no empty database"),
        ("back.db-wal", RestoreOptions(), "logs of another database"),
        ("back.db-journal", RestoreOptions(into_existing=True), "logs of another database"),
    ],
)
def test_nothing_is_written_over_or_beside_what_is_there(
    tmp_path: Path, shop: MemorySnapshot, there: str, options: RestoreOptions, word: str
) -> None:
    run(tmp_path / there, "CREATE TABLE mine (a)")
    before = (tmp_path / there).read_bytes()
    with pytest.raises(RefusedError, match=word):
        put_back(shop, tmp_path / "back.db", options)
    assert (tmp_path / there).read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("script", ["", "CREATE TABLE t (a); DROP TABLE t"])
def test_an_empty_database_is_replaced_where_that_is_asked_for(
    tmp_path: Path, shop: MemorySnapshot, script: str
) -> None:
    back = tmp_path / "back.db"
    run(back, script)
    back.touch()
    result = put_back(shop, back, RestoreOptions(into_existing=True))
    assert result.comparison.equal
    assert ask(back, "SELECT count(*) FROM orders") == [(3,)]


def test_a_plan_writes_nothing_and_says_what_would_be(tmp_path: Path, shop: MemorySnapshot) -> None:
    plan = plan_restore(shop, aim(tmp_path / "back.db"), RestoreOptions())
    assert plan.creates
    assert {s.name: s.rows for s in plan.streams}["main.orders"] == 3
    assert any("load 6 rows into" in step for step in plan.steps)
    assert not plan.obstacles
    lost = plan_restore(shop, aim(tmp_path / "no" / "back.db"), RestoreOptions())
    assert [o.what for o in lost.obstacles] == ["there is no such directory"]
    assert not list(tmp_path.glob("*back*"))


def test_what_this_sqlite_cannot_make_is_an_obstacle(tmp_path: Path, shop: MemorySnapshot) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as connection:
        connection.create_function("secret", 1, lambda value: value, deterministic=True)
        connection.execute("CREATE INDEX odd ON people (secret(name))")
    snapshot = snapshot_of(tmp_path / "shop.db")
    with pytest.raises(RefusedError, match=r"odd \(no such function: secret\)"):
        put_back(snapshot, tmp_path / "back.db")
    assert put_back(snapshot, tmp_path / "back.db", RestoreOptions(include=("main.orders",))).proven


def replace_lines(snapshot: MemorySnapshot, stream: str, lines: bytes) -> MemorySnapshot:
    kept = snapshot.streams[stream]
    assert isinstance(kept, MemoryStream)
    return replace(snapshot, streams={**snapshot.streams, stream: replace(kept, lines=[lines])})


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (b'["a",1,9.5]\n["b",1,1.0]\n["c",2,7.5]\n', "orders A line has other fields"),
        (b'[1,"a",1,9.5]\n[2,"b",1,1.0]\n[3,"c",2,7.5]\n', "main.orders: values: expected 3 rows"),
        (b'[1,"a",1,9.5]\n[2,"b",1,1.0]\n', "2 rows were loaded, the snapshot holds 3"),
        (b'[1,"a",1,9.5]\n[1,"b",1,1.0]\n[3,"c",2,7.0]\n', "UNIQUE"),
        (b'[1,"a",1,9.5]\n[2,"b",1,1.0]\n[3,"c",2,99999999999999999999]\n', "what SQLite cannot"),
        (b'[1,"a",1,9.5]\n[2,"b",1,1.0]\n[3,"c",[],7.0]\n', "what SQLite cannot"),
    ],
)
def test_what_does_not_come_back_whole_does_not_come_back(
    tmp_path: Path, shop: MemorySnapshot, lines: bytes, word: str
) -> None:
    with pytest.raises((RestoreError, IntegrityError)) as caught:
        put_back(replace_lines(shop, "main.orders", lines), tmp_path / "back.db")
    assert word in f"{caught.value.subject} {caught.value.message}"
    assert {p.name for p in tmp_path.iterdir()} == {"shop.db", "copies"}


def test_what_a_failure_leaves_is_kept_on_request_under_another_name(
    tmp_path: Path, shop: MemorySnapshot
) -> None:
    bad = replace_lines(shop, "main.orders", b'[1,"a",1,9.5]\n')
    said: list[Event] = []
    with pytest.raises(RestoreError):
        put_back(bad, tmp_path / "back.db", RestoreOptions(keep_failed=True), said.append)
    (left,) = tmp_path.glob(".back.db.*.restoring")
    assert any(str(left) in event.message for event in said if isinstance(event, Warned))


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{place}/evil.db' AS evil",
        "CREATE TABLE x AS SELECT 1; ATTACH DATABASE '{place}/evil.db' AS evil",
        "VACUUM INTO '{place}/evil.db'",
    ],
)
def test_a_definition_reaches_no_other_file(tmp_path: Path, shop: MemorySnapshot, sql: str) -> None:
    told = shop.extras["sqlite-schema"].replace(
        b"CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
        sql.format(place=tmp_path).encode(),
    )
    evil = replace(shop, extras={"sqlite-schema": told})
    with pytest.raises(ListbackupError):
        put_back(evil, tmp_path / "back.db")
    assert not list(tmp_path.glob("*evil*"))
    assert not list(tmp_path.glob(".*"))


def test_somebody_who_makes_the_file_meanwhile_keeps_it(
    tmp_path: Path, shop: MemorySnapshot
) -> None:
    back = tmp_path / "back.db"

    def come_between(event: Event) -> None:
        if isinstance(event, Progressed):
            back.write_bytes(b"mine")

    with pytest.raises(RefusedError, match="somebody else"):
        put_back(shop, back, emit=come_between)
    assert back.read_bytes() == b"mine"
    assert not list(tmp_path.glob(".*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from listbackup.events import Progressed, StepStarted
from tests.connectors.sqlite.files import put_back, snapshot_of

def listen(event):
    if type(event).__name__ == sys.argv[2] and getattr(event, "step", sys.argv[3]) == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

here = Path(sys.argv[1])
put_back(snapshot_of(here / "shop.db"), here / "back.db", emit=listen)
"""


@pytest.mark.parametrize(
    ("event", "step"), [("Progressed", ""), ("StepStarted", "checking"), ("StepDone", "comparing")]
)
def test_a_restore_that_is_killed_leaves_no_half_database(
    tmp_path: Path, shop: MemorySnapshot, event: str, step: str
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), event, step]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    killed = subprocess.run(command, env=environment, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "back.db").exists()
    assert not list((tmp_path / "copies").iterdir())
    assert put_back(shop, tmp_path / "back.db").proven


def test_a_comparison_names_rows_and_columns(tmp_path: Path, shop: MemorySnapshot) -> None:
    path = tmp_path / "shop.db"
    source = SqliteSource(address_of(path), ReadOptions(), Host())
    assert compare_with_source(shop, source, RestoreOptions(), ignore).equal
    run(
        path,
        "UPDATE orders SET total = 10 WHERE number = 'a'; DELETE FROM orders WHERE number = 'b';"
        "INSERT INTO orders VALUES ('d', 2, 0); UPDATE people SET name = 1 WHERE id = 2;"
        "CREATE TABLE more (a); DROP INDEX orders_person",
    )
    comparison = compare_with_source(shop, source, RestoreOptions(), ignore)
    said = {explain(difference) for difference in comparison.differences}
    assert any(line.startswith("main.orders: 3 rows differ in total") for line in said)
    assert "main.people: 1 row differs in name (keys [2])" in said
    (orders,) = [d for d in comparison.differences if d.subject == "main.orders"]
    changes = {(row.change, row.key) for row in orders.rows}
    assert changes == {("altered", '["a"]'), ("missing", '["b"]'), ("added", '["d"]')}


def test_definitions_that_differ_are_named(tmp_path: Path, shop: MemorySnapshot) -> None:
    path = tmp_path / "shop.db"
    run(path, "DROP INDEX orders_person; PRAGMA user_version = 7")
    other = snapshot_of(path)
    mixed = replace(shop, extras=other.extras)
    with pytest.raises(RestoreError) as caught:
        put_back(mixed, tmp_path / "back.db")
    assert "index orders_person" in caught.value.message


def test_a_file_of_nothing_but_settings_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "bare.db"
    run(path, "PRAGMA user_version = 3; PRAGMA journal_mode = wal")
    put_back(snapshot_of(path), tmp_path / "back.db")
    assert ask(tmp_path / "back.db", "PRAGMA user_version") == [(3,)]
    assert ask(tmp_path / "back.db", "PRAGMA journal_mode") == [("wal",)]
