r"""What kinds of values the fields of JSON records have, and what columns they become.

A column has one kind: the one that fits every value of its field. Numbers keep their digits: a
number is a DOUBLE only where the double's own shortest text is the same number, else the column is
text. A text column holds strings as themselves and any other value as its JSON. Nulls are of every
kind. Knows no records and no Parquet.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["null", "boolean", "integer", "long", "number", "string", "json", "text"]
"""`null`: no value but null. `integer`: within 2^53, so also exact as a double; `long`: within 64
bits. `json`: objects and arrays, as they are written. `text`: anything."""

SQL: dict[Kind, str] = {
    "null": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "long": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "json": "VARCHAR",
    "text": "VARCHAR",
}
KINDS: dict[str, Kind] = {kind: kind for kind in SQL}
SAFE = 2**53
LONG = 2**63
EXACT = 15
"""Numbers of so many characters, without an exponent, are exact as doubles."""
_WIDER: dict[frozenset[Kind], Kind] = {
    frozenset(("integer", "long")): "long",
    frozenset(("integer", "number")): "number",
}
_BY_HEAD: dict[int, Kind] = {
    ord("n"): "null",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord('"'): "string",
    ord("{"): "json",
    ord("["): "json",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a part: the field's name in the records (a path, for a key within an object),
    the column's name, and its kind. Columns of the kind `null` are not in the part."""

    source: str
    column: str
    kind: Kind


def join_kinds(one: Kind, other: Kind) -> Kind:
    """Give the narrowest kind that holds the values of both."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return _WIDER.get(frozenset((one, other)), "text")


def find_kind(value: bytes) -> Kind:
    """Give the kind of one JSON value."""
    kind = _BY_HEAD.get(value[0])
    if kind is not None:
        return kind
    if not (b"." in value or b"e" in value or b"E" in value):
        size = len(value)
        number = int(value) if size <= 20 else LONG
        if -SAFE <= number <= SAFE:
            return "integer"
        if -LONG <= number < LONG:
            return "long"
    return "number" if is_exact(value, float(value)) else "text"


def is_exact(token: bytes, value: float) -> bool:
    """Say whether a JSON number is the same number as its double."""
    if len(token) <= EXACT and not (b"e" in token or b"E" in token):
        return True
    shortest = repr(value)
    if token == shortest.encode():
        return True
    parts = _take_apart(token.decode())
    return parts is not None and parts == _take_apart(shortest)


def _take_apart(number: str) -> tuple[str, str, int] | None:
    """Give sign, digits without zeros around them, and the power of ten of the last one."""
    mantissa, _, exponent = number.lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    if not (whole + fraction).isdigit() or len(exponent) > 6:
        return None
    digits = (whole + fraction).lstrip("0")
    kept = digits.rstrip("0")
    power = int(exponent or 0) - len(fraction) + len(digits) - len(kept)
    return sign, kept, power if kept else 0


def write_fields(fields: Iterable[Field]) -> str:
    """Write fields as they stand in a part."""
    return json.dumps([[one.source, one.column, one.kind] for one in fields])


def read_fields(text: str) -> Sequence[Field]:
    """Read what `write_fields` wrote. Raises ValueError, KeyError, TypeError."""
    return [
        Field(str(source), str(column), KINDS[kind]) for source, column, kind in json.loads(text)
    ]
