"""What others hold, forbid, end or leave while a database is read: waited for, named, or an error;
never rows that are missing in silence."""

import os
import threading
from contextlib import closing

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.session import connect
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import SourceError
from listbackup.events import Event, Waited, Warned
from listbackup.host import Host
from tests.connectors.postgres.conftest import Database
from tests.connectors.postgres.readings import (
    open_source,
    read_everything,
    read_stream,
    reading,
)


def end_backends(database: Database, which: str) -> None:
    ended = database.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    )
    assert ended


def test_a_table_locked_by_somebody_else_is_named_and_the_others_are_read(
    plain: Database,
) -> None:
    with connect(plain.address) as other, other.transaction():
        other.execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
        with reading(plain, lock_timeout=0.3) as found:
            assert set(read_everything(found)) == {"public.users", 'other."Users"'}
            assert [one.name for one in found.unread] == ["public.orders"]
            found.finish()


def test_views_of_a_locked_table_are_named_with_it(plain: Database) -> None:
    plain.run(
        "CREATE VIEW public.v AS SELECT * FROM public.orders;"
        "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.v;"
        "CREATE VIEW public.unconcerned AS SELECT * FROM public.users"
    )
    with connect(plain.address) as other, other.transaction():
        other.execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
        with reading(plain, lock_timeout=0.3) as found:
            read_everything(found)
            closing = found.finish()
    assert {one.name for one in found.unread} == {"public.orders", "public.v", "public.m"}
    assert "public.unconcerned" in closing.facts["definitions"]["relation"]
    assert "public.v" not in closing.facts["definitions"]["relation"]


def test_a_table_locked_for_a_while_is_waited_for(plain: Database) -> None:
    heard: list[Event] = []
    with connect(plain.address) as other:
        other.execute("BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
        release = threading.Timer(0.3, other.execute, ["COMMIT"])
        release.start()
        with closing(open_source(plain, ReadOptions(), heard).open()) as found:
            assert not found.unread
        release.join()
    assert any(isinstance(e, Waited) and "public.orders" in e.reason for e in heard)


def test_a_queued_alter_does_not_stand_in_the_way_of_reading(plain: Database) -> None:
    with reading(plain) as found, connect(plain.address, lock_timeout=20.0) as other:
        list(found.extras())
        alter = threading.Thread(
            target=other.execute, args=["ALTER TABLE public.users ALTER id TYPE bigint"]
        )
        alter.start()
        while not plain.run("SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"):
            pass
        rows = {stream.name: read_stream(found, stream) for stream in found.streams}
        found.finish()
        found.close()
        alter.join()
    assert len(rows["public.users"]) == 1000


def test_rights_that_are_missing_are_named(plain: Database) -> None:
    plain.run("""
        CREATE ROLE reader LOGIN PASSWORD 'readerpassword';
        GRANT SELECT ON public.users TO reader; GRANT SELECT ON other."Users" TO reader;
        CREATE TABLE public.filtered (a int); ALTER TABLE public.filtered ENABLE ROW LEVEL SECURITY;
        GRANT SELECT ON public.filtered TO reader;
    """)
    address = plain.address.with_user("reader", "readerpassword")
    source = PostgresSource(address, ReadOptions(), Host(), environment=os.environ)
    try:
        with closing(source.open()) as found:
            reasons = {one.name: one.reason for one in found.unread}
            assert set(read_everything(found)) == {"public.users"}
            found.finish()
    finally:
        plain.run("DROP OWNED BY reader; DROP ROLE reader")
    assert set(reasons) == {"public.orders", 'other."Users"', "public.filtered"}
    assert "SELECT" in reasons["public.orders"]
    assert "row security" in reasons["public.filtered"]


def test_a_lost_worker_fails_its_part_only(plain: Database) -> None:
    plain.run(
        "CREATE TABLE public.big AS SELECT i, repeat('x', 1000) AS pad"
        " FROM generate_series(1, 50000) i"
    )
    with reading(plain, jobs=1) as found:
        streams = {stream.name: stream for stream in found.streams}
        (part,) = found.parts(streams["public.big"])
        chunks = found.read(part)
        next(chunks)
        end_backends(plain, "state = 'active' AND query LIKE 'LOCK%%COPY%%'")
        with pytest.raises(SourceError):
            list(chunks)
        assert len(read_stream(found, streams["public.users"])) == 1000
        list(found.extras())
        unread = {one.name for one in found.finish().unread}
    assert unread == {"public.big"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_when_the_moment_is_lost_nothing_more_is_read(plain: Database, jobs: int) -> None:
    with reading(plain, jobs=jobs) as found:
        streams = {stream.name: stream for stream in found.streams}
        assert len(read_stream(found, streams["public.users"])) == 1000
        list(found.extras())
        end_backends(plain, "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")
        with pytest.raises(SourceError, match=r"snapshot (was lost|\"[-0-9A-F]+\" does not exist)"):
            read_stream(found, streams["public.orders"])
        with pytest.raises(SourceError):
            found.finish()


def test_a_part_that_is_not_read_to_its_end_is_named(plain: Database) -> None:
    with reading(plain) as found:
        streams = {stream.name: stream for stream in found.streams}
        found.parts(streams["public.users"])
        list(found.extras())
        assert [one.name for one in found.finish().unread] == ["public.users"]


def test_a_reader_that_stops_early_leaves_the_session_fit_for_the_next(plain: Database) -> None:
    plain.run(
        "CREATE TABLE public.big AS SELECT i, repeat('x', 1000) AS pad"
        " FROM generate_series(1, 50000) i"
    )
    with reading(plain, jobs=1) as found:
        streams = {stream.name: stream for stream in found.streams}
        chunks = found.read(found.parts(streams["public.big"])[0])
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        assert len(read_stream(found, streams["public.users"])) == 1000


def test_a_held_snapshot_draws_a_warning_in_the_end(plain: Database) -> None:
    heard: list[Event] = []
    source = open_source(plain, ReadOptions(long_reading=0.000001), heard)
    with closing(source.open()) as found:
        read_everything(found)
    assert any(isinstance(e, Warned) and "snapshot has been held" in e.message for e in heard)


def test_a_closed_reading_leaves_no_session_behind(plain: Database) -> None:
    with reading(plain) as found:
        read_everything(found)
        found.finish()
    found.close()
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <>"
    while plain.run(f"{others} pg_backend_pid() AND backend_type = 'client backend'"):
        pass
