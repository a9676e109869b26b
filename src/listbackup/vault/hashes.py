"""The hashes beside a batch: 16 bytes a line and, in keyed streams, 16 bytes a key.

Read as arrays that compare bytes; positions go from runs to flags and back. Knows no records.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.vault.objects import Objects
from listbackup.vault.states import Runs, StoredBatch

Array = np.ndarray[Any, Any]
HASH = np.dtype("S16")
"""Compared as bytes; all are 16 long, so what numpy does with trailing zeros changes nothing."""


@dataclass(frozen=True, slots=True)
class BatchHashes:
    """Of each line in order its hash, and its key's (none of key-less streams); dtype `HASH`."""

    lines: Array
    keys: Array


def read_hashes(objects: Objects, batch: StoredBatch, *, keyed: bool) -> BatchHashes:
    """Read the hashes of a batch. Raises IntegrityError."""
    width = 32 if keyed else 16
    body = objects.read(batch.idx)
    if len(body) != batch.ref.rows * width:
        raise IntegrityError(
            f"{batch.idx.key} does not hold the hashes of {batch.ref.rows} lines.",
            subject=batch.idx.key,
        )
    columns = np.frombuffer(body, HASH).reshape(-1, width // 16)
    lines = np.ascontiguousarray(columns[:, 0])
    return BatchHashes(lines, np.ascontiguousarray(columns[:, 1]) if keyed else lines[:0])


def spread_runs(runs: Runs, rows: int) -> Array:
    """Give runs within so many rows as one flag a row."""
    edges = np.zeros(rows + 1, np.int32)
    for first, count in runs:
        edges[first] += 1
        edges[first + count] -= 1
    flags: Array = np.cumsum(edges[:-1]) > 0
    return flags


def find_runs(lines: Array) -> list[tuple[int, int]]:
    """Give ascending line numbers as runs."""
    if not len(lines):
        return []
    numbers = lines.astype(np.int64)
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    firsts = numbers[np.concatenate(([0], breaks))]
    lengths = np.diff(np.concatenate(([0], breaks, [len(numbers)])))
    return list(zip(firsts.tolist(), lengths.tolist(), strict=True))
