"""A snapshot comes back as the database it was, by an opinion that is not the product's own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import parse_address
from listbackup.connectors.postgres.restoring import PostgresTarget
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import RefusedError, RestoreError, UsageError
from listbackup.events import ignore
from listbackup.host import Host
from listbackup.records import Unread
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import (
    RestoreResult,
    compare_with_source,
    explain,
    plan_restore,
    restore,
)
from listbackup.sandbox.agency import alter_one_row, build_agency, create_database
from listbackup.sandbox.installations import find_bundled, find_installed
from listbackup.sandbox.postgres import PostgresServer, run_postgres
from tests.connectors.postgres.awkward import build_awkward, build_unencoded
from tests.connectors.postgres.independent import dump_definitions, fingerprint_rows
from tests.connectors.postgres.memory import MemorySnapshot, MemoryStream, keep

DEBIAN = Path("/usr/lib/postgresql/15/bin")


@dataclass
class Ground:
    server: PostgresServer
    awkward: MemorySnapshot
    agency: MemorySnapshot
    count: int = 0

    def fresh(self) -> str:
        self.count += 1
        return f"fresh{self.count}"

    def restore(
        self, snapshot: MemorySnapshot, name: str, options: RestoreOptions | None = None
    ) -> RestoreResult:
        return restore(snapshot, aim(self.server.url(name)), options or RestoreOptions(), ignore)

    def ask(self, name: str, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.url(name), autocommit=True) as connection:
            cursor = connection.execute(question.encode())
            return cursor.fetchall() if cursor.description else []

    def has(self, name: str) -> bool:
        return bool(self.ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def aim(url: str) -> PostgresTarget:
    return PostgresTarget(parse_address(url, {}), Host(), environment=os.environ)


def open_source(url: str) -> PostgresSource:
    return PostgresSource(parse_address(url, {}), ReadOptions(), Host(), environment=os.environ)


def snapshot_of(url: str) -> MemorySnapshot:
    return keep(open_source(url).open())


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    extended = DEBIAN.exists()
    installation = find_installed(DEBIAN) if extended else find_bundled(16)
    with run_postgres(Host(), installation, fsync=False) as server:
        create_database(server.url(), "awkward")
        build_awkward(server.url("awkward"), extended=extended)
        create_database(server.url(), "agency")
        build_agency(server.url("agency"), scale=0.02)
        awkward, agency = (snapshot_of(server.url(name)) for name in ("awkward", "agency"))
        yield Ground(server, awkward, agency)


def test_an_awkward_database_comes_back_as_it_was(ground: Ground) -> None:
    name = ground.fresh()
    result = ground.restore(ground.awkward, name)
    assert result.proven
    assert result.comparison.definitions
    assert result.comparison.streams == len(ground.awkward.streams) > 61
    first, second = (ground.server.url(n) for n in ("awkward", name))
    assert fingerprint_rows(second) == fingerprint_rows(first)
    programs = ground.server.installation.programs
    assert dump_definitions(programs, second) == dump_definitions(programs, first)


def test_bytes_that_are_no_text_come_back_into_an_unencoded_database(ground: Ground) -> None:
    first, second = ground.fresh(), ground.fresh()
    ground.ask("postgres", f"CREATE DATABASE {first} TEMPLATE template0 ENCODING 'SQL_ASCII'")
    build_unencoded(ground.server.url(first))
    assert ground.restore(snapshot_of(ground.server.url(first)), second).proven
    one, other = (
        fingerprint_rows(ground.server.url(n), encoding="SQL_ASCII") for n in (first, second)
    )
    assert one == other
    assert len(one) > 2


def test_a_database_without_its_usual_schema_comes_back_without_it(ground: Ground) -> None:
    first, second = ground.fresh(), ground.fresh()
    create_database(ground.server.url(), first)
    ground.ask(first, "DROP SCHEMA public; CREATE SCHEMA own; CREATE TABLE own.t (a int)")
    assert ground.restore(snapshot_of(ground.server.url(first)), second).proven
    assert ground.ask(second, "SELECT to_regnamespace('public')") == [(None,)]


def test_settings_of_a_database_hold_again(ground: Ground) -> None:
    first, second = ground.fresh(), ground.fresh()
    create_database(ground.server.url(), first)
    settings = {"search_path": '"$user", "odd ""x"", y", public', "work_mem": "'7MB'"}
    for setting, value in settings.items():
        ground.ask("postgres", f"ALTER DATABASE {first} SET {setting} TO {value}")
    ground.ask("postgres", f"ALTER DATABASE {first} SET my.own TO 'it''s \\ 100%'")
    ground.restore(snapshot_of(ground.server.url(first)), second)
    for setting in (*settings, "my.own"):
        asked = f"SELECT current_setting('{setting}')"
        assert ground.ask(second, asked) == ground.ask(first, asked)


def test_an_altered_row_is_named_with_its_key_and_column(ground: Ground) -> None:
    name = ground.fresh()
    ground.restore(ground.agency, name)
    source = open_source(ground.server.url(name))
    assert compare_with_source(ground.agency, source, RestoreOptions(), ignore).equal
    done = alter_one_row(ground.server.url(name))
    comparison = compare_with_source(ground.agency, source, RestoreOptions(), ignore)
    (difference,) = comparison.differences
    assert (difference.subject, difference.columns) == (done.table, (done.column,))
    (row,) = difference.rows
    assert (row.change, row.key) == ("altered", f'["{done.key}"]')
    assert explain(difference) == 'public.campaigns: 1 row differs in budget (keys ["7"])'


@pytest.mark.parametrize(
    ("statement", "subject", "aspect", "columns"),
    [
        ("DELETE FROM users WHERE id = 3 AND false; DELETE FROM media.raw_hits WHERE ctid IN"
         " (SELECT ctid FROM media.raw_hits LIMIT 2)", "media.raw_hits", "rows", ()),
        ("UPDATE media.raw_hits SET seen = 99 WHERE ctid = '(0,1)'", "media.raw_hits", "values",
         ("seen",)),
        ("UPDATE users SET nickname = '' WHERE id = 3", "public.users", "values", ("nickname",)),
        ("ALTER TABLE users ALTER nickname TYPE varchar", "public.users", "columns", ("nickname",)),
        ("DROP TABLE media.assets", "media.assets", "missing", ()),
        ("UPDATE line_items SET days = ~days", "public.line_items", "values", ("days",)),
        ("UPDATE events SET cost = cost + 1 WHERE id = 2", "public.events_2026_01", "values",
         ("cost",)),
        ("SELECT lo_put(900002, 7, '\\x00')", "pg_catalog.pg_largeobject", "values", ("data",)),
    ],
)  # fmt: skip
def test_every_kind_of_change_is_noticed(
    ground: Ground, statement: str, subject: str, aspect: str, columns: tuple[str, ...]
) -> None:
    name = ground.fresh()
    ground.ask("postgres", f"CREATE DATABASE {name} TEMPLATE agency")
    ground.ask(name, "UPDATE media.raw_hits SET line = line WHERE false")
    ground.ask(name, statement)
    source = open_source(ground.server.url(name))
    comparison = compare_with_source(ground.agency, source, RestoreOptions(), ignore)
    found = [(d.subject, d.aspect, d.columns) for d in comparison.differences]
    assert (subject, aspect, columns) in found
    assert {d.subject for d in comparison.differences if d.aspect != "definitions"} == {subject}
    ground.ask("postgres", f"DROP DATABASE {name}")


def test_a_lost_line_fails_the_restore_and_leaves_no_database(ground: Ground) -> None:
    name = ground.fresh()
    streams = dict(ground.agency.streams)
    users = streams["public.users"]
    assert isinstance(users, MemoryStream)
    first = users.lines[0].split(b"\n", 1)
    short = MemoryStream(**{**vars(users), "lines": [first[1], *users.lines[1:]]})
    streams["public.users"] = short
    broken = MemorySnapshot(**{**vars(ground.agency), "streams": streams})
    with pytest.raises(RestoreError, match=r"\d+ rows were loaded, the snapshot holds") as caught:
        ground.restore(broken, name)
    assert caught.value.subject == "public.users"
    assert not ground.has(name)


def test_a_changed_value_fails_the_restore_and_names_table_and_column(ground: Ground) -> None:
    name = ground.fresh()
    streams = dict(ground.agency.streams)
    users = streams["public.users"]
    assert isinstance(users, MemoryStream)
    lines = [users.lines[0].replace(b"person7@", b"person8@", 1), *users.lines[1:]]
    streams["public.users"] = MemoryStream(**{**vars(users), "lines": lines})
    broken = MemorySnapshot(**{**vars(ground.agency), "streams": streams})
    options = RestoreOptions(keep_failed=True)
    with pytest.raises(RestoreError) as caught:
        ground.restore(broken, name, options)
    assert caught.value.subject is not None
    assert "public.users" in caught.value.message or caught.value.subject == "public.users"
    assert name in caught.value.risk
    assert ground.has(name)


def test_a_database_that_holds_something_is_not_written_into(ground: Ground) -> None:
    name = ground.fresh()
    create_database(ground.server.url(), name)
    ground.ask(name, "CREATE TYPE public.mine AS ENUM ('a')")
    with pytest.raises(RefusedError, match="not empty") as caught:
        ground.restore(ground.agency, name)
    assert "--into-existing" in caught.value.hint
    assert ground.ask(name, "SELECT count(*) FROM pg_class WHERE relnamespace = 2200") == [(0,)]


def test_an_empty_database_is_written_into(ground: Ground) -> None:
    name = ground.fresh()
    create_database(ground.server.url(), name)
    assert ground.restore(ground.agency, name).proven


def test_a_table_is_written_beside_others_but_never_over_one(ground: Ground) -> None:
    name = ground.fresh()
    create_database(ground.server.url(), name)
    ground.ask(name, "CREATE TABLE public.mine (a int); INSERT INTO public.mine VALUES (1)")
    options = RestoreOptions(include=("public.campaigns", "public.users"), into_existing=True)
    result = ground.restore(ground.agency, name, options)
    assert result.proven
    assert not result.comparison.definitions
    assert ground.ask(name, "SELECT count(*) FROM campaigns, mine") == [
        (ground.agency.streams["public.campaigns"].rows,)
    ]
    with pytest.raises(RefusedError, match="are there already: public.campaigns, public"):
        ground.restore(ground.agency, name, options)
    assert ground.ask(name, "SELECT a FROM mine") == [(1,)]


def test_one_table_comes_with_what_it_needs_and_without_what_needs_others(ground: Ground) -> None:
    name = ground.fresh()
    options = RestoreOptions(include=("public.line_items",))
    result = ground.restore(ground.agency, name, options)
    assert result.proven
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
    assert ground.ask(name, tables) == [("line_items",)]
    assert (
        len(ground.ask(name, "SELECT 1 FROM pg_index WHERE indrelid = 'line_items'::regclass")) == 2
    )
    assert any("line_items_campaign_id_fkey" in left for left in result.plan.left_out)
    assert not ground.ask(name, "SELECT 1 FROM pg_constraint WHERE contype = 'f'")
    values = "SELECT last_value FROM line_items_id_seq"
    assert ground.ask(name, values) == ground.ask("agency", values)


def test_a_partitioned_table_is_asked_for_by_its_name(ground: Ground) -> None:
    name = ground.fresh()
    result = ground.restore(ground.agency, name, RestoreOptions(include=("public.events",)))
    assert result.proven
    assert len(result.plan.streams) == 12
    assert ground.ask(name, "SELECT count(*) FROM events") == ground.ask(
        "agency", "SELECT count(*) FROM events"
    )


def test_a_schema_comes_with_its_views_and_functions(ground: Ground) -> None:
    name = ground.fresh()
    assert ground.restore(ground.agency, name, RestoreOptions(include=("public.*",))).proven
    assert ground.ask(name, "SELECT count(*) FROM active_campaigns") == ground.ask(
        "agency", "SELECT count(*) FROM active_campaigns"
    )
    there = "SELECT to_regnamespace('media'), to_regproc('touch_campaign')::text"
    assert ground.ask(name, there) == [(None, "touch_campaign")]


def test_rows_are_chosen_by_a_condition_and_are_the_snapshots(ground: Ground) -> None:
    name = ground.fresh()
    options = RestoreOptions(
        include=("public.users", "public.campaigns"), where={"public.users": "id % 2 = 0"}
    )
    result = ground.restore(ground.agency, name, options)
    assert result.proven
    wanted = "SELECT count(*), sum(id) FROM users WHERE id % 2 = 0"
    assert ground.ask(name, "SELECT count(*), sum(id) FROM users") == ground.ask("agency", wanted)
    assert any("campaigns_owner_id_fkey" in left for left in result.plan.left_out)


def test_names_that_are_not_in_the_snapshot_are_refused(ground: Ground) -> None:
    target = aim(ground.server.url(ground.fresh()))
    with pytest.raises(UsageError, match=r"public\.nothing"):
        plan_restore(ground.agency, target, RestoreOptions(include=("public.nothing",)))
    with pytest.raises(UsageError, match="condition"):
        plan_restore(ground.agency, target, RestoreOptions(where={"public.nothing": "true"}))


def test_a_condition_that_is_no_sql_fails_and_leaves_nothing(ground: Ground) -> None:
    name = ground.fresh()
    with pytest.raises(RestoreError):
        ground.restore(ground.agency, name, RestoreOptions(where={"public.users": "not sql"}))
    assert not ground.has(name)


def test_a_user_without_rights_is_told_before_anything_is_written(ground: Ground) -> None:
    name = ground.fresh()
    ground.ask("postgres", "CREATE ROLE humble LOGIN PASSWORD 'humble'")
    url = ground.server.url(name).replace(f"postgres:{ground.server.password}@", "humble:humble@")
    plan = plan_restore(ground.agency, aim(url), RestoreOptions())
    assert any("may not be created" in obstacle.what for obstacle in plan.obstacles)
    ground.ask("postgres", "ALTER ROLE humble CREATEDB")
    with pytest.raises(RefusedError, match="humble may not give things to: postgres"):
        restore(ground.agency, aim(url), RestoreOptions(), ignore)
    assert not ground.has(name)
    result = restore(ground.agency, aim(url), RestoreOptions(no_owner=True), ignore)
    assert result.proven
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert ground.ask(name, owners) == [("humble",)]


def test_roles_that_the_server_lacks_are_listed_and_made_when_asked_for(ground: Ground) -> None:
    first, name = ground.fresh(), ground.fresh()
    create_database(ground.server.url(), first)
    ground.ask(
        first,
        'CREATE ROLE "Gone, one"; CREATE ROLE gone_two; CREATE ROLE gone_three; CREATE ROLE four;'
        "CREATE TABLE t (a regrole); INSERT INTO t VALUES ('\"Gone, one\"');"
        "ALTER TABLE t OWNER TO gone_two; GRANT SELECT ON t TO gone_three;"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t TO four USING (true)",
    )
    snapshot = snapshot_of(ground.server.url(first))
    ground.ask(first, "DROP TABLE t")
    ground.ask(
        first, 'DROP ROLE "Gone, one"; DROP ROLE gone_two; DROP ROLE gone_three; DROP ROLE four'
    )
    with pytest.raises(RefusedError, match="Gone, one, four, gone_three, gone_two"):
        ground.restore(snapshot, name)
    plan = plan_restore(
        snapshot,
        aim(ground.server.url(name)),
        RestoreOptions(no_owner=True, no_privileges=True),
    )
    assert [o.subjects for o in plan.obstacles] == [("Gone, one", "four")]
    result = ground.restore(snapshot, name, RestoreOptions(create_roles=True))
    assert result.proven
    assert ground.ask("postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'four'") == [
        (False,)
    ]


def test_a_stream_that_was_never_read_needs_a_word(ground: Ground) -> None:
    missing = [Unread("public.locked", "it was locked")]
    partial = MemorySnapshot(**{**vars(ground.agency), "missing": missing})
    name = ground.fresh()
    with pytest.raises(RefusedError, match=r"public\.locked") as caught:
        ground.restore(partial, name)
    assert "--allow-partial" in caught.value.hint
    assert not ground.has(name)
    assert ground.restore(partial, name, RestoreOptions(allow_partial=True)).plan.left_out


def test_secrets_stand_in_no_plan_and_no_error(ground: Ground) -> None:
    name = ground.fresh()
    plan = plan_restore(ground.agency, aim(ground.server.url(name)), RestoreOptions())
    assert ground.server.password not in repr(plan)
    wrong = ground.server.url(name).replace(ground.server.password, "canary-4711")
    with pytest.raises(Exception) as caught:
        plan_restore(ground.agency, aim(wrong), RestoreOptions())
    assert "canary-4711" not in f"{caught.value!r} {vars(caught.value)}"


def test_a_database_with_a_hostile_name_is_made_and_removed(ground: Ground) -> None:
    name = "x\"; DROP DATABASE agency; -- %s '\\"
    url = ground.server.url(quote(name, safe=""))
    assert restore(
        ground.agency, aim(url), RestoreOptions(include=("public.users",)), ignore
    ).proven
    ground.ask("postgres", sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)).as_string())
    assert ground.has("agency")
