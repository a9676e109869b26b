"""`key`: the recovery kit, more ways to open a vault, and the signers that may write to it."""

import json
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.clock import format_time, parse_time
from listbackup.crypto.signing import SigningKey
from listbackup.errors import RefusedError, UsageError, WrongKeyError
from listbackup.vault.beginning import append_to_account
from listbackup.vault.creation import ensure_key_file, keys_body, signer_body
from listbackup.vault.holding import Holding, kit_path, load_kit, read_passphrase
from listbackup.vault.installation import remove_file
from listbackup.vault.kit import write_kit
from listbackup.vault.opening import Vault, read_vault_descriptor
from listbackup.vault.unlocking import Secret, list_wraps, put_wrap

VERIFIED = "kit-verified.json"


@dataclass(frozen=True, slots=True)
class KitShown:
    """A recovery kit, as it is to be printed. Its text is a secret."""

    vault: str
    path: Path
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KitVerified:
    """A kit that was tried: what it opens, and how old it is. `local` says that it is this
    machine's own copy, which proves nothing about the one in the safe."""

    vault: str
    path: Path
    written: str
    opens: tuple[str, ...]
    local: bool


@dataclass(frozen=True, slots=True)
class KitForgotten:
    """The local copy of a kit is gone."""

    vault: str
    path: Path


@dataclass(frozen=True, slots=True)
class KeyAdded:
    """One more way to open a vault."""

    vault: str
    way: str
    key: str
    path: Path


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A wrap of the account key, or a signer key. `state` of a wrap: recorded, unrecorded, lost
    or damaged; of a signer: this installation, or another."""

    kind: str
    id: str
    way: str
    label: str
    created: str
    state: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """This installation may write: its signer key stands in the account's ledger."""

    vault: str
    account: str
    signer: str
    number: int
    already: bool


def show_kit(app: App, reach: Reach) -> KitShown:
    """Give the kit that lies on this machine, or the one that is named. Raises UsageError."""
    vault, path = _kit_of(app, reach)
    if not path.exists():
        raise UsageError(
            "There is no recovery kit on this machine.",
            subject=str(path),
            hint="It was removed after it had been verified, or made elsewhere: use your copy.",
        )
    kit = load_kit(app.host.disk, path)
    if kit.vault != vault:
        raise WrongKeyError("The kit is that of another vault.", subject=str(path))
    return KitShown(vault, path, write_kit(kit))


def verify_kit(app: App, reach: Reach, path: Path | None = None) -> KitVerified:
    """Open the root key and the account key with a kit. Raises WrongKeyError when it does not
    open them, IntegrityError when the vault is older than the kit, UsageError without a kit."""
    local = kit_path(app.directories.config, read_vault_descriptor(app.access(reach)).vault)
    chosen = path or app.named(reach).kit_file or local
    vault = app.vault(replace(reach, holding=Holding(kit_file=chosen)))
    kit = load_kit(app.host.disk, chosen)
    vault.descriptor.open_root(kit.secret)
    opens = ["root key"]
    if vault.account.encryption == "sealed":
        vault.keyring.account_key()
        opens.append(f"account key of {vault.account.name}")
    vault.refuse_contradictions()
    own = chosen.exists() and local.exists() and chosen.samefile(local)
    if not own:
        document = {"verified": format_time(app.host.clock.now())}
        place = app.installation.place(vault.id, VERIFIED)
        app.installation.write(place, json.dumps(document).encode("ascii"))
    return KitVerified(vault.id, chosen, kit.written, tuple(opens), own)


def forget_kit(app: App, reach: Reach) -> KitForgotten:
    """Delete this machine's copy of the kit. Raises RefusedError before another copy has been
    verified, UsageError where there is none."""
    vault, path = _kit_of(app, reach)
    if not path.exists():
        raise UsageError("There is no recovery kit on this machine.", subject=str(path))
    if app.installation.read(vault, VERIFIED) is None:
        raise RefusedError(
            "No other copy of the kit has been verified yet.",
            subject=str(path),
            risk="Nothing was deleted. Without any kit the vault could never be recovered.",
            hint="Store a copy elsewhere and run `listbackup key verify-kit --kit-file COPY`.",
        )
    remove_file(app.host, path)
    return KitForgotten(vault, path)


def add_key(app: App, reach: Reach, new: Holding) -> KeyAdded:
    """Add a key file (made where it is absent) or a passphrase. Raises UsageError, RefusedError,
    WrongKeyError when what is held does not open the vault."""
    if (new.key_file is None) == (new.passphrase_file is None):
        raise UsageError("Name one new key.", hint="--new-key-file or --new-passphrase-file.")
    vault = app.vault(reach)
    if vault.account.encryption != "sealed":
        raise UsageError("The vault is not sealed: there is no key to add to.")
    signer, account_key = vault.signer(), vault.keyring.account_key()
    secret, path = _new_secret(app, vault, new)
    generation = vault.account.generation
    wrap = put_wrap(
        vault.store,
        vault.id,
        vault.account.name,
        generation,
        account_key,
        secret,
        label=str(path),
        created=format_time(app.host.clock.now()),
        entropy=app.host.entropy,
    )
    _append(vault, "keys", keys_body(generation, [wrap]), signer)
    return KeyAdded(vault.id, wrap.way, wrap.key, path)


def list_keys(app: App, reach: Reach) -> list[KeyLine]:
    """List the ways to open the vault, then the keys that may write to it."""
    vault = app.vault(reach)
    account = vault.account
    stored = {one.key: one for one in list_wraps(vault.store, account.name, account.generation)}
    lines = []
    for key in sorted({*stored, *account.wraps}):
        wrap = stored.get(key)
        way = key.rpartition("/")[2].split("-")[1]
        if wrap is None:
            lines.append(KeyLine("wrap", key, way, "", "", "lost or damaged"))
            continue
        known = account.wraps.get(key)
        state = "unrecorded" if known is None else "recorded"
        state = "damaged" if known not in (None, wrap.sha256) else state
        lines.append(KeyLine("wrap", key, wrap.way, wrap.label, wrap.created, state))
    for key_id, (_, number, label) in sorted(account.signers.items(), key=lambda one: one[1][1]):
        own = account.own is not None and account.own.id == key_id
        entry = account.loaded.entries.get(number)
        created = format_time(entry.time) if entry else ""
        state = "this installation" if own else "another installation"
        lines.append(KeyLine("signer", key_id, "ed25519", label, created, state))
    return lines


def enrol(app: App, reach: Reach, label: str | None = None) -> Enrolled:
    """Let this installation write, with the root key that the kit opens. Raises UsageError without
    a kit, WrongKeyError, IntegrityError when the vault contradicts what was seen."""
    kit_file = app.named(reach).kit_file
    if kit_file is None:
        raise UsageError("Enrolling needs the recovery kit.", hint="Give --kit-file FILE.")
    vault = app.vault(reach)
    kit = load_kit(app.host.disk, kit_file)
    root = vault.descriptor.open_root(kit.secret)
    vault.refuse_contradictions()
    signer = app.installation.ensure_signer(vault.id)
    known = vault.account.signers.get(signer.public.id)
    if known is not None:
        return Enrolled(vault.id, vault.account.name, signer.public.id, known[1], True)
    body = signer_body(signer, label or os.uname().nodename)
    number = _append(vault, "signer", body, root)
    return Enrolled(vault.id, vault.account.name, signer.public.id, number, False)


def kit_was_verified(app: App, vault: str) -> datetime | None:
    """Say when another copy of the kit was verified from this machine; None where never."""
    raw = app.installation.read(vault, VERIFIED)
    return parse_time(json.loads(raw)["verified"]) if raw else None


def _append(vault: Vault, kind: str, body: dict[str, object], key: SigningKey) -> int:
    entry = append_to_account(vault, kind, body, key)
    vault.remember({vault.account.name: vault.account.mark}, entry.time)
    return entry.number


def _kit_of(app: App, reach: Reach) -> tuple[str, Path]:
    vault = read_vault_descriptor(app.access(reach)).vault
    return vault, app.named(reach).kit_file or kit_path(app.directories.config, vault)


def _new_secret(app: App, vault: Vault, new: Holding) -> tuple[Secret, Path]:
    if new.key_file is not None:
        value = ensure_key_file(vault.access, new.key_file)
        return Secret("file", value, str(new.key_file)), new.key_file
    passphrase = read_passphrase(app.host.disk, new)
    assert passphrase is not None and new.passphrase_file is not None

    return Secret("passphrase", passphrase.encode("utf-8"), "passphrase"), new.passphrase_file
