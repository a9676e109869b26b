"""Syncs that write only what changed since the base: for tests of dead lines and carried streams.

Says which lines died and which are new; how a differential engine finds them is not its business.
Knows the vault's writer and `ListedSource`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from listbackup.records import AsOf, Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, digest_schema
from listbackup.testing.readings import MOMENT, ListedReading, ListedSource, write_copy_line
from listbackup.vault.beginning import begin_sync
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.sources import Committed
from listbackup.vault.states import Runs
from listbackup.vault.streams import put_document
from listbackup.vault.writer import SyncWriter

Rows = Sequence[Sequence[str | None]]


@dataclass(frozen=True)
class Change:
    """One stream's step: all `rows` after it, those that are `new`, and by the place of each of
    the base's batches the runs of lines that died."""

    rows: Rows
    new: Rows = ()
    dead: Mapping[int, Runs] = field(default_factory=dict)


def commit_changes(
    vault: Vault,
    source: str,
    changes: Mapping[str, Change],
    *,
    carried: Mapping[str, str] | None = None,
    moment: datetime = MOMENT,
) -> Committed:
    """Commit a snapshot that keeps the base's batches; `carried` names streams with the reason
    why they were not read. Raises what the writer raises."""
    with _sync(vault, source, moment) as (writer, base):
        listed = ListedSource({name: change.rows for name, change in changes.items()})
        reading = ListedReading(listed)
        entries = [_write(writer, base, stream, changes[stream.name]) for stream in reading.streams]
        reasons = carried or {}
        entries += [writer.carry(name, reason) for name, reason in reasons.items()]
        return _commit(writer, reading, entries, [f"{n}: {r}" for n, r in reasons.items()], moment)


def commit_dead_list(
    vault: Vault, source: str, name: str, dead: bytes, rows: int, *, moment: datetime = MOMENT
) -> Committed:
    """Commit the base's state of a stream with a dead list whose bytes nobody looked at."""
    with _sync(vault, source, moment) as (writer, base):
        ref = put_document(writer, f"{name}/dead.json.gz", dead)
        state = base.state(name)
        state = replace(state, dead=(*state.dead, ref), rows=rows)
        ref = put_document(writer, f"{name}/state.json.gz", state.to_bytes())
        entry = StreamEntry(name, name, "complete", ref, rows)
        return _commit(writer, ListedReading(ListedSource({})), [entry], [], moment)


@contextmanager
def _sync(vault: Vault, source: str, moment: datetime) -> Iterator[tuple[SyncWriter, Snapshot]]:
    newest = vault.source(source).newest()
    if newest is None:
        raise ValueError(f"{source} has no snapshot yet to change")
    writer = begin_sync(vault, source)
    try:
        yield writer, open_snapshot(vault, newest, source)
    finally:
        writer.close()


def _write(writer: SyncWriter, base: Snapshot, stream: Stream, change: Change) -> StreamEntry:
    kept = base.state(stream.name)
    if not change.rows:
        stream = replace(stream, schema=base.streams[stream.name].schema, key=kept.key)
    encoding = open_encoding(stream.encoding, stream.schema)
    writing = writer.stream(stream)
    if change.new:
        lines = b"".join(write_copy_line(row) for row in change.new)
        hashes = encoding.hash_lines(lines, stream.key_positions)
        batch = writing.batch()
        batch.add(encoding.to_lines(lines), hashes.index, hashes.rows)
        batch.finish()
    whole = encoding.hash_lines(b"".join(write_copy_line(row) for row in change.rows), ())
    fingerprint = Fingerprint(digest_schema(stream.schema), whole.rows, whole.lanes)
    dead = {kept.batches[place].ref.key: runs for place, runs in change.dead.items()}
    return writing.close(fingerprint, None, kept, dead)


def _commit(
    writer: SyncWriter,
    reading: ListedReading,
    entries: Sequence[StreamEntry],
    reasons: Sequence[str],
    moment: datetime,
) -> Committed:
    for extra in reading.extras():
        writer.put_extra(extra)
    closing, as_of = reading.finish(), AsOf(moment, moment)
    return writer.commit(reading.identity, as_of, entries, (), closing, reasons)
