"""The sample database is big enough, awkward enough, and the same every time."""

import hashlib
from collections.abc import Iterator

import psycopg
import pytest

from listbackup.host import Host
from listbackup.sandbox.agency import alter_one_row, build_agency, create_database
from listbackup.sandbox.postgres import PostgresServer, run_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with run_postgres(Host(), fsync=False) as running:
        yield running


def digest(url: str) -> str:
    """Digest all rows of all tables, whatever their order."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace::regnamespace::text NOT LIKE 'pg%' AND"
            " relnamespace::regnamespace::text <> 'information_schema' ORDER BY 1"
        ).fetchall()
        total = hashlib.sha256()
        for (table,) in tables:
            rows = "string_agg(x::text, '|' ORDER BY x::text COLLATE \"C\")"
            query = f"SELECT md5(coalesce({rows}, '')) FROM {table} x"
            found = connection.execute(query.encode()).fetchone()
            total.update(f"{table} {found}".encode())
    return total.hexdigest()


def test_two_builds_hold_the_same_rows(server: PostgresServer) -> None:
    digests = []
    for name in ("one", "two"):
        create_database(server.url(), name)
        build_agency(server.url(name), scale=0.02)
        digests.append(digest(server.url(name)))
    assert digests[0] == digests[1]


def test_the_count_of_rows_is_what_it_says(server: PostgresServer) -> None:
    create_database(server.url(), "counted")
    said = build_agency(server.url("counted"), scale=0.02)
    tables = ["users", "campaigns", "line_items", "events", "media.assets", "media.raw_hits"]
    tables.append('"Billing & Co."."Invoices ""final"" (v2); ../../etc"')
    with psycopg.connect(server.url("counted")) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            for table in tables
        ]
        large = connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone()
    assert sum(row[0] for row in counts if row) == said
    assert large == (5,)


def test_the_alteration_changes_one_value_of_one_row(server: PostgresServer) -> None:
    create_database(server.url(), "altered")
    build_agency(server.url("altered"), scale=0.01)
    before = digest(server.url("altered"))
    done = alter_one_row(server.url("altered"))
    assert digest(server.url("altered")) != before
    with psycopg.connect(server.url("altered")) as connection:
        row = connection.execute("SELECT budget::text FROM campaigns WHERE id = 7").fetchone()
    assert row == (done.after,)
    assert done.after != done.before
