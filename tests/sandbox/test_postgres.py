"""A server of our own starts for anybody, answers, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from listbackup.errors import UsageError
from listbackup.host import Host
from listbackup.sandbox.installations import Installation, find_bundled, find_installed
from listbackup.sandbox.postgres import run_postgres, start_postgres

DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.parametrize("major", [16, 18])
def test_a_bundled_server_answers_with_its_version(major: int) -> None:
    with run_postgres(Host(), find_bundled(major), fsync=False) as server:
        with psycopg.connect(server.url()) as connection:
            assert connection.info.server_version // 10000 == major
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url(password=False), passfile="/nonexistent")
    assert not server.directory.exists()
    assert server.process.poll() is not None


def test_fsync_is_on_unless_said_otherwise() -> None:
    with run_postgres(Host()) as server, psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT current_setting('fsync')").fetchone()
    assert row == ("on",)


@pytest.mark.skipif(not DEBIAN.exists(), reason="PostgreSQL 15 is not installed")
def test_an_installed_server_is_found_by_its_directory() -> None:
    installation = find_installed(DEBIAN)
    assert installation.major == 15
    with (
        run_postgres(Host(), installation, fsync=False) as server,
        psycopg.connect(server.url()) as connection,
    ):
        assert connection.info.server_version // 10000 == 15


def test_a_directory_without_a_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no PostgreSQL server"):
        find_installed(tmp_path)
    with pytest.raises(UsageError, match="not bundled"):
        find_bundled(9)


def test_programs_in_a_directory_closed_to_others_still_run(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    bundled = find_bundled().programs.parent
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            bundled / part, closed / bundled.parent.name / bundled.name / part, symlinks=True
        )
    libraries = bundled.parent.with_name(f"{bundled.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    with (
        run_postgres(
            Host(),
            Installation(closed / bundled.parent.name / bundled.name / "bin", 18),
            fsync=False,
        ) as server,
        psycopg.connect(server.url()) as connection,
    ):
        assert connection.info.server_version // 10000 == 18


STARTER = """
import sys
from listbackup.host import Host
from listbackup.sandbox.postgres import start_postgres
server = start_postgres(Host(), fsync=False)
print(server.process.pid, server.directory, flush=True)
sys.stdin.read()
"""


def test_a_server_whose_starter_was_killed_goes_too() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdin and starter.stdout
    pid, directory = starter.stdout.readline().split()
    assert Path(directory).exists()
    starter.kill()
    starter.communicate()
    clock = Host().clock
    deadline = clock.monotonic() + 20
    while Path(directory).exists() and clock.monotonic() < deadline:
        clock.sleep(0.05)
    assert not Path(directory).exists()
    assert not Path(f"/proc/{pid}/exe").exists()


def test_stopping_twice_is_fine_and_a_crashed_server_is_cleaned_up() -> None:
    server = start_postgres(Host(), fsync=False)
    os.kill(server.process.pid, signal.SIGKILL)
    server.stop()
    server.stop()
    assert not server.directory.exists()
