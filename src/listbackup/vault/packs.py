"""Packs: small objects of one sync, one after the other in a few larger ones.

Members are whole (batch, idx, schema, state, extra), each sealed by itself for the address
`{pack}#{ordinal}`. Five hundred small tables are then a handful of objects. Thread-safe.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from listbackup.vault.objects import Blob, Objects
from listbackup.vault.refs import Form, Ref, StoredObject, digest

SMALL = 64 * 1024
FULL = 8 * 1024 * 1024


class Packer:
    """Collects members and puts packs `{prefix}pack-{n}.bin`."""

    def __init__(
        self, objects: Objects, prefix: str, form: Form, listed: Callable[[StoredObject], None]
    ) -> None:
        self._objects = objects
        self._prefix = prefix
        self._form = form
        self._listed = listed
        self._lock = threading.Lock()
        self._number = 1
        self._members: list[bytes] = []
        self._size = 0

    def add(self, make: Callable[[str], Blob]) -> Ref:
        """Add the member that `make` encodes for the key it is given."""
        with self._lock:
            blob = make(f"{self._key()}#{len(self._members)}")
            ref = replace(blob.ref, offset=self._size)
            self._members.append(blob.body)
            self._size += len(blob.body)
            if self._size >= FULL:
                self._put()
            return ref

    def finish(self) -> None:
        """Put what is left."""
        with self._lock:
            if self._members:
                self._put()

    def _key(self) -> str:
        return f"{self._prefix}pack-{self._number:03}.bin"

    def _put(self) -> None:
        body = b"".join(self._members)
        sha256 = digest(body)
        ref = Ref(self._key(), len(body), sha256, len(body), sha256, form=self._form, check="")
        self._objects.put(Blob(ref, body), "data")
        self._listed(StoredObject(ref.key, ref.form, ref.bytes, ref.sha256))
        self._number, self._members, self._size = self._number + 1, [], 0
