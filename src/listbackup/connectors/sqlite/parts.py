"""Cut tables into parts that can be read at once: ranges of rowids, on a grid of powers of two.

The grid depends on nothing but the table's size class, so that the rows that are there already
stay in their part when others are appended: a table whose rowids lie close has cells of a million
for ever. Looks for the cells that hold rows, one seek each.
"""

from dataclasses import dataclass

from listbackup.connectors.sqlite.catalog import Table
from listbackup.connectors.sqlite.names import quote
from listbackup.connectors.sqlite.session import Connection

WHOLE = "all"
CELL = 1 << 20
"""Rows of a part, at most, and rowids of a cell, at least."""
FIRST, LAST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Slice:
    """A range of rowids, both ends in it; `word` names it in every reading of the table."""

    word: str
    first: int = FIRST
    last: int = LAST


def cut_table(connection: Connection, table: Table, rows: int) -> list[Slice]:
    """Give the slices of a table of so many rows: all, or the cells that hold rows. Raises
    sqlite3.Error."""
    if not table.locator:
        return [Slice(WHOLE)]
    rowid = _write_rowid(table)
    source = f"FROM main.{quote(table.name)} NOT INDEXED"
    lowest, highest = connection.execute(
        f"SELECT (SELECT min({rowid}) {source}), (SELECT max({rowid}) {source})"
    ).fetchone()
    if lowest is None:
        return [Slice(WHOLE)]
    step = find_step(rows, lowest, highest)
    slices = []
    place: int = lowest
    while True:
        first = place // step * step
        last = min(first + step - 1, LAST)
        first = max(first, FIRST)
        slices.append(Slice(f"rowid {first} {last}", first, last))
        if last >= highest:
            return slices
        (place,) = connection.execute(
            f"SELECT min({rowid}) {source} WHERE {rowid} > ?", (last,)
        ).fetchone()


def find_step(rows: int, lowest: int, highest: int) -> int:
    """Give the width of a cell: a power of two, so that there are about as many cells as the rows
    need, however widely their ids lie."""
    cells = 1 << max(0, (rows - 1) // CELL).bit_length()
    width = -(-(highest - lowest + 1) // cells)
    return max(CELL, 1 << (width - 1).bit_length())


def narrow(table: Table, piece: Slice) -> str:
    """Write a slice as an SQL condition; empty for the whole table."""
    if piece.word == WHOLE:
        return ""
    return f"{_write_rowid(table)} BETWEEN {piece.first} AND {piece.last}"


def _write_rowid(table: Table) -> str:
    return quote(table.alias) if table.alias else table.rowid
