"""What opens a source, sealed in the state directory: one file for each source of an account.

    {state}/{vault id}/credentials/{account}.{source}.json   sealed, 0600
    {state}/{vault id}/credentials/{account}.{source}.lock   held by whoever renews it
    {state}/{vault id}/credentials.key                       accounts without encryption: a random
                                                             key of this installation, 0600

A file is `{"sealed_by": "account" | "installation", "sealed": base64}`: a sealed object of
`sealing` for the address `credentials/{vault}/{account}/{source}`, under a key that is derived
from the account's key (purpose `credentials`). Names have no dot, so no two sources share a file.
Knows nothing of what the bytes mean.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from listbackup.crypto.deriving import derive_key
from listbackup.crypto.sealing import Key, make_key, read_header, seal, unseal
from listbackup.errors import BusyError, IntegrityError, WrongKeyError
from listbackup.events import Waited
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.installation import Installation, remove_file
from listbackup.vault.opening import Vault

PURPOSE = "credentials"
_POLL = 0.1
_RISK = "Snapshots are untouched; the source cannot be read until it is connected again."


class SealedCredential:
    """The file of one source. `read` and `write` are whole and durable; who changes what was
    read holds the `lease` meanwhile."""

    def __init__(self, open_vault: Callable[[], Vault], source: str) -> None:
        """Take how the vault is opened, which is done when it is first needed."""
        self._open_vault = open_vault
        self.source = source

    @cached_property
    def _vault(self) -> Vault:
        return self._open_vault()

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._installation.place(self._vault.id, f"{self._stem}.json")

    def read(self) -> bytes | None:
        """Give what was written; None where nothing was. Raises WrongKeyError where it was sealed
        by another key, IntegrityError where it is damaged, moved or another source's."""
        data = self._installation.read(self._vault.id, f"{self._stem}.json")
        if data is None:
            return None
        fields = read_document(data, f"The credentials of {self.source}")
        try:
            sealed = base64.b64decode(fields.text("sealed"), validate=True)
        except ValueError as error:
            raise self._damaged() from error
        return self._open(sealed, fields.text("sealed_by"))

    def write(self, data: bytes) -> None:
        """Replace it, durably. Raises FailedError."""
        key = self._key()
        sealed = seal(key, self._address, data, self._vault.host.entropy)
        written = {
            "sealed_by": self._sealed_by,
            "sealed": base64.b64encode(sealed).decode("ascii"),
        }
        self._installation.write(self.path, write_document(written))

    def prepare(self) -> None:
        """See that something could be written: the vault opens, and so does the key. Raises what
        opening a vault raises."""
        self._key()

    def forget(self) -> bool:
        """Remove it for good; say whether there was one."""
        there = self.path.exists()
        remove_file(self._vault.host, self.path)
        return there

    @contextmanager
    def lease(self, patience: float = 0.0) -> Iterator[None]:
        """Be the only one, over all processes of this machine, who renews it. Raises BusyError
        where another one is, for so many seconds."""
        with ExitStack() as held:
            self._take(held, patience)
            yield

    def _take(self, held: ExitStack, patience: float) -> None:
        clock, lock = self._vault.host.clock, f"{self._vault.id}/{self._stem}"
        until, told = clock.monotonic() + patience, False
        while True:
            try:
                held.enter_context(self._installation.lock(lock))
                return
            except BusyError:
                if clock.monotonic() >= until:
                    raise BusyError(
                        "Another process of this machine is using what opens the source.",
                        subject=self.source,
                        hint="Wait for its backup to end, or end a listbackup that hangs; then run "
                        "the command again.",
                    ) from None
            if not told:
                told = True
                doing = f"another process that is using what opens {self.source}, at most so long"
                self._vault.access.emit(Waited(doing, patience))
            clock.sleep(_POLL)

    @property
    def _installation(self) -> Installation:
        return self._vault.access.installation

    @property
    def _stem(self) -> str:
        return f"credentials/{self._vault.account.name}.{self.source}"

    @property
    def _address(self) -> str:
        return f"credentials/{self._vault.id}/{self._vault.account.name}/{self.source}"

    @property
    def _sealed_by(self) -> str:
        return "account" if self._vault.account.encryption == "sealed" else "installation"

    def _key(self) -> Key:
        if self._sealed_by == "account":
            return derive_key(self._vault.keyring.account_key(), PURPOSE)
        return derive_key(_ensure_own_key(self._installation, self._vault), PURPOSE)

    def _open(self, sealed: bytes, sealed_by: str) -> bytes:
        key = self._key()
        try:
            if sealed_by != self._sealed_by or read_header(sealed).key_id != key.id:
                raise WrongKeyError(
                    "These credentials were sealed by another key than the one that is held.",
                    subject=self.source,
                    risk=_RISK,
                    hint=f"`listbackup source reconnect {self.source}` asks for them again.",
                )
            return unseal(key, self._address, sealed)
        except IntegrityError as error:
            raise self._damaged() from error
        except WrongKeyError as error:
            if error.subject:
                raise
            raise self._damaged() from error

    def _damaged(self) -> IntegrityError:
        return IntegrityError(
            "The stored credentials do not open: they are damaged, moved or another source's.",
            subject=str(self.path),
            risk=_RISK,
            hint=f"`listbackup source reconnect {self.source}` asks for them again.",
        )


def _ensure_own_key(installation: Installation, vault: Vault) -> Key:
    with installation.lock(f"{vault.id}/credentials", wait=True):
        path = installation.place(vault.id, "credentials.key")
        found = installation.read(vault.id, "credentials.key")
        if found is None:
            fresh = make_key(vault.host.entropy)
            installation.write(path, base64.b64encode(fresh.to_bytes()) + b"\n")
            return fresh
        try:
            return Key.from_bytes(base64.b64decode(found, validate=False))
        except (ValueError, IntegrityError) as error:
            raise IntegrityError(
                "The key of this installation's credentials is damaged.",
                subject=str(path),
                risk=_RISK,
                hint="Delete that file, then `listbackup source reconnect NAME` for each source.",
            ) from error
