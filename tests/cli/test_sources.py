"""Sources that the configuration file names, backed up one by one or all of them."""

import re
from pathlib import Path

import pytest

from listbackup.config.models import Retention
from listbackup.sandbox.postgres import PostgresServer
from tests.cli.configs import BROKEN, write
from tests.cli.machines import Machine

# --------------------------------------------------------------------------------------- one source


def test_a_named_source_is_backed_up_as_the_file_says(
    machine: Machine, small: str, server: PostgresServer, tmp_path: Path
) -> None:
    machine.init()
    machine.set(PGPASSWORD=None)
    (tmp_path / "secret").write_text(server.password + "\n")
    write(
        machine,
        f"vault: {machine.vault}\n"
        f"sources:\n  shop:\n    url: {small}\n    password_file: {tmp_path}/secret\n"
        "    exclude: '*.members'\n    tags: [nightly]\n",
    )
    machine.set(LISTBACKUP_VAULT=None)
    done = machine.ask("backup", "shop")[-1]
    assert (done["source"], done["status"], done["streams"]) == ("shop", "complete", 2)
    assert done["tags"] == ["nightly"]
    assert machine.ask("backup", "shop", "--exclude", "*.empty", "--tag", "a", "--tag", "b")[-1][
        "tags"
    ] == ["a", "b"]
    assert {one["name"] for one in machine.ask("ls", "latest")} == {
        "public.lists",
        "public.members",
    }
    assert "as shop:" in machine.do("backup", "shop", "--dry-run").out


def test_what_makes_no_sense_is_refused(machine: Machine, small: str) -> None:
    machine.init()
    assert "no configuration file" in machine.run("backup", "shop", "--json").error["message"]
    write(machine, f"sources: {{shop: {{url: '{small}'}}}}\n")
    assert "Did you mean shop?" in machine.run("backup", "shpo", "--json").error["hint"]
    for words in (
        ("backup",),
        ("backup", "shop", "--all"),
        ("backup", "shop", "--name", "other"),
        ("backup", "--all", "--name", "other"),
        ("backup", "shop", "--parallel", "2"),
        ("backup", "--all", "--parallel", "0"),
        ("backup", "shop", "--tag", "two words"),
    ):
        assert machine.run(*words).code == 2, words
    assert machine.do("snapshots").out == "There is no snapshot yet.\n"


def test_quiet_says_nothing_but_warnings_and_errors(machine: Machine, small: str) -> None:
    machine.init()
    write(machine, f"sources:\n  shop:\n    url: {small}\n    hooks: {{on_success: 'exit 3'}}\n")
    done = machine.do("backup", "shop", "--quiet")
    assert done.out == ""
    assert done.err.startswith("warning: The hook on_success of shop failed: it ended with exit")
    only = machine.do("backup", "shop", "--quiet", "--json").messages
    assert [one["message_type"] for one in only] == ["warned", "backed_up"]
    failed = machine.run("backup", BROKEN, "--quiet")
    assert (failed.code, failed.out) == (1, "")
    assert "Connection refused" in failed.err


# ---------------------------------------------------------------------------------- all the sources


@pytest.mark.parametrize("parallel", ["1", "3"])
def test_one_that_fails_does_not_stop_the_others(
    machine: Machine, small: str, agency: str, parallel: str
) -> None:
    machine.init()
    write(
        machine,
        f"sources:\n  first: {{url: '{BROKEN}'}}\n  second: {{url: '{small}'}}\n"
        f"  third: {{url: '{agency}', include: media.*}}\n",
    )
    answer = machine.run("backup", "--all", "--parallel", parallel, "--json")
    assert answer.code == answer.error["exit_code"] == 1
    assert answer.error["subject"] == "first"
    done = answer.messages[-1]
    assert [(one["source"], one["status"], one["exit_code"]) for one in done["sources"]] == [
        ("first", "failed", 1),
        ("second", "complete", 0),
        ("third", "complete", 0),
    ]
    assert "Connection refused" in done["sources"][0]["message"]
    assert (done["failed"], done["partial"]) == (1, 0)
    assert {one["source"] for one in machine.ask("snapshots")} == {"second", "third"}
    machine.do("check", "--records")


def test_the_summary_names_each(machine: Machine, small: str) -> None:
    machine.init()
    write(machine, f"sources:\n  good: {{url: '{small}'}}\n  bad: {{url: '{BROKEN}'}}\n")
    answer = machine.run("backup", "--all")
    assert "Backed up 1 of 2 sources in" in answer.out
    assert "\n  good    complete  20" in answer.out
    assert "\n  bad     FAILED    -" in answer.out
    assert "warning: bad was NOT backed up: PostgreSQL: connection failed" in answer.err
    assert "1 of 2 sources was not backed up." in answer.err
    planned = machine.run("backup", "--all", "--dry-run")
    assert planned.code == 1
    assert "as good:" in planned.out
    assert "bad could not be looked at" in planned.err


def test_the_exit_code_is_that_of_all_that_failed_where_they_agree(
    machine: Machine, small: str, tmp_path: Path
) -> None:
    machine.init()
    secret = tmp_path / "absent"
    lost = f"{{url: '{small}', password_file: '{secret}'}}"
    write(machine, f"sources:\n  a: {lost}\n  b: {lost}\n  c: {{url: '{small}'}}\n")
    answer = machine.run("backup", "--all", "--json")
    assert (answer.code, answer.error["category"]) == (4, "auth")
    write(machine, f"sources:\n  a: {lost}\n  b: {{url: '{BROKEN}'}}\n")
    assert machine.run("backup", "--all").code == 1
    write(machine, "vault: x\n")
    assert machine.run("backup", "--all").code == 2


# ----------------------------------------------------------------------------- what is kept of them


def test_a_prune_after_each_backup_keeps_what_the_file_says(machine: Machine, small: str) -> None:
    machine.init()
    write(
        machine,
        f"retention: {{keep_last: 1, prune: {{after_backup: true}}}}\n"
        f"sources:\n  shop: {{url: '{small}'}}\n"
        f"  whole: {{url: '{small}', retention: {{keep_last: 1}}}}\n",
    )
    assert [machine.ask("backup", "shop")[-1]["dropped"] for _ in range(2)] == [0, 1]
    assert [machine.ask("backup", "whole")[-1]["dropped"] for _ in range(2)] == [None, None]
    assert len(machine.ask("snapshots", "shop")) == 1
    assert len(machine.ask("snapshots", "whole")) == 2


def test_prune_takes_the_rules_of_the_file_where_none_is_typed(
    machine: Machine, small: str
) -> None:
    machine.init()
    path = write(machine, f"sources: {{a: {{url: '{small}'}}, b: {{url: '{small}'}}}}\n")
    for _ in range(2):
        machine.do("backup", "--all")
    assert "No rule" in machine.run("prune", "--json").error["message"]
    path.write_text(
        "time_zone: Europe/Berlin\nsources:\n"
        f"  a: {{url: '{small}', retention: {{keep_last: 1}}}}\n  b: {{url: '{small}'}}\n"
    )
    pruned = [one for one in machine.ask("prune") if one["message_type"] == "pruned"]
    assert [(one["source"], one["kept"], one["dropped"]) for one in pruned] == [("a", 1, 1)]
    assert len(machine.ask("snapshots", "b")) == 2
    machine.do("prune", "b", "--keep-last", "1")
    assert len(machine.ask("snapshots", "b")) == 1
    machine.set(LISTBACKUP_TIME_ZONE="Nowhere/Else")
    assert machine.run("prune", "--keep-daily", "1").code == 2


def test_the_keys_of_retention_are_the_flags_of_prune(machine: Machine) -> None:
    shown = machine.do("prune", "--help").out
    flags = {name[2:].replace("-", "_") for name in re.findall(r"--keep-[a-z]+", shown)}
    assert flags == set(Retention.model_fields) - {"prune"}
