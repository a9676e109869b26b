"""Parts of different columns as one table: by the fields' names in the records, widened.

A column of several kinds is what holds them all: whole numbers beside others are DOUBLE where they
are exact so, and everything else is text, numbers as their shortest. Names are compared as the
records have them; where two differ only by case, the later one gets an underscore, whichever it
was called in its part. Writes SQL; knows no vault.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from listbackup.errors import IntegrityError
from listbackup.parquet.columns import RESERVED, name_columns, quote, quote_text
from listbackup.parquet.recordkinds import SQL, Field, join_kinds, read_fields
from listbackup.parquet.recordparts import FIELDS


@dataclass(frozen=True, slots=True)
class Union:
    """`query` gives `_op`, `_batch`, `_line` and then the `fields`, in this order."""

    query: str
    fields: Sequence[Field]


@dataclass(slots=True)
class _Group:
    """Parts that one scan can read: no column of one is another field in another, or of another
    type."""

    addresses: list[str] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def takes(self, fields: Sequence[Field]) -> bool:
        for one in fields:
            known = self.fields.get(one.source, one)
            owner = self.owners.get(one.column.lower(), one.source)
            same = (known.column, SQL[known.kind]) == (one.column, SQL[one.kind])
            if owner != one.source or not same:
                return False
        return True

    def add(self, address: str, fields: Sequence[Field]) -> None:
        self.addresses.append(address)
        for one in fields:
            self.fields[one.source] = one
            self.owners[one.column.lower()] = one.source

    def select(self, wanted: Sequence[Field]) -> str:
        columns = ", ".join([*RESERVED, *(f"{self._cast(f)} AS {quote(f.column)}" for f in wanted)])
        files = ", ".join(map(quote_text, self.addresses))
        return f"SELECT {columns} FROM read_parquet([{files}], union_by_name = true)"

    def _cast(self, wanted: Field) -> str:
        found = self.fields.get(wanted.source)
        column = quote(found.column) if found is not None else "NULL"
        same = found is not None and SQL[found.kind] == SQL[wanted.kind]
        return column if same else f"CAST({column} AS {SQL[wanted.kind]})"


def ask_fields(addresses: Sequence[str]) -> str:
    """Write the query of what parts say of their columns; `match_fields` takes the answer."""
    files = ", ".join(map(quote_text, addresses))
    return (
        "SELECT file_name, decode(value) FROM parquet_kv_metadata"
        f"([{files}]) WHERE decode(key) = {quote_text(FIELDS)}"
    )


def match_fields(
    addresses: Sequence[str], answer: Iterable[tuple[object, ...]]
) -> list[tuple[str, Sequence[Field]]]:
    """Give the parts with their fields. Raises IntegrityError where one does not tell them."""
    try:
        told = {str(address): read_fields(str(text)) for address, text in answer}
        return [(address, told[address]) for address in addresses]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError("A part of a typed view does not tell its columns.") from error


def plan_union(parts: Sequence[tuple[str, Sequence[Field]]], key: Sequence[str] = ()) -> Union:
    """Plan the table of some parts; the fields of the key are columns in any case."""
    fields = join_fields([found for _, found in parts], key)
    groups: list[_Group] = []
    for address, found in parts:
        stored = [one for one in found if one.kind != "null"]
        group = next((one for one in groups if one.takes(stored)), None)
        if group is None:
            group = _Group()
            groups.append(group)
        group.add(address, stored)
    return Union(" UNION ALL ".join(group.select(fields) for group in groups), fields)


def join_fields(parts: Iterable[Sequence[Field]], key: Sequence[str] = ()) -> list[Field]:
    """Give the fields of all parts, each once, with the kind that holds all its values."""
    kinds: dict[str, Field] = {}
    for one in (one for found in parts for one in found):
        known = kinds.get(one.source, one)
        kinds[one.source] = Field(one.source, "", join_kinds(known.kind, one.kind))
    for source in key:
        kinds.setdefault(source, Field(source, "", "null"))
    if not kinds:
        kinds["_"] = Field("_", "", "null")
    names = name_columns(list(kinds))
    return [Field(f.source, name, f.kind) for f, name in zip(kinds.values(), names, strict=True)]
