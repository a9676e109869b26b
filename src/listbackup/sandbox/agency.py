"""A media agency's database, deterministic and realistic: about 500,000 rows at scale 1.

For the demo, for trying things out and for tests. Needs PostgreSQL 14 or later and no extension.
Knows nothing of backups.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import sql

from listbackup.sandbox.agency_rows import CAMPAIGNS, EVENTS, LINE_ITEMS, OTHERS, USERS
from listbackup.sandbox.agency_tables import AFTERWARDS, PARTITION, TABLES

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Alteration:
    """One value that was changed in one row: where, and from what to what."""

    table: str
    key: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Day:
    """What a day of work did: campaigns that were changed, events that came, line items that went,
    and the column that users got."""

    changed: int
    added: int
    removed: int
    column: str


DAY = (
    "UPDATE campaigns SET budget = round(budget * 1.1, 2) WHERE id % 10 = 3",
    "INSERT INTO events (id, at, line_item_id, kind, visitor, cost) "
    "SELECT 10000000 + g, '2026-11-15 09:00+00'::timestamptz + g * interval '7 s', "
    "1000 + g % 30 * 3, 'click', md5(g::text)::uuid, 0.25 FROM generate_series(1, 1000) g",
    "DELETE FROM line_items WHERE id % 50 = 0",
)


def create_database(url: str, name: str) -> None:
    """Create an empty database on the server of `url`. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )


def build_agency(url: str, scale: float = 1.0, jobs: int = 2) -> int:
    """Fill an empty database and give the number of rows in it. Raises psycopg.Error."""
    counts = {
        "users": max(20, int(4_000 * scale)),
        "campaigns": max(10, int(1_500 * scale)),
        "items": max(10, int(20_000 * scale)),
        "assets": max(8, int(400 * scale)),
        "hits": max(20, int(20_000 * scale)),
        "invoices": max(5, int(5_000 * scale)),
    }
    events = max(MONTHS, int(450_000 * scale))
    run(url, TABLES)
    months = [
        PARTITION.format(month=month, following=month % 12 + 1, year=2026 + month // 12)
        for month in range(1, MONTHS + 1)
    ]
    run(url, "; ".join(months))
    people = ";".join((USERS, CAMPAIGNS, LINE_ITEMS, OTHERS)).format(**counts)
    work = [people, *(make_events(month, events, counts["items"]) for month in range(MONTHS))]
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda statement: run(url, statement), work))
    run(url, AFTERWARDS)
    return sum(counts.values()) + events + 2


def make_events(month: int, events: int, items: int) -> str:
    """Write the statement that makes one month's share of the events; months count from 0."""
    return EVENTS.format(
        month=month + 1,
        items=items,
        first=events * month // MONTHS + 1,
        last=events * (month + 1) // MONTHS,
    )


def run(url: str, statements: str) -> None:
    """Run statements in one transaction, with a session that does not depend on the user's."""
    with psycopg.connect(url, options="-c TimeZone=UTC -c synchronous_commit=off") as connection:
        connection.execute(statements.encode())


def alter_one_row(url: str) -> Alteration:
    """Raise one campaign's budget by a cent, as a mistake or a thief would."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "UPDATE campaigns SET budget = budget + 0.01 WHERE id = 7"
            " RETURNING (budget - 0.01)::text, budget::text"
        ).fetchone()
    if row is None:
        raise LookupError("the agency has no campaign 7")
    return Alteration("public.campaigns", "7", "budget", str(row[0]), str(row[1]))


def live_a_day(url: str) -> Day:
    """Let a day of work go by: rows are changed, come and go, and a table gets a column. Raises
    psycopg.Error."""
    with psycopg.connect(url) as connection:
        changed, added, removed = (
            connection.execute(statement.encode()).rowcount for statement in DAY
        )
        connection.execute("ALTER TABLE users ADD COLUMN newsletter boolean NOT NULL DEFAULT true")
    return Day(changed, added, removed, "newsletter")


def add_up_budgets(url: str) -> tuple[int, Decimal]:
    """Count the campaigns and add up their budgets. Raises psycopg.Error."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*), sum(budget) FROM campaigns").fetchone()
    if row is None:
        raise LookupError("the agency has no campaigns")
    return int(row[0]), Decimal(row[1])
