"""Ctrl-C, SIGTERM, a second writer, a closed pipe, and what nobody foresaw."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

import listbackup.app
from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine, read_messages

Fresh = Callable[[], str]


def wait_for(process: "subprocess.Popen[str]", step: str) -> None:
    """Read a command's messages until a step begins."""
    assert process.stdout is not None
    for line in process.stdout:
        message = json.loads(line)
        if message["message_type"] == "step_started" and message["step"] == step:
            return
    raise AssertionError(f"{step} never began: {process.stderr and process.stderr.read()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_backup_is_exit_130_and_leaves_no_snapshot(
    machine: Machine, small: str, number: signal.Signals
) -> None:
    machine.init()
    with machine.spawn("backup", small, "--limit-rate", "2K", "--json") as process:
        wait_for(process, "reading")
        process.send_signal(number)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    (error,) = read_messages(told)
    assert error["category"] == "interrupted"
    assert machine.ask("snapshots") == []
    machine.do("backup", small)
    machine.do("check", "--records")


def test_an_interrupted_restore_takes_its_database_away(
    machine: Machine, small: str, fresh: Fresh, server: PostgresServer
) -> None:
    machine.init()
    machine.do("backup", small)
    target = fresh()
    with machine.spawn("restore", "latest", "--to", target, "--json") as process:
        wait_for(process, "definitions")
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in told
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.url(target.rpartition("/")[2]))


def test_a_second_backup_of_the_same_source_is_exit_11_at_once(
    machine: Machine, small: str
) -> None:
    machine.init()
    with machine.spawn("backup", small, "--limit-rate", "2K", "--json") as process:
        wait_for(process, "reading")
        answer = machine.run("backup", small, "--json")
        machine.do("backup", small, "--name", "another-name")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert (answer.code, answer.error["category"]) == (11, "busy")


def test_a_reader_that_goes_away_is_no_traceback(machine: Machine, small: str) -> None:
    machine.init()
    machine.do("backup", small)
    with machine.spawn("ls", "latest", bufsize=0) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() in (0, 130)


def test_what_nobody_foresaw_is_one_message_and_a_report_on_demand(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def break_down(*arguments: object) -> None:
        raise ZeroDivisionError("postgresql://u:canary-secret@host/db\nis odd")

    monkeypatch.setattr(listbackup.app.App, "access", break_down)
    answer = machine.run("snapshots", "--vault", "x", "--json")
    assert answer.code == 1
    assert "ZeroDivisionError" in answer.error["message"]
    assert "canary-secret" not in answer.err
    assert "LISTBACKUP_DEBUG=1" in answer.error["hint"]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    machine.set(LISTBACKUP_DEBUG="1")
    hint = machine.run("snapshots", "--vault", "x", "--json").error["hint"]
    (report,) = tmp_path.glob("listbackup-report-*")
    assert str(report) in hint
    assert "Traceback" in report.read_text()
    assert "canary-secret" not in report.read_text()


def type_on_a_terminal(machine: Machine, *words: str, stop_at: bytes = b"") -> tuple[int, bytes]:
    """Run a command on a terminal of its own; press Ctrl-C when it says `stop_at`."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [os.sys.executable, "-m", "listbackup", *words],  # type: ignore[attr-defined]
        env={**machine.environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    with suppress(OSError):
        while piece := os.read(ours, 65536):
            said += piece
            if stop_at and stop_at in said:
                stop_at = b""
                process.send_signal(signal.SIGINT)
    os.close(ours)
    return process.wait(), said


def test_on_a_terminal_progress_is_drawn_and_taken_away(machine: Machine, agency: str) -> None:
    machine.init()
    words = ("backup", agency, "--exclude", "pg_catalog.*", "--limit-rate", "100K")
    code, said = type_on_a_terminal(machine, *words)
    assert code == 0
    assert b"reading" in said
    assert b"/s" in said
    assert said.index(b"Snapshot 20") > said.rindex(b"reading \xc2\xb7")


def test_the_demo_stays_on_a_terminal_until_ctrl_c_and_leaves_nothing(machine: Machine) -> None:
    code, said = type_on_a_terminal(
        machine, "demo", "--scale", "0.002", stop_at=b"restore latest --to"
    )
    assert code == 0, said[-1500:].decode()
    assert b"PROVEN" in said
    (line,) = [one for one in said.splitlines() if b"export LISTBACKUP_VAULT" in one]
    vault = Path(line.split(b"'")[1].decode())
    assert not vault.parent.parent.exists()
    assert not machine.config.exists()
    assert not machine.state.exists()


def test_without_a_terminal_a_plain_line_comes_now_and_then(
    machine: Machine, agency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.init()
    monkeypatch.setattr("listbackup.cli.listeners.PLAIN_EVERY", 0.2)
    done = machine.do("backup", agency, "--exclude", "pg_catalog.*", "--limit-rate", "100K")
    lines = [line for line in done.err.splitlines() if line.startswith("reading · ")]
    assert len(lines) >= 2
    assert "\x1b" not in done.err + done.out


def test_a_terminal_that_lacks_a_letter_is_no_failure(machine: Machine) -> None:
    machine.set(PYTHONIOENCODING="ascii")
    with machine.spawn("snapshots", "--vault", "/nowhere/läden") as process:
        _, told = process.communicate()
    assert process.returncode == 10
    assert "Traceback" not in told
