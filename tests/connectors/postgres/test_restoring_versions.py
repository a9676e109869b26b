"""A snapshot comes back on a newer server too, and never on an older one."""

import os
from collections.abc import Callable

import psycopg
import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import parse_address
from listbackup.connectors.postgres.restoring import PostgresTarget
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import RefusedError
from listbackup.events import ignore
from listbackup.host import Host
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import restore
from listbackup.sandbox.agency import build_agency, create_database
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.awkward import build_awkward
from tests.connectors.postgres.independent import dump_definitions, fingerprint_rows
from tests.connectors.postgres.memory import MemorySnapshot, keep

Servers = Callable[[int], PostgresServer]


def read(url: str) -> MemorySnapshot:
    address = parse_address(url, {})
    return keep(PostgresSource(address, ReadOptions(), Host(), environment=os.environ).open())


def aim(url: str) -> PostgresTarget:
    return PostgresTarget(parse_address(url, {}), Host(), environment=os.environ)


@pytest.mark.parametrize("major", [16, 18])
def test_the_bundled_versions_restore_their_own(servers: Servers, major: int) -> None:
    server, name = servers(major), f"own{major}"
    create_database(server.url(), name)
    build_awkward(server.url(name), extended=False)
    result = restore(read(server.url(name)), aim(server.url(f"{name}b")), RestoreOptions(), ignore)
    assert result.proven
    assert result.comparison.definitions
    assert fingerprint_rows(server.url(f"{name}b")) == fingerprint_rows(server.url(name))
    programs = server.installation.programs
    one, other = (dump_definitions(programs, server.url(n)) for n in (name, f"{name}b"))
    assert other == one


@pytest.mark.parametrize(("older", "newer"), [(15, 16), (15, 18), (16, 18)])
def test_rows_are_the_same_on_a_newer_server(servers: Servers, older: int, newer: int) -> None:
    old, new = servers(older), servers(newer)
    name = f"from{older}to{newer}"
    create_database(old.url(), name)
    build_awkward(old.url(name), extended=False)
    options = RestoreOptions(create_roles=True)
    result = restore(read(old.url(name)), aim(new.url(name)), options, ignore)
    assert result.proven
    assert not [note for note in result.comparison.notes if "grant" in note]
    one, other = fingerprint_rows(old.url(name)), fingerprint_rows(new.url(name))
    different = {what for what in one if one[what] != other.get(what)}
    assert not different
    assert set(other) == set(one)


def test_an_older_server_is_refused_with_a_word(servers: Servers) -> None:
    new, old = servers(18), servers(16)
    create_database(new.url(), "young")
    build_agency(new.url("young"), scale=0.005)
    with pytest.raises(RefusedError, match="of PostgreSQL 18, the server is 16"):
        restore(read(new.url("young")), aim(old.url("young")), RestoreOptions(), ignore)
    with psycopg.connect(old.url()) as connection:
        assert not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = 'young'"
        ).fetchone()


def test_virtual_columns_and_a_builtin_locale_come_back(servers: Servers) -> None:
    server = servers(18)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE modern TEMPLATE template0 LOCALE_PROVIDER builtin"
            " BUILTIN_LOCALE 'C.UTF-8'"
        )
    with psycopg.connect(server.url("modern")) as connection:
        connection.execute(
            "CREATE TABLE t (id int PRIMARY KEY, a text CONSTRAINT a_there NOT NULL,"
            " v int GENERATED ALWAYS AS (id * 2) VIRTUAL,"
            " s int GENERATED ALWAYS AS (id + 1) STORED)"
        )
        connection.execute("INSERT INTO t SELECT i, 'é' || i FROM generate_series(1, 99) i")
    snapshot = read(server.url("modern"))
    assert restore(snapshot, aim(server.url("modern2")), RestoreOptions(), ignore).proven
    assert fingerprint_rows(server.url("modern2")) == fingerprint_rows(server.url("modern"))
