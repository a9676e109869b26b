"""The engine: reads every part of every stream, hashes, encodes and hands on, then commits.

Several threads each read one part at a time. A stream whose part fails is carried: its earlier
state stays, and the snapshot is partial, with the reason. Knows sources and vaults through what
they say of records; never which platform or store is behind them.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import SimpleQueue

from listbackup.errors import RefusedError, SourceError
from listbackup.events import Emit, Progressed, StepDone, StepStarted, StreamDone, WorkPlanned
from listbackup.records import Closing, FeedingReading, Identity, Part, Reading, Source, Stream
from listbackup.records.fingerprints import NO_LANES, Fingerprint, Lanes, add_lanes, digest_schema
from listbackup.sync.children import ChildEncoder
from listbackup.sync.encoding import Encoder, LocalEncoder, Tally, plan_work
from listbackup.vault.beginning import begin_sync
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.opening import Vault
from listbackup.vault.sources import Committed
from listbackup.vault.streams import StreamWriter
from listbackup.vault.writer import SyncWriter


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to read: parts at once, and whether another server under the known id is accepted.

    Sources estimated at `children_from` bytes or more are encoded in processes beside this one.
    """

    jobs: int = 2
    accept_new_server: bool = False
    children_from: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync committed, and what it has to say about it."""

    commit: Committed
    streams: Sequence[StreamEntry]
    reasons: Sequence[str]
    rows: int
    plain_bytes: int
    declared: Sequence[str]


@dataclass(slots=True)
class _Progress:
    """One stream on its way: its writer, what was hashed so far, and why it failed if it did."""

    stream: Stream
    writer: StreamWriter
    emit: Emit
    rows: int = 0
    bytes: int = 0
    lanes: Lanes = NO_LANES
    failure: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, tally: Tally) -> None:
        with self.lock:
            self.rows += tally.rows
            self.bytes += tally.bytes
            self.lanes = add_lanes(self.lanes, tally.lanes)
        self.emit(Progressed(self.stream.name, tally.rows, tally.bytes))


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
            return _Sync(reading, writer, options, emit).run()
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
            f"This is another database than the one that {name} was before: "
            f"{found.engine} {found.container} on {found.server}, "
            f"not {known.container} on {known.server}.",
            subject=name,
            risk="Nothing was written; earlier snapshots are untouched.",
            hint="Give it a --name of its own, or --accept-new-server after an upgrade or move.",
        )


class _Sync:
    def __init__(
        self, reading: Reading, writer: SyncWriter, options: SyncOptions, emit: Emit
    ) -> None:
        self._reading = reading
        self._writer = writer
        self._options = options
        self._emit = emit
        self._stop = threading.Event()
        self._encoders: SimpleQueue[Encoder] = SimpleQueue()

    def run(self) -> SyncResult:
        reading = self._reading
        progress, parts = self._plan()
        self._emit(StepStarted("reading"))
        self._read_all(progress, parts)
        closing = reading.finish()
        self._emit(StepDone("reading"))
        unread = {one.name: one.reason for one in (*reading.unread, *closing.unread)}
        entries = [self._close_stream(one, unread, closing) for one in progress.values()]
        entries += [
            self._writer.carry(name, reason)
            for name, reason in unread.items()
            if name not in progress
        ]
        reasons = [f"{one.name}: {one.reason}" for one in entries if one.status == "carried"]
        commit = self._writer.commit(
            reading.identity, reading.as_of, entries, reading.declared, closing, reasons
        )
        declared = (*reading.declared, *closing.declared)
        return SyncResult(
            commit,
            entries,
            reasons,
            sum(one.rows for one in entries),
            sum(one.bytes for one in progress.values()),
            [f"{one.subject}: {one.what} ({one.reason})" for one in declared],
        )

    def _plan(self) -> tuple[dict[str, _Progress], list[Part]]:
        streams, all_parts = {}, []
        for stream in self._reading.streams:
            parts = list(self._reading.parts(stream))
            all_parts.extend(parts)
            streams[stream.name] = _Progress(stream, self._writer.stream(stream), self._emit)
        all_parts.sort(key=lambda part: -part.estimated_bytes)
        self._emit(
            WorkPlanned(
                len(streams),
                sum(one.stream.estimated_rows for one in streams.values()),
                sum(one.stream.estimated_bytes for one in streams.values()),
            )
        )
        return streams, all_parts

    def _read_all(self, progress: dict[str, _Progress], parts: Sequence[Part]) -> None:
        pool = ThreadPoolExecutor(self._options.jobs, thread_name_prefix="read")
        children = self._open_encoders(sum(part.estimated_bytes for part in parts))
        try:
            work = [pool.submit(self._read_part, progress[part.stream], part) for part in parts]
            for extra in self._reading.extras():
                self._writer.put_extra(extra)
            _raise_first(work)
        except BaseException:
            self._stop.set()
            for child in children:
                child.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for child in children:
                child.close()

    def _open_encoders(self, estimated_bytes: int) -> Sequence[ChildEncoder]:
        """Give every reading thread an encoder: a process of its own where that pays."""
        large = estimated_bytes >= self._options.children_from
        children = [ChildEncoder() for _ in range(self._options.jobs)] if large else []
        for number in range(self._options.jobs):
            self._encoders.put(children[number] if children else LocalEncoder())
        return children

    def _read_part(self, progress: _Progress, part: Part) -> None:
        if progress.failure:
            return
        encoder = self._encoders.get()
        try:
            encoder.begin(plan_work(progress.stream), progress.writer.hold, progress.add)
            self._receive_part(part, encoder)
            encoder.finish()
        except SourceError as error:
            progress.failure = error.message
            encoder.abandon()
        finally:
            self._encoders.put(encoder)

    def _receive_part(self, part: Part, encoder: Encoder) -> None:
        reading = self._reading
        if isinstance(encoder, ChildEncoder) and isinstance(reading, FeedingReading):
            with reading.feed(part) as feed:
                if feed is not None:
                    encoder.receive(feed)
                    return
        for chunk in reading.read(part):
            if self._stop.is_set():
                raise SourceError("The sync was ended.")
            encoder.add(chunk)

    def _close_stream(
        self, progress: _Progress, unread: dict[str, str], closing: Closing
    ) -> StreamEntry:
        name = progress.stream.name
        reason = progress.failure or unread.get(name, "")
        if reason:
            entry = self._writer.carry(name, reason)
        else:
            columns = digest_schema(progress.stream.schema)
            fingerprint = Fingerprint(columns, progress.rows, progress.lanes)
            entry = progress.writer.close(fingerprint, closing.generated.get(name))
        self._emit(StreamDone(name, entry.status, entry.rows, entry.reason))
        return entry


def _raise_first(work: Sequence["Future[None]"]) -> None:
    done, _ = wait(work, return_when=FIRST_EXCEPTION)
    for one in done:
        one.result()
