"""An archive of definitions is read without asking anybody, and compared by what it makes."""

import os
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from listbackup.connectors.postgres.choosing import choose_for_tables
from listbackup.connectors.postgres.contents import (
    Entry,
    is_same,
    make_portable,
    read_contents,
)
from listbackup.connectors.postgres.rights import find_grantees, find_owners, find_policy_roles
from listbackup.errors import IntegrityError
from listbackup.sandbox.agency import build_agency, create_database
from listbackup.sandbox.postgres import PostgresServer

Servers = Callable[[int], PostgresServer]


def dump(server: PostgresServer, name: str) -> bytes:
    program = str(server.installation.programs / "pg_dump")
    command = [program, "-Fc", "--schema-only", server.url(name)]
    return subprocess.run(command, capture_output=True, check=True, env=os.environ).stdout


@pytest.mark.parametrize("major", [16, 18])
def test_what_is_read_is_what_pg_restore_lists(servers: Servers, major: int) -> None:
    server, name = servers(major), f"contents{major}"
    create_database(server.url(), name)
    build_agency(server.url(name), scale=0.005)
    archive = dump(server, name)
    listed = subprocess.run(
        [server.installation.programs / "pg_restore", "--list"],
        input=archive,
        capture_output=True,
        check=True,
    ).stdout.decode()
    lines = [line for line in listed.splitlines() if line and not line.startswith(";")]
    read = {entry.number: entry for entry in read_contents(archive)}
    assert lines
    for line in lines:
        entry = read[int(line.partition(";")[0])]
        assert f"{entry.kind} {entry.schema or '-'} {entry.tag}" in line


def test_archives_are_the_same_by_what_they_make(servers: Servers) -> None:
    server = servers(18)
    for name in ("same1", "same2"):
        create_database(server.url(), name)
        build_agency(server.url(name), scale=0.005)
    assert is_same(dump(server, "same1"), dump(server, "same2"))
    with psycopg.connect(server.url("same2")) as connection:
        connection.execute("ALTER TABLE users ALTER nickname SET DEFAULT 'x'")
    assert not is_same(dump(server, "same1"), dump(server, "same2"))


@pytest.mark.parametrize("cut", [0, 4, 11, 60, 500])
def test_an_archive_cut_short_is_not_read(servers: Servers, cut: int) -> None:
    server = servers(18)
    name = f"cut{cut}"
    create_database(server.url(), name)
    with psycopg.connect(server.url(name)) as connection:
        connection.execute("CREATE TABLE t (a int)")
    with pytest.raises(IntegrityError):
        read_contents(dump(server, name)[:cut])


def test_a_server_s_own_column_option_is_taken_out_and_nothing_else(servers: Servers) -> None:
    server = servers(16)
    create_database(server.url(), "option")
    with psycopg.connect(server.url("option")) as connection:
        connection.execute(
            'CREATE TABLE "T "".x" ("a ; b" int, c int, d int);'
            'ALTER TABLE "T "".x" ALTER "a ; b" SET (n_distinct = 5),'
            " ALTER c SET (n_distinct = 77777), ALTER d SET (n_distinct_inherited = 6)"
        )
    archive = dump(server, "option")
    # the option of such a server in the place of one that this server knows
    own = archive.replace(b"(n_distinct=77777)", b"(pg_attver=777771)")
    both = own.replace(b"(n_distinct=5)", b"(pg_attver=1, n_distinct=5)")
    assert both != own != archive
    portable = make_portable(own)
    assert b"pg_attver" not in portable
    before, after = (
        next(e.definition for e in read_contents(a) if e.kind == "TABLE") for a in (own, portable)
    )
    assert [line for line in before.splitlines() if "pg_attver" not in line] == after.splitlines()
    assert make_portable(archive) == archive


def entry(kind: str, definition: str = "", owner: str = "") -> Entry:
    return Entry(1, 0, "x", kind, 2, definition, "public", owner, frozenset())


def test_roles_are_found_in_statements_whatever_their_names() -> None:
    grants = entry(
        "ACL",
        'REVOKE ALL ON TABLE public."TO me" FROM "Odd ""one"", TO";\n'
        "GRANT SELECT(a) ON TABLE public.t TO reader WITH GRANT OPTION;\n"
        "GRANT ALL ON FUNCTION f(a text) TO PUBLIC;\n",
    )
    assert find_grantees([grants]) == {'Odd "one", TO', "reader"}
    defaults = entry(
        "DEFAULT ACL",
        "ALTER DEFAULT PRIVILEGES FOR ROLE giver IN SCHEMA s GRANT SELECT ON TABLES TO taker;",
    )
    assert find_grantees([defaults]) == {"giver", "taker"}
    policy = entry(
        "POLICY", "CREATE POLICY p ON t FOR SELECT TO a, \"B c\" USING ((x = 'TO d'::text));"
    )
    assert find_policy_roles([policy]) == {"a", "B c"}
    assert find_owners([entry("TABLE", owner="o"), entry("ACL", owner="o2")]) == {"o", "o2"}


def test_a_foreign_key_to_a_table_that_stays_out_is_left_out_by_name() -> None:
    users = Entry(1, 0, "users", "TABLE", 2, "", "public", "", frozenset())
    orders = Entry(2, 0, "orders", "TABLE", 2, "", "public", "", frozenset())
    index = Entry(3, 0, "orders_idx", "INDEX", 4, "", "public", "", frozenset({2}))
    key = Entry(4, 0, "orders user_fk", "FK CONSTRAINT", 4, "", "public", "", frozenset({1, 2}))
    entries = (users, orders, index, key)
    choice = choose_for_tables(entries, {("public", "orders")})
    assert [e.number for e in choice.entries] == [2, 3]
    assert [e.number for e in choice.left_out] == [4]
    both = choose_for_tables(entries, {("public", "orders"), ("public", "users")})
    assert [e.number for e in both.entries] == [1, 2, 3, 4]
