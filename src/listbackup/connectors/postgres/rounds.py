"""In which rounds the definitions that come after the rows are made, so that their statements
cannot wait for each other for ever.

ATTACH of a partition's index locks it exclusively, while a foreign key's check on the same
partitions goes through all of their indexes: side by side the two can lock each other out. And
the index of a partitioned table is no key to point to before every index below it is attached,
also where an archive names no need for that. Decides about order only; runs nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listbackup.connectors.postgres.choosing import close_over
from listbackup.connectors.postgres.contents import NONE, POST_DATA, Entry

ATTACH = "INDEX ATTACH"
BUILDING = frozenset({"INDEX", "CONSTRAINT"})


@dataclass(frozen=True, slots=True)
class Round:
    """Entries in the order of the archive; `parallel` says that several sessions may make them
    side by side. Everything that they need was made before, or is among them."""

    entries: tuple[Entry, ...]
    parallel: bool


def plan_rounds(entries: Sequence[Entry]) -> list[Round]:
    """Sort what comes after the rows into rounds: indexes and keys, then their attaching one by
    one, then all the rest. A single round where nothing is attached; none where nothing is left.
    """
    later = {entry.number: entry for entry in _after_rows(entries)}
    attached = close_over((n for n, e in later.items() if e.kind == ATTACH), later)
    if not attached:
        return _keep_filled([Round(tuple(later.values()), parallel=True)])
    built: set[int] = set()
    for number, entry in later.items():
        if entry.kind in BUILDING:
            closed = close_over([number], later)
            if all(later[need].kind != ATTACH for need in closed):
                built |= closed
    chosen = (built, attached - built, later.keys() - built - attached)
    return _keep_filled(
        [
            Round(tuple(e for n, e in later.items() if n in numbers), parallel=place != 1)
            for place, numbers in enumerate(chosen)
        ]
    )


def _keep_filled(rounds: Sequence[Round]) -> list[Round]:
    return [one for one in rounds if one.entries]


def _after_rows(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Give the entries of the last section. Comments and rights have no section of their own: to
    pg_restore they belong to that of the entry before them."""
    section = NONE
    for entry in entries:
        section = entry.section if entry.section != NONE else section
        if section == POST_DATA:
            yield entry
