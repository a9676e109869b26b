"""The databases that are measured, always the same rows: made by SQL from numbers.

`wide` is one table of 26 columns of many types, awkward values among them (about 800 MB of COPY
text at a million rows); `split` is the same in four tables; `narrow` has 8 plain columns; `many`
is 500 small tables; `simple` has of `wide` the columns that all peers can carry.
"""

import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from listbackup.sandbox.agency import create_database
from listbackup.sandbox.postgres import PostgresServer

STEP = 125_000
"""Rows that one statement makes."""

WIDE = """
CREATE TABLE {table} (
  id bigint PRIMARY KEY, i4 int NOT NULL, i2 smallint, i8 bigint, n numeric, n2 numeric(20,4),
  f8 float8, f4 real, b bool, ts timestamp, tz timestamptz, d date, tm time, iv interval, u uuid,
  j jsonb, j2 json, name text, note text, body text, code varchar(40), raw bytea, ai int[],
  at text[], ip inet, twice bigint GENERATED ALWAYS AS (id * 2) STORED
)"""
WIDE_ROWS = r"""
INSERT INTO {table}
SELECT g, (random() * 2e9)::int, (g % 30000)::smallint, (random() * 9e18)::bigint,
  CASE WHEN g % 1000 = 0 THEN 'NaN'::numeric ELSE (random() * 1e12)::numeric END,
  round((random() * 1e10)::numeric, 4), random() * 1e6, (random() * 1e3)::real,
  CASE g % 3 WHEN 0 THEN true WHEN 1 THEN false END,
  timestamp '2001-01-01' + g * interval '13.37 seconds',
  timestamptz '2015-01-01 00:00+00' + g * interval '7.77 seconds',
  date '1999-01-01' + (g % 9000)::int, time '00:00' + (g % 86400) * interval '1 second',
  (g % 999) * interval '1 hour 1.5 seconds' + (g % 40) * interval '1 month', md5(g::text)::uuid,
  jsonb_build_object('id', g, 'tags', jsonb_build_array('a"b', 'c' || chr(92) || 'd', 'grün'),
    'x', jsonb_build_object('k', md5(g::text), 'n', random())),
  CASE WHEN g % 4 > 0
    THEN ('{{"a": "line' || chr(92) || 'n' || g || '", "b": [1, 2.50, null]}}')::json END,
  CASE WHEN g % 10 = 0 THEN NULL ELSE 'Name ' || g || ' "quoted" O''Neil' END,
  CASE g % 5 WHEN 0 THEN NULL WHEN 1 THEN 'tab' || chr(9) || 'here ' || md5((g + 1)::text)
    WHEN 2 THEN 'line one' || chr(10) || 'line two ' || g WHEN 3 THEN ''
    ELSE 'naïve – 日本語 😀 ' || g END,
  'Lorem ipsum dolor sit amet ' || md5((g + 2)::text) || ' consectetur'
    || CASE WHEN g % 50 = 0
       THEN chr(11) || chr(8) || chr(12) || chr(13) || chr(1) || chr(127) ELSE '' END
    || ' ' || md5((g + 3)::text) || chr(10) || md5((g + 4)::text),
  CASE WHEN g % 7 = 0 THEN '\N' WHEN g % 7 = 1 THEN NULL
    ELSE 'C-' || lpad(to_hex(g), 12, '0') END,
  decode(md5(g::text) || md5((g + 9)::text), 'hex'), array[g % 10, g % 100, NULL, g]::int[],
  array['x y', 'q"' || g, NULL, 'b\s'],
  ('10.' || g % 256 || '.' || g / 256 % 256 || '.7')::inet
FROM generate_series({first}, {last}) g"""

NARROW = """
CREATE TABLE {table} (
  id bigint PRIMARY KEY, customer int NOT NULL, kind text, amount numeric(12,2),
  at timestamptz, paid bool, code varchar(20), note text
)"""
NARROW_ROWS = """
INSERT INTO {table}
SELECT g, (random() * 1e6)::int, (array['view', 'click', 'sale', 'refund'])[1 + g % 4],
  round((random() * 1e5)::numeric, 2), timestamptz '2020-01-01 00:00+00' + g * interval '3 s',
  g % 3 = 0, 'K-' || to_hex(g), CASE WHEN g % 5 > 1 THEN 'note ' || md5(g::text) END
FROM generate_series({first}, {last}) g"""

SIMPLE = """
CREATE TABLE simple AS
SELECT id, i4, i2, i8, n2, f8, f4, b, ts, tz, d, u, j, name, note, body, code FROM wide;
ALTER TABLE simple ADD PRIMARY KEY (id); DROP TABLE wide"""

MANY = 500
MANY_ROWS = """
DO $$ BEGIN FOR t IN {first}..{last} LOOP
  EXECUTE format('CREATE TABLE list_%s (id int PRIMARY KEY, name text, at timestamptz)', t);
  EXECUTE format('INSERT INTO list_%s SELECT g, ''name '' || g, timestamptz ''2020-01-01'''
    ' + g * interval ''1 hour'' FROM generate_series(1, {rows}) g', t);
END LOOP; END $$"""


def build_wide(server: PostgresServer, database: str, rows: int, tables: int = 1) -> None:
    """Make a database of `wide` tables that have `rows` rows together."""
    names = ["wide"] if tables == 1 else [f"wide_{number}" for number in range(1, tables + 1)]
    _build(server, database, WIDE, WIDE_ROWS, names, rows)


def build_narrow(server: PostgresServer, database: str, rows: int) -> None:
    """Make a database of one table of 8 columns."""
    _build(server, database, NARROW, NARROW_ROWS, ["narrow"], rows)


def build_simple(server: PostgresServer, database: str, rows: int) -> None:
    """Make a database of one table that all peers can carry."""
    build_wide(server, database, rows)
    _run(server, database, SIMPLE.split(";"))
    settle(server, database)


def build_many(server: PostgresServer, database: str, rows: int, tables: int = MANY) -> None:
    """Make a database of small tables of `rows` rows each."""
    create_database(server.url(), database)
    for first in range(1, tables + 1, 100):
        last = min(tables, first + 99)
        _run(server, database, [MANY_ROWS.format(first=first, last=last, rows=rows)])
    settle(server, database)


def build_pgbench(server: PostgresServer, database: str, scale: int) -> None:
    """Make pgbench's own database: 100,000 accounts per unit of scale."""
    create_database(server.url(), database)
    program = server.installation.programs / "pgbench"
    command = [str(program), "--initialize", "--quiet", f"--scale={scale}", server.url(database)]
    subprocess.run(command, check=True, capture_output=True)
    settle(server, database)


def settle(server: PostgresServer, database: str) -> None:
    """Let the server do now what it would do later: vacuum, statistics, checkpoint."""
    _run(server, database, ["VACUUM (FREEZE, ANALYZE)", "CHECKPOINT"])


def drop(server: PostgresServer, database: str) -> None:
    """Drop a database, and see its pages written so that the next run does not pay for it."""
    name = sql.Identifier(database)
    with psycopg.connect(server.url(), autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        session.execute("CHECKPOINT")


def checkpoint(server: PostgresServer) -> None:
    """Write what is dirty."""
    _run(server, "postgres", ["CHECKPOINT"])


def _build(
    server: PostgresServer,
    database: str,
    table: str,
    fill: str,
    names: Sequence[str],
    rows: int,
) -> None:
    create_database(server.url(), database)
    _run(server, database, [table.format(table=name) for name in names])
    share = -(-rows // len(names))
    work = []
    for place, name in enumerate(names):
        end = min(rows, (place + 1) * share)
        for first in range(place * share + 1, end + 1, STEP):
            last = min(end, first + STEP - 1)
            work.append(fill.format(table=name, first=first, last=last))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: _run(server, database, ["SELECT setseed(0.42)", one]), work))
    settle(server, database)


def _run(server: PostgresServer, database: str, statements: Iterable[str]) -> None:
    with psycopg.connect(server.url(database), autocommit=True) as session:
        session.execute("SET synchronous_commit = off")
        for statement in statements:
            session.execute(statement.encode())
