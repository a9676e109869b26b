"""Dead lists as arrays of lines: half a million runs in a few hundredths of a second.

As strict as `vault.states.read_dead`, which gives runs. Knows no hashes and no rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from listbackup.errors import IntegrityError
from listbackup.vault.documents import MOST_BYTES, Fields, refuse_unknown
from listbackup.vault.objects import Objects
from listbackup.vault.refs import Ref
from listbackup.vault.states import State

Array = np.ndarray[Any, Any]
DeadLines = Mapping[str, Array]
"""Dead lines by batch id, ascending where they are joined."""
NO_LINES: Array = np.zeros(0, np.uint32)
_DIGITS = b"0123456789"


class _Document(msgspec.Struct):
    """A dead list as far as it is decoded at once; the runs of each batch stay text."""

    stream: str
    dead: dict[str, msgspec.Raw]
    requires: list[str] = []


_DOCUMENT = msgspec.json.Decoder(_Document)
_RUNS = msgspec.json.Decoder(list[tuple[int, int]])


class DeadLists:
    """Dead lists as lines by batch id; each is read and verified once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._read: dict[str, DeadLines] = {}

    def read(self, ref: Ref, state: State) -> DeadLines:
        """Give the lines of one list of a state. Raises IntegrityError."""
        if ref.key not in self._read:
            self._read[ref.key] = _read_dead(self._objects, ref, state)
        return self._read[ref.key]

    def join(self, state: State) -> DeadLines:
        """Give all dead lines of a state. Raises IntegrityError when a line died twice, or when
        what is left is not the number of rows that the state counts."""
        joined = self.merge(state, state.dead)
        rows = count_live(state, joined)
        if rows != state.rows:
            raise IntegrityError(
                f"The state list of {state.stream} counts {state.rows} rows, its batches hold "
                f"{rows}."
            )
        return joined

    def merge(self, state: State, refs: Iterable[Ref]) -> DeadLines:
        """Give the lines of some lists of a state. Raises IntegrityError when a line died
        twice."""
        found: dict[str, list[Array]] = {batch.ref.key: [] for batch in state.batches}
        for ref in refs:
            for batch, lines in self.read(ref, state).items():
                if batch not in found:  # of a list that was read for another state
                    raise _stranger(f"A dead list of {state.stream}", batch)
                found[batch].append(lines)
        joined = {batch: np.sort(np.concatenate(some)) for batch, some in found.items() if some}
        for batch, lines in joined.items():
            if np.any(lines[1:] == lines[:-1]):
                raise IntegrityError(f"Lines of {batch} died twice in {state.stream}.")
        return joined


def count_live(state: State, dead: DeadLines) -> int:
    """Give how many lines the batches of a state hold beside those that are dead."""
    return sum(batch.ref.rows for batch in state.batches) - sum(map(len, dead.values()))


def _read_dead(objects: Objects, ref: Ref, state: State) -> DeadLines:
    what = f"A dead list of {state.stream}"
    if ref.plain_bytes > MOST_BYTES:
        raise IntegrityError(f"{what} claims an impossible size.", subject=ref.key)
    try:
        fields, dead = _take_apart(objects.read(ref), what)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is damaged: it is not readable JSON.") from error
    refuse_unknown(fields)
    if fields.text("stream") != state.stream:
        raise IntegrityError(f"{what} is another stream's: {fields.text('stream')!r}.")
    rows = {batch.ref.key: batch.ref.rows for batch in state.batches}
    for batch in dead:
        if batch not in rows:
            raise _stranger(what, batch)
    named = {batch: runs for batch, runs in dead.items() if runs != b"[]"}
    return _read_lines(named, [rows[batch] for batch in named], what)


def _take_apart(body: bytes, what: str) -> tuple[Fields, Mapping[str, bytes]]:
    """Give a dead list, and the text of each batch's runs. Raises ValueError, IntegrityError."""
    try:
        document = _DOCUMENT.decode(body)
    except msgspec.DecodeError:
        # damaged, or a name that holds half a surrogate pair
        value = json.loads(body)
        fields = Fields(value if isinstance(value, dict) else {}, what)
        dead = fields.mapping("dead").items()
        return fields, {batch: json.dumps(runs).encode() for batch, runs in dead}
    fields = Fields({"requires": document.requires, "stream": document.stream}, what)
    return fields, {batch: bytes(runs) for batch, runs in document.dead.items()}


def _stranger(what: str, batch: str) -> IntegrityError:
    return IntegrityError(f"{what} names lines of {batch[:200]!r}, no batch of it.")


def _read_lines(named: Mapping[str, bytes], rows: Sequence[int], what: str) -> DeadLines:
    """Read the runs `[[first, count], ...]` of batches that have so many rows, as lines."""
    if not named:
        return {}
    try:
        table, pairs = _read_tables(list(named.values()))
        most = np.repeat(rows, pairs)
        fits = bool(np.all(table >= (0, 1)) and np.all(table <= most[:, None]))
        fits = fits and bool(np.all(table.sum(1) <= most))
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError):
        fits = False
    if not fits:
        raise IntegrityError(f"{what} holds a run of lines that is out of bounds.")
    ends = np.concatenate(([0], np.cumsum(table[:, 1])))[np.cumsum(pairs)]
    if np.any(np.diff(ends, prepend=0) > rows):
        raise IntegrityError(f"{what} names more lines than its batches have: some died twice.")
    return dict(zip(named, np.split(spread_runs(table), ends[:-1]), strict=True))


def _read_tables(texts: Sequence[bytes]) -> tuple[Array, list[int]]:
    """Give all runs, and how many of them each text holds."""
    pairs = [text.count(b"[") - 1 for text in texts]
    shapes = [b"[" + b",".join([b"[,]"] * count) + b"]" for count in pairs]
    whole = b",".join(texts)
    table: Array
    if whole.translate(None, _DIGITS) == b",".join(shapes):
        # JSON without a space, and what is no digit shows pairs: of the text only numbers remain
        table = np.fromstring(whole.translate(None, b"[]"), np.int64, sep=",")
    else:
        runs = [_RUNS.decode(text) for text in texts]
        pairs = [len(some) for some in runs]
        table = np.array(list(chain.from_iterable(runs)), np.int64)
    return table.reshape(-1, 2), pairs


def spread_runs(runs: Array) -> Array:
    """Give the lines of runs `[first, count]`."""
    firsts, counts = runs.T
    ends = np.cumsum(counts)
    lines = np.repeat(firsts - (ends - counts), counts)
    lines += np.arange(len(lines))
    spread: Array = lines.astype(np.uint32)
    return spread
