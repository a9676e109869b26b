"""Writing one stream of a sync: cut batches in, objects out, a state list at the end.

A stream that stays below 64 KiB rests in the sync's packs. Several threads may write one stream,
each through a `BatchWriter` of its own. A stream may keep an earlier state's batches and name what
died in them; without that all its lines are new. Knows nothing of how lines were read or hashed.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
from listbackup.vault.journals import Noted, Placed
from listbackup.vault.layout import stream_path
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.objects import Blob, Objects
from listbackup.vault.packs import SMALL, Packer
from listbackup.vault.reading import read_dead_lists
from listbackup.vault.refs import Codec, Ref, digest, digest_blocks
from listbackup.vault.shipments import Shipment, as_put, by_order
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
        self._number = self._packed = 0
        self._sent: list[Shipment] = []
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
        self._send()

    def cut(self) -> Sequence[Placed]:
        """Send all that was handed in, small or not, and give what was not given by this before,
        when it is stored. Raises what the store raised."""
        with self._lock:
            self._small = self._small and not self._held
        self._send()
        with self._lock:
            fresh = [one for one in self._sent if not one.placed]
        placed = [one.to_place() for one in sorted(fresh, key=by_order)]
        for shipment in fresh:
            shipment.noted = shipment.placed = True
        return placed

    def take_over(self, batches: Sequence[Placed]) -> None:
        """Begin with batches that a dead attempt stored."""
        self._small = self._small and not batches
        for number, one in enumerate(batches, 1):
            part = as_put(one.part) if one.part else None
            sent = Shipment(number, one.home, as_put(one.batch), as_put(one.idx), part, noted=True)
            self._sent.append(sent)

    def drop(self, *orders: int) -> None:
        """Forget the batches of these orders; those that were taken over are of order 0."""
        with self._lock:
            self._held = [one for one in self._held if one.order not in orders]
            self._sent = [one for one in self._sent if one.order not in orders]

    @property
    def highest(self) -> int:
        """The highest number that a batch of this sync has."""
        return self._number

    def finish(self) -> Sequence[StoredBatch]:
        """Store what is held, and give all batches in order; more may come after. Raises what the
        store raised."""
        if self._small:
            self._pack()
        else:
            self._send()
        ordered = sorted(self._sent, key=by_order)
        return [StoredBatch(one.batch.result(), one.idx.result(), one.home) for one in ordered]

    def read_back(self) -> Objects:
        """Give what reads finished batches, whether the store shows them yet or not."""
        self.finish()
        if not self._small:
            self._sink.objects.store.barrier()
        return self._sink.objects.beside(self._fresh) if self._fresh else self._sink.objects

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

        With `kept` the lines of that earlier state stay, but for what was dead in it. The runs of
        `dead`, by batch id, die: of what is kept, or of the new batches, where a line was given
        again before the end. Raises FailedError when rows were lost between reading and writing or
        what is kept does not fit, and what the store raised.
        """
        batches = self.finish()
        gone = sum(count for runs in dead.values() for _, count in runs)
        rows = sum(batch.ref.rows for batch in batches) - gone
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
            parts=self._list_parts(len(batches)),
            unviewed=self._unviewed,
        )
        if kept is not None:
            state = self._keep(state, kept)
        if dead:
            state = self._bury(state, dead)
        elif kept is not None:
            self._add_up(state, [])
        ref = self._small_object("state.json.gz", state.to_bytes())
        return StreamEntry(self.stream.name, self.path, status, ref, state.rows, None, reason)

    def _list_parts(self, batches: int) -> tuple[Ref, ...] | None:
        """Give the parts of a state of new batches alone: one for each, or none."""
        ordered = sorted(self._sent, key=by_order)
        parts = [one.part.result() for one in ordered if one.part is not None]
        parts += self._parts
        return tuple(parts) if len(parts) == batches else None

    def _keep(self, new: State, kept: State) -> State:
        facts = (kept.stream, kept.key, kept.encoding, kept.fingerprint.columns)
        if facts != (new.stream, new.key, new.encoding, new.fingerprint.columns):
            raise FailedError(
                "Its columns, key or encoding changed: what is kept of it does not fit.",
                subject=new.stream,
            )
        parts = None
        if kept.parts is not None and not self._unviewed:
            parts = (*kept.parts, *self._parts)
        unviewed = self._unviewed or kept.unviewed
        batches = (*kept.batches, *new.batches)
        return replace(new, batches=batches, dead=kept.dead, parts=parts, unviewed=unviewed)

    def _bury(self, state: State, dead: Mapping[str, Runs]) -> State:
        plain = write_dead(state.stream, dead)
        self._add_up(state, [plain])
        return replace(state, dead=(*state.dead, self._small_object("dead.json.gz", plain)))

    def _add_up(self, state: State, more: Sequence[bytes]) -> None:
        what = f"The dead list of {state.stream}"
        try:
            lists = [read_dead(read_document(plain, what), state) for plain in more]
            join_dead(state, [*read_dead_lists(self._sink.objects, state), *lists])
        except IntegrityError as error:
            raise FailedError(
                f"What is kept does not add up: {error.message}", subject=state.stream
            ) from error

    def _send(self) -> None:
        """Send what is held, each under its number."""
        numbered = []
        with self._lock:
            ready, self._held = self._held, []
            for one in ready:
                number = one.number or self._number + 1
                self._number = max(self._number, number)
                numbered.append((number, one))
        for number, one in numbered:
            self._upload(number, one)

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
            part = as_put(adopted.part) if adopted.part else None
            batch, idx = as_put(adopted.batch), as_put(adopted.idx)
            with self._lock:
                sent = Shipment(number, held.home, batch, idx, part, held.order, noted=True)
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
            self._sent.append(Shipment(number, held.home, batch, idx, part, held.order))

    def note(self) -> list[Noted]:
        """Give the batches that were put since this was asked last."""
        with self._lock:
            ready = [one for one in self._sent if not one.noted and one.is_put()]
            for one in ready:
                one.noted = True
        return [one.to_note(self.stream.name) for one in ready]

    def _pack(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for one in held:
            ref = self._sink.packer.add(self._bind(self._encode, one))
            idx = self._sink.packer.add(self._bind(self._encode_idx, one))
            self._packed += 1
            sent = Shipment(
                self._packed, one.home, as_put(ref), as_put(idx), None, one.order, noted=True
            )
            self._sent.append(sent)

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


def put_document(sink: Sink, name: str, plain: bytes, codec: Codec = "gzip", **facts: Any) -> Ref:
    """Store a document of a sync: in a pack when it is small, else as an object of its own."""

    def encode(key: str) -> Blob:
        return sink.objects.encode(key, plain, sink.data_key, codec=codec, **facts)

    if len(plain) < SMALL:
        return sink.packer.add(encode)
    return sink.put(encode(sink.prefix + name), "meta")
