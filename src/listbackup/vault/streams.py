"""Writing one stream of a sync: cut batches in, objects out, a state list at the end.

A stream that stays below 64 KiB rests in the sync's packs. Several threads may write one stream,
each through a `BatchWriter` of its own. A stream may keep an earlier state's batches and name what
died in them; without that all its lines are new. Knows nothing of how lines were read or hashed.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from listbackup.crypto.sealing import Key
from listbackup.errors import FailedError, IntegrityError
from listbackup.events import BatchStored, Emit
from listbackup.objectstore import Tag
from listbackup.records import Stream, StreamStatus
from listbackup.records.fingerprints import Fingerprint
from listbackup.vault.batches import BatchWriter, CutBatch
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.journals import Noted
from listbackup.vault.layout import stream_path
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.objects import Blob, Objects
from listbackup.vault.packs import SMALL, Packer
from listbackup.vault.reading import read_dead_lists
from listbackup.vault.refs import Codec, Ref, digest, digest_blocks
from listbackup.vault.states import Runs, State, StoredBatch, join_dead, read_dead, write_dead
from listbackup.vault.uploads import Uploads

NOTHING_DEAD: Mapping[str, Runs] = MappingProxyType({})


class Sink(Protocol):
    """Where a stream's objects go: one sync."""

    objects: Objects
    packer: Packer
    uploads: Uploads
    prefix: str
    data_key: Key | None
    emit: Emit

    def put(self, blob: Blob, tag: Tag) -> Ref:
        """Store a blob and list it in the manifest."""
        ...

    def part_key(self, path: str, name: str) -> str:
        """Give the key of a part of a stream's typed view."""
        ...

    def adopt(self, stream: str, held: CutBatch) -> Noted | None:
        """Give what a dead attempt stored of the very same lines."""
        ...


@dataclass(slots=True)
class _Sent:
    """A batch on its way to the store, or found there; `noted` where a journal names it."""

    number: int
    home: str
    batch: Future[Ref]
    idx: Future[Ref]
    part: Future[Ref] | None
    noted: bool = False

    def is_put(self) -> bool:
        futures = [one for one in (self.batch, self.idx, self.part) if one is not None]
        return all(one.done() and one.exception() is None for one in futures)

    def to_note(self, stream: str) -> Noted:
        part = self.part.result() if self.part else None
        return Noted(stream, self.batch.result(), self.idx.result(), part)


class StreamWriter:
    """One stream of a running sync."""

    def __init__(self, sink: Sink, stream: Stream) -> None:
        self.stream = stream
        self.path = stream_path(stream.name)
        self.prefix = f"{sink.prefix}{self.path}/batch-"
        self._sink = sink
        self._lock = threading.Lock()
        self._held: list[CutBatch] = []
        self._small = True
        self._number = 0
        self._sent: list[_Sent] = []
        self._batches: list[StoredBatch] | None = None
        self._parts: list[Ref] = []
        self._fresh: dict[str, bytes] = {}
        self._unviewed = ""

    def batch(self) -> BatchWriter:
        """Give a writer for one thread."""
        return BatchWriter(self.hold)

    def hold(self, held: CutBatch) -> None:
        """Take a finished batch: kept while the stream is small, else on its way to the store. One
        whose number is given goes there at once."""
        with self._lock:
            self._unviewed = self._unviewed or held.unviewed
            self._held.append(held)
            size = sum(len(one.body) + len(one.idx) for one in self._held)
            if self._small and size <= SMALL and not held.number:
                return
            self._small = False
            ready, self._held = self._held, []
            numbered = [(one.number or self._next(), one) for one in ready]
        for number, one in numbered:
            self._upload(number, one)

    def finish(self) -> Sequence[StoredBatch]:
        """Store what is held, and give all batches; no more may come. Raises what the store
        raised."""
        if self._batches is None:
            self._batches = self._pack() if self._small else self._collect()
        return self._batches

    def read_back(self) -> Objects:
        """Give what reads finished batches, whether the store shows them yet or not."""
        self.finish()
        if self._small:
            return self._sink.objects.beside(self._fresh)
        self._sink.objects.store.barrier()
        return self._sink.objects

    def leave_unviewed(self, reason: str) -> None:
        """Note that the typed view could not be made, and why."""
        self._unviewed = self._unviewed or reason

    def put_part(self, body: bytes, rows: int, name: str) -> None:
        """Store a part of the typed view that was made of finished batches."""
        if self._small and len(body) < SMALL:
            self._parts.append(
                self._sink.packer.add(lambda key: self._encode_part(key, body, rows))
            )
        else:
            key = self._sink.part_key(self.path, name)
            self._parts.append(self._sink.put(self._encode_part(key, body, rows), "part"))

    def close(
        self,
        fingerprint: Fingerprint,
        generated: Fingerprint | None,
        kept: State | None = None,
        dead: Mapping[str, Runs] = NOTHING_DEAD,
        status: StreamStatus = "complete",
        reason: str = "",
    ) -> StreamEntry:
        """Write schema and state list; `fingerprint` is the whole stream's.

        With `kept` the lines of that earlier state stay, but for what was dead in it and for the
        runs of `dead`, by batch id. Raises FailedError when rows were lost between reading and
        writing or what is kept does not fit, and what the store raised.
        """
        batches = self.finish()
        rows = sum(batch.ref.rows for batch in batches)
        if kept is None and rows != fingerprint.rows:
            raise FailedError(
                f"{rows} rows were written, but {fingerprint.rows} were read.",
                subject=self.stream.name,
            )
        schema = self._small_object("schema.json.gz", write_document(dict(self.stream.schema)))
        state = State(
            stream=self.stream.name,
            batches=tuple(batches),
            dead=(),
            schema=schema,
            key=self.stream.key,
            encoding=self.stream.encoding,
            rows=fingerprint.rows,
            fingerprint=fingerprint,
            generated=generated,
            parts=tuple(self._parts) if len(self._parts) == len(batches) else None,
            unviewed=self._unviewed,
        )
        if kept is not None:
            state = self._keep(state, kept, dead)
        ref = self._small_object("state.json.gz", state.to_bytes())
        return StreamEntry(self.stream.name, self.path, status, ref, state.rows, None, reason)

    def _keep(self, new: State, kept: State, dead: Mapping[str, Runs]) -> State:
        facts = (kept.stream, kept.key, kept.encoding, kept.fingerprint.columns)
        if facts != (new.stream, new.key, new.encoding, new.fingerprint.columns):
            raise FailedError(
                "Its columns, key or encoding changed: what is kept of it does not fit.",
                subject=new.stream,
            )
        plain = write_dead(new.stream, dead)
        try:
            gone = read_dead(read_document(plain, f"The dead list of {new.stream}"), kept)
            lists = [*read_dead_lists(self._sink.objects, kept), gone]
            state = replace(new, batches=(*kept.batches, *new.batches), dead=kept.dead)
            join_dead(state, lists)
        except IntegrityError as error:
            raise FailedError(
                f"What is kept does not add up: {error.message}", subject=new.stream
            ) from error
        parts = None
        if kept.parts is not None and not self._unviewed:
            parts = (*kept.parts, *self._parts)
        if dead:
            state = replace(state, dead=(*kept.dead, self._small_object("dead.json.gz", plain)))
        return replace(state, parts=parts, unviewed=self._unviewed or kept.unviewed)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _encode(self, key: str, held: CutBatch) -> Blob:
        return self._sink.objects.wrap_up(
            key,
            held.body,
            held.plain_bytes,
            held.plain_sha256,
            self._sink.data_key,
            codec="gzip",
            rows=held.rows,
            encoding=self.stream.encoding,
        )

    def _encode_idx(self, key: str, held: CutBatch) -> Blob:
        return self._sink.objects.wrap_up(
            key,
            held.idx,
            len(held.idx),
            digest(held.idx),
            self._sink.data_key,
            codec="none",
            rows=held.rows,
            encoding="idx/1",
        )

    def _encode_part(self, key: str, body: bytes, rows: int) -> Blob:
        blob = self._sink.objects.wrap_up(
            key,
            body,
            len(body),
            digest(body),
            self._sink.data_key,
            codec="none",
            rows=rows,
            encoding="parquet/1",
        )
        return Blob(replace(blob.ref, blocks=digest_blocks(blob.body)), blob.body)

    def _upload(self, number: int, held: CutBatch) -> None:
        sink, name = self._sink, f"{self.prefix}{number:03}"
        adopted = sink.adopt(self.stream.name, held)
        if adopted is not None:
            part = _put(adopted.part) if adopted.part else None
            sent = _Sent(number, held.home, _put(adopted.batch), _put(adopted.idx), part, True)
            with self._lock:
                self._sent.append(sent)
            return

        def store_batch() -> Ref:
            ref = sink.put(self._encode(f"{name}.json.gz", held), "data")
            sink.emit(BatchStored(self.stream.name, ref.key, ref.rows, ref.bytes))
            return ref

        def store_idx() -> Ref:
            return sink.put(self._encode_idx(f"{name}.idx", held), "meta")

        def store_part() -> Ref:
            key = sink.part_key(self.path, f"-{number:03}")
            return sink.put(self._encode_part(key, held.part or b"", held.rows), "part")

        batch = sink.uploads.submit(store_batch)
        idx = sink.uploads.submit(store_idx)
        part = sink.uploads.submit(store_part) if held.part is not None else None
        with self._lock:
            self._sent.append(_Sent(number, held.home, batch, idx, part))

    def note(self) -> list[Noted]:
        """Give the batches that were put since this was asked last."""
        with self._lock:
            ready = [one for one in self._sent if not one.noted and one.is_put()]
            for one in ready:
                one.noted = True
        return [one.to_note(self.stream.name) for one in ready]

    def _collect(self) -> list[StoredBatch]:
        ordered = sorted(self._sent, key=lambda one: one.number)
        self._parts = [one.part.result() for one in ordered if one.part is not None]
        return [StoredBatch(one.batch.result(), one.idx.result(), one.home) for one in ordered]

    def _pack(self) -> list[StoredBatch]:
        batches = []
        for held in self._held:
            ref = self._sink.packer.add(self._bind(self._encode, held))
            idx = self._sink.packer.add(self._bind(self._encode_idx, held))
            batches.append(StoredBatch(ref, idx, held.home))
        return batches

    def _bind(
        self, encode: Callable[[str, CutBatch], Blob], held: CutBatch
    ) -> Callable[[str], Blob]:
        def make(key: str) -> Blob:
            blob = encode(key, held)
            self._fresh[key] = blob.body
            return blob

        return make

    def _small_object(self, name: str, plain: bytes) -> Ref:
        return put_document(self._sink, f"{self.path}/{name}", plain)


def _put(ref: Ref) -> "Future[Ref]":
    """Give a ref as if it had just been put."""
    future: Future[Ref] = Future()
    future.set_result(ref)
    return future


def put_document(sink: Sink, name: str, plain: bytes, codec: Codec = "gzip", **facts: Any) -> Ref:
    """Store a document of a sync: in a pack when it is small, else as an object of its own."""

    def encode(key: str) -> Blob:
        return sink.objects.encode(key, plain, sink.data_key, codec=codec, **facts)

    if len(plain) < SMALL:
        return sink.packer.add(encode)
    return sink.put(encode(sink.prefix + name), "meta")
