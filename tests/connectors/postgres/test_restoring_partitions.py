"""Partitions below partitions, with keys to them and from them, come back by several sessions at
once, time after time."""

import os

import psycopg

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import parse_address
from listbackup.connectors.postgres.restoring import PostgresTarget
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.events import ignore
from listbackup.host import Host
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import restore
from listbackup.sandbox.agency import create_database
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.independent import dump_definitions
from tests.connectors.postgres.memory import keep

TREES, BRANCHES, ROWS = 6, 3, 60
REPEATS = 4

TREE = """
CREATE TABLE t{n} (id int, k int, other int, p int, v text, PRIMARY KEY (id, k))
    PARTITION BY RANGE (id);
CREATE INDEX ON t{n} (other);
CREATE UNIQUE INDEX ON t{n} (id, k, p);
"""
BRANCH = """
CREATE TABLE t{n}_{b} PARTITION OF t{n} FOR VALUES FROM ({first}) TO ({end})
    PARTITION BY HASH (k);
CREATE TABLE t{n}_{b}_0 PARTITION OF t{n}_{b} FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t{n}_{b}_1 PARTITION OF t{n}_{b} FOR VALUES WITH (MODULUS 2, REMAINDER 1);
"""
CONTENTS = """
INSERT INTO t{n} SELECT i, i % 3, i * 7 % {rows}, i % 10, i FROM generate_series(0, {last}) i;
CREATE TABLE pointing{n} (a int, part_id int, part_k int,
    FOREIGN KEY (part_id, part_k) REFERENCES t{n} ON DELETE SET NULL);
INSERT INTO pointing{n} SELECT i, i, i % 3 FROM generate_series(0, 50) i;
CREATE MATERIALIZED VIEW m{n} AS SELECT a.id, count(*) AS n FROM t{n} a
    JOIN pointing{n} b ON a.id = b.part_id GROUP BY a.id;
CREATE UNIQUE INDEX ON m{n} (id);
ALTER TABLE t{n} ADD FOREIGN KEY (p) REFERENCES parent;
"""


def write_forest() -> str:
    statements = ["CREATE TABLE parent (id int PRIMARY KEY);"]
    statements.append("INSERT INTO parent SELECT generate_series(0, 9);")
    for n in range(TREES):
        statements.append(TREE.format(n=n))
        for b in range(BRANCHES):
            statements.append(BRANCH.format(n=n, b=b, first=b * ROWS, end=(b + 1) * ROWS))
        rows = BRANCHES * ROWS
        statements.append(CONTENTS.format(n=n, rows=rows, last=rows - 1))
    return "".join(statements)


def test_trees_of_partitions_come_back_by_four_sessions(newest: PostgresServer) -> None:
    create_database(newest.url(), "forest")
    with psycopg.connect(newest.url("forest"), autocommit=True) as connection:
        connection.execute(write_forest().encode())
    address = parse_address(newest.url("forest"), {})
    source = PostgresSource(address, ReadOptions(), Host(), environment=os.environ)
    snapshot = keep(source.open())
    expected = dump_definitions(newest.installation.programs, newest.url("forest"))
    for number in range(REPEATS):
        url = newest.url(f"forest{number}")
        target = PostgresTarget(parse_address(url, {}), Host(), environment=os.environ)
        result = restore(snapshot, target, RestoreOptions(jobs=4), ignore)
        assert result.proven
        assert result.comparison.definitions
        assert dump_definitions(newest.installation.programs, url) == expected
