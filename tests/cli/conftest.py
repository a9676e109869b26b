"""A machine to type on, and a small agency's database to back up."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from listbackup.host import Host
from listbackup.sandbox.agency import build_agency, create_database
from listbackup.sandbox.postgres import PostgresServer, run_postgres
from tests.cli.machines import Machine

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with run_postgres(Host(), fsync=False) as running:
        create_database(running.url(), "agency")
        build_agency(running.url("agency"), scale=0.002)
        yield running


@pytest.fixture
def machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: PostgresServer,
) -> Machine:
    """A machine whose environment knows the server's password."""
    made = Machine(tmp_path / "home", monkeypatch, capsys)
    made.home.mkdir()
    made.set(PGPASSWORD=server.password)
    return made


@pytest.fixture
def another_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: PostgresServer,
) -> Machine:
    """A bare machine that knows nothing of the first one."""
    made = Machine(tmp_path / "elsewhere", monkeypatch, capsys)
    made.home.mkdir()
    made.set(PGPASSWORD=server.password)
    return made


@pytest.fixture
def agency(server: PostgresServer) -> str:
    """The address of the sample database; nobody may change it."""
    return server.url("agency", password=False)


@pytest.fixture
def small(server: PostgresServer) -> Iterator[str]:
    """The address of a database of three small tables, for tests that change it."""
    name = f"small{next(NUMBERS)}"
    create_database(server.url(), name)
    with psycopg.connect(server.url(name)) as connection:
        connection.execute(
            "CREATE TABLE lists (id int PRIMARY KEY, name text);"
            "INSERT INTO lists SELECT n, 'list ' || n FROM generate_series(1, 100) n;"
            "CREATE TABLE members (list int, email text);"
            "INSERT INTO members SELECT n % 100, n || '@x.org' FROM generate_series(1, 500) n;"
            "CREATE TABLE empty (nothing text);"
        )
    yield server.url(name, password=False)
    drop(server, name)


@pytest.fixture
def fresh(server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Gives addresses of databases that do not exist yet; dropped in the end."""
    names: list[str] = []

    def make() -> str:
        names.append(f"fresh{next(NUMBERS)}")
        return server.url(names[-1], password=False)

    yield make
    for name in names:
        drop(server, name)


def drop(server: PostgresServer, name: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
