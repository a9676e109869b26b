"""What one installation remembers outside its vaults: pins, its signer key, witnesses, locks.

    {state}/vaults.json              URL -> vault id, the pins of first contact
    {state}/{vault id}/signer.key    this installation's Ed25519 seed, 0600
    {state}/{vault id}/witness.json  see `witness`
    {state}/{vault id}/pending.json  the descriptor of an initialisation that has not ended
    {state}/{vault id}/{name}.lock   advisory locks: a courtesy, safety never rests on them

Every write is durable before it is relied upon. Knows nothing of what is in a vault.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from listbackup.crypto.signing import SigningKey, make_signing_key
from listbackup.errors import BusyError, FailedError, IntegrityError
from listbackup.host import Host
from listbackup.vault.documents import read_document, write_document


class Installation:
    """The state directory of one installation."""

    def __init__(self, directory: Path, host: Host) -> None:
        self.directory = directory
        self.host = host

    def pins(self) -> dict[str, str]:
        """Give the vault ids that were met, by URL."""
        data = read_file(self.host, self.directory / "vaults.json")
        if data is None:
            return {}
        fields = read_document(data, "The list of known vaults (vaults.json)")
        return {str(url): str(vault) for url, vault in fields.mapping("vaults").items()}

    def pin(self, url: str, vault: str) -> None:
        """Remember which vault is at a URL."""
        with self.lock("vaults", wait=True):
            pins = self.pins() | {url: vault}
            self.write(self.directory / "vaults.json", write_document({"vaults": pins}))

    def place(self, vault: str, name: str) -> Path:
        """Give the path of a file of one vault."""
        return self.directory / vault / name

    def read(self, vault: str, name: str) -> bytes | None:
        """Read a file of one vault; None where there is none."""
        return read_file(self.host, self.place(vault, name))

    def signer(self, vault: str) -> SigningKey | None:
        """Give this installation's signer key for a vault; None where it has none."""
        data = self.read(vault, "signer.key")
        if data is None:
            return None
        try:
            return SigningKey(base64.b64decode(data, validate=False))
        except ValueError as error:
            raise IntegrityError(f"{self.place(vault, 'signer.key')} is damaged.") from error

    def ensure_signer(self, vault: str) -> SigningKey:
        """Give this installation's signer key; make it durably where there is none."""
        with self.lock(f"{vault}/signer", wait=True):
            found = self.signer(vault)
            if found is not None:
                return found
            fresh = make_signing_key(self.host.entropy)
            self.write(self.place(vault, "signer.key"), base64.b64encode(fresh.seed) + b"\n")
            return fresh

    def write(self, path: Path, data: bytes) -> None:
        """Write a file of mode 0600 durably, replacing what has the name in one step."""
        write_durably(self.host, path, data)

    @contextmanager
    def lock(self, name: str, *, wait: bool = False) -> Iterator[None]:
        """Hold an advisory lock. Raises BusyError when another process holds it, FailedError where
        there can be none."""
        path = self.directory / f"{name}.lock"
        make_directories(self.host, path.parent)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FailedError(
                f"{path} could not be opened: {error.strerror}.",
                hint="Free space or mend the rights there, then run the command again.",
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise BusyError(
                    "Another process of this machine is working on it.", subject=name
                ) from error
            yield
        finally:
            os.close(descriptor)


def read_file(host: Host, path: Path) -> bytes | None:
    """Read a file; None where there is none. Raises FailedError."""
    try:
        return host.disk.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FailedError(
            f"{path} could not be read: {error.strerror}.",
            hint="Mend the rights or the disk there, then run the command again.",
        ) from error


def remove_file(host: Host, path: Path) -> None:
    """Remove a file for good; an absent one is fine. Raises FailedError."""
    try:
        host.disk.unlink(path)
        host.disk.sync_directory(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FailedError(f"{path} could not be removed: {error.strerror}.") from error


def write_durably(host: Host, path: Path, data: bytes, *, fresh: bool = False) -> None:
    """Write a file of mode 0600 durably: a temporary file, fsync, rename, fsync of the directory.
    With `fresh` an existing file is never replaced (FileExistsError). Raises FailedError."""
    make_directories(host, path.parent)
    disk = host.disk
    waiting = path.with_name(f".tmp-{host.entropy(8).hex()}")
    try:
        disk.create(waiting, data)
        disk.sync_file(waiting)
        if fresh:
            disk.link(waiting, path)
            disk.unlink(waiting)
        else:
            disk.replace(waiting, path)
        disk.sync_directory(path.parent)
    except FileExistsError:
        disk.unlink(waiting)
        raise
    except OSError as error:
        with suppress(OSError):
            disk.unlink(waiting)
        raise FailedError(
            f"{path} could not be written: {error.strerror}.",
            hint="Free space or mend the rights there, then run the command again.",
        ) from error


def make_directories(host: Host, path: Path) -> None:
    """Make a directory and its missing ancestors, private and durable. Raises FailedError."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        try:
            host.disk.make_directory(one)
            host.disk.sync_directory(one.parent)
        except FileExistsError:
            continue
        except OSError as error:
            raise FailedError(f"{one} could not be made: {error.strerror}.") from error
