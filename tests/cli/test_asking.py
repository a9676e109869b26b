"""Questions are asked on a terminal only, and a secret is not shown while it is typed."""

import os
import pty
import select
from pathlib import Path

import pytest

from tests.cli.keaps import serve_keap
from tests.cli.machines import Machine


def type_on_terminal(machine: Machine, answers: list[tuple[str, str]], *words: str) -> str:
    """Run a command on a terminal and answer what it asks; give all that was seen."""
    controller, terminal = pty.openpty()
    seen = ""
    with machine.spawn(*words, stdin=terminal, stderr=terminal) as process:
        os.close(terminal)
        for question, answer in answers:
            while question not in seen.rpartition("\n")[2]:
                assert select.select([controller], [], [], 30)[0], seen
                seen += os.read(controller, 4096).decode()
            os.write(controller, f"{answer}\n".encode())
        assert process.stdout is not None
        seen += process.stdout.read()
        assert process.wait(timeout=30) == 0, seen
    os.close(controller)
    return seen


def test_a_key_is_typed_unseen_and_a_name_is_typed_to_forget_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(tmp_path / "home", monkeypatch, capsys)
    machine.home.mkdir()
    machine.init()
    with serve_keap() as served:
        key = served.keap.issue_key("acme")
        add = ("source", "add", "keap", "--auth", "key", *served.place)
        seen = type_on_terminal(machine, [("service account key: ", key)], *add)
        assert "under Settings, API" in seen
        assert "Added keap" in seen
        assert key not in seen
        remove = ("source", "remove", "keap")
        seen = type_on_terminal(machine, [("its snapshots stay: ", "keap")], *remove)
        assert "Forgot keap" in seen


def test_of_several_ways_to_connect_one_is_chosen_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(tmp_path / "home", monkeypatch, capsys)
    machine.home.mkdir()
    machine.init()
    with serve_keap() as served:
        key = served.keap.issue_key("acme")
        asked = "How to connect Keap (1 to 2, Enter for 1): "
        answers = [(asked, "7"), (asked, "2"), ("service account key: ", key)]
        seen = type_on_terminal(machine, answers, "source", "add", "keap", *served.place)
    assert "  1  OAuth" in seen
    assert "  2  Personal access token" in seen
    assert "auth: key" in (machine.config / "sources/keap.yaml").read_text()
