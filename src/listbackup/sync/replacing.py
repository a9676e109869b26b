"""Telling updates from deletes: a dead line whose key a new line has was replaced.

Knows states and hashes; no source and no typed view.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from listbackup.records.encodings import Encoding
from listbackup.records.fingerprints import NO_LANES, Lanes, add_lanes, sum_digests
from listbackup.vault.hashes import HASH, Array, find_runs, read_hashes, spread_runs
from listbackup.vault.objects import Objects
from listbackup.vault.reading import live_lines
from listbackup.vault.states import Runs, State, StoredBatch

Dead = dict[str, list[tuple[int, int]]]


def find_replaced(
    objects: Objects,
    kept: State,
    new: Sequence[StoredBatch],
    dead: Mapping[str, Runs],
    dead_new: Mapping[str, Runs] = MappingProxyType({}),
) -> Dead:
    """Give those of the dead lines whose key a new line has that did not die itself (`dead_new`).
    Raises IntegrityError."""
    if not kept.key or not new or not dead:
        return {}
    keys = read_keys(objects, new, dead_new)
    found: Dead = {}
    for batch, lines in each_batch(kept.batches, dead):
        hashes = read_hashes(objects, batch, keyed=True).keys[lines]
        replaced = find_runs(lines[np.isin(hashes, keys)])
        if replaced:
            found[batch.ref.key] = replaced
    return found


def read_keys(
    objects: Objects,
    batches: Sequence[StoredBatch],
    but: Mapping[str, Runs] = MappingProxyType({}),
) -> Array:
    """Give the key hashes of the lines of some keyed batches, in order, without those of some
    runs. Raises IntegrityError."""
    found = [np.zeros(0, HASH)]
    for batch in batches:
        keys = read_hashes(objects, batch, keyed=True).keys
        runs = but.get(batch.ref.key)
        found.append(keys[~spread_runs(runs, len(keys))] if runs else keys)
    return np.concatenate(found)


def collect_keys(objects: Objects, kept: State, runs: Mapping[str, Runs]) -> Array:
    """Give the key hashes of some lines of a keyed state. Raises IntegrityError."""
    found = [np.zeros(0, HASH)]
    for batch, lines in each_batch(kept.batches, runs):
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


def sum_lines(
    objects: Objects,
    encoding: Encoding,
    batches: Sequence[StoredBatch],
    runs: Mapping[str, Runs],
) -> Lanes:
    """Read lines back and sum their digests. Raises IntegrityError."""
    total = NO_LANES
    for batch, lines in each_batch(batches, runs):
        for chunk in read_lines(objects, encoding, batch, lines):
            total = add_lanes(total, sum_digests(encoding.digest_lines(chunk)))
    return total


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


def each_batch(
    batches: Sequence[StoredBatch], runs: Mapping[str, Runs]
) -> Iterator[tuple[StoredBatch, Array]]:
    """Give the batches that runs speak of, each with its line numbers."""
    for batch in batches:
        if batch.ref.key in runs:
            flags = spread_runs(runs[batch.ref.key], batch.ref.rows)
            yield batch, np.flatnonzero(flags)
