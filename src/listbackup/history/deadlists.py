"""Dead lists as arrays of lines: half a million runs in a few hundredths of a second.

As strict as `vault.states.read_dead`, which gives runs. Knows no hashes and no rows.
"""

import json
from collections.abc import Iterable, Mapping
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

    stream: msgspec.Raw
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
        document = _DOCUMENT.decode(objects.read(ref))
        stream = json.loads(bytes(document.stream))  # a name may hold half a surrogate pair
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is damaged: it is not readable JSON.") from error
    refuse_unknown(Fields({"requires": document.requires}, what))
    if stream != state.stream:
        raise IntegrityError(f"{what} is another stream's: {stream!r}.")
    rows = {batch.ref.key: batch.ref.rows for batch in state.batches}
    found = {}
    for batch, runs in document.dead.items():
        if batch not in rows:
            raise _stranger(what, batch)
        found[batch] = _read_lines(bytes(runs), rows[batch], what)
    return found


def _stranger(what: str, batch: str) -> IntegrityError:
    return IntegrityError(f"{what} names lines of {batch[:200]!r}, no batch of it.")


def _read_lines(runs: bytes, rows: int, what: str) -> Array:
    """Read the runs `[[first, count], ...]` of one batch, as lines."""
    try:
        table = _read_table(runs)
        fits = not (np.any(table < (0, 1)) or np.any(table > rows) or np.any(table.sum(1) > rows))
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError):
        fits = False
    if not fits:
        raise IntegrityError(f"{what} holds a run of lines that is out of bounds.")
    return spread_runs(table) if len(table) else NO_LINES


def _read_table(runs: bytes) -> Array:
    pairs = runs.count(b"[") - 1
    table: Array
    if runs.translate(None, _DIGITS) == b"[" + b",".join([b"[,]"] * pairs) + b"]":
        # JSON without a space, and what is no digit shows pairs: of the text only numbers remain
        table = np.fromstring(runs.translate(None, b"[]"), np.int64, sep=",")
    else:
        table = np.array(_RUNS.decode(runs), np.int64)
    return table.reshape(-1, 2)


def spread_runs(runs: Array) -> Array:
    """Give the lines of runs `[first, count]`."""
    firsts, counts = runs.T
    ends = np.cumsum(counts)
    lines = np.arange(ends[-1]) + np.repeat(firsts - (ends - counts), counts)
    spread: Array = lines.astype(np.uint32)
    return spread
