"""Statistics by month: rows and bytes of every stream, and of each sync what its new rows hold.

`stats.json` has all streams as they are. `stats-{stream}.json`, where there is a typed view, has a
record for each of the month's newest syncs that changed the stream, with count, nulls, least,
greatest and sum of the columns of its *new* rows: from its own new parts alone, so records add up
and nothing older is read. Least and greatest are left out for texts, bytes and arrays; columns are
left out where the new parts are large.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from listbackup.errors import IntegrityError
from listbackup.history.derivations import Allowance, Basis, Flaw, writer_of
from listbackup.parquet.columns import RESERVED, plan_names
from listbackup.parquet.recordparts import RECORDS
from listbackup.vault import layout
from listbackup.vault.documents import Fields
from listbackup.vault.reading import SnapshotStream
from listbackup.vault.sources import Committed
from listbackup.vault.states import State

MOST_MEASURED = 16 * 1024 * 1024
"""Stored bytes of new parts, of one stream, whose columns are measured."""
MOST_SYNCS = 31
RATE = 20_000_000
"""Stored bytes of parts that are measured in a second."""
START = 0.05
"""Seconds until DuckDB is there."""


class Measures:
    """The statistics of one source's newest snapshot."""

    def __init__(self, basis: Basis, allowance: Allowance) -> None:
        """Nothing is read yet."""
        self._basis = basis
        self._allowance = allowance
        self._account = basis.vault.account.name

    def flaws(self) -> Iterator[Flaw]:
        """Give what is missing, damaged or stale. Raises IntegrityError."""
        yield from self._look_at_all()
        for name in sorted(self._basis.changed):
            yield from self._look_at_stream(name)

    def _look_at_all(self) -> Iterator[Flaw]:
        basis = self._basis
        moment = basis.snapshot.manifest.started
        key = layout.statistics_key(self._account, basis.view.name, moment, None)
        found = basis.shelf.find(key)
        known = _read_mapping(found.value, "streams") if found is not None else {}
        streams = {}
        for name, entry in sorted(basis.entries.items()):
            if name in known and name not in basis.changed:
                streams[name] = known[name]
            else:
                state = basis.snapshot.streams[name].state
                streams[name] = {"rows": entry.rows, **_measure_batches(state)}
        value = {
            "source": basis.view.name,
            "month": f"{moment.astimezone(UTC):%Y-%m}",
            "streams": streams,
        }
        if found is None or found.value != value:
            yield basis.flaw(key, lambda: basis.write(value), found=found is not None)

    def _look_at_stream(self, name: str) -> Iterator[Flaw]:
        """Look at the month in which a stream's state was written."""
        basis, entry = self._basis, self._basis.entries[name]
        sync = writer_of(entry)
        commits = {one.sync: one for one in basis.view.commits.values()}
        if sync not in commits or basis.snapshot.streams[name].state.parts is None:
            return
        commit = commits[sync]
        moment = _moment_of(entry.state.key if entry.state else "")
        key = layout.statistics_key(self._account, basis.view.name, moment, entry.path)
        found = basis.shelf.find(key)
        records = _read_records(found.value) if found is not None else {}
        if commit.number in records:
            return
        wanted = [commit]
        if basis.whole:
            month = f"{moment:%Y%m}"
            wanted = [
                one
                for one in basis.view.commits.values()
                if one.number not in records and layout.key_month(one.manifest.key) == month
            ]

        def make() -> bytes:
            for one in wanted:
                records.update(self._record(one, name))
            value = {
                "source": basis.view.name,
                "stream": name,
                "month": f"{moment:%Y-%m}",
                "syncs": [records[number] for number in sorted(records)[-MOST_SYNCS:]],
            }
            return basis.write(value)

        yield basis.flaw(key, make, found=found is not None)

    def _record(self, commit: Committed, name: str) -> Mapping[int, Mapping[str, Any]]:
        """Give the record of a sync that wrote the stream's state; of others none."""
        try:
            newest = commit.number == self._basis.commit.number
            snapshot = self._basis.snapshot if newest else self._basis.open(commit)
            entry = snapshot.entry(name)
            if entry is None or writer_of(entry) != commit.sync:
                return {}
            stream = snapshot.streams[name]
            columns = self._measure_columns(stream, commit)
        except IntegrityError:
            return {}
        return {
            commit.number: {
                "number": commit.number,
                "entry": commit.digest,
                "name": commit.name,
                "rows": entry.rows,
                **_measure_batches(stream.state),
                "new_columns": columns,
            }
        }

    def _measure_columns(
        self, stream: SnapshotStream, commit: Committed
    ) -> Sequence[Mapping[str, Any]] | None:
        own = [one for one in stream.state.parts or () if layout.sync_of(one.key) == commit.sync]
        size = sum(one.bytes for one in own)
        if size > MOST_MEASURED or not self._allowance.fits(START + size / RATE):
            return None
        # brings DuckDB along, which most backups of little do not need
        from listbackup.parquet.statistics import measure_parts

        bodies = [stream.objects.read(one) for one in own]
        measured = measure_parts(bodies) if bodies else {}
        if bodies and measured["_op"].least == "delete":
            bodies.pop()  # keys of rows that are gone: the last part of a sync
            measured = measure_parts(bodies) if bodies else {}
        columns = []
        for column, beside in _name_columns(stream, measured):
            one, twin = measured[column], measured.get(beside)
            texts = twin.count if twin is not None else 0
            ordered = not one.type.endswith(("VARCHAR", "BLOB", "]"))
            columns.append(
                {
                    "name": column,
                    "type": one.type,
                    "count": one.count + texts,
                    "as_text": texts,
                    "nulls": one.nulls - texts,
                    "min": one.least if ordered else None,
                    "max": one.greatest if ordered else None,
                    "sum": one.sum,
                }
            )
        return columns


def _name_columns(
    stream: SnapshotStream, measured: Mapping[str, object]
) -> Sequence[tuple[str, str]]:
    """Name the measured columns with their twins: of tables all, of records those that were."""
    if stream.encoding == RECORDS:
        return [(name, "") for name in measured if name not in RESERVED]
    return [(one.column, one.twin) for one in plan_names(stream.schema) if measured]


def _measure_batches(state: State) -> dict[str, int]:
    return {
        "bytes": sum(one.ref.plain_bytes for one in state.batches),
        "stored_bytes": sum(one.ref.bytes for one in state.batches),
    }


def _moment_of(key: str) -> datetime:
    month = layout.key_month(key)
    return datetime(int(month[:4]), int(month[4:]), 1, tzinfo=UTC)


def _read_mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        return Fields(value, "statistics").mapping(name)
    except IntegrityError:
        return {}


def _read_records(value: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    try:
        syncs = Fields(value, "statistics").each("syncs")
        return {one.number("number", least=1): one.value for one in syncs}
    except IntegrityError:
        return {}
