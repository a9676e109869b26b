"""One stream on its way through a sync: what it builds on, what was found, how it ends.

Ends in one of four ways: as it was (nothing changed), as a change of what it was, written anew, or
carried because it could not be read. Thread-safe while its parts are read. Knows no source.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from listbackup.events import Emit, Progressed, StreamDone
from listbackup.records import Closing, Part, Stream, StreamStatus
from listbackup.records.fingerprints import NO_LANES, Fingerprint, add_lanes, digest_schema
from listbackup.sync.encoding import Tally, Typing, Work, plan_work
from listbackup.sync.holdback import REASON, Held, Holdback, hold_back
from listbackup.sync.lineages import Lineage, Presence, Rules, Slice, find_lineage
from listbackup.sync.replacing import count_lines
from listbackup.sync.views import add_parts
from listbackup.vault.batches import CutBatch
from listbackup.vault.documents import write_document
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.refs import digest
from listbackup.vault.states import Runs
from listbackup.vault.writer import SyncWriter


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all streams of a sync. With `doubting` mass deletes are held back."""

    rules: Rules
    presence: Presence
    doubting: bool


class StreamProgress:
    """One stream of a running sync."""

    def __init__(
        self,
        stream: Stream,
        parts: Sequence[Part],
        writer: SyncWriter,
        terms: Terms,
        emit: Emit,
    ) -> None:
        self.stream = stream
        self.failure = ""
        self.anew = ""
        self.bytes = 0
        self.new = 0
        self.gone = 0
        self._parts = parts
        self._sync = writer
        self._writer = writer.stream(stream)
        self._terms = terms
        self._emit = emit
        self._lock = threading.Lock()
        self._rows = 0
        self._lanes = NO_LANES
        self._dead: dict[str, list[tuple[int, int]]] = {}
        self._known = False
        self._lineage: Lineage | None = None

    def plan(self, part: Part) -> tuple[Work, Slice | None]:
        """Say how a part is to be encoded, and which earlier lines it had. Raises IntegrityError
        where their hashes are damaged, and what the store raises."""
        work = plan_work(self.stream, part.home)
        lineage = self._find_lineage()
        if lineage is None:
            return replace(work, typing=self._plan_typing(part)), None
        slice_ = lineage.slice(part.home)
        return replace(work, earlier=slice_.earlier), slice_

    def hold(self, batch: CutBatch) -> None:
        """Take a batch of new lines."""
        self._writer.hold(batch)

    def add(self, tally: Tally) -> None:
        """Take what was hashed."""
        with self._lock:
            self._rows += tally.rows
            self._lanes = add_lanes(self._lanes, tally.lanes)
            self.bytes += tally.bytes
            self.new += tally.new
        self._emit(Progressed(self.stream.name, tally.rows, tally.bytes))
        self._sync.keep_journal()

    def lose(self, runs: Mapping[str, Runs]) -> None:
        """Take the positions of earlier lines that a part did not have any more."""
        with self._lock:
            for batch, some in runs.items():
                self._dead.setdefault(batch, []).extend(some)

    def close(self, reason: str, closing: Closing) -> StreamEntry:
        """End the stream: carried where there is a reason, else as it was found."""
        entry = self._carry(reason) if reason else self._finish(closing)
        if reason:
            self.new, self.gone, self.anew = 0, 0, ""
        said = entry.reason or (f"written anew: {self.anew}" if self.anew else "")
        self._emit(StreamDone(entry.name, entry.status, entry.rows, said, self.new, self.gone))
        return entry

    def _carry(self, reason: str) -> StreamEntry:
        return self._sync.carry(self.stream.name, reason)

    def _finish(self, closing: Closing) -> StreamEntry:
        name = self.stream.name
        fingerprint = Fingerprint(digest_schema(self.stream.schema), self._rows, self._lanes)
        generated = closing.generated.get(name)
        lineage = self._find_lineage()
        if lineage is None:
            return self._writer.close(fingerprint, generated)
        kept = lineage.state
        dead = {batch: sorted(runs) for batch, runs in sorted(self._dead.items())}
        batches = self._writer.finish()
        same = (kept.fingerprint, kept.generated) == (fingerprint, generated)
        if not batches and not dead and same and self._schema_stays(kept.schema.plain_sha256):
            return self._sync.keep(name)
        held = Held(dead, fingerprint, "")
        if self._believes_nothing():
            rule, schema = Holdback(), self.stream.schema
            held = hold_back(
                rule, self._writer.read_back(), kept, schema, batches, dead, fingerprint
            )
        self.gone = count_lines(held.dead)
        add_parts(self._writer, kept, batches, held.dead)
        status: StreamStatus = "upserts" if held.reason else "complete"
        return self._writer.close(held.fingerprint, generated, kept, held.dead, status, held.reason)

    def _believes_nothing(self) -> bool:
        """Whether a mass delete is doubted: not where it was seen twice."""
        before = self._sync.before.entry(self.stream.name) if self._sync.before else None
        seen = before is not None and before.reason.startswith(REASON)
        return self._terms.doubting and not seen

    def _schema_stays(self, known: str) -> bool:
        return digest(write_document(dict(self.stream.schema))) == known

    def _find_lineage(self) -> Lineage | None:
        with self._lock:
            if not self._known:
                homes = [part.home for part in self._parts]
                terms, before = self._terms, self._sync.before
                self._lineage, self.anew = find_lineage(
                    before, self.stream, homes, terms.rules, terms.presence
                )
                self._known = True
            return self._lineage

    def _plan_typing(self, part: Part) -> Typing | None:
        least = self._terms.rules.typed_from
        if least is None or self.stream.estimated_bytes < least:
            return None
        return Typing(self._writer.prefix, part.number + 1, len(self._parts))
