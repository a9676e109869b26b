"""One stream on its way through a sync: what it builds on, what was found, how it ends.

Ends in one of four ways: as it was (nothing changed), as a change of what it was, written anew, or
carried because it could not be read. Thread-safe while its parts are read. Knows no source.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from listbackup.errors import FailedError, IntegrityError
from listbackup.events import Emit, Progressed, StreamDone
from listbackup.records import Closing, Json, Outcome, Part, Stream
from listbackup.records.fingerprints import NO_LANES, Fingerprint, add_lanes, digest_schema
from listbackup.sync.encoding import Encoder, Tally, Typing, Work, plan_work
from listbackup.sync.ending import Ending, Read, carry_stream
from listbackup.sync.lineages import DAMAGED, Lineage, Presence, Rules, Slice, find_lineage
from listbackup.sync.marking import Cuts, Cutter, Sums
from listbackup.sync.matching import ORDER
from listbackup.sync.replacing import count_lines
from listbackup.sync.resuming import COPIED, TakenOver
from listbackup.sync.settling import NOT_GIVEN
from listbackup.sync.views import add_parts
from listbackup.vault.documents import write_document
from listbackup.vault.hashes import Array
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.places import Told, tell
from listbackup.vault.refs import digest
from listbackup.vault.writer import SyncWriter


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all streams of a sync. Those that are read `over_time` end as their outcomes
    say, and with `doubting` mass deletes of them are held back. Readings that give marks are cut
    at them, and `told` says what they build on."""

    rules: Rules
    presence: Presence
    over_time: bool = False
    doubting: bool = False
    cuts: Cuts | None = None
    told: Mapping[str, Told] = field(default_factory=dict)


class StreamProgress:
    """One stream of a running sync."""

    def __init__(
        self,
        stream: Stream,
        parts: Sequence[Part],
        writer: SyncWriter,
        terms: Terms,
        emit: Emit,
        taken: TakenOver | None = None,
    ) -> None:
        self.stream = stream
        self.failure = ""
        self.anew = ""
        self.new = 0
        self.gone = 0
        self._parts = parts
        self._sync = writer
        self._writer = writer.stream(stream)
        self._terms = terms
        self._emit = emit
        self._lock = threading.Lock()
        self._sums: dict[int, Sums] = {}
        self._dead: dict[str, list[tuple[int, int]]] = {}
        self._given: dict[int, Array] = {}
        self._slices: dict[int, Slice] = {}
        self._known = False
        self._lineage: Lineage | None = None
        self._taken = taken
        self._cutter: Cutter | None = None
        if taken is not None:
            taken.hand_on(writer.objects, self._writer, writer.started)
            self._sums[parts[0].number] = Sums(new=taken.rows, new_lanes=taken.lanes)
        if terms.cuts is not None and len(parts) == 1:
            told = terms.told.get(stream.name, tell(None, None))
            self._cutter = Cutter(terms.cuts, writer, self._writer, told)

    @property
    def read_bytes(self) -> int:
        """Bytes of source form that were read."""
        return sum(sums.bytes for sums in self._sums.values())

    def begin(self, part: Part, encoder: Encoder) -> None:
        """Set an encoder to work on a part. Raises IntegrityError where the hashes of earlier lines
        are damaged, FailedError where what is taken over does not fit, and what the store
        raises."""
        encoder.begin(self._plan(part), self._writer.hold, partial(self._add, part.number))

    def end(self, part: Part, encoder: Encoder) -> None:
        """Take what an encoder says at the end of a part."""
        left = encoder.finish()
        slice_ = self._slices.get(part.number)
        if slice_ is None:
            return
        with self._lock:
            if self._recognises:
                self._given[part.number] = np.frombuffer(left, ORDER)
                return
            for batch, some in slice_.locate(left).items():
                self._dead.setdefault(batch, []).extend(some)

    def take(self, chunk: bytes, encoder: Encoder) -> None:
        """Take whole lines of source form, of a part that was begun."""
        if self._cutter is not None:
            self._cutter.give(len(chunk))
        encoder.add(chunk)

    def mark(self, part: Part, place: Json, encoder: Encoder) -> None:
        """Hear that a part was given up to a place; None: that it is given anew from its start."""
        if place is None:
            self._start_over(part, encoder)
        elif self._cutter is not None:
            with self._lock:
                sums = self._sums.setdefault(part.number, Sums())
            self._cutter.mark(place, encoder, sums)

    def close(self, reason: str, closing: Closing) -> StreamEntry:
        """End the stream: carried where there is a reason, else as it was found."""
        entry = carry_stream(self._sync, self.stream.name, reason) if reason else None
        entry = entry or self._finish(closing)
        if entry.status == "carried":
            self.new, self.gone, self.anew = 0, 0, ""
        said = entry.reason or (f"written anew: {self.anew}" if self.anew else "")
        self._emit(StreamDone(entry.name, entry.status, entry.rows, said, self.new, self.gone))
        return entry

    def _plan(self, part: Part) -> Work:
        terms, taken = self._terms, self._taken
        work = replace(
            plan_work(self.stream, part.home),
            order=part.number + 1,
            apart=terms.over_time,
            marked=self._cutter is not None,
            known=taken.known if taken else b"",
            before=taken.rows if taken else 0,
        )
        lineage = self._find_lineage()
        if lineage is None:
            return replace(work, typing=self._plan_typing(part))
        if part.number not in self._slices:
            with self._lock:
                whole = lineage.whole() if self._recognises else lineage.slice(part.home)
            if whole is None:
                return work
            self._slices[part.number] = whole
        return replace(work, earlier=self._slices[part.number].earlier)

    def _add(self, part: int, tally: Tally) -> None:
        with self._lock:
            self._sums.setdefault(part, Sums()).add(tally)
        self._emit(Progressed(self.stream.name, tally.rows, tally.bytes))
        self._sync.keep_journal()

    def _start_over(self, part: Part, encoder: Encoder) -> None:
        encoder.abandon()
        self._writer.drop(part.number + 1, *([0, COPIED] if self._taken else []))
        with self._lock:
            self._sums.pop(part.number, None)
            self._taken = None
        if self._cutter is not None:
            self._cutter.start_over()
        self.begin(part, encoder)

    def _finish(self, closing: Closing) -> StreamEntry:
        outcome = closing.outcomes.get(self.stream.name)
        if self._terms.over_time:
            return self._end_over_time(outcome or Outcome(), closing)
        if outcome is not None:
            raise FailedError(
                "A source that shows one moment said what it read over time.",
                subject=self.stream.name,
            )
        return self._end_as_read(closing)

    def _end_over_time(self, outcome: Outcome, closing: Closing) -> StreamEntry:
        name, lineage = self.stream.name, self._find_lineage()
        if self.anew and outcome.status == "upserts":
            return carry_stream(
                self._sync, name, f"{self.anew}; it has to be read in full", again=True
            )
        doubting = self._terms.doubting and outcome.status == "complete"
        read = self._sum_up(closing.generated.get(name))
        try:
            ended = Ending(self._sync, self._writer, lineage, self._terms.rules).end(
                read, outcome, doubting=doubting
            )
        except IntegrityError as error:
            return carry_stream(self._sync, name, f"{DAMAGED}: {error.message}", again=True)
        self.new, self.gone = read.new - ended.repeated, ended.gone
        self.anew = self.anew or ended.anew
        return ended.entry

    def _sum_up(self, generated: Fingerprint | None) -> Read:
        """Join what the parts gave, as if they had been read one after the other."""
        total = Fingerprint("", 0)
        given: Array | None = None
        for number, sums in sorted(self._sums.items()):
            orders = self._given.get(number)
            if orders is not None:
                moved = np.where(orders == NOT_GIVEN, NOT_GIVEN, orders + total.rows)
                given = moved if given is None else np.maximum(given, moved)
            total += sums.print()
        slices = list(self._slices.values())
        spread = slices[0].spread(given) if slices and given is not None else {}
        left = {batch: sorted(runs) for batch, runs in sorted(self._dead.items())}
        return Read(total.rows, total.lanes, spread, left, generated)

    def _end_as_read(self, closing: Closing) -> StreamEntry:
        name, rows, lanes = self.stream.name, 0, NO_LANES
        for sums in self._sums.values():
            rows, lanes = rows + sums.rows, add_lanes(lanes, sums.lanes)
            self.new += sums.new
        fingerprint = Fingerprint(digest_schema(self.stream.schema), rows, lanes)
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
        self.gone = count_lines(dead)
        add_parts(self._writer, kept, batches, dead)
        return self._writer.close(fingerprint, generated, kept, dead)

    def _schema_stays(self, known: str) -> bool:
        return digest(write_document(dict(self.stream.schema))) == known

    @property
    def _recognises(self) -> bool:
        return self._terms.over_time and bool(self.stream.key)

    def _find_lineage(self) -> Lineage | None:
        with self._lock:
            if not self._known:
                homes = [part.home for part in self._parts]
                terms, before = self._terms, self._sync.before
                self._lineage, self.anew = find_lineage(
                    before,
                    self.stream,
                    homes,
                    terms.rules,
                    terms.presence,
                    over_time=terms.over_time,
                )
                self._known = True
            return self._lineage

    def _plan_typing(self, part: Part) -> Typing | None:
        least = self._terms.rules.typed_from
        if least is None or self.stream.estimated_bytes < least:
            return None
        step = len(self._parts)
        first = part.number + 1
        # a part that is given anew has used some of its numbers
        used = max(0, self._writer.highest - first + 1)
        return Typing(self._writer.prefix, first + -(-used // step) * step, step)
