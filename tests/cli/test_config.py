"""The configuration file, as a person uses it: what counts and why, and which vault is meant."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.configs import write
from tests.cli.machines import Answer, Machine


def settings(answer: Answer) -> dict[str, tuple[object, str, str]]:
    return {
        one["name"]: (one["value"], one["origin"], one["where"])
        for one in answer.the("settings")["settings"]
    }


# ----------------------------------------------------------------------------- what counts, and why


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


# -------------------------------------------------------------------------- the vault that is meant


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
