"""The configuration file, as a person uses it: named sources, all of them, what counts and why."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from listbackup.config.models import Retention
from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Answer, Machine

BROKEN = "postgresql://nobody@127.0.0.1:1/nothing"


def write(machine: Machine, text: str) -> Path:
    """Write the file of the user's config directory."""
    machine.config.mkdir(exist_ok=True)
    path = machine.config / "listbackup.yaml"
    path.write_text(text)
    return path


def settings(answer: Answer) -> dict[str, tuple[object, str, str]]:
    return {
        one["name"]: (one["value"], one["origin"], one["where"])
        for one in answer.the("settings")["settings"]
    }


# ------------------------------------------------------------------------------------- one source


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


# --------------------------------------------------------------------------------- all the sources


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


# ------------------------------------------------------------------------------ hooks, end to end


def test_hooks_hear_of_start_success_partial_and_failure(
    machine: Machine, small: str, server: PostgresServer, tmp_path: Path
) -> None:
    machine.init()
    told = tmp_path / "told"
    say = f'echo "$LISTBACKUP_EVENT $LISTBACKUP_SOURCE $LISTBACKUP_EXIT_CODE" >> {told}'
    write(
        machine,
        f"hooks:\n  on_start: '{say}'\n  on_success: '{say}'\n"
        f"  on_partial: '{say}; cat > {tmp_path}/partial.json'\n"
        f"  on_failure: [sh, -c, '{say}; cat > {tmp_path}/failure.json']\n"
        f"sources:\n  shop: {{url: '{small}', lock_timeout: 0.2}}\n  bad: {{url: '{BROKEN}'}}\n",
    )
    machine.do("backup", "shop")
    with psycopg.connect(server.url(small.rpartition("/")[2])) as other:
        other.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        assert machine.run("backup", "shop").code == 3
    assert machine.run("backup", "bad").code == 1
    assert told.read_text().splitlines() == [
        "start shop ",
        "success shop 0",
        "start shop ",
        "partial shop 3",
        "start bad ",
        "failure bad 1",
    ]
    partial = json.loads((tmp_path / "partial.json").read_text())
    assert [one["name"] for one in partial["not_read"]] == ["public.members"]
    assert partial["status"] == "partial"
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert (failure["category"], failure["exit_code"]) == ("failed", 1)
    assert "Connection refused" in failure["message"]


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_an_interruption_ends_a_round_and_is_told(
    machine: Machine, small: str, tmp_path: Path, parallel: str
) -> None:
    machine.init()
    slow = f"{{url: '{small}', limit_rate: 3K}}"
    write(
        machine,
        f"hooks: {{on_failure: 'cat > {tmp_path}/$LISTBACKUP_SOURCE.json'}}\n"
        f"sources: {{shop: {slow}, other: {slow}}}\n",
    )
    with machine.spawn("backup", "--all", "--parallel", parallel, "--json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("step") == "reading":
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        said = process.stderr.read() if process.stderr else ""
        assert process.wait() == 130
    told = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert len(told) == int(parallel), rest + said
    assert {(one["category"], one["exit_code"]) for one in told} == {("interrupted", 130)}
    assert machine.do("snapshots").out == "There is no snapshot yet.\n"


def test_a_url_typed_by_hand_has_no_hooks(machine: Machine, small: str, tmp_path: Path) -> None:
    machine.init()
    write(machine, f"hooks: {{on_start: 'touch {tmp_path}/ran'}}\n")
    machine.do("backup", small)
    assert not (tmp_path / "ran").exists()


def test_a_hook_that_fails_changes_nothing(machine: Machine, small: str) -> None:
    machine.init()
    write(
        machine,
        "hooks: {on_start: [/no/such/program], on_success: 'sleep 9', on_failure: 'exit 9',"
        f" timeout: 0.2}}\nsources: {{shop: {{url: '{small}'}}, bad: {{url: '{BROKEN}'}}}}\n",
    )
    done = machine.do("backup", "shop")
    assert "The hook on_start of shop failed: it cannot be started" in done.err
    assert "The hook on_success of shop failed: it took longer than 0.2 s" in done.err
    assert machine.run("backup", "bad").code == 1


# --------------------------------------------------------------------------- what counts, and why


def test_each_setting_says_where_it_comes_from(machine: Machine, tmp_path: Path) -> None:
    write(
        machine,
        "vault: written\naccount: here\nkey_file: a.key\ntime_zone: Europe/Berlin\n"
        "sources:\n  shop:\n    url: postgresql://me:hush-hush@db/shop\n    jobs: 7\n",
    )
    found = settings(machine.do("config", "show", "--json"))
    assert found["vault"] == (str(machine.config / "written"), "file", "listbackup.yaml:1")
    assert found["key_file"] == (str(machine.config / "a.key"), "file", "listbackup.yaml:3")
    assert found["sources.shop.jobs"] == (7, "file", "listbackup.yaml:8")
    assert found["sources.shop.lock_timeout"] == (30.0, "default", "")
    assert found["sources.shop.url"][0] == "postgresql://me@db:5432/shop"
    machine.set(LISTBACKUP_VAULT="/there", LISTBACKUP_JOBS="3", LISTBACKUP_PASSPHRASE="canary-91")
    said = machine.do("config", "show", "--json", "--account", "other")
    found = settings(said)
    assert found["vault"] == ("/there", "environment", "LISTBACKUP_VAULT")
    assert found["account"] == ("other", "flag", "--account")
    assert found["sources.shop.jobs"] == (3, "environment", "LISTBACKUP_JOBS")
    assert found["passphrase"] == ("***", "environment", "LISTBACKUP_PASSPHRASE")
    assert found["key_file"] == (None, "default", "")
    shown = machine.do("config", "show", "--origin").out
    assert "LISTBACKUP_JOBS\n" in shown
    assert "--vault" in machine.do("config", "show", "--origin", "--vault", "/flag").out
    assert "canary-91" not in said.out + shown
    assert "hush-hush" not in said.out + shown


def test_without_a_file_the_places_are_named(machine: Machine) -> None:
    shown = machine.do("config", "show").out
    assert f"  {machine.config}/listbackup.yaml" in shown
    assert machine.run("config", "check").code == 2


def test_more_lists_of_a_platform_are_read_at_once_than_parts_of_a_database(
    machine: Machine,
) -> None:
    write(
        machine,
        "sources:\n  shop:\n    url: postgresql://me@db/shop\n  pay:\n    connector: stripe\n",
    )
    found = settings(machine.do("config", "show", "--json"))
    assert found["sources.shop.jobs"][0] == 2
    assert found["sources.pay.jobs"][0] == 8


def test_jobs_come_from_the_flag_then_the_variable_then_the_file(
    machine: Machine, small: str
) -> None:
    machine.init()
    write(machine, f"sources: {{shop: {{url: '{small}', jobs: 1}}}}\n")
    machine.set(LISTBACKUP_JOBS="many")
    assert "Jobs are a number" in machine.run("backup", "shop", "--json").error["message"]
    machine.do("backup", "shop", "--jobs", "3")


def test_a_file_is_tried_and_says_what_it_would_do(machine: Machine, tmp_path: Path) -> None:
    machine.set(HOOK="canary-of-the-hook")
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    path = write(
        machine,
        f"vault: kept\nkey_file: {tmp_path}/absent\nretention: {{keep_daily: 7}}\n"
        "hooks: {on_failure: [no-such-program], on_success: 'https://h/${HOOK}'}\n"
        "sources:\n  shop:\n    url: postgresql://me:hush-hush@db/shop\n"
        f"    password_file: {tmp_path}/open\n",
    )
    answer = machine.run("config", "check")
    assert answer.code == 1
    for words in (
        "backs up  postgresql://me@db:5432/shop",
        "keeps     keep-daily 7",
        "on_success calls https://h/***",
        "key_file: " + str(tmp_path / "absent") + ": No such file",
        "is open to others",
        "there is no program no-such-program  (listbackup.yaml:4)",
        "sources.shop.url: it holds a password",
    ):
        assert words in answer.out
    assert "hush-hush" not in answer.out + answer.err
    assert "canary" not in answer.out + answer.err
    path.write_text("vault: kept\nsources:\n  shop:\n    url: postgresql://me@db/shop\n")
    assert "is understood" in machine.do("config", "check").out


def test_mistakes_are_named_by_key_and_line(machine: Machine) -> None:
    write(machine, "sources:\n  shop:\n    url: p://h\n    exlude: a\nvalut: x\n")
    answer = machine.run("config", "check", "--json")
    assert answer.code == answer.error["exit_code"] == 2
    assert answer.the("config_checked")["mistakes"] == [
        "sources.shop.exlude: unknown key; did you mean exclude?  (listbackup.yaml:4)",
        "valut: unknown key; did you mean vault?  (listbackup.yaml:5)",
    ]
    other = machine.run("snapshots", "--json")
    assert (other.code, other.error["message"]) == (
        2,
        "sources.shop.exlude: unknown key; did you mean exclude?  (listbackup.yaml:4)",
    )
    assert "mistake" not in machine.run("snapshots", "--config", "none", "--json").err


# ------------------------------------------------------------------------- the vault that is meant


def test_another_vault_than_the_pinned_one_is_an_integrity_failure(
    machine: Machine, small: str
) -> None:
    made = machine.init()
    write(machine, f"vault: {machine.vault}\nvault_id: {made['vault']}\n")
    machine.do("snapshots")
    write(machine, f"vault: {machine.vault}\nvault_id: another\n")
    answer = machine.run("backup", small, "--json")
    assert (answer.code, answer.error["category"]) == (13, "integrity")
    assert "listbackup.yaml:2" in answer.error["message"]
    write(machine, "vault: /elsewhere\nvault_id: another\n")
    machine.do("snapshots")


def test_keys_of_the_file_open_its_own_vault_only(machine: Machine, tmp_path: Path) -> None:
    made = machine.init()
    key = tmp_path / "moved.key"
    Path(made["key_path"]).rename(key)
    Path(made["kit_path"]).unlink()
    write(machine, f"vault: {machine.vault}\nkey_file: {key}\n")
    words = ("key", "add", "--new-key-file", tmp_path / "new.key")
    machine.do(*words)
    write(machine, f"vault: /elsewhere\nkey_file: {key}\n")
    assert machine.run("key", "add", "--new-key-file", tmp_path / "more.key").code == 4


def test_a_strangers_file_in_the_working_directory_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.init()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listbackup.yaml").write_text("account: default\n")
    (tmp_path / "listbackup.yaml").chmod(0o646)
    assert machine.run("snapshots").code == 5
    machine.do("snapshots", "--config", "listbackup.yaml")
    machine.do("snapshots", "--config", "none")


def test_yaml_and_pydantic_are_loaded_only_where_there_is_a_file(machine: Machine) -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from listbackup.cli.main import main\nmain()\n"
    )

    def loaded(*words: str) -> set[str]:
        command = [sys.executable, "-c", program, *words]
        answer = subprocess.run(
            command, env=machine.environment, cwd=machine.home, capture_output=True, text=True
        )
        return {"yaml", "pydantic"} & set(answer.stderr.split())

    machine.init()
    assert loaded("snapshots") == set()
    write(machine, "account: default\n")
    assert loaded("--version") == loaded("--help") == loaded("backup", "--help") == set()
    assert loaded("snapshots") == {"yaml", "pydantic"}
