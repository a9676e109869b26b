"""What somebody holds to open a vault: key file, passphrase or kit, from options, the environment
or the places where `init` left them.

Options win over the environment, the environment over the files that `init` wrote; the weaker ones
are then not even looked at, so that a wrong key is a wrong key. Never asks a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from listbackup.disk import Disk
from listbackup.errors import UsageError, WrongKeyError
from listbackup.vault.creation import read_key_file
from listbackup.vault.kit import Kit, read_kit
from listbackup.vault.ledger import Mark
from listbackup.vault.unlocking import Secret


@dataclass(frozen=True, slots=True)
class Holding:
    """Files that were named; a passphrase may also stand in the environment itself."""

    key_file: Path | None = None
    passphrase_file: Path | None = None
    kit_file: Path | None = None
    passphrase: str | None = None

    def __repr__(self) -> str:
        return f"Holding({self.key_file}, {self.passphrase_file}, {self.kit_file})"

    @property
    def empty(self) -> bool:
        """Whether nothing was named."""
        return (self.key_file, self.passphrase_file, self.kit_file, self.passphrase) == (
            None,
            None,
            None,
            None,
        )


def find_holding(environment: Mapping[str, str]) -> Holding:
    """Read LISTBACKUP_KEY_FILE, _PASSPHRASE_FILE, _PASSPHRASE and _KIT_FILE."""

    def path(name: str) -> Path | None:
        value = environment.get(f"LISTBACKUP_{name}")
        return Path(value).expanduser() if value else None

    return Holding(
        path("KEY_FILE"),
        path("PASSPHRASE_FILE"),
        path("KIT_FILE"),
        environment.get("LISTBACKUP_PASSPHRASE") or None,
    )


def default_holding(config: Path, vault: str) -> list[Holding]:
    """Name the files that `init` writes for a vault, as far as they exist: key file, then kit."""
    key, kit = key_path(config, vault), kit_path(config, vault)
    found = [Holding(key_file=key)] if key.exists() else []
    return found + ([Holding(kit_file=kit)] if kit.exists() else [])


def key_path(config: Path, vault: str) -> Path:
    """Give the usual place of a vault's key file."""
    return config / f"{vault}.key"


def kit_path(config: Path, vault: str) -> Path:
    """Give the usual place of a vault's recovery kit."""
    return config / f"kit-{vault}.txt"


def read_passphrase(disk: Disk, holding: Holding) -> str | None:
    """Give the passphrase that is held, from a file before the environment. Raises UsageError."""
    if holding.passphrase_file is None:
        return holding.passphrase
    text = _read(disk, holding.passphrase_file, "passphrase file")
    try:
        passphrase = text.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        passphrase = ""
    if not passphrase:
        raise UsageError(
            "The passphrase file is empty or not UTF-8.", subject=str(holding.passphrase_file)
        )
    return passphrase


def load_kit(disk: Disk, path: Path) -> Kit:
    """Read a kit file. Raises UsageError where there is none, WrongKeyError for a mistyped one."""
    try:
        text = _read(disk, path, "recovery kit").decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongKeyError("The recovery kit is not text.", subject=str(path)) from error
    return read_kit(text)


@dataclass(frozen=True, slots=True)
class Held:
    """What was read: secrets in the order in which they are tried, and the heads of ledgers that
    a kit names, with its date."""

    secrets: tuple[Secret, ...]
    heads: Mapping[str, Mark]
    kit_date: str | None = None


def gather(disk: Disk, vault: str, holdings: Sequence[Holding]) -> Held:
    """Read everything that is held. Raises UsageError for a file that cannot be read,
    WrongKeyError for a kit of another vault."""
    secrets: list[Secret] = []
    heads: dict[str, Mark] = {}
    date: str | None = None
    for holding in holdings:
        if holding.key_file is not None:
            path = holding.key_file
            secret = read_key_file(path, _read(disk, path, "key file"))
            secrets.append(Secret("file", secret, f"the key file {path}"))
        passphrase = read_passphrase(disk, holding)
        if passphrase is not None:
            origin = f"the passphrase of {holding.passphrase_file or 'LISTBACKUP_PASSPHRASE'}"
            secrets.append(Secret("passphrase", passphrase.encode("utf-8"), origin))
        if holding.kit_file is not None:
            kit = _kit_of(disk, holding.kit_file, vault)
            secrets.append(Secret("kit", kit.secret, f"the kit {holding.kit_file}"))
            heads |= {one.ledger: Mark(one.number, one.digest) for one in kit.heads}
            date = kit.written
    return Held(tuple(secrets), heads, date)


def _kit_of(disk: Disk, path: Path, vault: str) -> Kit:
    kit = load_kit(disk, path)
    if kit.vault != vault:
        raise WrongKeyError(
            f"The recovery kit is that of another vault ({kit.vault}).",
            subject=str(path),
            hint=f"Give the kit of the vault {vault}.",
        )
    return kit


def _read(disk: Disk, path: Path, what: str) -> bytes:
    try:
        return disk.read(path)
    except OSError as error:
        raise UsageError(
            f"The {what} cannot be read: {error.strerror}.",
            subject=str(path),
            hint="Check the path and that this user may read it.",
        ) from error
