"""How a stream that was read over time ends: its state as the vault had it, changed by what came.

As it was, as a change of what it was, or written anew, from the vault and what came. Its
fingerprint is that of what is kept, with what is new, without what died: lines that die are read
back for it. Knows no source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from listbackup.errors import FailedError, IntegrityError
from listbackup.records import Outcome, SetAside
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, Lanes, digest_schema
from listbackup.sync.compacting import write_anew
from listbackup.sync.holdback import BETWEEN, Holdback, find_held, name_held
from listbackup.sync.lineages import Lineage, Rules
from listbackup.sync.replacing import Dead, count_lines, sum_lines
from listbackup.sync.settling import Settled, hash_keys, settle_keyed
from listbackup.sync.views import add_inserts, add_parts
from listbackup.vault.documents import parse_document, write_document
from listbackup.vault.hashes import Array
from listbackup.vault.manifest import MOST_SET_ASIDE, StreamEntry
from listbackup.vault.refs import digest
from listbackup.vault.states import StoredBatch
from listbackup.vault.streams import StreamWriter
from listbackup.vault.writer import SyncWriter

MOST_CHECKPOINT = 1024 * 1024
MOST_REASON = 300
_WRAPPED = 3
"""How deep a checkpoint stands in its manifest."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: new lines and the sums of their digests; of a keyed stream when earlier lines
    were given (see `settling`), of one without a key those that were not."""

    new: int
    lanes: Lanes
    given: Mapping[str, Array]
    left: Dead
    generated: Fingerprint | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What the manifest will say; lines that went of what was kept and of what was new; why the
    stream was written anew, if it was."""

    entry: StreamEntry
    gone: int
    repeated: int
    anew: str


class Ending:
    """The end of one stream."""

    def __init__(
        self, sync: SyncWriter, writer: StreamWriter, lineage: Lineage | None, rules: Rules
    ) -> None:
        self._sync = sync
        self._writer = writer
        self._lineage = lineage
        self._rules = rules
        self._before = sync.known(writer.stream.name)

    def end(self, read: Read, outcome: Outcome, *, doubting: bool) -> Ended:
        """Settle what was read and write the state. Raises IntegrityError where what is stored of
        the stream cannot be read, FailedError."""
        _check_outcome(outcome, self._writer.stream.name, keyed=bool(self._writer.stream.key))
        batches = self._writer.finish()
        rule = Holdback() if doubting and not self._held else None
        settled = self._settle(batches, read, outcome, rule)
        entry, anew = self._write(batches, read, settled)
        held = settled.held or (self._held if outcome.status == "upserts" else "")
        listed, count = self._count_aside(outcome, settled)
        reasons = [held, outcome.reason, _name_aside(count)]
        entry = replace(
            entry,
            status="upserts" if outcome.status == "upserts" or settled.held else "complete",
            reason=BETWEEN.join(one for one in reasons if one),
            checkpoint=outcome.checkpoint,
            set_aside=listed,
            set_aside_count=count,
        )
        return Ended(entry, count_lines(settled.kept), count_lines(settled.new), anew)

    @property
    def _held(self) -> str:
        return find_held(self._before.reason) if self._before else ""

    def _settle(
        self, batches: Sequence[StoredBatch], read: Read, outcome: Outcome, rule: Holdback | None
    ) -> Settled:
        if self._writer.stream.key:
            before = self._before.set_aside if self._before else ()
            objects = self._writer.read_back()
            return settle_keyed(objects, self._lineage, batches, read.given, outcome, before, rule)
        gone = count_lines(read.left)
        # without a key nobody knows which of them are those that were set aside
        if self._lineage is None or outcome.status == "upserts" or outcome.set_aside:
            return Settled({}, {})
        rows = self._lineage.state.rows
        if rule is not None and rule.doubts(gone, rows):
            return Settled({}, {}, name_held(gone, rows))
        return Settled(read.left, {})

    def _write(
        self, batches: Sequence[StoredBatch], read: Read, settled: Settled
    ) -> tuple[StreamEntry, str]:
        lineage, writer = self._lineage, self._writer
        came = self._print(read.new, read.lanes) - self._sum(batches, settled.new)
        if lineage is None:
            return writer.close(came, read.generated, None, settled.new), ""
        kept = lineage.state
        if not batches and not settled.kept and not lineage.due and self._is_same(read):
            return self._sync.keep(writer.stream.name), ""
        stays = kept.fingerprint - self._sum(kept.batches, settled.kept)
        if lineage.due:
            self._write_anew(lineage, batches, settled, stays)
            return writer.close(stays + came, read.generated, None, settled.new), lineage.due
        add_parts(writer, kept, batches, settled.kept, settled.new)
        dead = {**settled.kept, **settled.new}
        return writer.close(stays + came, read.generated, kept, dead), ""

    def _write_anew(
        self, lineage: Lineage, batches: Sequence[StoredBatch], settled: Settled, stays: Fingerprint
    ) -> None:
        writer, kept = self._writer, lineage.state
        dead = {
            batch: sorted([*lineage.gone().get(batch, ()), *settled.kept.get(batch, ())])
            for batch in {*lineage.gone(), *settled.kept}
        }
        least = self._rules.typed_from
        typed = least is not None and (
            kept.parts is not None or writer.stream.estimated_bytes >= least
        )
        rows, lanes = write_anew(writer, writer.read_back(), kept, dead, typed=typed)
        if (rows, lanes) != (stays.rows, stays.lanes):
            raise IntegrityError(f"{writer.stream.name} does not have the fingerprint it had.")
        if typed:
            add_inserts(writer, batches, writer.highest)

    def _sum(self, batches: Sequence[StoredBatch], dead: Dead) -> Fingerprint:
        if not dead:
            return self._print(0, (0, 0, 0, 0))
        stream, objects = self._writer.stream, self._writer.read_back()
        encoding = open_encoding(stream.encoding, stream.schema)
        return self._print(count_lines(dead), sum_lines(objects, encoding, batches, dead))

    def _print(self, rows: int, lanes: Lanes) -> Fingerprint:
        return Fingerprint(digest_schema(self._writer.stream.schema), rows, lanes)

    def _is_same(self, read: Read) -> bool:
        if self._lineage is None or self._lineage.state.generated != read.generated:
            return False
        schema = write_document(dict(self._writer.stream.schema))
        return digest(schema) == self._lineage.state.schema.plain_sha256

    def _count_aside(self, outcome: Outcome, settled: Settled) -> tuple[tuple[SetAside, ...], int]:
        """Give what is set aside now. What was before is so until it is met, or missed by a
        complete listing."""
        now = {one.key: one for one in outcome.set_aside}
        count = len(now)
        if outcome.status == "upserts" and self._before is not None:
            met = settled.met
            for one in self._before.set_aside:
                if one.key not in now and hash_keys([one.key])[0] not in met:
                    now[one.key] = one
            count = len(now) + self._before.set_aside_count - len(self._before.set_aside)
        listed = [replace(one, reason=one.reason[:MOST_REASON]) for one in now.values()]
        return tuple(listed[:MOST_SET_ASIDE]), count


def carry_stream(sync: SyncWriter, name: str, reason: str, *, again: bool = False) -> StreamEntry:
    """Keep a stream as the base has it; what is held back of it stays held back. With `again` the
    next reading is told no checkpoint: it has to read all of it."""
    before = sync.known(name)
    held = find_held(before.reason) if before else ""
    said = [reason] if not held or held in reason else [reason, held]
    entry = sync.carry(name, BETWEEN.join(said))
    return replace(entry, checkpoint=None) if again else entry


def _check_outcome(outcome: Outcome, name: str, *, keyed: bool) -> None:
    if outcome.deleted and not keyed:
        raise FailedError("Records without keys were said to be deleted by key.", subject=name)
    wrapped: Any = outcome.checkpoint
    for _ in range(_WRAPPED):
        wrapped = [wrapped]
    try:
        body = write_document({"checkpoint": wrapped})
        parse_document(body, "A checkpoint")
    except (IntegrityError, TypeError, ValueError) as error:
        raise FailedError(
            f"A checkpoint is no JSON that can be kept: {error}", subject=name
        ) from error
    if len(body) > MOST_CHECKPOINT:
        raise FailedError(f"A checkpoint of {len(body)} bytes is too large.", subject=name)


def _name_aside(count: int) -> str:
    if not count:
        return ""
    return (
        f"{count:,} record{'s' if count != 1 else ''} could not be read and {_is(count)} set aside"
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
