"""Keys, kits and signers, as a person handles them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.machines import Machine

Fresh = Callable[[], str]


@pytest.fixture
def kit(machine: Machine, tmp_path: Path) -> Path:
    """A copy of the kit of a new vault, kept elsewhere."""
    copy = tmp_path / "safe.txt"
    copy.write_text(Path(machine.init()["kit_path"]).read_text())
    return copy


def test_a_bare_machine_with_vault_and_kit_reads_checks_restores_and_enrols(
    machine: Machine, another_machine: Machine, kit: Path, small: str, fresh: Fresh
) -> None:
    machine.do("backup", small)
    bare = another_machine
    bare.set(LISTBACKUP_VAULT=machine.vault, LISTBACKUP_KIT_FILE=str(kit))
    first = bare.do("snapshots")
    assert "First contact of this machine" in first.err
    assert "First contact" not in bare.do("snapshots").err
    bare.do("check", "--records")
    assert bare.ask("restore", "latest", "--to", fresh())[-1]["proven"]
    refused = bare.run("backup", small, "--json")
    assert refused.code == 5
    assert "key enrol" in refused.error["hint"]
    bare.do("key", "enrol")
    assert bare.ask("key", "enrol")[-1]["already"]
    bare.do("backup", small)
    assert len(machine.ask("snapshots")) == 2
    machine.do("check")


def test_without_any_key_a_sealed_vault_is_exit_4_but_its_list_is_open(
    machine: Machine, another_machine: Machine, small: str
) -> None:
    machine.init()
    machine.do("backup", small)
    another_machine.set(LISTBACKUP_VAULT=machine.vault)
    kinds = [one["message_type"] for one in another_machine.ask("snapshots")]
    assert kinds == ["warned", "snapshot"]
    assert another_machine.run("show", "latest").code == 4
    assert another_machine.run("check").code == 4


def test_a_wrong_key_is_exit_12(machine: Machine, kit: Path, small: str, tmp_path: Path) -> None:
    machine.do("backup", small)
    phrase = tmp_path / "phrase"
    phrase.write_text("wrong")
    other = tmp_path / "other.key"
    other.write_text("A" * 43 + "=\n")
    assert machine.run("show", "latest", "--key-file", other).code == 12
    assert machine.run("show", "latest", "--passphrase-file", phrase).code == 12
    machine.set(LISTBACKUP_KEY_FILE=str(other))
    assert machine.run("show", "latest").code == 12
    assert machine.run("show", "latest", "--kit-file", kit).code == 0
    machine.set(LISTBACKUP_KEY_FILE=None, LISTBACKUP_PASSPHRASE="wrong")
    assert machine.run("show", "latest").code == 12


def test_the_kit_opens_the_vault_when_the_key_file_is_gone(machine: Machine, small: str) -> None:
    made = machine.init()
    machine.do("backup", small)
    Path(made["key_path"]).unlink()
    machine.do("ls", "latest")


def test_a_vault_opens_with_its_passphrase_and_needs_no_key_file(
    machine: Machine, small: str, tmp_path: Path
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery\n")
    made = machine.init("--passphrase-file", phrase)
    assert made["key_path"] is None
    Path(made["kit_path"]).unlink()
    assert machine.run("backup", small).code == 4
    machine.do("backup", small, "--passphrase-file", phrase)
    machine.set(LISTBACKUP_PASSPHRASE="correct horse battery")
    machine.do("ls", "latest")
    machine.set(LISTBACKUP_PASSPHRASE=None, LISTBACKUP_PASSPHRASE_FILE=str(phrase))
    machine.do("ls", "latest")


def test_an_added_key_file_and_passphrase_open_the_vault(
    machine: Machine, kit: Path, small: str, tmp_path: Path
) -> None:
    machine.do("backup", small)
    key, phrase = tmp_path / "new.key", tmp_path / "phrase"
    phrase.write_text("correct horse battery")
    machine.do("key", "add", "--new-key-file", key)
    machine.do("key", "add", "--new-passphrase-file", phrase)
    machine.do("ls", "latest", "--key-file", key)
    machine.do("ls", "latest", "--passphrase-file", phrase)
    machine.do("check")
    states = [(one["way"], one["state"]) for one in machine.ask("key", "list")]
    assert states == [
        ("file", "recorded"),
        ("file", "recorded"),
        ("kit", "recorded"),
        ("passphrase", "recorded"),
        ("ed25519", "this installation"),
    ]
    assert machine.run("key", "add").code == 2


def test_the_local_kit_is_deleted_only_after_another_copy_was_verified(
    machine: Machine, kit: Path
) -> None:
    local = next(machine.config.glob("kit-*.txt"))
    assert "secret:" in machine.do("key", "kit").out
    assert machine.ask("key", "verify-kit")[-1]["local"]
    refused = machine.run("key", "kit", "--forget-local", "--json")
    assert refused.code == 5
    assert "verify-kit" in refused.error["hint"]
    assert "verify-kit" in machine.do("doctor").out
    assert not machine.ask("key", "verify-kit", "--kit-file", kit)[-1]["local"]
    machine.do("key", "kit", "--forget-local")
    assert not local.exists()
    assert "The recovery kit lies on this machine" not in machine.do("doctor").out
    assert machine.run("key", "kit").code == 2


def test_a_mistyped_kit_is_noticed_and_a_foreign_one_too(
    machine: Machine, another_machine: Machine, kit: Path, tmp_path: Path
) -> None:
    text = kit.read_text()
    secret = next(line for line in text.splitlines() if line.startswith("secret:"))
    wrong = secret[:10] + ("a" if secret[10] != "a" else "b") + secret[11:]
    kit.write_text(text.replace(secret, wrong))
    answer = machine.run("key", "verify-kit", kit, "--json")
    assert (answer.code, answer.error["category"]) == (12, "wrong_key")
    assert "mistyped" in answer.error["message"]
    another_machine.set(LISTBACKUP_VAULT=str(tmp_path / "second"))
    foreign = another_machine.ask("init", "--volatile")[-1]["kit_path"]
    answer = machine.run("key", "verify-kit", foreign, "--json")
    assert answer.code == 12
    assert "another vault" in answer.error["message"]


def test_a_vault_that_is_older_than_its_kit_is_rolled_back(
    machine: Machine, another_machine: Machine, kit: Path
) -> None:
    ledger = sorted(Path(machine.vault).glob("data/accounts/default/ledger/*.json"))
    ledger[-1].unlink()
    another_machine.set(LISTBACKUP_VAULT=machine.vault)
    answer = another_machine.run("key", "enrol", "--kit-file", kit, "--json")
    assert answer.code == 13
    assert "rolled back" in answer.error["message"]
