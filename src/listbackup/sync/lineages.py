"""What a stream of a sync builds on: the state that it had, unless it is better written anew.

A lineage hands out, slice by slice, the hashes of the lines that live, and turns what was not
found again into positions. What cannot be read of the earlier state, or is not there any more, is
no ground to build on: the stream is written anew, and a person is told. What is only due to be
written anew is no obstacle for a stream that is read over time: its lines are in the vault, and
perhaps nowhere else. Knows no source.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from listbackup.errors import IntegrityError, ObjectMissing
from listbackup.ids import read_sync_time
from listbackup.records import Stream
from listbackup.records.fingerprints import digest_schema
from listbackup.sync.matching import COUNT, Earlier, count_hashes
from listbackup.vault import layout
from listbackup.vault.hashes import HASH, Array, find_runs, read_hashes, spread_runs
from listbackup.vault.objects import Objects
from listbackup.vault.reading import Snapshot, read_dead_positions
from listbackup.vault.refs import Ref
from listbackup.vault.states import Runs, State, StoredBatch

DAMAGED = "what is stored of it is damaged"
MOST_DEAD = 0.3
MOST_LISTS = 64
MOST_LINES = 20_000_000
"""Earlier lines of one slice: more would not fit the memory that a sync may take."""
MOST_UNTYPED = 4 * 1024 * 1024
"""Plain bytes of a stream that may go without parts: its typed view is made when asked for."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a stream is written anew: a batch older than `rebase_after`; no parts though it is
    estimated at `typed_from` bytes or more (None: no view is wanted)."""

    now: datetime
    rebase_after: timedelta
    typed_from: int | None


@dataclass(slots=True)
class Slice:
    """The earlier lines of one slice. `lines` and `batches` say where each of them lies."""

    earlier: Earlier
    _order: Array
    _starts: Array
    _batches: Sequence[str]
    _ends: Array
    _lines: Array

    def locate(self, left: bytes) -> dict[str, list[tuple[int, int]]]:
        """Turn what a matcher left into dead runs by batch id; of equal lines the last die."""
        pairs = np.frombuffer(left, COUNT).reshape(-1, 2).astype(np.int64)
        ends, counts = self._starts[pairs[:, 0] + 1], pairs[:, 1]
        shifts = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.sort(self._order[np.repeat(ends - counts, counts) + shifts].astype(np.int64))
        owners = np.searchsorted(self._ends, places, side="right")
        return {
            self._batches[owner]: find_runs(self._lines[places[owners == owner]])
            for owner in np.unique(owners)
        }

    def spread(self, values: Array) -> dict[str, Array]:
        """Give values of the distinct hashes to the living lines that have them, by batch id."""
        lines = np.empty(len(self._order), values.dtype)
        lines[self._order] = np.repeat(values, np.diff(self._starts))
        begins = [0, *self._ends.tolist()]
        return {
            batch: lines[begin:end]
            for batch, begin, end in zip(self._batches, begins, begins[1:], strict=False)
        }


class Presence:
    """Whether objects are where states say, asked once for each. Thread-safe."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._sizes: dict[str, int] = {}

    def find_missing(self, refs: Iterable[Ref]) -> str | None:
        """Name the first object that is not there in its size. Raises what the store raises."""
        wanted = {ref.object: ref for ref in refs}
        unknown = [ref for key, ref in wanted.items() if key not in self._sizes]
        if len(unknown) > 1:
            with ThreadPoolExecutor(8, thread_name_prefix="look") as pool:
                sizes = list(pool.map(self._measure, unknown))
        else:
            sizes = [self._measure(ref) for ref in unknown]
        self._sizes |= {ref.object: size for ref, size in zip(unknown, sizes, strict=True)}
        return next((key for key, ref in wanted.items() if not self._fits(ref)), None)

    def _measure(self, ref: Ref) -> int:
        try:
            return self._objects.store.head(layout.place(ref.key, ref.form == "sealed")).size
        except ObjectMissing:
            return -1

    def _fits(self, ref: Ref) -> bool:
        size = self._sizes[ref.object]
        return size >= ref.bytes if ref.offset is not None else size == ref.bytes


class Lineage:
    """The earlier state of one stream, and what of it lives; `due` says why it is better written
    anew."""

    def __init__(self, objects: Objects, state: State, homes: Sequence[str], due: str = "") -> None:
        self.state = state
        self.due = due
        self._objects = objects
        self._whole: Slice | None = None
        self._dead = read_dead_positions(objects, state)
        self._keyed = bool(state.key)
        known = set(homes)
        lost = homes[0] if homes else ""
        self._batches: dict[str, list[StoredBatch]] = {}
        for batch in state.batches:
            # lines of a slice that is no more are looked for in the first one
            home = batch.home if batch.home in known else lost
            self._batches.setdefault(home, []).append(batch)

    def is_too_long(self) -> bool:
        """Whether some slice has more lines than can be held."""
        return any(sum(one.ref.rows for one in b) > MOST_LINES for b in self._batches.values())

    def slice(self, home: str) -> Slice:
        """Read the hashes of a slice's living lines; given out once, whoever asks first. Raises
        IntegrityError."""
        return self._read(self._batches.pop(home, []))

    def whole(self) -> Slice | None:
        """Read the hashes of all living lines; None where they are too many to be held. Raises
        IntegrityError."""
        if sum(one.ref.rows for one in self.state.batches) > MOST_LINES:
            return None
        if self._whole is None:
            self._whole = self._read(self.state.batches)
        return self._whole

    def living(self, batch: StoredBatch) -> Array:
        """Give the numbers of a batch's living lines."""
        lines = np.arange(batch.ref.rows, dtype=COUNT)
        runs = self._dead.get(batch.ref.key)
        return lines[~spread_runs(runs, batch.ref.rows)] if runs else lines

    def gone(self) -> Mapping[str, Runs]:
        """Give the runs of lines that were dead before, by batch id."""
        return self._dead

    def _read(self, batches: Sequence[StoredBatch]) -> Slice:
        found = [self._read_living(batch) for batch in batches]
        hashes = np.concatenate([np.zeros(0, HASH), *(one for one, _ in found)])
        lines = np.concatenate([np.zeros(0, COUNT), *(one for _, one in found)])
        ends = np.cumsum([len(one) for one, _ in found])
        earlier, order, starts = count_hashes(hashes)
        return Slice(earlier, order, starts, [one.ref.key for one in batches], ends, lines)

    def _read_living(self, batch: StoredBatch) -> tuple[Array, Array]:
        hashes = read_hashes(self._objects, batch, keyed=self._keyed).lines
        lines = self.living(batch)
        return (hashes, lines) if len(lines) == len(hashes) else (hashes[lines], lines)


def find_lineage(
    snapshot: Snapshot | None,
    stream: Stream,
    homes: Sequence[str],
    rules: Rules,
    presence: Presence,
    *,
    over_time: bool = False,
) -> tuple[Lineage | None, str]:
    """Find what a stream can build on: a lineage or None, and, where it is written anew though
    there is an earlier state, why. Of a stream that is read over time the lineage itself says
    whether it is due. Raises what the store raises; damage is a reason."""
    entry = snapshot.entry(stream.name) if snapshot else None
    if snapshot is None or entry is None or entry.state is None:
        return None, ""
    if entry.status == "carried" and entry.reason.startswith(DAMAGED):
        return None, entry.reason
    try:
        state = snapshot.state(stream.name)
        due = _find_due(state, stream, rules)
        reason = _find_misfit(state, stream) or ("" if over_time else due)
        if reason:
            return None, reason
        missing = presence.find_missing(state.refs())
        if missing:
            return None, f"{DAMAGED}: {missing} is lost or cut"
        for batch in state.batches:
            snapshot.objects.read(batch.idx)
        lineage = Lineage(snapshot.objects, state, homes, due)
    except IntegrityError as error:
        return None, f"{DAMAGED}: {error.message}"
    if not (over_time and state.key) and lineage.is_too_long():
        return None, f"a slice of it had more than {MOST_LINES:,} lines"
    return lineage, ""


def _find_misfit(state: State, stream: Stream) -> str:
    changed = {
        "its key changed": state.key != stream.key,
        "its encoding changed": state.encoding != stream.encoding,
        "its columns changed": state.fingerprint.columns != digest_schema(stream.schema),
    }
    return next((reason for reason, applies in changed.items() if applies), "")


def _find_due(state: State, stream: Stream, rules: Rules) -> str:
    total = sum(one.ref.rows for one in state.batches)
    begun = (read_sync_time(layout.sync_of(one.ref.key)) for one in state.batches)
    oldest = min(begun, default=rules.now)
    view = rules.typed_from is not None and stream.estimated_bytes >= rules.typed_from
    syncs = {layout.sync_of(ref.key) for ref in (*state.dead, *(state.parts or ()))}
    due = {
        "most of what it was built from is gone": total - state.rows > MOST_DEAD * total,
        f"it was built from more than {MOST_LISTS} syncs": len(syncs) > MOST_LISTS,
        "its oldest batch is due": rules.now - oldest > rules.rebase_after,
        "it has no typed view yet": view
        and state.parts is None
        and not state.unviewed
        and sum(one.ref.plain_bytes for one in state.batches) > MOST_UNTYPED,
    }
    return next((reason for reason, applies in due.items() if applies), "")
