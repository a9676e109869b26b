"""Lines of batches by number, and what stands in them: names and values as text.

Only the batches that hold a wanted line are decompressed, each once. Values are given as they are
stored: text as itself, null as None, anything else as its JSON. Every byte is verified before a
line is given.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.history.matching import split_places
from listbackup.history.sides import Array, read_ahead
from listbackup.records.counting import count_lines
from listbackup.vault.objects import Objects
from listbackup.vault.states import StoredBatch

Row = Mapping[str, str | None]


def fetch_lines(
    objects: Objects, batches: Sequence[StoredBatch], places: Array
) -> dict[int, bytes]:
    """Give the stored lines at some places, without newlines. Raises IntegrityError."""
    wanted = list(split_places(places))

    def pick(one: tuple[int, Array]) -> dict[int, bytes]:
        at, lines = one
        return {at << 32 | n: line for n, line in pick_lines(objects, batches[at], lines)}

    found: dict[int, bytes] = {}
    for _, picked in read_ahead(pick, wanted):
        found |= picked
    return found


def pick_lines(objects: Objects, batch: StoredBatch, lines: Array) -> list[tuple[int, bytes]]:
    """Give some lines of a batch with their numbers; `lines` ascend. The batch is read and
    verified to its end. Raises IntegrityError."""
    found: list[tuple[int, bytes]] = []
    for first, count, chunk in whole_chunks(objects, batch):
        start, end = np.searchsorted(lines, (first, first + count))
        if start < end:
            ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
            for line in lines[start:end].tolist():
                at = line - first
                begin = int(ends[at - 1]) + 1 if at else 0
                found.append((line, chunk[begin : int(ends[at])]))
    if len(found) != len(lines):
        raise IntegrityError(f"{batch.ref.key} lacks lines that a list names.")
    return found


def whole_chunks(objects: Objects, batch: StoredBatch) -> Iterator[tuple[int, int, bytes]]:
    """Give a batch in chunks of whole lines: the number of the first one, how many, the bytes.
    Raises IntegrityError where it does not hold its number of lines."""
    waiting: list[bytes] = []
    line = 0
    for piece in objects.pieces(batch.ref):
        end = piece.rfind(b"\n") + 1
        if end:
            chunk = b"".join((*waiting, piece[:end]))
            waiting = []
            count = count_lines(chunk)
            yield line, count, chunk
            line += count
        if end < len(piece):
            waiting.append(piece[end:])
    if waiting or line != batch.ref.rows:
        raise IntegrityError(
            f"{batch.ref.key} holds {line} lines instead of {batch.ref.rows}.",
            subject=batch.ref.key,
        )


def decode_line(line: bytes, what: str) -> list[Any]:
    """Give the values of a stored line, as JSON has them. Raises IntegrityError."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"A line of {what} is not readable JSON.", subject=what) from error
    if not isinstance(values, list):
        raise IntegrityError(f"A line of {what} is no array.", subject=what)
    return values


def name_values(values: Sequence[Any], columns: Sequence[str], what: str) -> dict[str, str | None]:
    """Give decoded values by the names of their columns, as text. Raises IntegrityError."""
    if len(values) != len(columns):
        raise IntegrityError(
            f"A line of {what} has {len(values)} values for {len(columns)} columns.", subject=what
        )
    return {name: to_text(value) for name, value in zip(columns, values, strict=True)}


def to_text(value: Any) -> str | None:
    """Give a stored value as text; what is no text is given as its JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_key(values: Sequence[Any]) -> str:
    """Write the values of a key as the JSON array whose hash is the key's."""
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
