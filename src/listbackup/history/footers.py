"""Which parts have the very same columns, as their footers say: one scan reads those without
looking into each before it begins.

A Parquet file ends with its metadata (Thrift, compact protocol), their length in 4 bytes,
little-endian, and `PAR1`; the metadata begin with a version and the schema. What is not understood
here is nobody's fault: such parts are a group of their own, and DuckDB says what is wrong.
"""

from collections.abc import Sequence

from listbackup.history.filesystem import Readable

MAGIC = b"PAR1"
TAIL = 8
AHEAD = 16_384
"""Bytes of the end that are read at once, as DuckDB does."""
_VERSION, _SCHEMA = 0x15, 0x19
"""Headers of the first two fields: an i32, and a list."""
_LISTS, _STRUCT = (9, 10), 12
_BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _BINARY = (1, 2), 3, (4, 5, 6), 7, 8


def group_parts(parts: Sequence[Readable]) -> list[list[int]]:
    """Give the places of parts that have the same columns in the same order, of the same types.
    Raises what a reader raises."""
    groups: list[tuple[bytes, list[int]]] = []
    for at, part in enumerate(parts):
        footer = read_footer(part)
        known = next((some for schema, some in groups if schema and footer.startswith(schema)), [])
        known.append(at)
        if len(known) == 1:
            groups.append((cut_schema(footer), known))
    return [some for _, some in groups]


def read_footer(part: Readable) -> bytes:
    """Give the metadata of a part; nothing where it is no Parquet file."""
    size = part.size
    end = part.read(max(0, size - AHEAD), AHEAD)
    length = int.from_bytes(end[-TAIL : -len(MAGIC)], "little")
    if not end.endswith(MAGIC) or length + TAIL > size:
        return b""
    if length + TAIL > len(end):
        end = part.read(size - length - TAIL, length + TAIL)
    return end[-length - TAIL : -TAIL]


def cut_schema(footer: bytes) -> bytes:
    """Give the bytes in which version and schema are told; nothing where they do not come first."""
    try:
        if footer[0] != _VERSION:
            return b""
        _, at = _read_number(footer, 1)
        if footer[at] != _SCHEMA:
            return b""
        return footer[: _skip(footer, at + 1, _LISTS[0])]
    except (IndexError, RecursionError):
        return b""


def _skip(body: bytes, at: int, kind: int) -> int:
    """Give where the value of a kind ends that begins at `at`. Raises IndexError."""
    if kind in _BOOLEANS:
        return at
    if kind == _BYTE:
        return at + 1
    if kind in _NUMBERS:
        return _read_number(body, at)[1]
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        length, at = _read_number(body, at)
        return at + length
    if kind in _LISTS:
        return _skip_list(body, at)
    if kind != _STRUCT:
        raise IndexError(kind)
    while header := body[at]:
        at += 1
        if not header >> 4:  # the field's number stands in full
            at = _read_number(body, at)[1]
        at = _skip(body, at, header & 15)
    return at + 1


def _skip_list(body: bytes, at: int) -> int:
    count, kind = body[at] >> 4, body[at] & 15
    at += 1
    if count == 15:
        count, at = _read_number(body, at)
    if count > len(body):
        raise IndexError(count)
    for _ in range(count):
        at = at + 1 if kind in _BOOLEANS else _skip(body, at, kind)
    return at


def _read_number(body: bytes, at: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte; give it and where it ends."""
    number = shift = 0
    while True:
        number |= (body[at] & 127) << shift
        at += 1
        if body[at - 1] < 128:
            return number, at
        shift += 7
