"""Making a vault, backing up, looking around, restoring, checking: as a person types it."""

import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine

Fresh = Callable[[], str]


def test_a_database_is_kept_checked_and_comes_back_proven(
    machine: Machine, agency: str, fresh: Fresh
) -> None:
    machine.init()
    done = machine.do("backup", agency)
    assert "Snapshot 20" in done.out
    assert "not exact by nature: media.spend_by_campaign" in done.out
    assert "complete" in machine.do("snapshots").out
    assert "public.campaigns" in machine.do("ls", "latest").out
    assert "Proven:" in machine.do("check", "--records").out
    restored = machine.do("restore", "latest", "--to", fresh())
    plan, _, proof = restored.out.partition("Restored ")
    assert "a new database" in plan
    assert "PROVEN: read again, every row and definitions equal" in proof


def test_init_says_where_key_and_kit_are_and_keeps_them_private(machine: Machine) -> None:
    made = machine.init()
    for name in ("key_path", "kit_path"):
        path = Path(made[name])
        assert path.is_relative_to(machine.config)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Path(made["kit_path"]).name == f"kit-{made['vault']}.txt"
    assert Path(made["key_path"]).name == f"{made['vault']}.key"


def test_a_path_and_its_file_url_are_the_same_vault(machine: Machine) -> None:
    made = machine.init()
    machine.do("snapshots", "--vault", f"file://{machine.vault}", "--volatile")
    answer = machine.run("init", f"file://{machine.vault}", "--volatile", "--json")
    assert (answer.code, answer.error["category"]) == (5, "refused")
    assert made["url"] == f"file://{machine.vault}"


def test_options_may_stand_before_the_command(machine: Machine) -> None:
    machine.init()
    vault = machine.vault
    machine.set(LISTBACKUP_VAULT=None)
    assert machine.do("--vault", vault, "--json", "key", "list").messages
    assert machine.do(f"--vault={vault}", "snapshots").out == "There is no snapshot yet.\n"


def test_no_vault_named_is_a_usage_error_and_no_vault_there_is_exit_10(
    machine: Machine, tmp_path: Path
) -> None:
    assert machine.run("snapshots", "--json").error["exit_code"] == 2
    answer = machine.run("snapshots", "--vault", tmp_path / "nothing", "--json")
    assert (answer.code, answer.error["category"]) == (10, "vault_missing")


def test_a_sources_id_is_made_of_the_url_or_given(machine: Machine, small: str) -> None:
    machine.init()
    made = machine.ask("backup", small)[-1]["source"]
    plain = small.rpartition("@")[2].replace(":", "-").replace("/", "-").replace(".", "_")
    assert made.startswith(f"postgresql-{plain}-")
    assert machine.ask("backup", small, "--name", "shop")[-1]["source"] == "shop"
    assert machine.run("backup", small, "--name", "My Shop").code == 2


def test_latest_of_several_sources_is_refused_with_their_names(
    machine: Machine, small: str, agency: str
) -> None:
    machine.init()
    machine.do("backup", small, "--name", "one")
    machine.do("backup", small, "--name", "two")
    answer = machine.run("show", "latest", "--json")
    assert answer.code == 2
    assert "one, two" in answer.error["hint"]
    assert machine.ask("show", "two:latest")[-1]["source"] == "two"


def test_a_snapshot_is_named_in_every_way(machine: Machine, small: str) -> None:
    machine.init()
    first = machine.ask("backup", small)[-1]
    second = machine.ask("backup", small)[-1]
    ways = {
        "latest": second,
        "latest~1": first,
        first["snapshot"]: first,
        second["name"]: second,
        "2100-01-01": second,
    }
    for words, meant in ways.items():
        assert machine.ask("show", words)[-1]["snapshot"] == meant["snapshot"]
    assert "as of 2100-01-01 00:00:00 UTC" in machine.do("show", "2100-01-01").out
    assert machine.run("show", "latest~2").code == 2
    assert machine.run("show", "2001-01-01").code == 2
    assert machine.run("show", "yesterday").code == 2


def test_another_database_under_a_known_name_is_refused_until_accepted(
    machine: Machine, small: str, agency: str
) -> None:
    machine.init()
    machine.do("backup", small, "--name", "shop")
    answer = machine.run("backup", agency, "--name", "shop", "--json")
    assert (answer.code, answer.error["subject"]) == (5, "shop")
    machine.do("backup", agency, "--name", "shop", "--accept-new-server")


def test_what_could_not_be_read_makes_exit_3_and_is_named(
    machine: Machine, small: str, server: PostgresServer, fresh: Fresh
) -> None:
    machine.init()
    machine.do("backup", small)
    name = small.rpartition("/")[2]
    with psycopg.connect(server.url(name)) as other:
        other.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        answer = machine.run("backup", small, "--lock-timeout", "0.2", "--json")
    assert answer.code == 3
    done = answer.the("backed_up")
    assert done["status"] == "partial"
    assert [one["name"] for one in done["not_read"]] == ["public.members"]
    assert done["not_read"][0]["carried_from"] is not None
    assert machine.ask("show", "latest")[-1]["status"] in ("partial", "complete")
    refused = machine.run("restore", done["snapshot"], "--to", fresh(), "--json")
    assert refused.code == 5
    assert "public.members" in refused.error["message"]
    machine.do("restore", done["snapshot"], "--to", fresh(), "--allow-partial")


def test_a_dry_run_of_a_backup_names_tables_and_writes_nothing(
    machine: Machine, small: str
) -> None:
    machine.init()
    plan = machine.ask("backup", small, "--dry-run", "--exclude", "public.empty")[-1]
    assert [one["name"] for one in plan["streams"]] == ["public.lists", "public.members"]
    assert plan["excluded"] == ["public.empty"]
    assert machine.ask("snapshots") == []


def test_a_part_of_a_database_is_kept_and_restored(
    machine: Machine, small: str, fresh: Fresh, server: PostgresServer
) -> None:
    machine.init()
    machine.do("backup", small, "--include", "public.l*", "--include", "public.m*")
    target = fresh()
    words = ("restore", "latest", "--to", target, "--where", "lists=id <= 10")
    done = machine.ask(*words)[-1]
    assert (done["rows"], done["proven"]) == (10, True)
    with psycopg.connect(server.url(target.rpartition("/")[2])) as connection:
        assert connection.execute("SELECT count(*) FROM lists").fetchone() == (10,)


def test_a_restore_never_writes_into_a_database_that_holds_something(
    machine: Machine, small: str
) -> None:
    machine.init()
    machine.do("backup", small)
    answer = machine.run("restore", "latest", "--to", small)
    assert answer.code == 5
    assert "in the way: " in answer.out
    assert "--into-existing" in answer.err


def test_a_dry_run_of_a_restore_makes_no_database(
    machine: Machine, small: str, fresh: Fresh, server: PostgresServer
) -> None:
    machine.init()
    machine.do("backup", small)
    target = fresh()
    machine.do("restore", "latest", "--to", target, "--dry-run")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.url(target.rpartition("/")[2]))


def test_a_comparison_names_what_was_altered(
    machine: Machine, small: str, server: PostgresServer
) -> None:
    machine.init()
    machine.do("backup", small)
    assert "is equal to" in machine.do("restore", "latest", "--to", small, "--compare-only").out
    with psycopg.connect(server.url(small.rpartition("/")[2])) as connection:
        connection.execute("UPDATE lists SET name = 'stolen' WHERE id = 42")
    answer = machine.run("restore", "latest", "--to", small, "--compare-only")
    assert answer.code == 1
    assert 'public.lists: 1 row differs in name (keys ["42"])' in answer.out


def test_damage_is_exit_13_and_names_snapshot_stream_and_object(
    machine: Machine, small: str
) -> None:
    machine.init("--encryption", "none")
    done = machine.ask("backup", small)[-1]
    (pack,) = Path(machine.vault).rglob("pack-001.bin")
    body = bytearray(pack.read_bytes())
    body[100] ^= 1
    pack.write_bytes(body)
    answer = machine.run("check", "--read-data", "--json")
    assert (answer.code, answer.error["category"]) == (13, "integrity")
    findings = answer.the("checked")["findings"]
    assert f"{done['source']}:{done['name']}" in findings[0]["snapshots"]
    assert pack.name in findings[0]["object"]
    told = machine.run("check", "--read-data")
    assert "PROBLEM" in told.out
    assert "risk:" in told.err


def test_a_store_is_probed(machine: Machine, tmp_path: Path) -> None:
    found = machine.ask("vault", "probe", tmp_path / "store", "--volatile")[-1]
    assert found["fit"]
    assert "create_race" in [one["name"] for one in found["findings"]]
    assert not list((tmp_path / "store").rglob("race-*"))


def test_a_source_is_tested(machine: Machine, small: str) -> None:
    found = machine.ask("source", "test", small)[-1]
    assert found["complete"]
    assert found["version"].startswith("PostgreSQL ")
    assert "leave nothing out" in machine.do("source", "test", small).out
