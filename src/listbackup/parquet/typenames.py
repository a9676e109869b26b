"""PostgreSQL's names of types, as its `format_type` writes them, and the kinds of column they
become. What is not named here becomes text: enums, ranges, intervals, addresses, domains, and
arrays of them, because only the database knows how those are separated. Knows no DuckDB.
"""

import re

from listbackup.parquet import kinds
from listbackup.parquet.kinds import Kind

INTEGERS = {"smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT"}
FLOATS = {"real": "FLOAT", "double precision": "DOUBLE"}
PLAIN = {
    **{name: kinds.integer(sql) for name, sql in INTEGERS.items()},
    **{name: kinds.floating(sql) for name, sql in FLOATS.items()},
    "boolean": kinds.BOOLEAN,
    "uuid": kinds.UUID,
}
"""Kinds whose values need no quotes in an array."""
OTHERS = {
    "date": kinds.DATE,
    "bytea": kinds.BLOB,
    "time without time zone": kinds.TIME,
    "timestamp without time zone": kinds.TIMESTAMP,
    "timestamp with time zone": kinds.TIMESTAMPTZ,
}
TEXTS = frozenset(
    'text,character varying,character,bpchar,"char",name,json,jsonb,interval,inet,cidr,macaddr,'
    "money,time with time zone,oid,xml,bit,bit varying".split(",")
)
"""Types kept as text whose arrays are separated by commas."""
WIDEST = 38
SCALE = 9
"""What a number without limits may have behind the point."""
MODIFIER = re.compile(r"\((-?\d+)(?:,(-?\d+))?\)")


def find_kind(name: str) -> Kind:
    """Give the kind of column for a type's name."""
    if name.endswith("[]"):
        return _find_array(name[:-2])
    plain, precision, scale = _parse(name)
    if plain == "numeric":
        return _find_decimal(precision, scale)
    return PLAIN.get(plain) or OTHERS.get(plain) or kinds.TEXT


def _find_array(element: str) -> Kind:
    plain, _, _ = _parse(element)
    if plain in PLAIN:
        return kinds.array_of_plain(PLAIN[plain])
    if plain in OTHERS or plain == "numeric":
        return kinds.array(find_kind(element))
    return kinds.array(kinds.TEXT) if plain in TEXTS else kinds.TEXT


def _parse(name: str) -> tuple[str, int | None, int]:
    """Take a type's name apart: without its modifier, and the modifier's two numbers."""
    found = MODIFIER.search(name)
    if found is None or '"' in name:
        return name, None, 0
    return name.replace(found[0], ""), int(found[1]), int(found[2] or 0)


def _find_decimal(precision: int | None, scale: int) -> Kind:
    if precision is None:
        return kinds.decimal(WIDEST, SCALE, declared=False)
    digits = max(precision, scale) if scale >= 0 else precision - scale
    if digits > WIDEST:
        return kinds.decimal(WIDEST, min(max(scale, 0), SCALE), declared=False)
    return kinds.decimal(digits, max(scale, 0), declared=True)
