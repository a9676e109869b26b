r"""The encoding `records/1`: a line is one JSON object, in the platform's own bytes.

The stored line is the source form. Line feeds and carriage returns, which in JSON stand only
between tokens, are left out with the blanks and breaks that follow them; nothing else is touched:
numbers keep their digits, strings their escapes, fields their order, and a field that comes twice
comes twice. A line is UTF-8 and JSON by
RFC 8259, so no NaN, no control characters in strings, no byte order mark; halves of surrogate
pairs written as escapes are let through. Nesting is bounded by Python's stack, about 900 levels.
A line has no spaces around it.

The key of a line is the JSON array of the raw bytes of some fields: `["cus_1"]`, `[17,"de"]`.
Fields are named by their path, `contact.id` for a field within an object. They must be there, and
not all of them null; of a field that comes twice the last one counts. Knows no platform.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, overload

import msgspec
import numpy as np

from listbackup.errors import IntegrityError
from listbackup.records.cutting import cut_fields, is_utf8
from listbackup.records.encodings import Hashes

NAME = "records/1"
LANE = np.dtype("<u8")
NULL = b"null"
OPENED, CLOSED = b"{}"
_BREAK = re.compile(rb"[\r\n][ \t\r\n]*")


class RecordLines:
    """The encoding, for any schema object: its `key` names the fields of keys, and positions are
    places in it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._key = tuple(str(path) for path in schema.get("key", ()))

    def to_lines(self, source: bytes) -> bytes:
        """Give the chunk: both forms are the same."""
        return source

    def to_source(self, lines: bytes) -> bytes:
        """Give the chunk. Raises IntegrityError where it cannot be of this encoding."""
        if lines and not (lines.startswith(b"{") and lines.endswith(b"}\n")):
            raise IntegrityError(f"Stored lines are not of the encoding {NAME}.")
        return lines

    def digest_lines(self, source: bytes) -> list[bytes]:
        """Give the full SHA-256 of every line, without its newline."""
        return [sha256(line).digest() for line in source.split(b"\n")[:-1]]

    def key_lines(self, source: bytes, positions: Sequence[int]) -> list[bytes]:
        """Give every line's key as a JSON array. Raises IntegrityError."""
        return _read_keys(source, _find_ends(source), self._name(positions))

    def hash_lines(self, source: bytes, positions: Sequence[int]) -> Hashes:
        """Count and hash a chunk at once. Raises IntegrityError where a line is no JSON object in
        UTF-8 or lacks a field of its key."""
        ends = _find_ends(source)
        keys = _read_keys(source, ends, self._name(positions))
        # copies of all lines would take a quarter as long as hashing them
        view, spans = memoryview(source), zip([0, *ends], ends, strict=False)
        digests = _join([sha256(view[start : end - 1]).digest() for start, end in spans])
        first, second, third, fourth = (int(lane) for lane in digests.sum(0, dtype=LANE))
        index = digests[:, :2]
        if positions:
            hashes = _join([sha256(key).digest() for key in keys])
            index = np.concatenate((index, hashes[:, :2]), axis=1)
        return Hashes(len(ends), (first, second, third, fourth), index.tobytes())

    def _name(self, positions: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._key[place] for place in positions)


def join_lines(records: Sequence[bytes]) -> bytes:
    """Write records, as `cut_records` gave them, as lines. A line break stands between tokens
    only; it is left out with the blanks after it, because how far a record is indented depends
    on where in an answer it stood."""
    whole = b"".join(records)
    if b"\n" in whole or b"\r" in whole:
        records = [_BREAK.sub(b"", record) for record in records]
    return b"\n".join([*records, b""])


def read_keys(records: Sequence[bytes], paths: Sequence[str]) -> list[bytes]:
    """Give the key of each record. Raises IntegrityError where one is no JSON object or lacks a
    field of its key."""
    chunk = join_lines(records)
    return _read_keys(chunk, _find_ends(chunk), tuple(paths))


def key_joined(chunk: bytes, count: int, paths: Sequence[str]) -> list[bytes]:
    """Give the keys of so many lines, each a JSON value in UTF-8. Raises what `read_keys`
    raises."""
    return _cut_keys(chunk, count, tuple(paths)) if count else []


class Lines(Sequence[bytes]):
    """The lines of a chunk, so many, cut apart when one is asked for."""

    def __init__(self, chunk: bytes, count: int) -> None:
        self._chunk = chunk
        self._count = count
        self._lines: list[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if place == -1 and self._count and self._lines is None:
            return self._chunk[self._chunk.rfind(b"\n", 0, -1) + 1 : -1]
        return self._cut()[place]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._cut())

    def name_ends(self) -> tuple[bytes, bytes, bytes]:
        """Give the first two and the last, of two or more, without cutting the others."""
        chunk = self._chunk
        first = chunk.index(b"\n")
        second = chunk.index(b"\n", first + 1)
        last = chunk.rindex(b"\n", 0, -1)
        return chunk[:first], chunk[first + 1 : second], chunk[last + 1 : -1]

    def _cut(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self._chunk.split(b"\n")[:-1]
        return self._lines


def _find_ends(chunk: bytes) -> list[int]:
    """Find where the lines of a chunk end, each behind its newline."""
    ends = []
    find, end = chunk.find, 0
    while end := find(b"\n", end) + 1:
        ends.append(end)
    return ends


def _read_keys(chunk: bytes, ends: Sequence[int], paths: tuple[str, ...]) -> list[bytes]:
    """Read the keys of whole lines; without paths only see that lines are what they must be."""
    if not chunk:
        return []
    keys = _cut_keys(chunk, len(ends), paths)
    if not (chunk.endswith(b"\n") and _are_framed(chunk, ends) and is_utf8(chunk)):
        raise _refuse(chunk, paths)
    return keys


def _cut_keys(chunk: bytes, lines: int, paths: tuple[str, ...]) -> list[bytes]:
    """Read the keys of so many objects."""
    try:
        count, fields = cut_fields(chunk, paths)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refuse(chunk, paths) from error
    except KeyError as error:
        raise IntegrityError(f"Records cannot have {', '.join(paths)} as their key.") from error
    if count != lines:
        raise _refuse(chunk, paths)
    if len(fields) == 1:
        keys = [b"[%b]" % value for value in fields[0]]
        bad = b"[null]" in keys
    else:
        rows_of = list(zip(*fields, strict=True))
        keys = [b"[%b]" % b",".join(values) for values in rows_of]
        bad = any(set(values) == {NULL} for values in rows_of)
    if bad:
        raise _refuse(chunk, paths)
    return keys


def _are_framed(chunk: bytes, ends: Sequence[int]) -> bool:
    """Say whether each line begins as an object and ends as one. As many objects as such lines
    are one in each."""
    heads = {chunk[end] for end in ends[:-1]} | {chunk[0]}
    return heads == {OPENED} and {chunk[end - 2] for end in ends} == {CLOSED}


def _refuse(chunk: bytes, paths: tuple[str, ...]) -> IntegrityError:
    """Say what is wrong with the first line that is not as it must be."""
    judged = (_judge(line, paths) for line in chunk.split(b"\n"))
    number, reason = next((n, why) for n, why in enumerate(judged, 1) if why)
    return IntegrityError(
        f"Record {number} of a chunk {reason}.",
        risk="No data is at risk: what cannot be read back exactly is not stored.",
        hint="Report this: the connector should have set the record aside.",
    )


def _judge(line: bytes, paths: tuple[str, ...]) -> str:
    try:
        framed = line.startswith(b"{") and line.endswith(b"}") and is_utf8(line)
        if not framed or cut_fields(line, ())[0] != 1:
            return "is no JSON object in UTF-8"
        values = {value for (value,) in cut_fields(line, paths)[1]}
    except RecursionError:
        return "is nested too deep"
    except msgspec.ValidationError:
        return f"lacks a field of its key ({', '.join(paths)})"
    except msgspec.DecodeError:
        return "is no JSON object in UTF-8"
    return f"has nothing but null for its key ({', '.join(paths)})" if values == {NULL} else ""


def _join(digests: Sequence[bytes]) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join(digests), LANE).reshape(-1, 4)
