"""Journals: what a running sync has stored so far, so that the next one need not store it again.

A sync that is killed leaves batches that no snapshot names. Its journals, objects of its own
directory, name them; the next sync of the source refers to one where it would store the very same
lines, after reading it back, because a journal is signed by nobody. Before the first reference a
journal is put into the dead attempt's directory, which tells a sweep that it is in use.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from listbackup.errors import IntegrityError, ObjectExists, RefusedError
from listbackup.ids import read_sync_time
from listbackup.vault import layout
from listbackup.vault.batches import CutBatch
from listbackup.vault.documents import Fields, read_document, write_document
from listbackup.vault.objects import Objects
from listbackup.vault.refs import Ref, digest, read_ref
from listbackup.vault.sources import SourceView

_LOOK_BACK = timedelta(days=6)
"""Older attempts may be swept at any moment."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One batch that a sync stored: of which stream, with hashes and, if made, its part."""

    stream: str
    batch: Ref
    idx: Ref
    part: Ref | None

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        return {
            "stream": self.stream,
            "batch": self.batch.to_json(),
            "idx": self.idx.to_json(),
            "part": self.part.to_json() if self.part else None,
        }


@dataclass(frozen=True, slots=True)
class Placed:
    """One batch that a place names (see `places`): with its hashes, its part if there is one, and
    the slice that it was read from. It may lie in any sync's directory."""

    batch: Ref
    idx: Ref
    part: Ref | None
    home: str

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        return {
            "batch": self.batch.to_json(),
            "idx": self.idx.to_json(),
            "part": self.part.to_json() if self.part else None,
            "home": self.home,
        }

    @staticmethod
    def read(fields: Fields, within: str) -> "Placed":
        """Read it; its objects lie below `within`. Raises IntegrityError."""
        return Placed(
            read_ref(fields.fields("batch"), within),
            read_ref(fields.fields("idx"), within),
            read_ref(fields.fields("part"), within) if fields.value.get("part") else None,
            fields.text("home"),
        )


class Attempts:
    """What dead attempts of a source left: batches by stream and digest of their plain bytes."""

    def __init__(self, objects: Objects, view: SourceView, now: datetime, *, sealed: bool) -> None:
        self._objects = objects
        self._view = view
        self._now = now
        self._sealed = sealed
        self._found: dict[tuple[str, str], Noted] = {}
        self._marked: set[str] = set()
        for key, sealed in self._list_journals(now):
            for noted in self._read(key, sealed):
                self._found[noted.stream, noted.batch.plain_sha256] = noted

    def adopt(self, stream: str, held: CutBatch) -> Noted | None:
        """Give what an attempt stored of the very same lines, read back and whole; None where
        there is none. Raises what the store raises."""
        noted = self._found.get((stream, held.plain_sha256))
        if noted is None or (held.part is not None) != (noted.part is not None):
            return None
        refs = [ref for ref in (noted.batch, noted.idx, noted.part) if ref is not None]
        try:
            self.keep_alive(layout.sync_directory(noted.batch.key))
            for ref in refs:
                for _ in self._objects.pieces(ref):
                    pass
        except IntegrityError:
            return None
        return noted if noted.idx.plain_sha256 == digest(held.idx) else None

    def _list_journals(self, now: datetime) -> Iterator[tuple[str, bool]]:
        newest = self._view.newest()
        after = newest.sync if newest else ""
        known = {one.sync for one in self._view.commits.values()}
        known |= {one.commit.sync for one in self._view.dropped.values()}
        day = now - _LOOK_BACK
        if after:
            day = max(day, read_sync_time(after))
        for found in _list_days(self._objects, self._view, day, now):
            # a manifest may have been committed meanwhile, or is being swept
            done = {layout.sync_of(key) for key, _ in found if key.endswith("/manifest.json")}
            for key, sealed in found:
                sync = layout.sync_of(key)
                if "/journal-" in key and sync > after and sync not in known | done:
                    yield key, sealed

    def _read(self, key: str, sealed: bool) -> Sequence[Noted]:
        within = layout.source_prefix(self._view.ledger.account, self._view.name)
        directory = layout.sync_directory(key)
        try:
            fields = read_document(self._objects.read_unnamed(key, sealed), f"The journal {key}")
            noted = [
                Noted(
                    one.text("stream"),
                    read_ref(one.fields("batch"), directory),
                    read_ref(one.fields("idx"), directory),
                    read_ref(one.fields("part"), within) if one.value.get("part") else None,
                )
                for one in fields.each("batches")
            ]
        except (IntegrityError, RefusedError):
            # nothing rests on a journal: what it would have saved is stored again
            return []
        return noted

    def keep_alive(self, directory: str) -> None:
        """Tell a sweep, once, that something of another attempt's directory is in use."""
        if directory not in self._marked:
            number = int(self._now.timestamp())
            # of the same second and another attempt: it says the same
            with suppress(ObjectExists):
                put_journal(self._objects, directory, number, [], sealed=self._sealed)
            self._objects.store.barrier()
            self._marked.add(directory)


def list_journals(
    objects: Objects, view: SourceView, first: datetime, last: datetime
) -> list[tuple[str, bool]]:
    """Name the journals of all syncs that began on the days from `first` to `last`, and whether
    each is sealed."""
    days = _list_days(objects, view, first, last)
    return [one for found in days for one in found if "/journal-" in one[0]]


def _list_days(
    objects: Objects, view: SourceView, day: datetime, last: datetime
) -> Iterator[list[tuple[str, bool]]]:
    while day.date() <= last.date():
        prefix = layout.day_prefix(view.ledger.account, view.name, day)
        listed = [info.key for info in objects.store.list(layout.place(prefix))]
        yield [layout.read_place(place) for place in sorted(listed)]
        day += timedelta(days=1)


def put_journal(
    objects: Objects,
    directory: str,
    number: int,
    noted: Sequence[Noted],
    *,
    sealed: bool,
    places: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Put a journal into a sync's directory."""
    key = f"{directory}journal-{number:03}.json"
    document: dict[str, Any] = {"requires": [], "batches": [one.to_json() for one in noted]}
    if places:
        document["places"] = list(places)
    body = write_document(document)
    data_key = objects.keyring.data_key_of(key) if sealed else None
    objects.put(objects.encode(key, body, data_key), "meta")
