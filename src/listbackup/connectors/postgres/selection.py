"""Which tables become streams, and what is said of the others: unread, declared, excluded.

Pure: works on what the catalog said. A table that could be read and is not is *unread* (the
snapshot will be partial); what by nature cannot be exact is *declared*; what the user left out is
*excluded*.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from listbackup.connectors.postgres.catalog import Table
from listbackup.records import Declared, Unread
from listbackup.records.patterns import is_wanted

NO_RIGHT = "there is no right to read it (SELECT on the table, USAGE on its schema)"
FILTERED = "row security would hide rows from this user (BYPASSRLS or ownership is needed)"


@dataclass(frozen=True, slots=True)
class Selection:
    """`read` become streams; `locked` must be locked for that (roots of partitions too);
    `excluded` are stream names that the user left out; `barred` are tables that cannot even be
    locked, so that no other program must try."""

    read: tuple[Table, ...]
    locked: tuple[Table, ...]
    excluded: tuple[str, ...]
    unread: tuple[Unread, ...]
    declared: tuple[Declared, ...]
    barred: tuple[Table, ...]


def select_tables(
    tables: Mapping[int, Table],
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    refused: Mapping[int, str],
    on_replica: bool,
) -> Selection:
    """Sort tables. `refused` holds why a table could not be locked, by oid."""
    read, excluded, barred = [], [], []
    unread: list[Unread] = []
    locked: dict[int, Table] = {}
    for table in tables.values():
        if table.kind not in ("r", "p") or not _is_ours(table):
            continue
        reason = _obstacle(table, tables, refused, on_replica)
        if table.readable and table.oid not in refused:
            locked[table.oid] = table
        else:
            barred.append(table)
        if table.kind == "p":
            continue
        if not is_wanted(table.stream, include, exclude):
            excluded.append(table.stream)
        elif reason:
            unread.append(Unread(table.stream, reason))
        else:
            read.append(table)
    return Selection(
        read=tuple(read),
        locked=tuple(locked.values()),
        excluded=tuple(excluded),
        unread=tuple(unread),
        declared=tuple(_declare(tables, {table.oid for table in read})),
        barred=tuple(barred),
    )


def _is_ours(table: Table) -> bool:
    """Tables of extensions come with the extension, unless it says that their rows do not."""
    return table.extension is None or table.condition is not None


def _obstacle(
    table: Table, tables: Mapping[int, Table], refused: Mapping[int, str], on_replica: bool
) -> str:
    if not table.readable:
        return NO_RIGHT
    if table.filtered:
        return FILTERED
    if on_replica and table.persistence == "u":
        return "an unlogged table cannot be read on a replica"
    if table.oid in refused:
        return refused[table.oid]
    above = tables.get(table.parent)
    while above is not None:
        if not above.readable:
            return f"there is no right to read the table it is a part of, {above.stream}"
        if above.oid in refused:
            return f"the table it is a part of, {above.stream}, could not be locked"
        above = tables.get(above.parent)
    return ""


def _declare(tables: Mapping[int, Table], read: set[int]) -> Iterable[Declared]:
    for table in tables.values():
        if table.kind == "f" and table.extension is None:
            yield Declared("foreign table", table.stream, "its rows are kept by another server")
        if table.kind == "m" and table.extension is None:
            yield Declared(
                "materialized view", table.stream, "its rows are computed anew by a restore"
            )
        if table.oid in read:
            for column in table.exported:
                if column.holds_xml:
                    yield Declared(
                        "xml encoding declaration",
                        f"{table.stream}.{column.name}",
                        "PostgreSQL gives xml without the encoding that it was declared in",
                    )
