"""What a stored value is to other tools: a JSON value, a cell of CSV, a value of SQLite.

Exactness first: what a reader of JSON might round is written as a string, and what is no value of
its column's type stays text. Column types are the source's own names. Knows no rows and no files.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

SAFE = 2**53 - 1
"""Integers up to this survive readers that know only doubles."""
INTEGERS = frozenset({"smallint", "integer", "bigint"})
FLOATS = frozenset({"real", "double precision"})
DOCUMENTS = frozenset({"json", "jsonb"})
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_SPECIAL = re.compile(r'[",\r\n]')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LINE_BREAKS = str.maketrans("\r\n", "  ")

WriteJson = Callable[[Any], str]
Convert = Callable[[Any], Any]


def choose_json(type_name: str) -> WriteJson:
    """Give what writes values of a column as JSON. Integers up to 2^53 and floating point are
    numbers, `true` and `false` what they are, json and jsonb stand as they are; all else, and
    numeric above all, is a string of the exact text."""
    if type_name in INTEGERS:
        return _write_integer
    if type_name in FLOATS:
        return _write_float
    if type_name == "boolean":
        return _write_boolean
    return _write_document if type_name in DOCUMENTS else _write_any


def _write_any(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE:
        return f'"{value}"'
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write_integer(value: Any) -> str:
    if isinstance(value, str) and _INTEGER.fullmatch(value) and abs(int(value)) <= SAFE:
        return value
    return _write_any(value)


def _write_float(value: Any) -> str:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    return _write_any(value)


def _write_boolean(value: Any) -> str:
    if value in ("t", "f"):
        return "true" if value == "t" else "false"
    return _write_any(value)


def _write_document(value: Any) -> str:
    if not isinstance(value, str):
        return _write_any(value)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return _write_any(value)
    # between tokens a line break is white space, and within them it cannot stand
    return value.translate(_LINE_BREAKS)


def write_cell(value: Any) -> str:
    """Write a value as a field of CSV (RFC 4180): NULL is an empty field, an empty text `""`."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _write_any(value)
    if not text:
        return '""'
    if _SPECIAL.search(text) is None:
        return text
    return '"' + text.replace('"', '""') + '"'


def write_safe_cell(value: Any) -> str:
    """Write a field that no spreadsheet takes for a formula: an apostrophe goes before what
    begins like one and is no plain number."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(value):
        return write_cell("'" + value)
    return write_cell(value)


def choose_sqlite(type_name: str, *, dynamic: bool = False) -> tuple[str, Convert]:
    """Give the type that a column has in SQLite, and what makes its values. Nothing is rounded:
    numeric is TEXT, and what SQLite cannot hold as a number stays text. `dynamic`: every value
    says its own type, so the column has none."""
    if dynamic:
        return "", _to_plain
    if type_name in INTEGERS:
        return "INTEGER", _to_integer
    if type_name in FLOATS:
        return "REAL", _to_float
    if type_name == "boolean":
        return "INTEGER", lambda value: {"t": 1, "f": 0}.get(value, value)
    if type_name == "bytea":
        return "BLOB", _to_bytes
    return "TEXT", _to_plain


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"r"}:
            return float(value["r"])
        return base64.b64decode(value["b64"]) if set(value) == {"b64"} else _write_any(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return _write_any(value) if isinstance(value, list) else value


def _to_integer(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**63:
        return int(value)
    return _to_plain(value)


def _to_float(value: Any) -> Any:
    if isinstance(value, str) and value != "NaN":
        try:
            return float(value)
        except ValueError:
            return value
    return _to_plain(value)


def _to_bytes(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("\\x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            return value
    return _to_plain(value)
