r"""The encoding `copy-text-array/1`: a line of PostgreSQL's COPY text as one JSON array.

Each element is the field's text, un-escaped, as a string; null is null; a value that is not UTF-8
(databases of encoding SQL_ASCII) is `{"b64":"..."}`; a table without columns gives `[]`. No
spaces; `\b \t \n \f \r \" \\` short, other bytes below 0x20 as `\u00xx` in lower-case hex, all
else raw. COPY's escapes are JSON's but for `\v`, quotes and raw control characters, so whole
chunks are rewritten without looking at rows. The way back gives the same bytes.

Knows no database: chunks are bytes, whole lines, each ended by a newline.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.records.copysource import restore_copy_text
from listbackup.records.encodings import Hashes

Array = np.ndarray[Any, Any]

PIECE = 128 * 1024
"""Bytes that are rewritten at once, about: what fits the processor's cache goes faster."""
LANE = np.dtype("<u8")
SHORT = {0x08: b"\\b", 0x0C: b"\\f", 0x0D: b"\\r"}
BACKSLASH_V = int.from_bytes(b"\\v", "little")
STRING_OR_BINARY = re.compile(rb'\{"b64":"([A-Za-z0-9+/=]*)"\}|"(?:[^"\\]|\\.)*"')
ESCAPED = {0x08: b"\\b", 0x09: b"\\t", 0x0A: b"\\n", 0x0B: b"\\v", 0x0C: b"\\f", 0x0D: b"\\r"}
ESCAPED[0x5C] = b"\\\\"
PLACE = b'"\\N\\N"'
"""Holds the place of a value that is no text: a field that COPY would write otherwise."""
UNESCAPED = {code[1:]: bytes((byte,)) for byte, code in ESCAPED.items()}


class CopyText:
    """The encoding, for tables of one schema object: `columns`, and `charset` where it is not
    UTF8, because then values may be any bytes."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._fields = len(schema["columns"])
        self._any_bytes = schema.get("charset", "UTF8") != "UTF8"

    def to_lines(self, source: bytes) -> bytes:
        """Write a chunk of COPY text in stored form."""
        if len(source) <= 2 * PIECE:
            return to_lines(source, self._fields, any_bytes=self._any_bytes)
        pieces = _cut(source)
        return b"".join([to_lines(p, self._fields, any_bytes=self._any_bytes) for p in pieces])

    def to_source(self, lines: bytes) -> bytes:
        """Give back the COPY text of a chunk. Raises IntegrityError."""
        return to_source(lines, any_bytes=self._any_bytes)

    def digest_lines(self, source: bytes) -> list[bytes]:
        """Give the full SHA-256 of every line of COPY text, without its newline."""
        return digest_lines(source)

    def key_lines(self, source: bytes, positions: Sequence[int]) -> list[bytes]:
        """Give every line's key as a JSON array."""
        return key_lines(source, positions, any_bytes=self._any_bytes)

    def hash_lines(self, source: bytes, positions: Sequence[int]) -> Hashes:
        """Count and hash a chunk at once."""
        lines = source.split(b"\n")
        lines.pop()
        digests = _join([sha256(line).digest() for line in lines])
        first, second, third, fourth = (int(lane) for lane in digests.sum(0, dtype=LANE))
        index = digests[:, :2]
        if positions:
            keys = _join(_digest_keys(lines, positions, any_bytes=self._any_bytes))
            index = np.concatenate((index, keys[:, :2]), axis=1)
        return Hashes(len(lines), (first, second, third, fourth), index.tobytes())


def to_lines(source: bytes, fields: int = -1, *, any_bytes: bool = True) -> bytes:
    """Write whole COPY lines as JSON arrays. `fields` is the number of columns, -1 for any but
    none; `any_bytes` says that the text may be other than UTF-8 and has to be looked through."""
    if not source:
        return b""
    if fields == 0:
        return b"[]\n" * source.count(b"\n")
    if any_bytes and not _is_text(source):
        return b"".join([_to_line(line) for line in source.split(b"\n")[:-1]])
    text = _escape_v(source)
    for control in _find_controls(source, fields):
        code = SHORT.get(control) or b"\\u%04x" % control
        text = text.replace(bytes((control,)), code)
    if b'"' in text:
        text = text.replace(b'"', b'\\"')
    text = text.replace(b"\t", b'","').replace(b"\n", b'"]\n["').replace(b'"\\N"', b"null")
    # the very first field has had no quote before it yet
    if text.startswith(b'\\N"'):
        return b"[null" + text[3:-2]
    return b'["' + text[:-2]


def to_source(lines: bytes, *, any_bytes: bool = True) -> bytes:
    """Give back the COPY lines that `to_lines` wrote; `any_bytes` as there. Raises IntegrityError
    where the bytes cannot be of this encoding."""
    if not lines:
        return b""
    if not lines.startswith(b"[") or not lines.endswith(b"]\n"):
        raise IntegrityError("Stored lines are not of the encoding copy-text-array/1.")
    if lines.startswith(b"[]\n"):
        return b"\n" * lines.count(b"\n")
    if any_bytes and b'{"b64":"' in lines:
        return b"".join([_to_source_line(line) for line in lines.split(b"\n")[:-1]])
    try:
        return restore_copy_text(lines)
    except (IndexError, ValueError) as error:
        raise IntegrityError("Stored lines are not of the encoding copy-text-array/1.") from error


def digest_lines(source: bytes) -> list[bytes]:
    """Give the full SHA-256 of every COPY line, without its newline."""
    return [sha256(line).digest() for line in source.split(b"\n")[:-1]]


def key_lines(source: bytes, positions: Sequence[int], *, any_bytes: bool = True) -> list[bytes]:
    """Give the JSON array of the fields at `positions` of every COPY line, as stored."""
    lines = source.split(b"\n")[:-1]
    if not lines:
        return []
    return _write_keys(_pick(lines, positions), any_bytes=any_bytes)


def _pick(lines: Sequence[bytes], positions: Sequence[int]) -> list[bytes]:
    if list(positions) == [0]:
        return [line.partition(b"\t")[0] for line in lines]
    last = max(positions) + 1
    rows = [line.split(b"\t", last) for line in lines]
    if len(positions) == 1:
        place = positions[0]
        return [row[place] for row in rows]
    return [b"\t".join([row[place] for place in positions]) for row in rows]


def _write_keys(keys: Sequence[bytes], *, any_bytes: bool) -> list[bytes]:
    text = b"\n".join(keys) + b"\n"
    return to_lines(text, any_bytes=any_bytes).split(b"\n")[:-1]


def _digest_keys(
    lines: Sequence[bytes], positions: Sequence[int], *, any_bytes: bool
) -> list[bytes]:
    if not lines:
        return []
    keys = _pick(lines, positions)
    if len(positions) == 1 and b"".join(keys).replace(b"-", b"").isalnum():
        return [sha256(b'["%b"]' % key).digest() for key in keys]
    return [sha256(key).digest() for key in _write_keys(keys, any_bytes=any_bytes)]


def _join(digests: Sequence[bytes]) -> Array:
    return np.frombuffer(b"".join(digests), LANE).reshape(-1, 4)


def _cut(chunk: bytes) -> list[bytes]:
    pieces, start = [], 0
    while start < len(chunk):
        end = chunk.find(b"\n", start + PIECE) + 1 or len(chunk)
        pieces.append(chunk[start:end])
        start = end
    return pieces


def _is_text(source: bytes) -> bool:
    if source.isascii():
        return True
    try:
        source.decode()
    except UnicodeDecodeError:
        return False
    return True


def _find_controls(source: bytes, fields: int) -> list[int]:
    """Find which raw control characters a chunk has, beside what ends its fields and lines."""
    octets = np.frombuffer(source, np.uint8)
    low = octets < 32
    breaks = int(np.count_nonzero(octets == 10))
    tabs = breaks * (fields - 1) if fields > 0 else source.count(b"\t")
    if int(np.count_nonzero(low)) == tabs + breaks:
        return []
    low &= octets != 9
    low &= octets != 10
    found: list[int] = np.unique(octets[np.flatnonzero(low)]).tolist()
    return found


def _escape_v(text: bytes) -> bytes:
    r"""COPY's `\v` is the one escape that JSON lacks; `\\v` is a backslash and a `v`, so the run
    of backslashes decides. Two passes of 16 bit, even and odd, cost a tenth of a search."""
    size = len(text)
    even = np.frombuffer(text, "<u2", size // 2) == BACKSLASH_V
    odd = np.frombuffer(text, "<u2", (size - 1) // 2, 1) == BACKSLASH_V
    if not even.any() and not odd.any():
        return text
    places = np.concatenate((np.flatnonzero(even) * 2, np.flatnonzero(odd) * 2 + 1))
    if len(places) * 512 > size:
        held = text.replace(b"\\\\", b"\0")
        return held.replace(b"\\v", b"\\u000b").replace(b"\0", b"\\\\")
    places.sort()
    parts, start = [], 0
    for place in places.tolist():
        run = place
        while run and text[run - 1] == 0x5C:
            run -= 1
        if (place - run) % 2 == 0:
            parts.append(text[start:place])
            start = place + 2
    parts.append(text[start:])
    return b"\\u000b".join(parts)


def _to_line(line: bytes) -> bytes:
    if _is_text(line):
        return to_lines(line + b"\n", any_bytes=False)
    elements = [_to_element(field) for field in line.split(b"\t")]
    return b"[" + b",".join(elements) + b"]\n"


def _to_element(field: bytes) -> bytes:
    if _is_text(field):
        return to_lines(field + b"\n", any_bytes=False)[1:-2]
    value = re.sub(rb"\\(.)", lambda found: UNESCAPED.get(found[1], found[1]), field)
    return b'{"b64":"' + base64.b64encode(value) + b'"}'


def _to_source_line(line: bytes) -> bytes:
    binaries = []

    def hold(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return found[0]
        value = base64.b64decode(found[1])
        binaries.append(b"".join([ESCAPED.get(byte) or bytes((byte,)) for byte in value]))
        return PLACE

    fields = STRING_OR_BINARY.sub(hold, line)
    held = iter(binaries)
    parts = to_source(fields + b"\n")[:-1].split(b"\t")
    return b"\t".join([next(held) if part == PLACE[1:-1] else part for part in parts]) + b"\n"
