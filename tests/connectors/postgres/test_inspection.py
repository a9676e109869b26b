"""Looking at a database before it is read, and the programs that are let in."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import parse_address
from listbackup.connectors.postgres.inspection import inspect
from listbackup.connectors.postgres.session import connect
from listbackup.connectors.postgres.tools import choose_major, find_tool, grant_access, run_tool
from listbackup.errors import AuthError
from listbackup.events import ignore
from listbackup.host import Host
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.conftest import Database


@pytest.fixture
def shop(database: Database) -> Database:
    database.run("""
        CREATE TABLE public.orders AS SELECT i AS id, repeat('x', 100) AS pad
            FROM generate_series(1, 10000) i;
        CREATE TABLE public.closed (a int);
        CREATE MATERIALIZED VIEW public.sums AS SELECT count(*) FROM public.orders;
        CREATE SEQUENCE public.numbers; SELECT lo_create(0); ANALYZE;
    """)
    return database


def test_an_inspection_says_what_a_backup_would_find(
    shop: Database, server: PostgresServer
) -> None:
    found = inspect(shop.address, ReadOptions(exclude=("*.closed",)), Host(), ignore)
    streams = {stream.name: stream for stream in found.streams}
    assert set(streams) == {"public.orders", "pg_catalog.pg_largeobject"}
    assert streams["public.orders"].rows == 10000
    assert streams["public.orders"].bytes > 1_000_000
    assert found.excluded == ("public.closed",)
    assert [one.subject for one in found.declared] == ["public.sums"]
    assert found.complete
    assert found.superuser
    assert found.tested
    assert not found.encrypted
    assert not found.on_replica
    assert str(server.installation.major) in found.identity.version
    assert server.password not in repr(found)


def test_an_inspection_names_the_rights_that_are_missing(shop: Database) -> None:
    shop.run(
        "CREATE ROLE viewer LOGIN PASSWORD 'viewerpassword'; "
        "GRANT SELECT ON public.orders TO viewer"
    )
    try:
        found = inspect(
            shop.address.with_user("viewer", "viewerpassword"), ReadOptions(), Host(), ignore
        )
    finally:
        shop.run("DROP OWNED BY viewer; DROP ROLE viewer")
    assert not found.complete
    assert {one.name for one in found.unread} == {
        "public.closed",
        "public.numbers",
        "pg_catalog.pg_largeobject",
    }


def test_an_inspection_does_not_wait_for_locked_tables(shop: Database) -> None:
    with connect(shop.address) as other, other.transaction():
        other.execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
        found = inspect(shop.address, ReadOptions(), Host(), ignore)
    assert any("sizes are not known" in warning for warning in found.warnings)
    assert "public.orders" in {stream.name for stream in found.streams}


def test_a_wrong_password_is_refused_when_looking(shop: Database) -> None:
    with pytest.raises(AuthError):
        inspect(shop.address.with_user("postgres", "wrong"), ReadOptions(), Host(), ignore)


def test_servers_up_to_16_get_the_programs_of_16() -> None:
    assert [choose_major(v) for v in (120000, 150000, 160014)] == [16, 16, 16]
    assert [choose_major(v) for v in (170000, 180004)] == [18, 18]
    for version, major in ((150000, "16."), (180000, "18.")):
        for program in ("pg_dump", "pg_dumpall", "pg_restore", "psql"):
            path = find_tool(program, version)
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            assert major in said.stdout


def test_a_program_gets_in_and_no_command_line_or_variable_shows_how(
    newest: PostgresServer,
) -> None:
    hostile = "canary pass\\word:'%\""
    with connect(parse_address(newest.url(), {})) as connection:
        connection.execute("CREATE ROLE tooled LOGIN SUPERUSER PASSWORD 'unset'")
        literal = hostile.replace("'", "''").replace("\\", "\\\\")
        connection.execute(f"ALTER ROLE tooled PASSWORD E'{literal}'")
    address = parse_address(newest.url(), {}).with_user("tooled", hostile)
    with grant_access(address, {**os.environ, "PGPASSWORD": "wrong"}) as access:
        process = run_tool(find_tool("pg_dump", 180000), access, ["--schema-only"])
        shown = [Path(f"/proc/{process.pid}/{what}") for what in ("cmdline", "environ")]
        seen = b"".join(path.read_bytes() for path in shown if path.exists())
        output, said = process.communicate()
    assert process.returncode == 0, said
    assert b"PostgreSQL database dump" in output
    assert b"canary" not in seen
    assert "canary" not in access.conninfo + repr(access)


def test_hidden_parameters_reach_a_program_without_being_seen(
    newest: PostgresServer, make_database: Callable[..., Database]
) -> None:
    database = make_database(newest)
    url = f"{newest.url(database.address.database)}?options=-c%20work_mem%3D7MB"
    address = parse_address(url, {})
    with grant_access(address, os.environ) as access:
        assert "work_mem" not in access.conninfo
        answer = subprocess.run(
            [find_tool("psql", 180000), "-XAtc", "SHOW work_mem", "-d", access.conninfo],
            capture_output=True,
            env=dict(access.environment),
            pass_fds=access.descriptors,
        )
    assert answer.stdout == b"7MB\n", answer.stderr
