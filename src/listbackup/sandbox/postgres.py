"""A PostgreSQL server of our own: started in a private directory, gone without a trace.

Runs as whoever asks; PostgreSQL refuses root, so for root the server runs as `nobody` and
nothing of the system is changed. A small shell that waits on a pipe ends the server and removes
its directory even where the starter is killed. Knows nothing of what the server is used for.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listbackup.errors import FailedError
from listbackup.host import Host
from listbackup.ids import encode_base32
from listbackup.sandbox.installations import (
    Installation,
    copy_reachable,
    find_bundled,
    is_reachable_by_all,
)

USER = "postgres"
START_SECONDS = 60
START_ATTEMPTS = 5
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "60",
    "log_min_messages": "warning",
}
UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

WATCH = """
read -r word || word=lost
[ "$word" = done ] && exit 0
kill -QUIT "$1"
tries=0
while [ -e "$2/data/postmaster.pid" ] && [ "$tries" -lt 100 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
rm -rf -- "$2"
"""
"""Ends server $1 and removes directory $2 unless told `done` before the pipe closes."""


@dataclass(slots=True)
class PostgresServer:
    """A running server. `directory` is private and goes when the server stops."""

    installation: Installation
    directory: Path
    port: int
    password: str
    process: "subprocess.Popen[bytes]" = field(repr=False)
    watch: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def password_file(self) -> Path:
        """The file that holds the password and nothing else."""
        return self.directory / "password"

    @property
    def log_file(self) -> Path:
        """What the server has said."""
        return self.directory / "log"

    def url(self, database: str = "postgres", *, password: bool = True) -> str:
        """Give the address of a database on this server; the name must not need escaping."""
        secret = f":{self.password}" if password else ""
        return f"postgresql://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End the server and remove its directory. Safe to call twice."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.watch.stdin and not self.watch.stdin.closed:
            with suppress(BrokenPipeError):
                self.watch.stdin.write(b"done\n")
                self.watch.stdin.close()
        self.watch.wait()


@contextmanager
def run_postgres(
    host: Host,
    installation: Installation | None = None,
    *,
    fsync: bool = True,
    settings: Mapping[str, str] | None = None,
    encoding: str = "UTF8",
) -> Iterator[PostgresServer]:
    """Run a server for as long as the block lasts. Raises what `start_postgres` raises."""
    server = start_postgres(host, installation, fsync=fsync, settings=settings, encoding=encoding)
    try:
        yield server
    finally:
        server.stop()


def start_postgres(
    host: Host,
    installation: Installation | None = None,
    *,
    fsync: bool = True,
    settings: Mapping[str, str] | None = None,
    encoding: str = "UTF8",
) -> PostgresServer:
    """Start an empty server with the superuser `postgres` and a random password.

    Without `installation` the newest bundled one; locale C, time zone UTC, a free loopback port.
    With `fsync=False` a crash of the machine loses data (for tests). Raises FailedError.
    """
    directory = make_private_directory()
    owner = own_by_unprivileged(directory)
    try:
        found = installation or find_bundled()
        if owner:
            found = copy_reachable(found, directory / "programs")
        password = encode_base32(host.entropy(20))
        make_cluster(found, directory, password, encoding, owner)
        given = SETTINGS | ({} if fsync else UNSAFE_SETTINGS) | dict(settings or {})
        for _ in range(START_ATTEMPTS):
            port = find_free_port()
            process = launch(found, directory, {**given, "port": str(port)}, owner)
            if wait_until_ready(host, process, directory):
                watch = start_watch(process.pid, directory, owner)
                return PostgresServer(found, directory, port, password, process, watch)
        said = (directory / "log").read_text(errors="replace")[-800:]
        raise FailedError(f"PostgreSQL {found.major} did not start: {said.strip()}")
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def make_private_directory() -> Path:
    """Make a directory (0700) for data, socket and log, on a short path open to every user."""
    usual = Path(tempfile.gettempdir())
    root = usual if len(str(usual)) < 60 and is_reachable_by_all(usual) else Path("/tmp")
    return Path(tempfile.mkdtemp(prefix="listbackup-postgres-", dir=root))


def own_by_unprivileged(directory: Path) -> Mapping[str, Any]:
    """For root, give the directory to `nobody` and say how to start processes as that user."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def make_cluster(
    installation: Installation,
    directory: Path,
    password: str,
    encoding: str,
    owner: Mapping[str, Any],
) -> None:
    """Run initdb. Raises FailedError with what it said."""
    secret = directory / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if owner:
        os.chown(secret, owner["user"], owner["group"])
    command: list[str | Path] = [
        installation.programs / "initdb",
        f"--pgdata={directory / 'data'}",
        f"--username={USER}",
        f"--pwfile={secret}",
        f"--encoding={encoding}",
        "--auth=scram-sha-256",
        "--locale=C",
        "--no-sync",
    ]
    answer = subprocess.run(command, cwd=directory, capture_output=True, text=True, **owner)
    if answer.returncode:
        raise FailedError(f"initdb failed: {answer.stderr.strip()[-800:]}")


def find_free_port() -> int:
    """Ask the system for a loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    installation: Installation,
    directory: Path,
    settings: Mapping[str, str],
    owner: Mapping[str, Any],
) -> "subprocess.Popen[bytes]":
    """Start the server process in a session of its own, so that Ctrl-C does not reach it."""
    command: list[str | Path] = [installation.programs / "postgres", "-D", directory / "data"]
    for name, value in {"unix_socket_directories": str(directory), **settings}.items():
        command += ["-c", f"{name}={value}"]
    with open(directory / "log", "ab") as log:
        return subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **owner,
        )


def wait_until_ready(host: Host, process: "subprocess.Popen[bytes]", directory: Path) -> bool:
    """Wait until the server says in its pid file that it is ready; False if it ended instead."""
    deadline = host.clock.monotonic() + START_SECONDS
    while process.poll() is None:
        with suppress(FileNotFoundError):
            lines = (directory / "data" / "postmaster.pid").read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return True
        if host.clock.monotonic() > deadline:
            process.kill()
            process.wait()
            return False
        host.clock.sleep(0.02)
    return False


def start_watch(
    server: int, directory: Path, owner: Mapping[str, Any]
) -> "subprocess.Popen[bytes]":
    """Start the shell that cleans up after a starter that was killed."""
    return subprocess.Popen(
        ["/bin/sh", "-c", WATCH, "listbackup-watch", str(server), str(directory)],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **owner,
    )
