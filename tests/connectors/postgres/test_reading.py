"""Reading a database: every row of every awkward table, as COPY would give it, at one moment."""

import json
import os
from collections.abc import Callable

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.copying import copy_out
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import SourceError
from listbackup.host import Host
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.awkward import build_awkward, build_unencoded
from tests.connectors.postgres.conftest import Database
from tests.connectors.postgres.readings import (
    read_everything,
    read_stream,
    reading,
)


def url_of(database: Database, server: PostgresServer) -> str:
    return server.url(database.address.database)


def test_every_row_of_every_awkward_table_is_read(
    server: PostgresServer, database: Database
) -> None:
    build_awkward(url_of(database, server), extended=server.installation.major == 15)
    with reading(database) as found:
        rows = read_everything(found)
        ending = found.finish()
        assert not found.unread
        assert not ending.unread
    counts = database.run(
        "SELECT c.oid::regclass::text, c.relkind::text FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        " AND n.nspname !~ '^pg_|information_schema' AND c.relpersistence <> 't'"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    )
    tables = [stream for stream in found.streams if stream.schema["kind"] == "table"]
    assert len(tables) == len(counts)
    for stream in tables:
        with database.connection.cursor().copy(copy_out(stream.schema)) as copy:
            assert sorted(rows[stream.name]) == sorted(bytes(row)[:-1] for row in copy)
    generated = {stream.name for stream in tables if stream.schema["generated"]}
    assert set(ending.generated) == generated
    assert all(len(rows[name]) == ending.generated[name].rows for name in generated)


def test_bytes_that_are_no_text_are_read_as_they_are(
    server: PostgresServer, make_database: Callable[..., Database]
) -> None:
    database = make_database(server, "ENCODING 'SQL_ASCII' LOCALE 'C'")
    build_unencoded(url_of(database, server))
    with reading(database) as found:
        rows = read_everything(found)
        found.finish()
    assert rows["public.raw"][0] == b"1\t\xff\xfe\x80\t{}"
    assert rows["public.raw"][3] == b"4\t\xc3 cut\\n\\\\\t\\N"
    assert rows['public."caf\xe9"'] == [b"1"]


def test_rows_committed_after_the_moment_are_not_seen(plain: Database) -> None:
    with reading(plain) as found:
        plain.run(
            "INSERT INTO public.users VALUES (5000, 'late'); DELETE FROM public.users"
            " WHERE id < 500; UPDATE public.users SET name = 'changed'"
        )
        rows = read_everything(found)
        found.finish()
    assert len(rows["public.users"]) == 1000
    assert b"17\tuser 17" in rows["public.users"]


def test_streams_say_their_columns_and_keys(plain: Database) -> None:
    with reading(plain) as found:
        streams = {stream.name: stream for stream in found.streams}
    assert set(streams) == {"public.users", "public.orders", 'other."Users"'}
    orders = streams["public.orders"]
    assert orders.key == ("a", "b")
    assert orders.key_positions == (1, 0)
    assert streams["public.users"].schema["columns"] == [
        {"name": "id", "type": "integer", "position": 1, "nullable": False},
        {"name": "name", "type": "text", "position": 2, "nullable": True},
    ]


def test_a_large_table_is_read_in_ranges_that_miss_and_repeat_nothing(plain: Database) -> None:
    plain.run(
        "CREATE TABLE public.big AS SELECT i, repeat('x', 1000) AS pad"
        " FROM generate_series(1, 300000) i; DELETE FROM public.big WHERE i % 3 = 0"
    )
    with reading(plain, include=("public.big",)) as found:
        (stream,) = found.streams
        assert len(found.parts(stream)) > 2
        rows = read_stream(found, stream)
        list(found.extras())
        found.finish()
    assert sorted(int(row.split(b"\t")[0]) for row in rows) == [
        i for i in range(1, 300001) if i % 3
    ]


def test_excluded_streams_are_absent_and_on_record(plain: Database) -> None:
    with reading(plain, include=("public.*",), exclude=("*.o?ders",)) as found:
        assert set(read_everything(found)) == {"public.users"}
        facts = found.finish().facts
    assert sorted(facts["excluded"]) == ['other."Users"', "public.orders"]


def test_rows_that_an_extension_says_are_the_users_are_read(plain: Database) -> None:
    plain.run("""
        CREATE TABLE public.configured (a int); CREATE TABLE public.internal (a int);
        INSERT INTO public.configured SELECT generate_series(1, 10);
        ALTER EXTENSION plpgsql ADD TABLE public.configured;
        ALTER EXTENSION plpgsql ADD TABLE public.internal;
        UPDATE pg_extension SET extconfig = ARRAY['public.configured'::regclass::oid],
            extcondition = ARRAY[E'\nWHERE a > 7'];
    """)
    with reading(plain, include=("public.*",)) as found:
        streams = {stream.name: stream for stream in found.streams}
        assert read_stream(found, streams["public.configured"]) == [b"8", b"9", b"10"]
        assert "public.internal" not in streams
        assert streams["public.configured"].schema["extension"] == "plpgsql"


def test_large_objects_are_a_stream_with_owners_beside_it(plain: Database) -> None:
    plain.run("""
        SELECT lo_from_bytea(7001, decode(repeat('00ff', 1100000), 'hex'));
        SELECT lo_create(7002); COMMENT ON LARGE OBJECT 7002 IS 'empty';
    """)
    with reading(plain, include=("pg_catalog.pg_largeobject",)) as found:
        (stream,) = found.streams
        rows = [row.split(b"\t") for row in read_stream(found, stream)]
        extras = {extra.kind: extra.body for extra in found.extras()}
        found.finish()
    pieces = {(int(oid), int(chunk)): data for oid, chunk, data in rows}
    assert set(pieces) == {(7001, 0), (7001, 1), (7001, 2), (7002, 0)}
    whole = b"".join(pieces[7001, chunk].removeprefix(b"\\\\x") for chunk in range(3))
    assert whole == b"00ff" * 1100000
    assert pieces[7002, 0] == b"\\\\x"
    told = {one["oid"]: one for one in json.loads(extras["pg-largeobjects"])}
    assert told["7002"]["comment"] == "empty"
    assert told["7001"]["owner"] == "postgres"


def test_partition_leaves_have_the_columns_of_their_root_in_its_order(plain: Database) -> None:
    plain.run("""
        CREATE TABLE public.root (a int, b text) PARTITION BY RANGE (a);
        CREATE TABLE public.leaf (b text, gone int, a int); ALTER TABLE public.leaf DROP gone;
        ALTER TABLE public.root ATTACH PARTITION public.leaf FOR VALUES FROM (1) TO (9);
        INSERT INTO public.root VALUES (3, 'x');
    """)
    with reading(plain, include=("public.root", "public.leaf")) as found:
        (leaf,) = found.streams
        assert read_stream(found, leaf) == [b"3\tx"]
    assert leaf.schema["load_into"] == {"schema": "public", "table": "root"}
    assert leaf.schema["partition_of"] == {"schema": "public", "table": "root"}


def test_sequences_and_views_to_refresh_come_in_the_order_of_need(plain: Database) -> None:
    plain.run("""
        CREATE SEQUENCE public.s START 40; SELECT nextval('public.s'), nextval('public.s');
        CREATE SEQUENCE public.fresh;
        CREATE MATERIALIZED VIEW public.z AS SELECT 1 AS one;
        CREATE VIEW public.between AS SELECT * FROM public.z;
        CREATE MATERIALIZED VIEW public.a AS SELECT * FROM public.between;
        CREATE MATERIALIZED VIEW public.empty AS SELECT 2 AS two WITH NO DATA;
    """)
    with reading(plain) as found:
        extras = {extra.kind: extra.body for extra in found.extras()}
        declared = {one.subject for one in found.declared}
    assert json.loads(extras["pg-sequences"]) == [
        {"schema": "public", "sequence": "fresh", "last_value": "1", "is_called": False},
        {"schema": "public", "sequence": "s", "last_value": "41", "is_called": True},
    ]
    assert [one["view"] for one in json.loads(extras["pg-matviews"])] == ["z", "a"]
    assert declared == {"public.z", "public.a", "public.empty"}


def test_a_database_is_known_again_and_another_is_not(
    plain: Database, newest: PostgresServer, make_database: Callable[..., Database]
) -> None:
    with reading(plain) as one, reading(plain) as two:
        assert one.identity == two.identity
    with reading(make_database(newest)) as three:
        assert three.identity.server == one.identity.server
        assert three.identity.container != one.identity.container


def test_the_moment_lies_between_before_and_after(plain: Database) -> None:
    (before,) = plain.run("SELECT clock_timestamp()")[0]
    with reading(plain) as found:
        (after,) = plain.run("SELECT clock_timestamp()")[0]
        assert before < found.as_of.start == found.as_of.end < after  # type: ignore[operator]


def test_a_database_that_is_not_there_is_said_so(plain: Database) -> None:
    missing = plain.address.with_database("no_such_database")
    with pytest.raises(SourceError, match="no_such_database"):
        PostgresSource(missing, ReadOptions(), Host(), environment=os.environ).open()
