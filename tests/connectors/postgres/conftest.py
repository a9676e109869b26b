"""Servers to read from and write to: one of every version that is here, and fresh databases."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from listbackup.connectors.postgres.address import Address, parse_address
from listbackup.connectors.postgres.names import quote
from listbackup.connectors.postgres.session import Connection, connect
from listbackup.host import Host
from listbackup.sandbox.installations import Installation, find_bundled, find_installed
from listbackup.sandbox.postgres import PostgresServer, run_postgres

DEBIAN = Path("/usr/lib/postgresql/15/bin")
NUMBERS = itertools.count(1)


def find_installation(major: int) -> Installation:
    if major != 15:
        return find_bundled(major)
    if not (DEBIAN / "postgres").exists():
        pytest.skip("PostgreSQL 15 of Debian is not installed")
    return find_installed(DEBIAN)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[int], PostgresServer]]:
    running: dict[int, PostgresServer] = {}
    contexts = []

    def get(major: int) -> PostgresServer:
        if major not in running:
            settings = {"wal_level": "replica"}
            context = run_postgres(Host(), find_installation(major), fsync=False, settings=settings)
            running[major] = context.__enter__()
            contexts.append(context)
        return running[major]

    yield get
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.fixture(params=[15, 16, 18], ids=["postgresql15", "postgresql16", "postgresql18"])
def server(
    request: pytest.FixtureRequest, servers: Callable[[int], PostgresServer]
) -> PostgresServer:
    """Each version in turn."""
    return servers(request.param)


@pytest.fixture
def newest(servers: Callable[[int], PostgresServer]) -> PostgresServer:
    """The newest version only."""
    return servers(18)


class Database:
    """A fresh database; `address` lets in its superuser."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.connection: Connection = connect(address)

    def run(
        self, script: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[object, ...]]:
        cursor = self.connection.execute(script, parameters)
        return cursor.fetchall() if cursor.description is not None else []


@pytest.fixture
def make_database() -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(server: PostgresServer, options: str = "") -> Database:
        address = parse_address(server.url(), {})
        name = f"database{next(NUMBERS)}"
        with connect(address) as maintenance:
            maintenance.execute(f"CREATE DATABASE {quote(name)} TEMPLATE template0 {options}")
        made.append(Database(address.with_database(name)))
        return made[-1]

    yield make
    for database in made:
        database.connection.close()
        with connect(database.address.with_database("postgres")) as maintenance:
            maintenance.execute(f"DROP DATABASE {quote(database.address.database)} WITH (FORCE)")


@pytest.fixture
def database(server: PostgresServer, make_database: Callable[..., Database]) -> Database:
    """A fresh database on each version in turn."""
    return make_database(server)


@pytest.fixture
def plain(newest: PostgresServer, make_database: Callable[..., Database]) -> Database:
    """Three tables of the newest version, one of them with rows."""
    database = make_database(newest)
    database.run("""
        CREATE TABLE public.users (id int PRIMARY KEY, name text);
        INSERT INTO public.users SELECT i, 'user ' || i FROM generate_series(1, 1000) i;
        CREATE TABLE public.orders (b text, a int, PRIMARY KEY (a, b));
        CREATE SCHEMA other; CREATE TABLE other."Users" (n numeric);
    """)
    return database
