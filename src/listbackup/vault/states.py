"""State lists and dead lists: which lines of which batches make one stream's state.

State of a stream = the lines of `batches` minus the positions in `dead`. A batch's id is its ref's
key. Runs are `[first, count]`, lines count from 0. Both documents are bound to their stream by
name. `parts` are the typed view: None where none was made. Knows no records.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import add, gt
from typing import Any

from listbackup.errors import IntegrityError
from listbackup.records.fingerprints import Fingerprint
from listbackup.vault.documents import Fields, write_document
from listbackup.vault.refs import Ref, read_ref

Runs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One batch and the sidecar of its hashes (16 bytes a line; keyed streams 32). `home` is the
    slice of the source that its lines were read from (`records.Part.home`)."""

    ref: Ref
    idx: Ref
    home: str = ""

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        value = {**self.ref.to_json(), "idx": self.idx.to_json()}
        return {**value, "home": self.home} if self.home else value


@dataclass(frozen=True, slots=True)
class State:
    """One stream's state in one snapshot."""

    stream: str
    batches: tuple[StoredBatch, ...]
    dead: tuple[Ref, ...]
    schema: Ref
    key: tuple[str, ...]
    encoding: str
    rows: int
    fingerprint: Fingerprint
    generated: Fingerprint | None = None
    parts: tuple[Ref, ...] | None = None
    unviewed: str = ""

    def to_bytes(self) -> bytes:
        """Write the state list. `parts: null` says that no typed view was made."""
        return write_document(
            {
                "requires": [],
                "stream": self.stream,
                "batches": [batch.to_json() for batch in self.batches],
                "dead": [ref.to_json() for ref in self.dead],
                "parts": None if self.parts is None else [ref.to_json() for ref in self.parts],
                **({"unviewed": self.unviewed} if self.unviewed else {}),
                "schema": self.schema.to_json(),
                "key": list(self.key),
                "encoding": self.encoding,
                "rows": self.rows,
                "fingerprint": self.fingerprint.to_json(),
                "generated": self.generated.to_json() if self.generated else None,
            }
        )

    def refs(self) -> list[Ref]:
        """Give every ref that it holds."""
        batches = [ref for batch in self.batches for ref in (batch.ref, batch.idx)]
        return [*batches, *self.dead, *(self.parts or ()), self.schema]


def read_state(fields: Fields, stream: str, within: str) -> State:
    """Read a state list of the named stream, whose objects lie below `within`."""
    if fields.text("stream") != stream:
        raise IntegrityError(f"{fields.what} is another stream's: {fields.text('stream')!r}.")
    batches = tuple(
        StoredBatch(
            read_ref(one, within),
            read_ref(one.fields("idx"), within),
            one.optional_text("home") or "",
        )
        for one in fields.each("batches")
    )
    if len({batch.ref.key for batch in batches}) != len(batches):
        raise IntegrityError(f"{fields.what} names a batch twice.")
    generated, parts = fields.value.get("generated"), fields.value.get("parts")
    return State(
        stream=stream,
        batches=batches,
        dead=tuple(read_ref(one, within) for one in fields.each("dead")),
        schema=read_ref(fields.fields("schema"), within),
        key=fields.texts("key"),
        encoding=fields.text("encoding"),
        rows=fields.number("rows"),
        fingerprint=read_fingerprint(fields.fields("fingerprint")),
        generated=read_fingerprint(fields.fields("generated")) if generated is not None else None,
        parts=(
            tuple(read_ref(one, within) for one in fields.each("parts"))
            if parts is not None
            else None
        ),
        unviewed=fields.optional_text("unviewed") or "",
    )


def number_batch(batch: str) -> int:
    """Give the number by which typed views name a batch: the first 8 bytes of the SHA-256 of its
    id, big-endian."""
    return int.from_bytes(hashlib.sha256(batch.encode()).digest()[:8], "big")


def read_fingerprint(fields: Fields) -> Fingerprint:
    """Read a fingerprint. Raises IntegrityError."""
    try:
        return Fingerprint.from_json(fields.value)
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError(f"{fields.what} is damaged.") from error


def write_dead(stream: str, dead: Mapping[str, Runs]) -> bytes:
    """Write a dead list: positions by batch id."""
    runs = {batch: [list(run) for run in runs] for batch, runs in sorted(dead.items())}
    return write_document({"requires": [], "stream": stream, "dead": runs})


def read_dead(fields: Fields, state: State) -> dict[str, list[tuple[int, int]]]:
    """Read a dead list of a state's stream. Raises IntegrityError for positions that no batch of
    the state has."""
    if fields.text("stream") != state.stream:
        raise IntegrityError(f"{fields.what} is another stream's: {fields.text('stream')!r}.")
    rows = {batch.ref.key: batch.ref.rows for batch in state.batches}
    found: dict[str, list[tuple[int, int]]] = {}
    for batch, runs in fields.mapping("dead").items():
        if batch not in rows or not isinstance(runs, list):
            raise IntegrityError(f"{fields.what} names lines of {batch[:200]!r}, no batch of it.")
        found[batch] = _read_runs(runs, rows[batch], fields.what)
    return found


def join_dead(
    state: State, lists: Iterable[Mapping[str, Runs]]
) -> dict[str, list[tuple[int, int]]]:
    """Join a state's dead lists: runs by batch id, sorted. Raises IntegrityError when a line died
    twice, or when what is left is not the number of rows that the state counts."""
    dead: dict[str, list[tuple[int, int]]] = {}
    for one in lists:
        for batch, runs in one.items():
            dead.setdefault(batch, []).extend(runs)
    for batch, runs in dead.items():
        runs.sort()
        firsts, counts = zip(*runs, strict=True) if runs else ((), ())
        if any(map(gt, map(add, firsts, counts), firsts[1:])):
            raise IntegrityError(f"Lines of {batch} died twice in {state.stream}.")
    total = sum(batch.ref.rows for batch in state.batches)
    gone = sum(count for runs in dead.values() for _, count in runs)
    if total - gone != state.rows:
        raise IntegrityError(
            f"The state list of {state.stream} counts {state.rows} rows, its batches hold "
            f"{total - gone}."
        )
    return dead


def _read_runs(runs: list[Any], rows: int, what: str) -> list[tuple[int, int]]:
    """Read the runs of one batch; as a whole, because there may be hundreds of thousands."""
    pairs = all(type(run) is list and len(run) == 2 for run in runs)
    numbers = list(chain.from_iterable(runs)) if pairs else []
    firsts, counts = numbers[::2], numbers[1::2]
    fits = (
        pairs
        and set(map(type, numbers)) <= {int}
        and min(firsts, default=0) >= 0
        and min(counts, default=1) >= 1
        and max(map(add, firsts, counts), default=0) <= rows
    )
    if not fits:
        raise IntegrityError(f"{what} holds a run of lines that is out of bounds.")
    return list(zip(firsts, counts, strict=True))
