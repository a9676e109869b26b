"""Secrets work, and appear nowhere: not in output, errors, lists of processes, nor the vault."""

import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from listbackup.cli.failures import Failures
from listbackup.cli.output import open_output
from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine

Fresh = Callable[[], str]
PASSWORD = "canary-of-the-url-7f3a"
PHRASE = "canary of the passphrase 91bc"


@pytest.fixture
def guarded(server: PostgresServer, small: str) -> Iterator[str]:
    """The address of a small database with a canary for its password."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE canary SUPERUSER LOGIN PASSWORD '{PASSWORD}'".encode())
    yield small.replace("postgres@", f"canary:{PASSWORD}@")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP OWNED BY canary")
        connection.execute("DROP ROLE canary")


def read_all(place: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(place.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()


def test_no_canary_is_told_or_stored(
    machine: Machine, guarded: str, fresh: Fresh, tmp_path: Path
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE)
    made = machine.init("--encryption", "none", "--passphrase-file", phrase)
    machine.set(PGPASSWORD=None)
    target = fresh().replace("postgres@", f"canary:{PASSWORD}@")
    answers = [
        machine.run(*words)
        for json_or_not in ((), ("--json",))
        for words in (
            ("backup", guarded, "--name", "shop", *json_or_not),
            ("backup", guarded, "--dry-run", *json_or_not),
            ("source", "test", guarded, *json_or_not),
            ("show", "latest", *json_or_not),
            ("restore", "latest", "--to", target, "--dry-run", *json_or_not),
            ("restore", "latest", "--to", guarded, *json_or_not),
            ("restore", "latest", "--to", guarded, "--compare-only", *json_or_not),
            ("backup", guarded.replace("/small", "/nosuch"), *json_or_not),
            ("backup", guarded.replace(PASSWORD, f"x{PASSWORD}"), *json_or_not),
            ("backup", f"{guarded}?sslpassword={PASSWORD}&sslmode=nonsense", *json_or_not),
            ("doctor", *json_or_not),
        )
    ]
    told = "".join(answer.out + answer.err for answer in answers)
    assert [answer.code for answer in answers].count(0) >= 12
    kit = Path(made["kit_path"]).read_text()
    secret = next(line for line in kit.splitlines() if line.startswith("secret: "))[8:]
    for canary in (PASSWORD, PHRASE, secret):
        assert canary not in told
        for place in (Path(machine.vault), machine.state):
            for path, body in read_all(place):
                assert canary.encode() not in body, path


def test_a_password_in_the_url_draws_one_warning(
    machine: Machine, guarded: str, fresh: Fresh
) -> None:
    machine.init()
    machine.set(PGPASSWORD=None)
    for words in (
        ("backup", guarded),
        ("restore", "latest", "--to", fresh().replace("postgres@", f"canary:{PASSWORD}@")),
        ("restore", "latest", "--to", guarded, "--compare-only"),
    ):
        assert machine.do(*words).err.count("The URL holds a password") == 1
    assert machine.do("source", "test", guarded).out.count("The URL holds a password") == 1


def test_passwords_come_from_files_and_the_environment_too(
    machine: Machine, guarded: str, tmp_path: Path
) -> None:
    plain = guarded.replace(f":{PASSWORD}", "")
    machine.set(PGPASSWORD=PASSWORD)
    machine.do("source", "test", plain)
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    machine.set(PGPASSWORD="wrong", LISTBACKUP_PASSWORD_FILE=str(file))
    machine.do("source", "test", plain)
    passes = tmp_path / "pgpass"
    passes.write_text(f"*:*:*:canary:{PASSWORD}\n")
    passes.chmod(0o600)
    machine.set(PGPASSWORD=None, LISTBACKUP_PASSWORD_FILE=None, PGPASSFILE=str(passes))
    machine.do("source", "test", plain)
    machine.set(PGPASSFILE=str(tmp_path / "nothing"))
    assert machine.run("source", "test", plain).code == 4


def shown_by_ps() -> str:
    """What a list of processes shows of the descendants of this process and of those alive."""
    shown = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                shown.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return "\n".join(shown)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_list_of_processes_shows_no_password(
    machine: Machine, guarded: str, server: PostgresServer
) -> None:
    machine.init()
    machine.set(PGPASSWORD=None)
    words = ("backup", guarded, "--name", "shown-by-ps", "--limit-rate", "3K", "--json")
    with machine.spawn(*words) as process:
        assert process.stdout is not None
        for line in process.stdout:
            shown = shown_by_ps()
            assert "shown-by-ps" in shown
            assert "canary:****" in shown
            assert PASSWORD not in shown
            if json.loads(line).get("step") == "reading":
                break
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == 130


def test_no_dump_of_the_memory_is_written(machine: Machine) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    machine.do("config", "show")
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, most)


def test_what_nobody_foresaw_is_told_and_reported_without_secrets_that_were_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failures = Failures({"LISTBACKUP_DEBUG": "1"}, as_json=True)
    try:
        with open_output(as_json=True) as output:
            output.app.redactor.learn(PASSWORD)
            try:
                raise KeyError(f"token {PASSWORD}")
            except KeyError as error:
                raise RuntimeError(f"{PASSWORD} is odd") from error
    except RuntimeError as error:
        failures.report_unforeseen(error)
    (report,) = tmp_path.iterdir()
    for told in (capsys.readouterr().err, report.read_text()):
        assert "RuntimeError" in told
        assert "***" in told
        assert PASSWORD not in told
