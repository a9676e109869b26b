"""Cut tables into parts that can be read at once: ranges of pages, on a grid of powers of two.

On a grid that depends on nothing but the table's size class, the same rows of a table that did
not change fall into the same part the next time. Pure.
"""

from listbackup.connectors.postgres.catalog import Table

WHOLE = "all"
TARGET = 64 * 1024 * 1024
"""Bytes of a part, about; smaller tables are one part."""
MOST_PARTS = 4096


def cut_table(table: Table, server_version: int) -> list[str]:
    """Give the slices of a table: `all`, or `ctid FIRST END` in pages, the last one `ctid FIRST -`.

    Before PostgreSQL 14 a range of pages costs a scan of the whole table, so there is one part.
    """
    if server_version < 140000 or table.condition or table.bytes < 2 * TARGET:
        return [WHOLE]
    pages_per_part = max(1, table.pages * TARGET // table.bytes)
    step = 1 << (pages_per_part - 1).bit_length()
    while table.pages // step > MOST_PARTS:
        step *= 2
    firsts = list(range(0, max(table.pages, 1), step))
    ends: list[int | str] = [*firsts[1:], "-"]
    return [f"ctid {first} {end}" for first, end in zip(firsts, ends, strict=True)]


def name_home(slice_: str) -> str:
    """Name a slice by where it begins, which stays when the table grows."""
    return " ".join(slice_.split()[:2])


def narrow(slice_: str) -> str:
    """Write a slice as an SQL condition; empty for the whole table."""
    if slice_ == WHOLE:
        return ""
    _, first, end = slice_.split()
    condition = f"ctid >= '({int(first)},0)'::tid"
    return condition if end == "-" else f"{condition} AND ctid < '({int(end)},0)'::tid"
