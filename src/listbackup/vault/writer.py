"""Writing one sync: objects first, then the manifest, then one ledger entry that makes it true.

The order is the promise. Batches, hashes, state lists and packs are put; a barrier makes them
durable; the manifest follows with a barrier of its own; then the entry is appended, create-
exclusive, judged against what came since the base; then the witness is brought forward; only then
is anything acknowledged. A kill before the entry leaves garbage, after it a whole snapshot.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from listbackup import __version__
from listbackup.clock import format_time
from listbackup.crypto.signing import SigningKey
from listbackup.errors import BusyError, FailedError, IntegrityError, ListbackupError
from listbackup.events import LedgerWritten, ManifestStored, StepDone, StepStarted, WitnessAdvanced
from listbackup.ids import make_sync_id
from listbackup.objectstore import Tag
from listbackup.records import AsOf, Closing, Declared, Extra, Identity, Stream
from listbackup.vault import layout
from listbackup.vault.batches import CutBatch
from listbackup.vault.journals import Attempts, Noted, put_journal
from listbackup.vault.ledger import Entry, Mark
from listbackup.vault.manifest import Manifest, StreamEntry
from listbackup.vault.objects import Blob
from listbackup.vault.opening import Vault
from listbackup.vault.packs import Packer
from listbackup.vault.places import Place, Told, find_places, write_place
from listbackup.vault.reading import Snapshot
from listbackup.vault.refs import Ref, StoredObject
from listbackup.vault.sources import (
    Committed,
    SourceView,
    account_head,
    digest_streams,
    follow_entry,
    read_drop,
)
from listbackup.vault.streams import StreamWriter, put_document
from listbackup.vault.uploads import Uploads

_DAY = timedelta(days=1)
JOURNAL_EVERY = 60.0
LIFE_SIGN_EVERY = 3600.0


class SyncWriter:
    """One running sync of one source. Nothing exists until `commit` returned."""

    def __init__(
        self, vault: Vault, view: SourceView, signer: SigningKey, before: Snapshot | None
    ) -> None:
        self.vault = vault
        self.emit = vault.emit
        self.objects = vault.objects
        self.before = before
        self.base = before.manifest if before else None
        self._view = view
        self._signer = signer
        self._mark = view.mark
        self._base_commit = view.newest()
        self.started = vault.host.clock.now()
        self.sync = make_sync_id(self.started, vault.host.entropy)
        self.prefix = layout.sync_prefix(vault.account.name, view.name, self.sync, self.started)
        sealed = vault.account.sealed
        self._data = vault.keyring.ensure(view.name, self.started) if sealed else None
        self.data_key = self._data.key if self._data else None
        self._lock = threading.Lock()
        self._committed = False
        self._journals = 0
        self._journal_lock = threading.Lock()
        self._noted_at = vault.host.clock.monotonic()
        self._streams: list[StreamWriter] = []
        self._attempts = Attempts(self.objects, view, self.started, sealed=sealed)
        self._stored: list[StoredObject] = []
        self._extras: list[tuple[str, Ref]] = []
        self.uploads = Uploads()
        self.packer = Packer(self.objects, self.prefix, "sealed" if sealed else "plain", self._list)

    def stream(self, stream: Stream) -> StreamWriter:
        """Begin a stream that is read anew."""
        writer = StreamWriter(self, stream)
        self._streams.append(writer)
        return writer

    def adopt(self, stream: str, held: CutBatch) -> Noted | None:
        """Give what a dead attempt stored of the very same lines."""
        return self._attempts.adopt(stream, held)

    def keep_journal(self) -> None:
        """Note what has been stored, once a minute while something is, once an hour anyway. May be
        called as often as one likes, by any thread."""
        if self._journal_lock.acquire(blocking=False):
            try:
                waited = self.vault.host.clock.monotonic() - self._noted_at
                if waited >= JOURNAL_EVERY:
                    self._put_journal(due=waited >= LIFE_SIGN_EVERY)
            finally:
                self._journal_lock.release()

    def put_place(self, place: Place, known: bytes) -> None:
        """Put a journal that says how far a stream has been read; its batches have been put.
        `known` becomes an object of its own, for nobody but whoever goes on from there."""
        with self._journal_lock:
            if known:
                path = layout.stream_path(place.stream.name)
                key = f"{self.prefix}{path}/known-{place.passed:03}-{place.number:03}.bin"
                blob = self.objects.encode(key, known, self.data_key)
                self.objects.put(blob, "meta")
                place = replace(place, known=blob.ref)
            self._put_journal(due=True, places=[write_place(place, self._view, self._signer)])

    def find_places(
        self, told: Mapping[str, Told], within: timedelta
    ) -> Mapping[str, Sequence[Sequence[Place]]]:
        """Give how far earlier attempts had come (see `places.find_places`)."""
        account, base = self.vault.account, self.base
        clock = self.vault.host.clock
        return find_places(self.objects, account, self._view, base, told, clock, within)

    def keep_alive(self, key: str) -> None:
        """Tell a sweep that this sync refers to an object of another attempt."""
        self._attempts.keep_alive(layout.sync_directory(key))

    def _put_journal(self, *, due: bool, places: Sequence[Mapping[str, Any]] = ()) -> None:
        noted = [one for stream in self._streams for one in stream.note()]
        if noted or due:
            # what a journal names must be there before it is
            self.vault.store.barrier()
            self._journals += 1
            number, sealed = self._journals, self.data_key is not None
            put_journal(self.objects, self.prefix, number, noted, sealed=sealed, places=places)
            self.vault.store.barrier()
            self._noted_at = self.vault.host.clock.monotonic()

    def known(self, name: str) -> StreamEntry | None:
        """Give what the base says of a stream."""
        return {one.name: one for one in self.base.streams}.get(name) if self.base else None

    def carry(self, name: str, reason: str) -> StreamEntry:
        """Keep a stream as the base has it, because it could not be read."""
        kept = self.known(name)
        if kept is None or kept.state is None or self.base is None:
            return StreamEntry(name, layout.stream_path(name), "carried", None, 0, None, reason)
        since = kept.carried_from or self.base.sync
        return replace(kept, status="carried", carried_from=since, reason=reason)

    def keep(self, name: str) -> StreamEntry:
        """Keep a stream as the base has it, because it was read and nothing had changed."""
        kept = self.before.entry(name) if self.before else None
        if kept is None:
            raise FailedError("There is no earlier state that could be kept.", subject=name)
        return StreamEntry(name, kept.path, "complete", kept.state, kept.rows)

    def part_key(self, path: str, name: str) -> str:
        """Give the key of a part of a stream's typed view."""
        account, source = self.vault.account.name, self._view.name
        return layout.part_key(account, source, self.sync, self.started, path, name)

    def put_extra(self, extra: Extra) -> None:
        """Store what a restore needs beside the streams."""
        number = len(self._extras) + 1
        ref = put_document(self, f"extra-{number:03}.bin", extra.body)
        self._extras.append((extra.kind, ref))

    def put(self, blob: Blob, tag: Tag) -> Ref:
        """Store a blob and list it in the manifest."""
        self.objects.put(blob, tag)
        self._list(StoredObject(blob.ref.key, blob.ref.form, blob.ref.bytes, blob.ref.sha256))
        return blob.ref

    def commit(
        self,
        identity: Identity,
        as_of: AsOf,
        streams: Sequence[StreamEntry],
        declared: Sequence[Declared],
        closing: Closing,
        reasons: Sequence[str],
    ) -> Committed:
        """Make the snapshot true. Raises BusyError when another sync of the source won, FailedError
        when no stream was read at all."""
        if streams and all(one.status == "carried" for one in streams):
            raise FailedError(
                "No stream could be read; nothing was committed.",
                subject=self._view.name,
                risk="Earlier snapshots are untouched.",
                hint="; ".join(reasons[:3]) or "Run `listbackup source test URL`.",
            )
        self.emit(StepStarted("committing"))
        self.packer.finish()
        manifest = Manifest(
            vault=self.vault.id,
            account=self.vault.account.name,
            source=self._view.name,
            sync=self.sync,
            name=self._snapshot_name(as_of.end),
            started=self.started,
            as_of=as_of,
            status="partial" if any(map(is_short, streams)) else "complete",
            reasons=tuple(reasons),
            identity=identity,
            streams=tuple(sorted(streams, key=lambda one: one.name)),
            extras=tuple(self._extras),
            objects=tuple(sorted(self._stored, key=lambda one: one.key)),
            definitions=closing.definitions,
            facts=closing.facts,
            declared=(*declared, *closing.declared),
            base=self._base_commit.sync if self._base_commit else None,
            tool=f"listbackup {__version__}",
        )
        self.vault.store.barrier()
        self._committed = True
        ref = self._put_manifest(manifest)
        entry = self._append_commit(manifest, ref)
        self.vault.remember({self._view.ledger.name: Mark(entry.number, entry.digest)}, entry.time)
        self.emit(WitnessAdvanced(self._view.ledger.name, entry.number))
        self.emit(StepDone("committing", manifest.name))
        return self.vault.source(self._view.name).commits[entry.number]

    @property
    def stored_bytes(self) -> int:
        """Bytes of all objects that were put so far, but for manifest and entry."""
        return sum(one.bytes for one in self._stored)

    def close(self) -> None:
        """Give back threads. Without a commit, what was put is garbage for a later sweep; a last
        journal tells the next sync of it, if the store lets it."""
        self.uploads.close()
        if not self._committed:
            with suppress(ListbackupError, OSError):
                self._put_journal(due=False)

    def _put_manifest(self, manifest: Manifest) -> Ref:
        key = self.prefix + "manifest.json"
        blob = self.objects.encode(key, manifest.to_bytes(), self.data_key)
        self.objects.put(blob, "meta")
        self.vault.store.barrier()
        self.emit(ManifestStored(self.sync, key))
        return blob.ref

    def _append_commit(self, manifest: Manifest, ref: Ref) -> Entry:
        now = self.vault.host.clock.now()
        data_key = self._data.to_json() if self._data else None
        body: dict[str, Any] = {
            "sync": manifest.sync,
            "name": manifest.name,
            "as_of": {
                "from": format_time(manifest.as_of.start),
                "to": format_time(manifest.as_of.end),
            },
            "status": manifest.status,
            "manifest": ref.to_json(),
            "data_key": data_key,
            "signer": self._signer.public.id,
            "clock_suspect": self._clock_is_suspect(now),
            "streams": digest_streams(
                one.name for one in manifest.streams if one.status != "carried"
            ),
        }
        entry = self._view.ledger.append(
            "commit",
            # Entries that were met on the way may have been written under a newer account ledger.
            lambda number: account_head(self.vault.account) | body,
            self._signer,
            self._mark,
            self._judge,
            now,
        )
        self.emit(LedgerWritten(self._view.ledger.name, entry.number, "commit"))
        return entry

    def _judge(self, entry: Entry) -> None:
        follow_entry(self.vault.account, entry)
        if entry.kind == "commit":
            raise BusyError(
                "Another backup of this source was committed while this one ran; it won.",
                subject=self._view.name,
                risk="Nothing is lost: the other snapshot is whole, this one was not committed.",
            )
        base = self._base_commit
        if entry.kind == "prune" and base is not None and base.number in read_drop(entry):
            raise IntegrityError(
                f"The ledger entry {entry.number} drops the snapshot that this sync builds on, "
                "which was the newest.",
                subject=self._view.name,
            )

    def _clock_is_suspect(self, now: datetime) -> bool:
        times = [commit.time for commit in self._view.commits.values()]
        if self.vault.seen is not None and self.vault.seen.newest is not None:
            times.append(self.vault.seen.newest)
        behind = bool(times) and now < max(times)
        return behind or now - self.vault.store.now() > _DAY

    def _snapshot_name(self, moment: datetime) -> str:
        names = [commit.name for commit in self._view.commits.values()]
        moment = moment.replace(microsecond=0)
        while names and _name(moment) <= max(names):
            latest = datetime.strptime(max(names), "%Y%m%d-%H%M%S").replace(tzinfo=moment.tzinfo)
            moment = latest + timedelta(seconds=1)
        return _name(moment)

    def _list(self, stored: StoredObject) -> None:
        with self._lock:
            self._stored.append(stored)


def is_short(entry: StreamEntry) -> bool:
    """Whether a stream is not what its source has, and says why."""
    return entry.status == "carried" or bool(entry.reason)


def _name(moment: datetime) -> str:
    return moment.strftime("%Y%m%d-%H%M%S")
