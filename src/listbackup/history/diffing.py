"""Two snapshots side by side, stream by stream: what was added, removed, changed, and how.

Streams that share their state list, and batches that both states name with the same dead lines,
are equal by definition; all else is compared by hashes. Rows are only read where they are asked
for, and only those that differ.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from listbackup.errors import IntegrityError
from listbackup.history.columns import ColumnChanges, compare_columns
from listbackup.history.lines import Row, fetch_lines
from listbackup.history.matching import Matched, match_lines
from listbackup.history.rows import open_rows
from listbackup.history.sides import (
    Array,
    Side,
    Slice,
    differing_slices,
    open_side,
    open_sides,
    whole_slices,
)
from listbackup.records.patterns import is_wanted
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.reading import Snapshot

HELD_BYTES = 32 * 1024 * 1024
MOST_WINDOW = 50_000
Change = Literal["same", "changed", "appeared", "vanished", "not comparable"]
RowKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class StreamDifference:
    """One stream of two snapshots. `change` is `not comparable` where the bytes of its lines mean
    different things on both sides; then only its rows are counted. Without a key common to both
    sides no row is called changed. `notes` say what a side does not show, and why."""

    stream: str
    change: Change
    rows_before: int
    rows_after: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    key_before: tuple[str, ...] = ()
    key_after: tuple[str, ...] = ()
    columns: ColumnChanges = field(default_factory=ColumnChanges)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that is not on both sides. `key` is the JSON array of its key's fields, None where
    there is none; `columns` are those that differ; values are text as stored."""

    stream: str
    kind: RowKind
    key: str | None
    columns: tuple[str, ...]
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class _Found:
    before: Side | None
    after: Side | None
    left: Sequence[Slice]
    came: Sequence[Slice]
    matched: Matched


class StreamPair:
    """One stream of both snapshots; either may lack it."""

    def __init__(
        self,
        name: str,
        before: Snapshot,
        after: Snapshot,
        old: StreamEntry | None,
        new: StreamEntry | None,
    ) -> None:
        """Take what the manifests say of the stream; nothing is read before `compare`."""
        self.name = name
        self._before, self._after = before, after
        self._old, self._new = old, new
        self._found: _Found | None = None

    def compare(self) -> StreamDifference:
        """Count what differs. Raises IntegrityError."""
        old, new = self._old, self._new
        notes = (*_explain(old, "before"), *_explain(new, "after"))
        if old and new and old.state is not None and old.state == new.state:
            rows = new.rows
            return StreamDifference(self.name, "same", rows, rows, unchanged=rows, notes=notes)
        before = after = None
        if old and old.state and new and new.state:
            before, after = open_sides(self._before, self._after, self.name)
        elif old and old.state:
            before = open_side(self._before, self.name)
        elif new and new.state:
            after = open_side(self._after, self.name)
        return self._compare(before, after, notes)

    def _compare(
        self, before: Side | None, after: Side | None, notes: tuple[str, ...]
    ) -> StreamDifference:
        rows_before = before.state.rows if before else 0
        rows_after = after.state.rows if after else 0
        keys = before.state.key if before else (), after.state.key if after else ()
        columns = ColumnChanges()
        if before and after:
            columns = compare_columns(before.schema, after.schema)
            if before.state.encoding != after.state.encoding:
                why = f"its lines are {before.state.encoding} before, {after.state.encoding} after"
                return StreamDifference(
                    self.name,
                    "not comparable",
                    rows_before,
                    rows_after,
                    key_before=keys[0],
                    key_after=keys[1],
                    columns=columns,
                    notes=(*notes, why),
                )
        found = self._found = _match(before, after)
        matched = found.matched
        added, removed, changed = map(len, (matched.added, matched.removed, matched.before))
        return StreamDifference(
            stream=self.name,
            change=_name_change(before, after, bool(added or removed or changed or columns)),
            rows_before=rows_before,
            rows_after=rows_after,
            added=added,
            removed=removed,
            changed=changed,
            unchanged=rows_after - added - changed,
            key_before=keys[0],
            key_after=keys[1],
            columns=columns,
            notes=notes,
        )

    def rows(
        self, *, values: bool = True, limit: int = 0, heard: Callable[[int], None] = lambda n: None
    ) -> Iterator[RowDifference]:
        """Give the rows that differ, after `compare`: changed, added, removed, each in the order
        in which they are stored. Without `values` only kinds and keys; `limit` rows at most, 0
        for all; `heard` is told of rows as they are read. Raises IntegrityError."""
        if self._found is None:
            return
        kinds: tuple[RowKind, ...] = ("changed", "added", "removed")
        left = limit or None
        for kind in kinds:
            for row in _give_rows(self.name, self._found, kind, values, left, heard):
                yield row
                left = left - 1 if left is not None else None
            if left == 0:
                return


def pair_streams(
    before: Snapshot, after: Snapshot, include: Sequence[str] = ()
) -> Iterator[StreamPair]:
    """Give every stream that either snapshot names, in order of names."""
    old, new = ({one.name: one for one in side.manifest.streams} for side in (before, after))
    for name in sorted({*old, *new}):
        if is_wanted(name, include, ()):
            yield StreamPair(name, before, after, old.get(name), new.get(name))


def _explain(entry: StreamEntry | None, when: str) -> Iterator[str]:
    if entry is None or entry.status == "complete":
        return
    reason = f": {entry.reason}" if entry.reason else ""
    if entry.state is None:
        yield f"{when}: never read{reason}"
    elif entry.status == "carried":
        yield f"{when}: carried since sync {entry.carried_from}{reason}"
    elif reason:
        yield f"{when}: read with doubt, deletes not taken{reason}"
    else:
        yield f"{when}: only changes were read, and deletes that the source told"


def _name_change(before: Side | None, after: Side | None, differs: bool) -> Change:
    if before is None and after is None:
        return "same"
    if before is None or after is None:
        return "appeared" if before is None else "vanished"
    return "changed" if differs or before.state.key != after.state.key else "same"


def _match(before: Side | None, after: Side | None) -> _Found:
    if before is None or after is None:
        left = _everything(before)
        came = _everything(after)
        none = np.zeros(0, np.uint64)
        return _Found(before, after, left, came, Matched(_places(left), _places(came), none, none))
    left, came = differing_slices(before, after)
    keyed = before.keyed and before.state.key == after.state.key
    return _Found(before, after, left, came, match_lines(left, came, keyed=keyed))


def _everything(side: Side | None) -> list[Slice]:
    return whole_slices(side) if side else []


def _places(slices: Sequence[Slice]) -> Array:
    places = [one.numbers() + np.uint64(at << 32) for at, one in enumerate(slices)]
    return np.concatenate([np.zeros(0, np.uint64), *places])


def _give_rows(
    stream: str,
    found: _Found,
    kind: RowKind,
    values: bool,
    limit: int | None,
    heard: Callable[[int], None],
) -> Iterator[RowDifference]:
    matched = found.matched
    none = np.zeros(0, np.uint64)
    olds, news = {
        "changed": (matched.before, matched.after),
        "added": (none, matched.added),
        "removed": (matched.removed, none),
    }[kind]
    leading = news if len(news) else olds
    order = np.argsort(leading, kind="stable")[:limit]
    step = _window(found)
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        old = olds[chosen] if len(olds) and (values or kind == "removed") else none
        new = news[chosen] if len(news) else none
        before = _read(found.before, found.left, old)
        after = _read(found.after, found.came, new)
        heard(len(chosen))
        for at in range(len(chosen)):
            yield _describe(
                stream,
                kind,
                before[at] if before else None,
                after[at] if after else None,
                values,
            )


def _window(found: _Found) -> int:
    """Give a number of rows whose lines, before and after, take about `HELD_BYTES`."""
    refs = [one.batch.ref for one in (*found.left, *found.came)]
    size = sum(ref.plain_bytes for ref in refs) // max(1, sum(ref.rows for ref in refs))
    return min(MOST_WINDOW, max(100, HELD_BYTES // (2 * size + 200)))


_Shown = tuple[str | None, Row]
"""A row's key and its values."""


def _read(side: Side | None, slices: Sequence[Slice], places: Array) -> list[_Shown]:
    if side is None or not len(places):
        return []
    lines = fetch_lines(side.objects, [one.batch for one in slices], places)
    rows = open_rows(side.state, side.schema)
    return [rows.show(lines[at]) for at in places.tolist()]


def _describe(
    stream: str, kind: RowKind, before: _Shown | None, after: _Shown | None, values: bool
) -> RowDifference:
    shown = [one for one in (before, after) if one is not None]
    key = shown[0][0]
    if any(one[0] != key for one in shown):
        raise IntegrityError(f"The hashes of {stream} name rows that they do not belong to.")
    if not values:
        return RowDifference(stream, kind, key, (), None, None)
    old, new = before[1] if before else None, after[1] if after else None
    columns = differing_columns(old, new) if old is not None and new is not None else ()
    return RowDifference(stream, kind, key, columns, old, new)


def differing_columns(before: Row, after: Row) -> tuple[str, ...]:
    """Name the columns whose values differ, or that one side lacks."""
    names = [*after, *(name for name in before if name not in after)]
    return tuple(n for n in names if (n in before, before.get(n)) != (n in after, after.get(n)))
