"""Whether the pages of a copy hang together: SQLite's own check, and which tables it concerns.

Constraints of values are not looked at: what breaks them is data all the same.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from listbackup.connectors.sqlite.names import quote
from listbackup.connectors.sqlite.session import Connection

FINE = "ok"
HARMLESS = re.compile(r"Page \d+:? (?:is )?never used|[Ff]reelist|NULL value in |non-unique entry")
"""Waste and broken promises: no row is lost or wrong by these."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found. `tables` holds what is wrong with which table, `elsewhere` what concerns
    none of them alone and puts all in doubt, `notes` what is worth saying."""

    tables: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check_pages(connection: Connection, tables: Iterable[str]) -> Health:
    """Check the whole file, and where something is wrong every table by itself."""
    whole = _check(connection, "")
    if whole == [FINE]:
        return Health()
    found: dict[str, str] = {}
    notes: list[str] = []
    for name in tables:
        said = _check(connection, f"({quote(name)})")
        serious = [line for line in said if line != FINE and not HARMLESS.search(line)]
        if any(line.startswith(UNCHECKED) for line in serious):
            notes.append(f"{name}: {serious[0]}")
        elif serious:
            found[name] = f"it is damaged: {serious[0]}"
    rest = [line for line in whole if line != FINE and not line.startswith(UNCHECKED)]
    doubtful = [line for line in rest if not HARMLESS.search(line)]
    notes += [line for line in rest if HARMLESS.search(line)]
    return Health(found, () if found else tuple(doubtful), tuple(notes))


UNCHECKED = "it cannot be checked: "


def _check(connection: Connection, of: str) -> list[str]:
    """Give the lines of a quick_check, without the heading of a database's name."""
    try:
        rows = connection.execute(f"PRAGMA main.quick_check{of}").fetchall()
    except sqlite3.OperationalError as error:
        return [f"{UNCHECKED}{error}"]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    lines = [line for (text,) in rows for line in str(text).splitlines()]
    return [line for line in lines if not line.startswith("*** in database")]
