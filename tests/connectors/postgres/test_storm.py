"""Whatever others do to tables while they are read, at any moment: what comes is right, or waits,
or is named; never an empty table in place of a full one."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.session import Connection, connect
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import SourceError
from listbackup.host import Host
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.conftest import Database

CHANGES = 100
TABLES = 6


class Storm:
    """Changes tables at random moments. The table `log` says, in the same transaction, how many
    rows of which generation every table has: whoever sees a moment sees what is right for it."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.connection = connection
        self.random = random.Random(seed)
        self.generation = 0
        self.done: Counter[str] = Counter()
        self.ended = threading.Event()
        self.blocked = 0
        self.names = 0
        self.tables: set[str] = set()
        connection.execute("SET lock_timeout = '700ms'")
        connection.execute("CREATE TABLE public.log (name text PRIMARY KEY, n int, generation int)")
        for number in range(TABLES):
            self.create(f"t{number}")

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def create(self, name: str) -> None:
        self.generation += 1
        self.connection.execute(f"CREATE TABLE public.{name} (id int, generation int, x int)")
        self.fill(name, self.random.randrange(1, 3000))

    def fill(self, name: str, rows: int) -> None:
        self.connection.execute(
            f"INSERT INTO public.{name} SELECT i, {self.generation}, i"
            f" FROM generate_series(1, {rows}) i"
        )
        self.connection.execute(
            "INSERT INTO public.log VALUES (%s, %s, %s) ON CONFLICT (name)"
            " DO UPDATE SET n = excluded.n, generation = excluded.generation",
            (name, rows, self.generation),
        )
        self.tables.add(name)

    def truncate(self, name: str) -> None:
        self.connection.execute(f"TRUNCATE public.{name}")
        self.fill(name, 0)

    def refill(self, name: str) -> None:
        self.connection.execute(f"TRUNCATE public.{name}")
        self.generation += 1
        self.fill(name, self.random.randrange(1, 3000))

    def rewrite(self, name: str) -> None:
        kind = self.random.choice(["int", "bigint", "text"])
        self.connection.execute(
            f"ALTER TABLE public.{name} ALTER x TYPE {kind} USING x::text::{kind}"
        )

    def drop(self, name: str) -> None:
        self.connection.execute(f"DROP TABLE public.{name}")
        self.connection.execute("DELETE FROM public.log WHERE name = %s", (name,))
        self.tables.discard(name)

    def replace(self, name: str) -> None:
        self.connection.execute(f"DROP TABLE public.{name}")
        self.create(name)

    def rename(self, name: str) -> None:
        fresh = self.name()
        self.connection.execute(f"ALTER TABLE public.{name} RENAME TO {fresh}")
        self.connection.execute("UPDATE public.log SET name = %s WHERE name = %s", (fresh, name))
        self.tables.discard(name)
        self.tables.add(fresh)

    def change(self) -> None:
        before = set(self.tables)
        names = sorted(self.tables)
        if len(names) < TABLES:
            action, targets = "create", [self.name()]
        else:
            kinds = ["truncate", "refill", "rewrite", "drop", "replace", "rename"]
            action = self.random.choice(kinds)
            targets = self.random.sample(names, self.random.choice([1, 1, 2]))
        try:
            with self.connection.transaction():
                for target in targets:
                    getattr(self, action)(target)
                time.sleep(self.random.choice([0, 0, 0.01, 0.1, 0.3]))
            self.done[action] += 1
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            self.tables = before
            self.blocked += 1

    def rage(self) -> None:
        try:
            while sum(self.done.values()) < CHANGES:
                self.change()
                time.sleep(self.random.choice([0, 0, 0.005, 0.02, 0.1]))
        finally:
            self.ended.set()


def read_all(database: Database) -> tuple[dict[str, list[list[bytes]]], dict[str, str]]:
    options = ReadOptions(lock_timeout=3.0)
    reading = PostgresSource(database.address, options, Host(), environment=os.environ).open()
    try:
        found = {}
        failed = {one.name: one.reason for one in reading.unread}
        for stream in reading.streams:
            try:
                found[stream.name] = [
                    line.split(b"\t")
                    for part in reading.parts(stream)
                    for chunk in reading.read(part)
                    for line in chunk.split(b"\n")[:-1]
                ]
            except SourceError as error:
                failed[stream.name] = error.message
        kinds = {extra.kind for extra in reading.extras()}
        assert "pg-archive" in kinds
        closing = reading.finish()
        failed.update({one.name: one.reason for one in closing.unread})
        return found, failed
    finally:
        reading.close()


def verify(found: dict[str, list[list[bytes]]], failed: dict[str, str]) -> None:
    if "public.log" not in found:
        assert "public.log" in failed
        return
    expected = {f"public.{n.decode()}": (int(r), int(g)) for n, r, g in found["public.log"]}
    seen = {*found, *failed} - {"public.log"}
    assert set(expected) <= seen
    assert seen - set(expected) <= set(failed)
    for name, (rows, generation) in expected.items():
        if name in found and name not in failed:
            assert len(found[name]) == rows
            assert {int(row[1]) for row in found[name]} <= {generation}


@pytest.mark.parametrize("jobs", [1])
def test_a_hundred_random_changes_never_give_an_empty_table(
    newest: PostgresServer, make_database: Callable[..., Database], seed: int, jobs: int
) -> None:
    database = make_database(newest)
    with connect(database.address) as other:
        storm = Storm(other, seed)
        thread = threading.Thread(target=storm.rage)
        thread.start()
        readings = partial = 0
        try:
            while not storm.ended.is_set() or readings == 0:
                found, failed = read_all(database)
                verify(found, failed)
                readings += 1
                partial += bool(failed)
                if failed:
                    print(failed)
        finally:
            thread.join()
    assert sum(storm.done.values()) == CHANGES
    print(
        f"{CHANGES} changes {dict(storm.done)}, {storm.blocked} gave way, "
        f"{readings} readings, {partial} partial"
    )
