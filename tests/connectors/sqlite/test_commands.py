"""A SQLite file is kept and comes back, as a person types it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.machines import Machine
from tests.connectors.sqlite.awkward import build, fingerprint
from tests.connectors.sqlite.files import ask, run


@pytest.fixture
def machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    made = Machine(tmp_path / "home", monkeypatch, capsys)
    made.home.mkdir()
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    run(
        path,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL); CREATE TABLE notes (note);"
        "INSERT INTO orders VALUES (1, 9.5), (2, 3); INSERT INTO notes VALUES ('a'), ('a')",
    )
    return path


def test_an_awkward_database_is_kept_checked_and_comes_back_proven(
    machine: Machine, tmp_path: Path
) -> None:
    path, back = tmp_path / "awkward.db", tmp_path / "back.db"
    build(path, "UTF-8", "wal")
    machine.init()
    done = machine.do("backup", f"sqlite://{path}")
    assert "Snapshot 20" in done.out
    assert "not exact by nature: main.takes_all: rowids" in done.out
    assert 'main."Odd ""name"", with [all]"' in machine.do("ls", "latest").out
    assert "Proven:" in machine.do("check", "--records").out
    restored = machine.do("restore", "latest", "--to", f"sqlite://{back}")
    assert "PROVEN: read again, every row and definitions equal" in restored.out
    assert fingerprint(back) == fingerprint(path)
    assert list((machine.state / "copies").iterdir()) == []


def test_each_moment_comes_back_and_is_compared(
    machine: Machine, shop: Path, tmp_path: Path
) -> None:
    machine.init()
    url = f"sqlite://{shop}"
    first = machine.ask("backup", url, "--name", "shop")[-1]
    was = fingerprint(shop)
    run(shop, "UPDATE orders SET total = 1 WHERE id = 1; INSERT INTO notes VALUES ('a')")
    machine.do("backup", url, "--name", "shop")
    assert machine.run("restore", "latest", "--to", url, "--compare-only").code == 0
    differs = machine.run("restore", first["snapshot"], "--to", url, "--compare-only")
    assert differs.code == 1
    assert "main.orders: 1 row differs in total (keys [1])" in differs.out + differs.err
    back = tmp_path / "back.db"
    machine.do("restore", first["snapshot"], "--to", f"sqlite://{back}")
    assert fingerprint(back) == was
    plan = machine.do("restore", "latest", "--to", f"sqlite://{tmp_path}/new.db", "--dry-run")
    assert "load 5 rows into" in plan.out
    assert not (tmp_path / "new.db").exists()


def test_a_source_is_tried_and_named_by_its_file(machine: Machine, shop: Path) -> None:
    tried = machine.do("source", "test", f"sqlite://{shop}").out
    assert f"SQLite {sqlite3.sqlite_version}, rollback journal" in tried
    assert "its name in a vault would be sqlite-shop_db-" in tried
    assert "we are" not in tried
    planned = machine.ask("backup", f"sqlite://{shop}", "--dry-run")[-1]
    assert [stream["name"] for stream in planned["streams"]] == ["main.orders", "main.notes"]


def test_a_file_that_moved_is_another_database_until_that_is_accepted(
    machine: Machine, shop: Path, tmp_path: Path
) -> None:
    machine.init()
    machine.do("backup", f"sqlite://{shop}", "--name", "shop")
    moved = shop.rename(tmp_path / "moved.db")
    again = ("backup", f"sqlite://{moved}", "--name", "shop")
    assert machine.run(*again, "--json").error["category"] == "refused"
    machine.do(*again, "--accept-new-server")


def test_snapshots_go_back_into_their_own_kind_only(machine: Machine, shop: Path) -> None:
    machine.init()
    machine.do("backup", f"sqlite://{shop}")
    answer = machine.run("restore", "latest", "--to", "postgresql://me@localhost/x", "--json")
    assert (answer.code, answer.error["exit_code"]) == (2, 2)
    assert "sqlite cannot be written into postgresql" in answer.error["message"]


def test_a_damaged_table_makes_the_snapshot_partial_and_keeps_its_earlier_state(
    machine: Machine, shop: Path, tmp_path: Path
) -> None:
    machine.init()
    url = f"sqlite://{shop}"
    machine.do("backup", url)
    (place,) = ask(shop, "SELECT pgoffset FROM dbstat WHERE name = 'notes'")[0]
    assert isinstance(place, int)
    with shop.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 4096)
    answer = machine.run("backup", url)
    assert answer.code == 3
    assert "main.notes" in answer.out
    assert "damaged" in answer.out
    back = tmp_path / "back.db"
    machine.do("restore", "latest", "--to", f"sqlite://{back}", "--allow-partial")
    assert ask(back, "SELECT note FROM notes") == [("a",), ("a",)]


def test_a_writer_in_another_process_disturbs_no_backup(machine: Machine, shop: Path) -> None:
    machine.init()
    run(shop, "PRAGMA journal_mode = wal")
    program = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n"
        "print('begun', flush=True)\n"
        "while True:\n"
        "    c.execute('BEGIN IMMEDIATE')\n"
        "    c.execute('INSERT INTO orders VALUES (NULL, 1)')\n"
        "    c.execute('INSERT INTO notes VALUES (1)')\n"
        "    c.execute('COMMIT')\n"
    )
    command = [sys.executable, "-c", program, str(shop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(3):
                machine.do("backup", f"sqlite://{shop}")
                told = machine.ask("ls", "latest")
                rows = {stream["name"]: stream["rows"] for stream in told}
                assert rows["main.orders"] == rows["main.notes"] > 2
        finally:
            writer.kill()
    with closing(sqlite3.connect(shop)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
