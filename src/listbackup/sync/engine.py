"""The engine: reads every part of every stream, hashes, encodes and hands on, then commits.

Several threads each read one part at a time. A stream whose part fails is carried: its earlier
state stays, and the snapshot is partial, with the reason. Knows sources and vaults through what
they say of records; never which platform or store is behind them.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import SimpleQueue

from listbackup.errors import IntegrityError, InterruptedByUser, RefusedError, SourceError
from listbackup.events import Emit, StepDone, StepStarted, WorkPlanned
from listbackup.records import (
    Before,
    ContinuingReading,
    FeedingReading,
    Identity,
    Mark,
    Part,
    Reading,
    Source,
)
from listbackup.sync.children import ChildEncoder, ChildProcess
from listbackup.sync.encoding import Encoder, LocalEncoder
from listbackup.sync.ending import carry_stream
from listbackup.sync.growing import MUCH, Beside, GrowingEncoder
from listbackup.sync.lineages import Presence, Rules
from listbackup.sync.marking import Cuts
from listbackup.sync.progress import StreamProgress, Terms
from listbackup.sync.resuming import TakenOver, describe_streams, take_over, tell_streams
from listbackup.vault.beginning import begin_sync
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.opening import Vault
from listbackup.vault.sources import Committed
from listbackup.vault.writer import SyncWriter, is_short

LOOK_EVERY = 0.5
"""So often, in seconds, it is asked whether to end."""
VIEWS_AT_ONCE = 1
"""So many typed views are made at once within this process: more would not be faster, for most of
the work holds the interpreter's lock, and each takes some 100 MB."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to read: parts at once, and whether another server under the known id is accepted.

    Sources estimated at `children_from` bytes or more are encoded in processes beside this one,
    streams that are read over time when so many bytes of one have come (`beside_from`).
    The typed view is made of streams of `typed_from` bytes or more, as far as that is known (None:
    of none); that of smaller ones is made when it is asked for. A stream is written anew when its
    oldest batch is older than `rebase_after`. `accept_deletes` believes a source that mass deletes
    are true. `halted` is asked now and then whether to end: who does not run in the main thread
    hears of no signal. Streams that are read over time are cut as `cuts` says, for a later attempt.
    """

    jobs: int = 2
    accept_new_server: bool = False
    children_from: int = 64 * 1024 * 1024
    beside_from: int = MUCH
    typed_from: int | None = 1024 * 1024
    rebase_after: timedelta = timedelta(days=90)
    accept_deletes: bool = False
    halted: Callable[[], bool] = lambda: False
    cuts: Cuts = field(default_factory=Cuts)


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync committed, and what it has to say about it: rows of all streams, plain bytes
    that were read, rows that were new, rows that went, bytes that were stored; `anew` says of
    streams that had to be written anew why."""

    commit: Committed
    streams: Sequence[StreamEntry]
    reasons: Sequence[str]
    rows: int
    plain_bytes: int
    declared: Sequence[str]
    new_rows: int
    gone_rows: int
    anew: Mapping[str, str]
    stored_bytes: int


def run_sync(source: Source, vault: Vault, name: str, options: SyncOptions) -> SyncResult:
    """Read a source whole and commit what was read.

    Raises AuthError, SourceError when nothing can be read, RefusedError when it is another
    database than before, BusyError when another sync won, IntegrityError, StoreError.
    """
    emit = vault.emit
    emit(StepStarted("opening the source"))
    reading = source.open()
    try:
        emit(StepDone("opening the source"))
        writer = begin_sync(vault, name)
        try:
            _check_identity(writer, reading.identity, name, options)
            sync = _Sync(reading, writer, options, emit, vault.host.clock.now())
            if not sync.go_on():
                # what an earlier attempt left is of no use: the reading begins without it
                reading.close()
                reading = source.open()
                sync.begin_anew(reading)
            return sync.run()
        finally:
            writer.close()
    finally:
        reading.close()


def _check_identity(writer: SyncWriter, found: Identity, name: str, options: SyncOptions) -> None:
    known = writer.base.identity if writer.base else None
    if known is None or options.accept_new_server:
        return
    if (known.engine, known.server, known.container) != (
        found.engine,
        found.server,
        found.container,
    ):
        raise RefusedError(
            f"This is another database or account than the one that {name} was: "
            f"{found.engine} {found.container} on {found.server}, "
            f"not {known.container} on {known.server}.",
            subject=name,
            risk="Nothing was written; earlier snapshots are untouched.",
            hint="Give it a --name of its own, or --accept-new-server after an upgrade or move.",
        )


class _Sync:
    def __init__(
        self,
        reading: Reading,
        writer: SyncWriter,
        options: SyncOptions,
        emit: Emit,
        now: datetime,
    ) -> None:
        self._reading = reading
        self._writer = writer
        self._options = options
        self._emit = emit
        self._stop = threading.Event()
        self._encoders: SimpleQueue[Encoder] = SimpleQueue()
        rules = Rules(now, options.rebase_after, options.typed_from)
        over_time = not reading.consistent
        doubting = over_time and not options.accept_deletes
        self._terms = Terms(rules, Presence(writer.objects), over_time, doubting)
        # what comes piece by piece may have a piece that is no record: that ends one stream only
        self._survived = (SourceError, IntegrityError) if over_time else (SourceError,)
        self._before: Mapping[str, Before] = {}
        self._taken: Mapping[str, TakenOver] = {}

    def go_on(self) -> bool:
        """Tell a reading that goes on what is known; False where it reads a stream otherwise than
        the attempt that it was told of."""
        reading, writer, terms = self._reading, self._writer, self._terms
        if reading.consistent or not isinstance(reading, ContinuingReading):
            return True
        cuts = self._options.cuts
        self._before = describe_streams(writer, terms.presence)
        told = tell_streams(writer, self._before)
        self._terms = terms = replace(terms, cuts=cuts, told=told)
        self._taken = take_over(writer, told, cuts.within, terms.rules, terms.presence)
        places = {name: one.place for name, one in self._taken.items()}
        nothing = Before()
        known = {
            name: replace(self._before.get(name, nothing), place=places[name]) for name in places
        }
        reading.go_on({**self._before, **known})
        return all(
            self._taken[stream.name].fits(stream, len(reading.parts(stream)))
            for stream in reading.streams
            if stream.name in self._taken
        )

    def begin_anew(self, reading: Reading) -> None:
        """Take another reading, which is told nothing of earlier attempts."""
        self._reading, self._taken = reading, {}
        if isinstance(reading, ContinuingReading):
            reading.go_on(self._before)

    def run(self) -> SyncResult:
        reading = self._reading
        progress, parts = self._plan()
        self._emit(StepStarted("reading"))
        self._read_all(progress, parts)
        closing = reading.finish()
        self._emit(StepDone("reading"))
        unread = {one.name: one.reason for one in (*reading.unread, *closing.unread)}
        entries = [
            one.close(one.failure or unread.get(name, ""), closing)
            for name, one in progress.items()
        ]
        entries += [
            carry_stream(self._writer, name, reason)
            for name, reason in unread.items()
            if name not in progress
        ]
        reasons = [f"{one.name}: {one.reason}" for one in entries if is_short(one)]
        commit = self._writer.commit(
            reading.identity, reading.as_of, entries, reading.declared, closing, reasons
        )
        declared = (*reading.declared, *closing.declared)
        return SyncResult(
            commit,
            entries,
            reasons,
            sum(one.rows for one in entries),
            sum(one.read_bytes for one in progress.values()),
            [f"{one.subject}: {one.what} ({one.reason})" for one in declared],
            sum(one.new for one in progress.values()),
            sum(one.gone for one in progress.values()),
            {name: one.anew for name, one in progress.items() if one.anew},
            self._writer.stored_bytes,
        )

    def _plan(self) -> tuple[dict[str, StreamProgress], list[Part]]:
        streams, all_parts = {}, []
        for stream in self._reading.streams:
            parts = list(self._reading.parts(stream))
            all_parts.extend(parts)
            streams[stream.name] = StreamProgress(
                stream, parts, self._writer, self._terms, self._emit, self._taken.get(stream.name)
            )
        if self._reading.consistent:
            # over time order has a meaning: parents are read before their children
            all_parts.sort(key=lambda part: -part.estimated_bytes)
        self._emit(WorkPlanned(len(streams), *self._estimate(streams.values())))
        return streams, all_parts

    def _estimate(self, streams: Iterable[StreamProgress]) -> tuple[int, int]:
        """Say about how many rows and bytes are to be read: unknown of a source read over time,
        which may give what changed or all."""
        if not self._reading.consistent:
            return 0, 0
        plans = [one.stream for one in streams]
        return sum(one.estimated_rows for one in plans), sum(one.estimated_bytes for one in plans)

    def _read_all(self, progress: dict[str, StreamProgress], parts: Sequence[Part]) -> None:
        pool = ThreadPoolExecutor(self._options.jobs, thread_name_prefix="read")
        encoders = self._open_encoders(sum(part.estimated_bytes for part in parts))
        try:
            work = [pool.submit(self._read_part, progress[part.stream], part) for part in parts]
            for extra in self._reading.extras():
                self._writer.put_extra(extra)
            _raise_first(work, self._options.halted)
        except BaseException:
            self._stop.set()
            if not self._reading.consistent:
                # who waits for a platform would see nothing of it for hours
                self._reading.close()
            for encoder in encoders:
                encoder.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for encoder in encoders:
                encoder.close()

    def _open_encoders(self, estimated_bytes: int) -> Sequence[Encoder]:
        """Give every reading thread an encoder, in a process of its own where that pays; of what is
        read over time nobody knows that yet, and all share a process."""
        options, jobs = self._options, self._options.jobs
        turns, encoders = threading.Semaphore(VIEWS_AT_ONCE), list[Encoder]()
        if self._terms.cuts is not None:
            beside = Beside(jobs)
            local = [LocalEncoder(turns, jobs) for _ in range(jobs)]
            sizes = (options.beside_from, options.typed_from or 0)
            encoders += [GrowingEncoder(one, beside, *sizes) for one in local]
        elif estimated_bytes >= options.children_from:
            encoders += [ChildProcess().encoders[0] for _ in range(jobs)]
        else:
            encoders += [LocalEncoder(turns, jobs) for _ in range(jobs)]
        for encoder in encoders:
            self._encoders.put(encoder)
        return encoders

    def _read_part(self, progress: StreamProgress, part: Part) -> None:
        if progress.failure or self._stop.is_set():
            return
        encoder = self._encoders.get()
        try:
            progress.begin(part, encoder)
            self._receive_part(progress, part, encoder)
            progress.end(part, encoder)
        except self._survived as error:
            progress.failure = error.message
            encoder.abandon()
        except BaseException:
            # before the encoder is another part's: what it still says is of this one
            self._stop.set()
            raise
        finally:
            self._encoders.put(encoder)

    def _receive_part(self, progress: StreamProgress, part: Part, encoder: Encoder) -> None:
        reading = self._reading
        if isinstance(reading, ContinuingReading) and self._terms.cuts is not None:
            for one in reading.read_on(part):
                self._stop_if_asked()
                if isinstance(one, Mark):
                    progress.mark(part, one.place, encoder)
                else:
                    progress.take(one, encoder)
            return
        if isinstance(encoder, ChildEncoder) and isinstance(reading, FeedingReading):
            with reading.feed(part) as feed:
                if feed is not None:
                    encoder.receive(feed)
                    return
        for chunk in reading.read(part):
            self._stop_if_asked()
            encoder.add(chunk)

    def _stop_if_asked(self) -> None:
        if self._stop.is_set():
            raise SourceError("The sync was ended.")


def _raise_first(work: Sequence["Future[None]"], halted: Callable[[], bool]) -> None:
    left = set(work)
    while left and not halted():
        done, left = wait(left, timeout=LOOK_EVERY, return_when=FIRST_EXCEPTION)
        for one in done:
            one.result()
    if halted():
        raise InterruptedByUser("It was interrupted.")
