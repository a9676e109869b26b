r"""The encoding `sqlite-array/1`: a row of a SQLite table as one JSON array, with the type of every
value.

NULL is `null`. INTEGER is its digits, no more. REAL is the shortest decimal that reads back as
the same double, and always has a point or an exponent: `1.0`, `-0.0`, `1e+16`, `5e-324`
(positional where 1e-4 <= |x| < 1e16, else one digit before the point and an exponent of two
digits or more with its sign); the infinities are `{"r":"inf"}` and `{"r":"-inf"}`. TEXT is a
string; `{"t64":"..."}` is base64 of its bytes, in the database's own encoding, where they are no
Unicode. BLOB is `{"b64":"..."}`. No spaces; in strings `\b \t \n \f \r \" \\` short, other
bytes below 0x20 as `\u00xx` in lower-case hex, all else raw.

The stored line is the source form: what a reading gives is what rests in a batch.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isinf
from typing import Any

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.records.encodings import Hashes

NAME = "sqlite-array/1"
LANE = np.dtype("<u8")
ELEMENT = rb'(?:"(?:[^"\\]++|\\.)*+"|\{[^}]*+\}|[^,"\]{}]++)'

Value = Any
"""None, int, float, str, bytes or `Undecoded`."""


@dataclass(frozen=True, slots=True)
class Undecoded:
    """A TEXT whose bytes, in the database's encoding, are no Unicode."""

    raw: bytes


class SqliteArray:
    """The encoding, for any schema object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Nothing of the schema is needed: every value says its type."""

    def to_lines(self, source: bytes) -> bytes:
        """Give the chunk: both forms are the same."""
        return source

    def to_source(self, lines: bytes) -> bytes:
        """Give the chunk. Raises IntegrityError where it cannot be of this encoding."""
        if lines and not (lines.startswith(b"[") and lines.endswith(b"]\n")):
            raise IntegrityError(f"Stored lines are not of the encoding {NAME}.")
        return lines

    def digest_lines(self, source: bytes) -> list[bytes]:
        """Give the full SHA-256 of every line, without its newline."""
        return [sha256(line).digest() for line in source.split(b"\n")[:-1]]

    def key_lines(self, source: bytes, positions: Sequence[int]) -> list[bytes]:
        """Give every line's key as a JSON array. Raises IntegrityError."""
        return _pick(source.split(b"\n")[:-1], positions)

    def hash_lines(self, source: bytes, positions: Sequence[int]) -> Hashes:
        """Count and hash a chunk at once. Raises IntegrityError."""
        lines = source.split(b"\n")
        lines.pop()
        digests = _join([sha256(line).digest() for line in lines])
        first, second, third, fourth = (int(lane) for lane in digests.sum(0, dtype=LANE))
        index = digests[:, :2]
        if positions:
            keys = _join([sha256(key).digest() for key in _pick(lines, positions)])
            index = np.concatenate((index, keys[:, :2]), axis=1)
        return Hashes(len(lines), (first, second, third, fourth), index.tobytes())


def write_lines(rows: Sequence[Sequence[Value]]) -> bytes:
    """Write rows as lines. A `str` that holds halves of surrogate pairs stands for bytes that are
    no UTF-8 (`surrogateescape`)."""
    if not rows:
        return b""
    try:
        return _write(rows)
    except ValueError:
        # an infinity, or text that is no Unicode: rare, and looked for value by value
        return _write([[_spell(value) for value in row] for row in rows])


def read_lines(lines: bytes) -> list[list[Value]]:
    """Read the rows of whole lines. Raises IntegrityError where they are not of this encoding."""
    if not lines:
        return []
    try:
        rows = json.loads(b"[" + lines[:-1].replace(b"\n", b",") + b"]", object_hook=_read_object)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(f"Stored lines are not of the encoding {NAME}.") from error
    if len(rows) != lines.count(b"\n") or not all(type(row) is list for row in rows):
        raise IntegrityError(f"Stored lines are not of the encoding {NAME}.")
    return list(rows)


def _write_object(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, Undecoded):
        return {"t64": base64.b64encode(value.raw).decode()}
    raise TypeError(f"SQLite has no values of type {type(value).__name__}")


_ENCODE = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,
    allow_nan=False,
    separators=("\n", ":"),
    default=_write_object,
).encode


def _write(rows: Sequence[Sequence[Value]]) -> bytes:
    # A newline separates here, because none stands in a JSON string: so one call writes all rows,
    # and the ends of rows can be told from the ends of values.
    text = _ENCODE(rows)[1:-1]
    return (text.replace("]\n[", "]\0[").replace("\n", ",").replace("\0", "\n") + "\n").encode()


def _spell(value: Value) -> Value:
    if isinstance(value, float) and isinf(value):
        return {"r": "inf" if value > 0 else "-inf"}
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return Undecoded(value.encode("utf-8", "surrogateescape"))
    return value


def _read_object(found: dict[str, str]) -> Value:
    ((kind, text),) = found.items()
    if kind == "b64":
        return base64.b64decode(text, validate=True)
    if kind == "t64":
        return Undecoded(base64.b64decode(text, validate=True))
    if kind == "r" and text in ("inf", "-inf"):
        return float(text)
    raise ValueError("not a value of SQLite")


def _pick(lines: Iterable[bytes], positions: Sequence[int]) -> list[bytes]:
    """Give the array of the elements at `positions`, as they are written."""
    if list(positions) == [0]:
        pattern = re.compile(rb"\[(" + ELEMENT + rb")")
    else:
        wanted = dict.fromkeys(positions, b"(" + ELEMENT + b")")
        elements = (wanted.get(place, ELEMENT) for place in range(max(positions) + 1))
        pattern = re.compile(rb"\[" + b",".join(elements))
    order = [sorted(set(positions)).index(place) for place in positions]
    try:
        if order == [0]:
            return [b"[%b]" % pattern.match(line)[1] for line in lines]  # type: ignore[index]
        found = [pattern.match(line).groups() for line in lines]  # type: ignore[union-attr]
    except (TypeError, AttributeError) as error:
        raise IntegrityError(f"A line is not of the encoding {NAME}.") from error
    return [b"[%b]" % b",".join([key[place] for place in order]) for key in found]


def _join(digests: Sequence[bytes]) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join(digests), LANE).reshape(-1, 4)
