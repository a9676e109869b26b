"""Counting and hashing a stream's lines again, as `check --records` does.

Knows the encodings by name; compares with the hashes beside each batch and with the fingerprint of
the state.
"""

from collections.abc import Iterator

from listbackup.errors import IntegrityError
from listbackup.records.encodings import Encoding, open_encoding
from listbackup.records.fingerprints import NO_LANES, Lanes, add_lanes, digest_schema
from listbackup.vault.objects import Objects
from listbackup.vault.reading import live_lines, read_dead_positions
from listbackup.vault.states import Runs, State, StoredBatch

HASH = 16


def recount_stream(objects: Objects, state: State) -> Iterator[tuple[str, str]]:
    """Give (problem, key) for whatever of a stream's lines is not as written."""
    lanes, rows = NO_LANES, 0
    try:
        schema = objects.read_document(state.schema, f"The schema of {state.stream}")
        encoding = open_encoding(state.encoding, schema.value)
        if digest_schema(schema.value) != state.fingerprint.columns:
            raise IntegrityError(f"The columns of {state.stream} are not those it was read with.")
        dead = read_dead_positions(objects, state)
    except IntegrityError as error:
        yield error.message, error.subject or state.stream
        return
    for batch in state.batches:
        try:
            _compare_hashes(objects, batch, encoding, keyed=bool(state.key))
            more, count = _sum_live(objects, batch, encoding, dead)
        except IntegrityError as error:
            yield error.message, error.subject or batch.ref.key
            return
        lanes, rows = add_lanes(lanes, more), rows + count
    if rows != state.rows or rows != state.fingerprint.rows:
        yield f"{state.stream} holds {rows} rows instead of {state.rows}.", state.stream
    elif lanes != state.fingerprint.lanes:
        yield f"{state.stream} does not have the fingerprint it was read with.", state.stream


def _compare_hashes(objects: Objects, batch: StoredBatch, encoding: Encoding, keyed: bool) -> None:
    step = 2 * HASH if keyed else HASH
    if batch.idx.plain_bytes != step * batch.ref.rows:
        raise IntegrityError(
            f"{batch.idx.key} does not hold one hash a line.", subject=batch.idx.key
        )
    idx = objects.read(batch.idx)
    line = 0
    for chunk in live_lines(objects.pieces(batch.ref), batch.ref, {}):
        for digest in encoding.digest_lines(encoding.to_source(chunk)):
            at = line * step
            if idx[at : at + HASH] != digest[:HASH]:
                raise IntegrityError(
                    f"Line {line} of {batch.ref.key} is not the line that was hashed.",
                    subject=batch.ref.key,
                )
            line += 1


def _sum_live(
    objects: Objects, batch: StoredBatch, encoding: Encoding, dead: dict[str, list[tuple[int, int]]]
) -> tuple[Lanes, int]:
    lanes, rows = NO_LANES, 0
    runs: dict[str, Runs] = dict(dead)
    for chunk in live_lines(objects.pieces(batch.ref), batch.ref, runs):
        hashes = encoding.hash_lines(encoding.to_source(chunk), ())
        lanes, rows = add_lanes(lanes, hashes.lanes), rows + hashes.rows
    return lanes, rows
