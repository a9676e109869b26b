"""Writing one stream of a sync: cut batches in, objects out, a state list at the end.

A stream that stays below 64 KiB rests in the sync's packs. Several threads may write one stream,
each through a `BatchWriter` of its own. A stream may keep an earlier state's batches and name what
died in them; without that all its lines are new. Knows nothing of how lines were read or hashed.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from listbackup.crypto.sealing import Key
from listbackup.errors import FailedError, IntegrityError
from listbackup.events import BatchStored, Emit
from listbackup.objectstore import Tag
from listbackup.records import Stream
from listbackup.records.fingerprints import Fingerprint
from listbackup.vault.batches import BatchWriter, CutBatch
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.layout import stream_path
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.objects import Blob, Objects
from listbackup.vault.packs import SMALL, Packer
from listbackup.vault.reading import read_dead_lists
from listbackup.vault.refs import Codec, Ref, digest
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


class StreamWriter:
    """One stream of a running sync."""

    def __init__(self, sink: Sink, stream: Stream) -> None:
        self.stream = stream
        self.path = stream_path(stream.name)
        self._sink = sink
        self._lock = threading.Lock()
        self._held: list[CutBatch] = []
        self._small = True
        self._number = 0
        self._batches: list[tuple[int, Future[Ref], Future[Ref]]] = []

    def batch(self) -> BatchWriter:
        """Give a writer for one thread."""
        return BatchWriter(self.hold)

    def hold(self, held: CutBatch) -> None:
        """Take a finished batch: kept while the stream is small, else on its way to the store."""
        with self._lock:
            self._held.append(held)
            if self._small and sum(len(one.body) + len(one.idx) for one in self._held) <= SMALL:
                return
            self._small = False
            ready, self._held = self._held, []
            numbered = [(self._next(), one) for one in ready]
        for number, one in numbered:
            self._upload(number, one)

    def close(
        self,
        fingerprint: Fingerprint,
        generated: Fingerprint | None,
        kept: State | None = None,
        dead: Mapping[str, Runs] = NOTHING_DEAD,
    ) -> StreamEntry:
        """Write schema and state list; `fingerprint` is the whole stream's.

        With `kept` the lines of that earlier state stay, but for what was dead in it and for the
        runs of `dead`, by batch id. Raises FailedError when rows were lost between reading and
        writing or what is kept does not fit, and what the store raised.
        """
        batches = self._pack() if self._small else self._collect()
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
        )
        if kept is not None:
            state = self._keep(state, kept, dead)
        ref = self._small_object("state.json.gz", state.to_bytes())
        return StreamEntry(self.stream.name, self.path, "complete", ref, state.rows)

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
        if dead:
            state = replace(state, dead=(*kept.dead, self._small_object("dead.json.gz", plain)))
        return state

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

    def _upload(self, number: int, held: CutBatch) -> None:
        prefix = f"{self._sink.prefix}{self.path}/batch-{number:03}"
        put = self._sink.put

        def store_batch() -> Ref:
            ref = put(self._encode(f"{prefix}.json.gz", held), "data")
            self._sink.emit(BatchStored(self.stream.name, ref.key, ref.rows, ref.bytes))
            return ref

        def store_idx() -> Ref:
            return put(self._encode_idx(f"{prefix}.idx", held), "meta")

        batch = self._sink.uploads.submit(store_batch)
        idx = self._sink.uploads.submit(store_idx)
        with self._lock:
            self._batches.append((number, batch, idx))

    def _collect(self) -> list[StoredBatch]:
        ordered = sorted(self._batches, key=lambda one: one[0])
        return [StoredBatch(batch.result(), idx.result()) for _, batch, idx in ordered]

    def _pack(self) -> list[StoredBatch]:
        batches = []
        for held in self._held:
            ref = self._sink.packer.add(_bind(self._encode, held))
            idx = self._sink.packer.add(_bind(self._encode_idx, held))
            batches.append(StoredBatch(ref, idx))
        return batches

    def _small_object(self, name: str, plain: bytes) -> Ref:
        return put_document(self._sink, f"{self.path}/{name}", plain)


def put_document(sink: Sink, name: str, plain: bytes, codec: Codec = "gzip", **facts: Any) -> Ref:
    """Store a document of a sync: in a pack when it is small, else as an object of its own."""

    def encode(key: str) -> Blob:
        return sink.objects.encode(key, plain, sink.data_key, codec=codec, **facts)

    if len(plain) < SMALL:
        return sink.packer.add(encode)
    return sink.put(encode(sink.prefix + name), "meta")


def _bind(encode: Callable[[str, CutBatch], Blob], held: CutBatch) -> Callable[[str], Blob]:
    return lambda key: encode(key, held)
