"""Keeping, dropping, holding and measuring, as a person types it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine

Fresh = Callable[[], str]


@pytest.fixture
def three(machine: Machine, small: str, server: PostgresServer) -> Iterator[list[str]]:
    """Three snapshots of a small database that changes between them: their ids."""
    machine.init()
    ids = []
    for number in range(3):
        ids.append(str(machine.ask("backup", small, "--name", "shop")[-1]["snapshot"]))
        with psycopg.connect(server.url(small.rpartition("/")[2].partition("?")[0])) as connection:
            connection.execute("INSERT INTO lists VALUES (%s, 'later')", [1000 + number])
    yield ids


def ids_of(machine: Machine) -> list[str]:
    return [one["snapshot"] for one in machine.ask("snapshots")]


def test_a_dry_run_says_what_goes_why_the_rest_stays_and_what_that_frees(
    machine: Machine, three: list[str]
) -> None:
    plan = machine.ask("prune", "--keep-last", "2", "--dry-run")[-1]
    lines = plan["snapshots"]
    assert [one["dropped"] for one in lines] == [True, False, False]
    assert lines[2]["kept"] == ["newest complete", "last"]
    assert lines[0]["freed_bytes"] == plan["freed_bytes"] > 0
    assert plan["number"] is None
    assert ids_of(machine) == three
    text = machine.do("prune", "--keep-last", "2", "--dry-run").out
    assert "DROP" in text
    assert "keep: newest complete, last" in text
    assert "2 would be kept, 1 would be dropped" in text


def test_a_prune_drops_a_sweep_frees_and_the_rest_restores(
    machine: Machine, three: list[str], fresh: Fresh
) -> None:
    frees = machine.ask("prune", "--keep-last", "1", "--dry-run")[-1]["freed_bytes"]
    done = machine.ask("prune", "shop", "--keep-last", "1", "--sweep")
    assert [one["message_type"] for one in done if one["message_type"] in ("pruned", "swept")] == [
        "pruned",
        "swept",
    ]
    assert done[-1]["objects"] == 0
    assert done[-1]["sources"][0]["waiting_bytes"] == frees
    assert ids_of(machine) == three[2:]
    assert machine.run("show", three[0]).code == 2
    told = machine.ask("sweep", "--grace", "0h", "--dry-run")[-1]
    swept = machine.ask("sweep", "--grace", "0h")[-1]
    assert swept["sources"] == told["sources"]
    assert swept["bytes"] == frees
    assert machine.ask("sweep", "--grace", "0h")[-1]["objects"] == 0
    assert "Proven:" in machine.do("check", "--records").out
    assert machine.ask("restore", "latest", "--to", fresh())[-1]["proven"]


NO_RULES = (
    "",
    "--keep-last 0",
    "--keep-daily -1",
    "--keep-within soon",
    "--keep-last 1 --time-zone Mars/Olympus",
    "nowhere --keep-last 1",
)


def test_rules_that_are_none_are_refused(machine: Machine, three: list[str]) -> None:
    for words in NO_RULES:
        answer = machine.run("prune", *words.split(), "--json")
        assert (answer.code, answer.error["category"]) == (2, "usage"), words
    assert ids_of(machine) == three


def test_a_held_snapshot_is_kept_and_the_output_says_why(
    machine: Machine, three: list[str]
) -> None:
    machine.do("hold", three[0], "--reason", "the auditors asked")
    assert "the auditors asked" in machine.do("hold", "--list").out
    assert "HELD: the auditors asked" in machine.do("show", three[0]).out
    lines = machine.ask("prune", "--keep-last", "1", "--dry-run")[-1]["snapshots"]
    assert (lines[0]["kept"], lines[0]["held"]) == (["held"], "the auditors asked")
    assert "(the auditors asked)" in machine.do("prune", "--keep-last", "1").out
    assert ids_of(machine) == [three[0], three[2]]
    assert "is released" in machine.do("hold", three[0], "--release").out
    assert "had no hold" in machine.do("hold", three[0], "--release").out
    machine.do("prune", "--keep-last", "1")
    assert ids_of(machine) == three[2:]
    late = machine.ask("hold", three[0])[-1]
    assert late["live"] is False
    assert machine.ask("sweep", "--grace", "0h")[-1]["sources"][0]["held"] == [three[0]]
    assert machine.ask("hold", "--list")[-1]["snapshot"] == three[0]


MEANINGLESS = (
    "hold",
    "hold latest --list",
    "hold latest --release --reason x",
    "hold latest --until 2020-01-01",
    "hold latest --until soon",
    "hold ffffffffffff",
    "tag latest --add two,words",
    f"tag latest --note {'x' * 2001}",
    "sweep --grace 1m",
    "sweep --grace soon",
    "stats nowhere",
    "restore --to postgresql://localhost/x",
    "restore latest --at 2026-01-01 --to postgresql://localhost/x",
)


def test_what_cannot_be_meant_is_refused(machine: Machine, three: list[str]) -> None:
    for words in MEANINGLESS:
        assert machine.run(*words.split(), "--json").error["category"] == "usage", words
    assert machine.ask("snapshots")[-1]["tags"] == []
    assert machine.ask("hold", "--list") == []


def test_tags_and_a_note_are_shown_and_keep_a_snapshot(machine: Machine, three: list[str]) -> None:
    machine.do("tag", three[0], "--add", "release", "--add", "2.0", "--note", "before the move")
    machine.do("tag", three[0], "--remove", "2.0")
    assert "release: before the move" in machine.do("snapshots").out
    shown = machine.do("show", three[0]).out
    assert "release" in shown
    assert "before the move" in shown
    machine.do("prune", "--keep-last", "1", "--keep-tag", "release")
    assert ids_of(machine) == [three[0], three[2]]
    machine.do("tag", three[0], "--note", "")
    assert machine.ask("tag", three[0])[-1]["note"] == ""


def test_stats_add_up(machine: Machine, three: list[str], tmp_path: Path) -> None:
    found = machine.ask("stats")[-1]
    source = found["sources"][0]
    shots = source["snapshots"]
    assert [one["snapshot"] for one in shots] == three
    assert sum(one["added_bytes"] for one in shots) == source["stored_bytes"]
    assert shots[-1]["total_bytes"] == source["stored_bytes"] == found["stored_bytes"]
    assert source["repeated_bytes"] == sum(one["needed_bytes"] for one in shots)
    assert source["gain"] > 1
    kept = Path(machine.vault) / "data/accounts/default/sources/shop"
    there = sum(
        path.stat().st_size
        for part in ("raw", "processed")
        for path in (kept / part).rglob("*")
        if path.is_file()
    )
    assert source["stored_bytes"] == there
    plan = machine.ask("prune", "--keep-last", "2", "--dry-run")[-1]
    assert plan["freed_bytes"] == shots[0]["only_bytes"]
    assert {one["name"] for one in source["streams"]} == {
        "public.lists",
        "public.members",
        "public.empty",
    }
    assert "3 snapshots" in machine.do("stats").out


def test_a_moment_can_be_named_by_an_option(
    machine: Machine, three: list[str], fresh: Fresh
) -> None:
    times = [datetime.fromisoformat(one["as_of"]) for one in machine.ask("snapshots")]
    between = (times[1] + timedelta(microseconds=1)).astimezone(UTC).isoformat()
    done = machine.ask("restore", "--at", between, "--to", fresh())[-1]
    assert (done["snapshot"], done["proven"]) == (three[1], True)
    target = fresh()
    planned = machine.ask("restore", "shop:", "--at", between, "--to", target, "--dry-run")[-1]
    assert planned["snapshot"] == three[1]
    before = (times[0] - timedelta(seconds=1)).isoformat()
    answer = machine.run("restore", "--at", before, "--to", target, "--json")
    assert "There is no snapshot of shop as of" in answer.error["message"]
