"""Definitions: the same text before and after a dump, another one after any change."""

import os
import subprocess
from collections.abc import Callable

from listbackup.connectors.postgres.definitions import (
    collect,
    compare_summaries,
    digest_definitions,
    normalise,
    summarise,
)
from listbackup.connectors.postgres.tools import find_tool, grant_access, run_tool
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.awkward import build_awkward
from tests.connectors.postgres.conftest import Database


def copy_definitions(source: Database, target: Database) -> None:
    version = source.connection.info.server_version
    with grant_access(source.address, os.environ) as access:
        dump = run_tool(find_tool("pg_dump", version), access, ["--schema-only"])
        script, said = dump.communicate()
    assert dump.returncode == 0, said
    with grant_access(target.address, os.environ) as access:
        answer = subprocess.run(
            [
                find_tool("psql", version),
                *("-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", access.conninfo),
            ],
            input=script,
            capture_output=True,
            env=dict(access.environment),
            pass_fds=access.descriptors,
        )
    assert answer.returncode == 0, answer.stderr


def test_a_dump_and_its_restore_keep_every_definition(
    server: PostgresServer, database: Database, make_database: Callable[..., Database]
) -> None:
    extended = server.installation.major == 15
    build_awkward(server.url(database.address.database), extended=extended)
    before = collect(database.connection)
    copy = make_database(server)
    copy_definitions(database, copy)
    after = collect(copy.connection)
    differences = compare_summaries(summarise(before), summarise(after))
    # a dump of the schema alone leaves every materialized view empty
    views = {name for kind, name, text in before if kind == "relation" and text[:2] == "m "}
    assert [one for one in differences if one[1] not in views] == []
    assert len(before) > 100


CHANGES = [
    ("column", "ALTER TABLE t ADD COLUMN more int"),
    ("column", "ALTER TABLE t ALTER b SET DEFAULT 'other'"),
    ("column", "ALTER TABLE t ALTER b SET NOT NULL"),
    ("constraint", "ALTER TABLE t ADD CHECK (a > 0)"),
    ("constraint", "ALTER TABLE t DROP CONSTRAINT t_pkey"),
    ("index", "CREATE INDEX ON t (b)"),
    ("relation", "CREATE OR REPLACE VIEW v AS SELECT a, b FROM t WHERE a > 2"),
    ("relation", "ALTER TABLE t ENABLE ROW LEVEL SECURITY"),
    ("policy", "CREATE POLICY p ON t USING (a > 1)"),
    ("trigger", "ALTER TABLE t DISABLE TRIGGER g"),
    ("routine", "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'"),
    ("type", "ALTER TYPE mood ADD VALUE 'fine'"),
    ("sequence", "ALTER SEQUENCE s INCREMENT 3"),
    ("comment", "COMMENT ON COLUMN t.a IS 'changed'"),
    ("owner", "ALTER TABLE t OWNER TO pg_monitor"),
    ("grant", "GRANT SELECT ON t TO PUBLIC"),
    ("schema", "CREATE SCHEMA further"),
]


def test_every_change_is_seen_where_it_was_made(
    newest: PostgresServer, make_database: Callable[..., Database]
) -> None:
    database = make_database(newest)
    database.run("""
        SET search_path = public;
        CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x'); COMMENT ON COLUMN t.a IS 'a';
        CREATE VIEW v AS SELECT a, b FROM t WHERE a > 1; CREATE TYPE mood AS ENUM ('good');
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
        CREATE SEQUENCE s; SET search_path = pg_catalog;
    """)
    before = collect(database.connection)
    for kind, change in CHANGES:
        database.run(f"SET search_path = public; {change}; SET search_path = pg_catalog")
        after = collect(database.connection)
        kinds = {one[0] for one in compare_summaries(summarise(before), summarise(after))}
        assert kind in kinds, change
        of_roles = kind in ("owner", "grant")
        assert (digest_definitions(before) == digest_definitions(after)) == of_roles, change
        before = after


def test_expressions_that_mean_the_same_are_the_same() -> None:
    one = "c\x1fCHECK (((b)::text = ANY ((ARRAY['a'::character varying, 'b'::text])::text[])))"
    other = "c\x1fCHECK ((b)::text = ANY (ARRAY[('a'::character varying)::text, 'b'::text]))"
    assert normalise(one) == normalise(other)
    assert normalise(one) != normalise(other.replace("'a'", "'z'"))
    assert normalise("spaces (kept)") == "spaces (kept)"


def test_differences_are_named_by_kind_and_name() -> None:
    before = {"index": {"a": "1", "b": "2"}, "owner": {"t": "1"}}
    after = {"index": {"b": "3", "c": "4"}, "owner": {"t": "2"}}
    assert compare_summaries(before, after, leave_out=["owner"]) == [
        ("index", "a", "missing"),
        ("index", "b", "altered"),
        ("index", "c", "added"),
    ]
