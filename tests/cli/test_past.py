"""Looking into the past, as a person types it: diff, find, query, export."""

import csv
import io
import json
from pathlib import Path

import psycopg
import pytest

from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine


@pytest.fixture
def lived(machine: Machine, server: PostgresServer, small: str) -> Machine:
    """A machine with two snapshots of a small database that changed between them."""
    machine.init()
    machine.do("backup", small, "--name", "small")
    with psycopg.connect(server.url(small.rpartition("/")[2])) as connection:
        connection.execute(
            "UPDATE lists SET name = 'renamed' WHERE id = 7;"
            "DELETE FROM lists WHERE id = 8;"
            "INSERT INTO lists VALUES (500, E'=1+1\\x1b[2J');"
            "DELETE FROM members WHERE email LIKE '11%@%'"
        )
    machine.do("backup", small, "--name", "small")
    return machine


def test_diff_tells_what_changed_between_two_snapshots(lived: Machine) -> None:
    told = lived.do("diff", "latest~1", "latest", "--rows", "--stream", "lists").out
    assert "public.lists: 1 added, 1 removed, 1 changed (100 -> 100 rows)" in told
    assert '~ ["7"]  name: list 7 -> renamed' in told
    assert '- ["8"]  id=8, name=list 8' in told
    assert '+ ["500"]  id=500, name==1+1\\x1b[2J' in told
    assert "1 of 1 stream differ" in told
    keys = lived.ask("diff", "latest~1", "latest", "--keys")
    assert {one["key"] for one in keys if one["message_type"] == "diffed_row"} >= {'["8"]', None}
    same = lived.do("diff", "latest", "latest").out
    assert "No difference in 3 streams." in same


def test_diff_ends_with_1_only_where_that_is_asked_for(lived: Machine) -> None:
    assert lived.run("diff", "latest~1", "latest").code == 0
    assert lived.run("diff", "latest~1", "latest", "--exit-code").code == 1
    assert lived.run("diff", "latest", "latest", "--exit-code").code == 0


def test_diff_writes_files_and_replaces_none(lived: Machine, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    asked = ("diff", "latest~1", "latest", "--rows", "--format", "json", "--output", path)
    lived.do(*asked)
    kinds = [json.loads(line)["message_type"] for line in path.read_text().splitlines()]
    assert kinds.count("diffed_stream") == 3
    assert kinds.count("diffed_row") == 3 + 11
    assert lived.run(*asked, "--json").error["category"] == "refused"
    lived.do(*asked, "--force")
    assert lived.run("diff", "latest", "latest", "--format", "parquet").code == 2
    lived.do("diff", "latest~1", "latest", "--format", "parquet", "--output", tmp_path / "p")
    assert (tmp_path / "p").read_bytes()[:4] == b"PAR1"
    assert {one.name for one in tmp_path.glob("*")} >= {"p", "rows.json"}
    assert not list(tmp_path.glob(".*"))


def test_find_tells_the_life_of_a_record(lived: Machine) -> None:
    told = lived.do("find", "7", "--stream", "lists").out
    assert 'public.lists ["7"] of small' in told
    assert "name: list 7 -> renamed" in told
    (eight,) = [m for m in lived.ask("find", "8") if m["message_type"] == "record_life"]
    assert [step["kind"] for step in eight["steps"]] == ["appeared", "went"]
    assert eight["still_there"] is False
    (life,) = [m for m in lived.ask("find", "renamed") if m["message_type"] == "record_life"]
    assert (life["key"], life["found_as"]) == ('["7"]', "text")
    assert "Nothing was found" in lived.do("find", "nowhere at all").out
    assert lived.run("find", "7", "--source", "nix").code == 2


def test_query_asks_any_snapshot(lived: Machine, tmp_path: Path) -> None:
    old = lived.do("query", "SELECT name FROM lists WHERE id = 7", "--snapshot", "latest~1").out
    assert "list 7" in old
    new = lived.do("query", "SELECT name FROM lists WHERE id = 7", "--format", "json").out
    assert new == '{"name": "renamed"}\n'
    past = lived.do(
        "query", "SELECT name, _to IS NULL FROM history.lists WHERE id = 7", "--format", "csv"
    ).out
    rows = list(csv.reader(io.StringIO(past, newline="")))
    assert sorted(rows[1:]) == [["list 7", "false"], ["renamed", "true"]]
    shown = lived.do("query", "SELECT * FROM members", "--limit", "3").out
    assert "There are more; --limit 0 gives all." in shown
    path = tmp_path / "members.parquet"
    written = lived.ask("query", "FROM members", "--format", "parquet", "--output", path)
    assert written[-1]["rows"] == 489
    assert "\x1b" not in lived.do("query", "FROM lists WHERE id = 500").out


def test_query_says_in_one_line_what_it_does_not_understand(lived: Machine) -> None:
    for sql in ("SELECT", "DROP TABLE lists", "SELECT * FROM nix", "SELECT nix FROM lists"):
        answer = lived.run("query", sql, "--json")
        assert (answer.code, answer.error["category"]) == (2, "usage")
        assert "\n" not in answer.error["message"]
    assert lived.run("query", "SELECT 1", "--at", "yesterday").code == 2
    assert lived.run("query", "SELECT 1", "--at", "2020-01-01").code == 2
    assert lived.run("query", "SELECT 1", "--memory", "much").code == 2
    assert lived.run("query", "SELECT 1", "--format", "parquet").code == 2
    endless = "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c"
    assert lived.run("query", endless, "--timeout", "0.2").code == 1


@pytest.mark.parametrize("kind", ["csv", "ndjson", "json", "parquet", "sqlite", "duckdb"])
def test_export_writes_files_with_a_manifest(lived: Machine, tmp_path: Path, kind: str) -> None:
    told = lived.do("export", "latest", "--format", kind, "--output", tmp_path / "out").out
    assert "Exported 3 streams, 589 rows of small" in told
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert {one["stream"]: one["rows"] for one in manifest["streams"]} == {
        "public.empty": 0,
        "public.lists": 100,
        "public.members": 489,
    }
    again = lived.run("export", "latest", "--format", kind, "--output", tmp_path / "out", "--json")
    assert (again.code, again.error["category"]) == (5, "refused")


def test_damage_ends_every_command_with_13(lived: Machine, tmp_path: Path) -> None:
    for path in Path(lived.vault).rglob("pack-*"):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2 : len(raw) // 2 + 2000 : 50] = bytes(40)
        path.write_bytes(raw)
    for command in (
        ("diff", "latest~1", "latest", "--rows"),
        ("find", "list 9"),
        ("query", "SELECT * FROM lists, members, history.lists h"),
        ("export", "latest", "--format", "csv", "--output", tmp_path / "out"),
    ):
        answer = lived.run(*command, "--json")
        assert (answer.code, answer.error["category"]) == (13, "integrity"), command
        assert answer.error["subject"]
    assert not (tmp_path / "out/manifest.json").exists()
