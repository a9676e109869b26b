"""Which definitions of an archive belong to some of its tables: what a partial restore writes.

Everything that the tables need (types, schemas, sequences, functions), and everything that hangs
on them (indexes, constraints, triggers, views, comments, rights) as long as it needs no table
that stays out. Decides about definitions only; which tables are wanted is the caller's.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from listbackup.connectors.postgres.contents import DATA, Entry

TABLES = frozenset({"TABLE", "FOREIGN TABLE"})
WHOLE_DATABASE = frozenset(
    "DATABASE|DATABASE PROPERTIES|ENCODING|STDSTRINGS|SEARCHPATH|EVENT TRIGGER|PUBLICATION|"
    "PUBLICATION TABLE|PUBLICATION TABLES IN SCHEMA|SUBSCRIPTION|SUBSCRIPTION TABLE".split("|")
)
"""Kinds that say something of a database as a whole: no part of a part."""
VIEWS = frozenset({"VIEW", "MATERIALIZED VIEW"})
MENTIONED = frozenset({"FK CONSTRAINT", "TRIGGER", "RULE", "POLICY", *VIEWS})
"""Kinds whose absence a person should be told of by name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The entries to restore, in archive order, and those that hang on a wanted table but need
    one that stays out."""

    entries: tuple[Entry, ...]
    left_out: tuple[Entry, ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the entries to restore."""
        return frozenset(entry.number for entry in self.entries)


def choose_all(entries: Sequence[Entry]) -> Choice:
    """Choose every entry of an archive."""
    return Choice(tuple(entries), ())


def choose_for_tables(
    entries: Sequence[Entry],
    tables: Set[tuple[str, str]],
    schemas: Set[str] = frozenset(),
    extensions: Set[str] = frozenset(),
) -> Choice:
    """Choose what belongs to the tables, given as (schema, name), to whole schemas (also what
    hangs on no table: functions, types, sequences), and to extensions. Tables that the wanted
    ones are parts of or inherit from come along; views only from the schemas of the tables."""
    known = {e.number: e for e in entries if e.kind not in WHOLE_DATABASE}
    asked = (
        e.number
        for e in entries
        if (is_table(e) and (e.schema, e.tag) in tables)
        or (e.kind == "EXTENSION" and e.tag in extensions)
    )
    chosen = set(close_over(asked, known))
    wanted = {number for number in chosen if is_table(known[number])}
    for entry in known.values():
        if entry.schema in schemas or (entry.kind == "SCHEMA" and entry.tag in schemas):
            chosen |= _fitting(entry, known, wanted)
    homes = {known[number].schema for number in wanted}
    left_out: dict[int, Entry] = {}
    grown = True
    while grown:
        grown = False
        for entry in known.values():
            if entry.number in chosen or not entry.needs & chosen or is_table(entry):
                continue
            elsewhere = entry.kind in VIEWS and entry.schema not in homes
            if not elsewhere and (fitting := _fitting(entry, known, wanted)):
                chosen |= fitting
                grown = True
            elif entry.needs & wanted and entry.kind in MENTIONED:
                left_out[entry.number] = entry
    return Choice(tuple(e for e in entries if e.number in chosen), tuple(left_out.values()))


def leave_out_keys_to(choice: Choice, tables: Set[tuple[str, str]]) -> Choice:
    """Leave out foreign keys that point to tables of which only some rows will be there."""
    known = {entry.number: entry for entry in choice.entries}
    broken = {
        entry.number
        for entry in choice.entries
        if entry.kind == "FK CONSTRAINT" and _find_referenced(entry, known) & tables
    }
    left_out = tuple(known[number] for number in sorted(broken))
    return Choice(without(choice, broken).entries, (*choice.left_out, *left_out))


def _find_referenced(entry: Entry, known: Mapping[int, Entry]) -> set[tuple[str, str]]:
    both = {(t.schema, t.tag) for n in entry.needs if (t := known.get(n)) and is_table(t)}
    own = {
        (schema, name)
        for schema, name in both
        if schema == entry.schema and entry.tag.startswith(f"{name} ")
    }
    return both if len(both) < 2 or len(own) != 1 else both - own


def is_table(entry: Entry) -> bool:
    """Whether an entry makes a table."""
    return entry.kind in TABLES


def close_over(numbers: Iterable[int], known: Mapping[int, Entry]) -> frozenset[int]:
    """Add everything that the entries need, and what that needs, and so on."""
    closed: set[int] = set()
    waiting = list(numbers)
    while waiting:
        number = waiting.pop()
        if number not in closed and number in known:
            closed.add(number)
            waiting.extend(known[number].needs)
    return frozenset(closed)


def without(choice: Choice, numbers: Set[int]) -> Choice:
    """Leave out entries that the target has already, and their comments and rights."""
    kept = tuple(
        entry
        for entry in choice.entries
        if entry.number not in numbers
        and not (entry.kind in ("ACL", "COMMENT", "SECURITY LABEL") and entry.needs & numbers)
    )
    return Choice(kept, choice.left_out)


def _fitting(entry: Entry, known: Mapping[int, Entry], wanted: Set[int]) -> frozenset[int]:
    if entry.section == DATA:
        return frozenset()
    closed = close_over([entry.number], known)
    fits = all(number in wanted for number in closed if is_table(known[number]))
    return closed if fits else frozenset()
