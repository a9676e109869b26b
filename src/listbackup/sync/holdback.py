"""Holding back mass deletes: the typical sign of a lost permission or a provider's fault.

Where a source gives no consistent moment, a fifth of a stream's lines that went at once are not
believed at first: they stay, as `upserts`, and the stream says so. They go when the next full
reading misses them again, or when a person accepts it. Knows no source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, sum_digests
from listbackup.sync.replacing import (
    Dead,
    count_lines,
    each_batch,
    find_replaced,
    read_lines,
    subtract,
)
from listbackup.vault.objects import Objects
from listbackup.vault.states import Runs, State, StoredBatch

REASON = "mass delete held back"


@dataclass(frozen=True, slots=True)
class Holdback:
    """More than `share` of the lines of a stream of more than `least` is a mass delete."""

    share: float = 0.2
    least: int = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """What dies after all, the fingerprint of what stays, and why it is not what was read."""

    dead: Dead
    fingerprint: Fingerprint
    reason: str


def hold_back(
    rule: Holdback,
    objects: Objects,
    kept: State,
    schema: Mapping[str, object],
    new: Sequence[StoredBatch],
    dead: Dead,
    fingerprint: Fingerprint,
) -> Held:
    """Keep the lines that went without a newer one of their key, where they are too many.
    `fingerprint` is that of what was read. Raises IntegrityError."""
    replaced = find_replaced(objects, kept, new, dead)
    gone = count_lines(dead) - count_lines(replaced)
    if kept.rows <= rule.least or gone <= rule.share * kept.rows:
        return Held(dead, fingerprint, "")
    stays = subtract(dead, replaced)
    whole = fingerprint + _fingerprint_lines(objects, kept, schema, stays)
    return Held(replaced, whole, f"{REASON}: {gone:,} of {kept.rows:,} lines")


def _fingerprint_lines(
    objects: Objects, state: State, schema: Mapping[str, object], runs: Mapping[str, Runs]
) -> Fingerprint:
    encoding = open_encoding(state.encoding, schema)
    total = Fingerprint(state.fingerprint.columns, 0)
    for batch, lines in each_batch(state, runs):
        for chunk in read_lines(objects, encoding, batch, lines):
            digests = encoding.digest_lines(chunk)
            total += Fingerprint(total.columns, len(digests), sum_digests(digests))
    return total
