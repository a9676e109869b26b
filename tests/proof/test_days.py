"""Days of a real database: changes of rows and definitions, prunes and sweeps between, and any
moment that is left comes back with the fingerprint that somebody else took at that moment."""

import os
from pathlib import Path
from random import Random

import psycopg
from psycopg import sql

from listbackup.app import App, Reach
from listbackup.host import Host
from listbackup.operations.backups import BackupWishes, back_up
from listbackup.operations.checks import check_vault
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.prunes import PruneWishes, prune
from listbackup.operations.restores import RestoreWishes, restore_snapshot
from listbackup.operations.snapshots import list_snapshots
from listbackup.operations.sweeps import SweepWishes, sweep
from listbackup.sandbox.agency import create_database
from listbackup.sandbox.postgres import PostgresServer, run_postgres
from listbackup.vault.retention import Rules
from tests.connectors.postgres.independent import fingerprint_rows
from tests.proof.counts import rounds

START = """
CREATE TABLE orders (id bigint PRIMARY KEY, city text, total numeric(10,2), at timestamptz);
CREATE TABLE visits (path text, ms int);
CREATE TABLE "Odd one" (k uuid, n int, note jsonb, PRIMARY KEY (k, n));
CREATE TABLE parted (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
INSERT INTO orders SELECT i, 'city ' || i % 9, i / 7.0, now() FROM generate_series(1, 9000) i;
INSERT INTO visits SELECT '/page/' || i % 50, i % 4 FROM generate_series(1, 4000) i;
INSERT INTO "Odd one" SELECT md5(i::text)::uuid, i, '{"a": 1}' FROM generate_series(1, 300) i;
INSERT INTO parted SELECT i, date '2026-01-01' + i % 360, 'v' FROM generate_series(1, 900) i;
"""

CHANGES = (
    "UPDATE orders SET city = city || '!' WHERE id % 97 = {n} % 97",
    "DELETE FROM orders WHERE id % 89 = {n} % 89",
    "INSERT INTO orders SELECT i, 'new', NULL, 'infinity' FROM generate_series(100000 + {n} * 100, "
    "100000 + {n} * 100 + 60) i ON CONFLICT DO NOTHING",
    "UPDATE orders SET id = id + 1000000 WHERE id % 501 = {n} % 501 AND id < 1000000",
    "INSERT INTO visits SELECT path, ms FROM visits TABLESAMPLE SYSTEM (5)",
    "DELETE FROM visits WHERE ctid IN (SELECT ctid FROM visits ORDER BY path, ms LIMIT {n} % 60)",
    "UPDATE visits SET ms = ms + 1 WHERE path = '/page/' || {n} % 50",
    "TRUNCATE visits",
    "INSERT INTO visits SELECT '/again/' || i % 3, NULL FROM generate_series(1, 500) i",
    "UPDATE \"Odd one\" SET note = note || jsonb_build_object('b', {n}) WHERE n % 7 = {n} % 7",
    "UPDATE parted SET day = day + 180 WHERE id % 31 = {n} % 31 AND day < '2026-06-01'",
    "ALTER TABLE orders ADD COLUMN IF NOT EXISTS c{n} int DEFAULT {n}",
    "ALTER TABLE visits ALTER COLUMN ms TYPE bigint",
    "ALTER TABLE visits ADD COLUMN IF NOT EXISTS id bigserial",
    "CREATE TABLE IF NOT EXISTS extra{m} AS SELECT i, repeat('x', i) FROM generate_series(1, 50) i",
    "DROP TABLE IF EXISTS extra{m}",
    "VACUUM FULL orders",
    "CREATE INDEX IF NOT EXISTS i{m} ON orders (city)",
)


class Business:
    """A database, its backups, and what it held at each."""

    def __init__(self, root: Path, server: PostgresServer, seed: int) -> None:
        self.server = server
        self.dice = Random(seed)
        own = {
            "LISTBACKUP_CONFIG_DIR": str(root / "config"),
            "LISTBACKUP_STATE_DIR": str(root / "state"),
            "LISTBACKUP_PASSWORD_FILE": str(server.password_file),
        }
        self.app = App({**os.environ, **own})
        self.reach = Reach(str(root / "vault"), volatile=True)
        self.held: dict[str, dict[str, str]] = {}
        initialise(self.app, self.reach, InitWishes())
        create_database(server.url(), "shop")
        self.run(START)

    def run(self, statement: str) -> None:
        with psycopg.connect(self.server.url("shop"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement))

    def live(self) -> None:
        """Let a day go by: some changes, a backup, now and then a prune and a sweep."""
        for _ in range(self.dice.randrange(4)):
            number = self.dice.randrange(100)
            self.run(self.dice.choice(CHANGES).format(n=number, m=number % 3))
        wishes = BackupWishes(self.server.url("shop", password=False), "shop")
        done = back_up(self.app, self.reach, wishes)
        assert done.status == "complete"
        self.held[done.snapshot] = fingerprint_rows(self.server.url("shop"))
        if self.dice.randrange(6) == 0:
            rules = Rules(last=8, hourly=2, tags=("kept",))
            prune(self.app, self.reach, PruneWishes("shop", rules))
            sweep(self.app, self.reach, SweepWishes("shop", grace="0h"))

    def return_to(self, snapshot: str, number: int) -> None:
        """Restore a snapshot and let somebody else compare."""
        target = f"back{number}"
        wishes = RestoreWishes(snapshot, self.server.url(target, password=False))
        assert restore_snapshot(self.app, self.reach, wishes).proven
        assert fingerprint_rows(self.server.url(target)) == self.held[snapshot]


@rounds(suite=20, full=60)
def test_any_moment_that_is_left_comes_back(seed: int, rounds: int, tmp_path: Path) -> None:
    with run_postgres(Host(), fsync=False) as server:
        business = Business(tmp_path, server, seed)
        for _ in range(rounds):
            business.live()
        lines = list_snapshots(business.app, business.reach)
        chosen = business.dice.sample(lines, min(len(lines), rounds // 3))
        for number, line in enumerate(chosen):
            business.return_to(line.snapshot, number)
        assert check_vault(business.app, business.reach, "records").sound
    print(f"days: {rounds}, {len(lines)} snapshots left, {len(chosen)} came back, seed {seed}")
