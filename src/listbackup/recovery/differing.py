"""Where a stream differs from the snapshot: which rows, which columns.

Two passes over both sides, memory for the differing rows only: lines fall into buckets by their
digest; sums per bucket say which buckets differ; lines of those are then compared one by one.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from listbackup.records import Reading, StoredStream, Stream
from listbackup.records.encodings import Encoding, open_encoding
from listbackup.records.fingerprints import Fingerprint
from listbackup.records.restoring import Difference, RowDifference

BUCKETS = 1 << 16
MOST_BUCKETS = 4096
MOST_LINES = 200_000
SHOWN_ROWS = 20

Sums = np.ndarray[Any, np.dtype[np.uint64]]
Chunks = Callable[[], Iterable[bytes]]


def describe_columns(stored: StoredStream, stream: Stream) -> Difference:
    """Name the columns that are not the same on both sides."""
    before = {str(c["name"]): c for c in stored.schema["columns"]}
    after = {str(c["name"]): c for c in stream.schema["columns"]}
    names = [*before, *(name for name in after if name not in before)]
    differing = tuple(name for name in names if before.get(name) != after.get(name))
    return Difference(
        stored.name, "columns", f"{len(before)} columns", f"{len(after)} columns", differing
    )


def describe_rows(
    stored: StoredStream, reading: Reading, stream: Stream, found: Fingerprint
) -> Difference:
    """Name the rows and columns that differ."""
    encoding = open_encoding(stored.encoding, stored.schema)
    sides: tuple[Chunks, Chunks] = (stored.chunks, lambda: _chunks(reading, stream))
    buckets = find_buckets(encoding, *sides)
    chosen = frozenset(buckets[:MOST_BUCKETS])
    lost, new = keep_differing(encoding, chosen, *sides)
    names = [str(column["name"]) for column in stored.schema["columns"]]
    positions = [names.index(field) for field in stored.key]
    rows = pair_rows(encoding, lost, new, positions, names)
    same = stored.rows == found.rows
    return Difference(
        stored.name,
        "values" if same else "rows",
        f"{stored.rows} rows",
        f"{found.rows} rows" + (", some with other values" if same else ""),
        find_columns(encoding, lost, new, names, rows),
        tuple(rows[:SHOWN_ROWS]),
        len(rows),
    )


def _chunks(reading: Reading, stream: Stream) -> Iterator[bytes]:
    for part in reading.parts(stream):
        yield from reading.read(part)


def find_buckets(encoding: Encoding, stored: Chunks, live: Chunks) -> list[int]:
    """Number the buckets whose lines do not add up to the same."""
    sums: Sums = np.zeros(BUCKETS, np.uint64)
    for chunks, sign in ((stored, 1), (live, -1)):
        for chunk in chunks():
            lanes = _lanes(encoding.digest_lines(chunk))
            if len(lanes):
                weights = lanes[:, 1] if sign > 0 else np.uint64(0) - lanes[:, 1]
                np.add.at(sums, _bucket_numbers(lanes), weights)
    return [int(number) for number in np.flatnonzero(sums)]


def keep_differing(
    encoding: Encoding, buckets: frozenset[int], stored: Chunks, live: Chunks
) -> tuple[list[bytes], list[bytes]]:
    """Give the lines of some buckets that only one side has: of the snapshot, of the reading."""
    counts: Counter[bytes] = Counter()
    for chunks, step in ((stored, 1), (live, -1)):
        for chunk in chunks():
            for line in _lines_of(encoding, chunk, buckets):
                counts[line] += step
                if not counts[line]:
                    del counts[line]
            if len(counts) > MOST_LINES and step < 0:
                break
    lost = [line for line, count in counts.items() for _ in range(count)]
    new = [line for line, count in counts.items() for _ in range(-count)]
    return lost, new


def pair_rows(
    encoding: Encoding,
    lost: Sequence[bytes],
    new: Sequence[bytes],
    positions: Sequence[int],
    names: Sequence[str],
) -> list[RowDifference]:
    """Call rows altered, missing or added; without a key none can be called altered."""
    if not positions:
        return [
            *(RowDifference("missing", None) for _ in lost),
            *(RowDifference("added", None) for _ in new),
        ]
    before = {_key(encoding, line, positions): line for line in lost}
    after = {_key(encoding, line, positions): line for line in new}
    rows = []
    for key in sorted({*before, *after}):
        if key in before and key in after:
            differing = _differing(encoding, before[key], after[key], names)
            rows.append(RowDifference("altered", key, differing))
        else:
            rows.append(RowDifference("missing" if key in before else "added", key))
    return rows


def find_columns(
    encoding: Encoding,
    lost: Sequence[bytes],
    new: Sequence[bytes],
    names: Sequence[str],
    rows: Sequence[RowDifference],
) -> tuple[str, ...]:
    """Name the columns that differ in altered rows, or, without a key, in all rows together."""
    if any(row.key is not None for row in rows):
        altered = {name for row in rows for name in row.columns}
        return tuple(name for name in names if name in altered)
    if len(lost) != len(new):
        return ()
    before, after = ([_fields(encoding, line) for line in side] for side in (lost, new))
    return tuple(
        name
        for place, name in enumerate(names)
        if Counter(row[place] for row in before) != Counter(row[place] for row in after)
    )


def _lanes(digests: Sequence[bytes]) -> Sums:
    return np.frombuffer(b"".join(digests), "<u8").reshape(-1, 4)


def _bucket_numbers(lanes: Sums) -> Any:
    return (lanes[:, 0] & np.uint64(BUCKETS - 1)).astype(np.int64)


def _lines_of(encoding: Encoding, chunk: bytes, buckets: frozenset[int]) -> Iterator[bytes]:
    digests = encoding.digest_lines(chunk)
    if digests:
        wanted = np.isin(_bucket_numbers(_lanes(digests)), np.fromiter(buckets, np.int64))
        lines = chunk.split(b"\n")
        for place in np.flatnonzero(wanted):
            yield lines[place] + b"\n"


def _key(encoding: Encoding, line: bytes, positions: Sequence[int]) -> str:
    return encoding.key_lines(line, positions)[0].decode()


def _fields(encoding: Encoding, line: bytes) -> list[str]:
    return [json.dumps(value) for value in json.loads(encoding.to_lines(line))]


def _differing(
    encoding: Encoding, before: bytes, after: bytes, names: Sequence[str]
) -> tuple[str, ...]:
    pairs = zip(names, _fields(encoding, before), _fields(encoding, after), strict=True)
    return tuple(name for name, one, other in pairs if one != other)
