"""Keys of one account: the account key, and the data keys that it seals.

An account key (generation g) seals one data key for each source and calendar month (UTC, of the
sync's start); a data key seals that month's objects. Knows where key objects lie, and how to make
one; who may unlock the account key is `unlocking`'s to know.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from listbackup.crypto.sealing import Key, make_key, read_header, seal, unseal
from listbackup.errors import IntegrityError, ObjectExists, ObjectMissing, WrongKeyError
from listbackup.ids import Entropy
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.refs import digest

Unlock = Callable[[], Key]
"""Gives the account key, or raises WrongKeyError, AuthError, IntegrityError."""


_MOST_STORED = 4096


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened data key, and name and stored digest of the object that holds it."""

    key: Key
    name: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """Name it as commit entries do; the id outlives a rotation, name and digest do not."""
        return {"key": self.name, "sha256": self.sha256, "id": self.key.id.hex()}


class Keyring:
    """Data keys of one account, opened when they are first needed. Thread-safe."""

    def __init__(
        self,
        store: ObjectStore,
        vault: str,
        account: str,
        generation: int,
        unlock: Unlock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._vault = vault
        self._account = account
        self._generation = generation
        self._unlock = unlock
        self._entropy = entropy
        self._account_key: Key | None = None
        self._opened: dict[str, DataKey] = {}
        self._lock = threading.RLock()

    def account_key(self) -> Key:
        """Open the account key (once)."""
        with self._lock:
            if self._account_key is None:
                self._account_key = self._unlock()
            return self._account_key

    def data_key_of(self, key: str) -> Key:
        """Give the data key of an object by its logical key."""
        if key.partition("#")[0].startswith(f"accounts/{self._account}/keys/"):
            return self.account_key()
        source = key.split("/")[3]
        return self.open(source, layout.key_month(key)).key

    def open(self, source: str, month: str) -> DataKey:
        """Open the data key of a source and month. Raises IntegrityError when it is lost."""
        name = layout.data_key_key(self._account, self._generation, source, month)
        with self._lock:
            if name not in self._opened:
                account_key = self.account_key()
                try:
                    body = self._store.get(layout.place(name, sealed=True), length=_MOST_STORED)
                except ObjectMissing as error:
                    raise IntegrityError(f"The data key {name} is lost.", subject=name) from error
                self._opened[name] = self._opened_from(name, body, account_key)
            return self._opened[name]

    def ensure(self, source: str, moment: datetime) -> DataKey:
        """Open the data key of a source and the moment's month; make it where there is none."""
        month = moment.astimezone(UTC).strftime("%Y%m")
        name = layout.data_key_key(self._account, self._generation, source, month)
        place = layout.place(name, sealed=True)
        with self._lock:
            account_key = self.account_key()
            try:
                self._store.head(place)
            except ObjectMissing:
                fresh = make_key(self._entropy).to_bytes()
                where = layout.address(self._vault, self._account, name)
                try:
                    self._store.put(
                        place, seal(account_key, where, fresh, self._entropy), tag="meta"
                    )
                    self._store.barrier()
                except ObjectExists:
                    pass
            return self.open(source, month)

    def _opened_from(self, name: str, body: bytes, account_key: Key) -> DataKey:
        where = layout.address(self._vault, self._account, name)
        try:
            if read_header(body).key_id != account_key.id:
                raise IntegrityError(f"The data key {name} is sealed by another account key.")
            plain = unseal(account_key, where, body)
        except (WrongKeyError, IntegrityError) as error:
            raise IntegrityError(
                f"The data key {name} does not open: it is damaged, moved or foreign.", subject=name
            ) from error
        return DataKey(Key.from_bytes(plain), name, digest(body))
