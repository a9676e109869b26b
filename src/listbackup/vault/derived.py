"""Derived objects: what is published beside the snapshots of a source, for other tools.

Each is made from what a commit says, stands at a fixed key and is replaced in one step. It is
stamped with the number and digest of the ledger entry that it was made from, and the digest of its
own content: so a reader knows whether it is whole and of which snapshot it speaks. None is ever
read as truth, none is signed, and one that is missing, damaged or old is no damage: it is made
again. Knows nothing of what they say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from listbackup.errors import IntegrityError, ObjectMissing
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.documents import MOST_BYTES, Fields, parse_document, write_document
from listbackup.vault.refs import digest
from listbackup.vault.sources import Committed, SourceView

STAMP = "derived"


@dataclass(frozen=True, slots=True)
class Stamp:
    """From which ledger entry of the source something was made, and the digest of what it says."""

    number: int
    entry: str
    content: str

    def fits(self, view: SourceView) -> bool:
        """Tell whether the ledger has that entry. One before the checkpoint that the ledger was
        read from cannot be told from any other, and is let through."""
        entry, commit = view.loaded.entries.get(self.number), view.commits.get(self.number)
        known = entry or commit
        if known is not None:
            return known.digest == self.entry
        return self.number < min(view.loaded.entries, default=0)


@dataclass(frozen=True, slots=True)
class Published:
    """A derived document that is whole, and whose stamp does not contradict the ledger."""

    value: Mapping[str, Any]
    stamp: Stamp


def write_derived(value: Mapping[str, Any], commit: Committed) -> bytes:
    """Write a derived document: `value`, and the stamp as its last field."""
    stamp = {
        "number": commit.number,
        "entry": commit.digest,
        "content": digest(write_document(value)),
    }
    return write_document({**value, STAMP: stamp})


def read_derived(data: bytes, what: str) -> Published:
    """Read a derived document. Raises IntegrityError where it is not what was written."""
    fields = parse_document(data, what)
    value = dict(fields.value)
    said = Fields(value, what).fields(STAMP)
    stamp = Stamp(said.number("number", least=1), said.text("entry"), said.text("content"))
    del value[STAMP]
    if digest(write_document(value)) != stamp.content:
        raise IntegrityError(f"{what} is damaged: its digest differs.")
    return Published(value, stamp)


class Shelf:
    """Where the derived objects of one source lie, in a vault that is not sealed."""

    def __init__(self, store: ObjectStore, account: str, view: SourceView) -> None:
        self.store = store
        self.account = account
        self.view = view

    @property
    def source(self) -> str:
        """The source's id."""
        return self.view.name

    def find(self, key: str) -> Published | None:
        """Give a document that is whole and stamped by a commit of the ledger; None for any
        other. Raises StoreError, AuthError."""
        try:
            found = read_derived(self.store.get(layout.place(key), length=MOST_BYTES), key)
        except (ObjectMissing, IntegrityError):
            return None
        return found if found.stamp.fits(self.view) else None

    def size(self, key: str) -> int | None:
        """Give the size of an object, whatever it holds; None where there is none."""
        try:
            return self.store.head(layout.place(key)).size
        except ObjectMissing:
            return None

    def holds(self, key: str) -> bool:
        """Tell whether there is an object, whatever it holds."""
        return self.size(key) is not None

    def read(self, key: str, size: int) -> bytes:
        """Read an object, and one byte more where it has more; nothing where there is none."""
        try:
            return self.store.get(layout.place(key), length=size + 1)
        except ObjectMissing:
            return b""

    def list(self, prefix: str) -> Iterator[str]:
        """Name the objects below a prefix by their logical keys."""
        for info in self.store.list(layout.place(prefix)):
            yield layout.read_place(info.key)[0]

    def put(self, key: str, body: bytes) -> None:
        """Write an object, or replace it: it is the new one or the old one, never half of both.
        The next barrier makes it durable."""
        self.store.put(layout.place(key), body, tag="derived", replace=True)

    def remove(self, key: str) -> None:
        """Delete an object. Absent is fine."""
        self.store.delete(layout.place(key))
