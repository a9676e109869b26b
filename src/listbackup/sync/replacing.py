"""Telling updates from deletes: a dead line whose key a new line has was replaced.

Knows states and hashes; no source and no typed view.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from listbackup.records.encodings import Encoding
from listbackup.vault.hashes import HASH, Array, find_runs, read_hashes, spread_runs
from listbackup.vault.objects import Objects
from listbackup.vault.reading import live_lines
from listbackup.vault.states import Runs, State, StoredBatch

Dead = dict[str, list[tuple[int, int]]]


def find_replaced(
    objects: Objects, kept: State, new: Sequence[StoredBatch], dead: Mapping[str, Runs]
) -> Dead:
    """Give those of the dead lines whose key a new line has. Raises IntegrityError."""
    if not kept.key or not new or not dead:
        return {}
    keys = np.concatenate([read_hashes(objects, one, keyed=True).keys for one in new])
    found: Dead = {}
    for batch, lines in each_batch(kept, dead):
        hashes = read_hashes(objects, batch, keyed=True).keys[lines]
        replaced = find_runs(lines[np.isin(hashes, keys)])
        if replaced:
            found[batch.ref.key] = replaced
    return found


def collect_keys(objects: Objects, kept: State, runs: Mapping[str, Runs]) -> Array:
    """Give the key hashes of some lines of a keyed state. Raises IntegrityError."""
    found = [np.zeros(0, HASH)]
    for batch, lines in each_batch(kept, runs):
        found.append(read_hashes(objects, batch, keyed=True).keys[lines])
    return np.concatenate(found)


def subtract(dead: Mapping[str, Runs], others: Mapping[str, Runs]) -> Dead:
    """Give the runs of `dead` without those of `others`."""
    left: Dead = {}
    for batch, runs in dead.items():
        rows = max(first + count for first, count in runs)
        flags = spread_runs(runs, rows)
        if batch in others:
            flags &= ~spread_runs(others[batch], rows)
        some = find_runs(np.flatnonzero(flags))
        if some:
            left[batch] = some
    return left


def count_lines(dead: Mapping[str, Runs]) -> int:
    """Count the lines in runs."""
    return sum(count for runs in dead.values() for _, count in runs)


def read_lines(
    objects: Objects, encoding: Encoding, batch: StoredBatch, lines: Array | None = None
) -> list[bytes]:
    """Give lines of a batch, by default all, in source form as chunks. Raises IntegrityError."""
    left_out: dict[str, Runs] = {}
    if lines is not None:
        others = np.ones(batch.ref.rows, bool)
        others[lines] = False
        left_out[batch.ref.key] = find_runs(np.flatnonzero(others))
    living = live_lines(objects.pieces(batch.ref), batch.ref, left_out)
    return [encoding.to_source(chunk) for chunk in living]


def each_batch(state: State, runs: Mapping[str, Runs]) -> Iterator[tuple[StoredBatch, Array]]:
    """Give the batches of a state that runs speak of, each with its line numbers."""
    for batch in state.batches:
        if batch.ref.key in runs:
            flags = spread_runs(runs[batch.ref.key], batch.ref.rows)
            yield batch, np.flatnonzero(flags)
