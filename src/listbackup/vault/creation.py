"""Making a vault: kit and key file durable first, then the descriptor, wraps, account entries.

`vault.json` decides races. Each step finds what an interrupted run has left and goes on from
there. Knows where keys are kept; who shows them to a person is the face's business.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listbackup.clock import format_time
from listbackup.crypto.sealing import Key, make_key
from listbackup.crypto.signing import SigningKey, make_signing_key
from listbackup.errors import IntegrityError, ObjectExists, ObjectMissing, RefusedError
from listbackup.events import KeyStored, LedgerWritten
from listbackup.vault import layout
from listbackup.vault.accounts import Account, Encryption, load_account, marks_of
from listbackup.vault.descriptor import Descriptor, read_descriptor, write_descriptor
from listbackup.vault.installation import read_file, remove_file, write_durably
from listbackup.vault.kit import Head, Kit, read_kit, write_kit
from listbackup.vault.ledger import Entry, Ledger
from listbackup.vault.opening import Access, Vault, open_vault
from listbackup.vault.unlocking import Secret, Wrap, list_wraps, open_account_key, put_wrap

_PENDING = "pending.json"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `init` was asked for. `config` is the directory for key files and kits."""

    config: Path
    encryption: Encryption = "sealed"
    account: str = "default"
    region: str = "local"
    deployment: str | None = None
    key_file: Path | None = None
    passphrase: str | None = field(default=None, repr=False)
    kit_file: Path | None = None
    label: str = "installation"


@dataclass(frozen=True, slots=True)
class Created:
    """What `init` made, with the paths a person must know."""

    vault: str
    account: str
    encryption: Encryption
    kit_path: Path
    key_path: Path | None
    resumed: bool


def create_vault(access: Access, wishes: Wishes, probe: Mapping[str, Any]) -> Created:
    """Make a vault in an empty place, or go on with an interrupted making of one.

    Raises RefusedError when there is a vault already, FailedError, StoreError.
    """
    layout.check_id(wishes.account, "an account")
    layout.check_id(wishes.region, "a region")
    pending = _find_pending(access, wishes)
    descriptor, kit_path, kit = pending or _prepare(access, wishes)
    _put_descriptor(access, descriptor)
    access.installation.pin(access.url, descriptor.vault)
    root = descriptor.open_root(kit.secret)
    key_path = _make_account(access, wishes, descriptor, root, kit, probe)
    vault = open_vault(access, wishes.account)
    _refresh_kit(access, vault, kit_path, kit)
    remove_file(access.host, access.installation.place(descriptor.vault, _PENDING))
    return Created(
        descriptor.vault, wishes.account, wishes.encryption, kit_path, key_path, pending is not None
    )


def refuse_existing(access: Access, wishes: Wishes) -> None:
    """Raise RefusedError where there is a vault already that nobody was interrupted in making."""
    if _find_pending(access, wishes) is None:
        _refuse_existing(access)


def _find_pending(access: Access, wishes: Wishes) -> tuple[Descriptor, Path, Kit] | None:
    vault = _pending_vault(access, wishes)
    raw = access.installation.read(vault, _PENDING) if vault else None
    if vault is None or raw is None:
        return None
    document = json.loads(raw)
    kit_path = Path(document["kit"])
    page = read_file(access.host, kit_path)
    if document["url"] != access.url or page is None:
        return None
    kit = read_kit(page.decode("utf-8"))
    return read_descriptor(base64.b64decode(document["descriptor"])), kit_path, kit


def _pending_vault(access: Access, wishes: Wishes) -> str | None:
    page = read_file(access.host, wishes.kit_file) if wishes.kit_file is not None else None
    if page is not None:
        return read_kit(page.decode("utf-8")).vault
    return access.installation.pins().get(access.url)


def _prepare(access: Access, wishes: Wishes) -> tuple[Descriptor, Path, Kit]:
    _refuse_existing(access)
    host = access.host
    root = make_signing_key(host.entropy)
    secret = host.entropy(32)
    created = format_time(host.clock.now())
    deployment = wishes.deployment or host.entropy(6).hex()
    layout.check_id(deployment, "a deployment")
    raw = write_descriptor(root, secret, deployment, wishes.region, created, host.entropy)
    descriptor = read_descriptor(raw)
    kit = Kit(descriptor.vault, (access.url,), secret, (wishes.account,), created)
    kit_path = wishes.kit_file or wishes.config / f"kit-{descriptor.vault}.txt"
    try:
        write_durably(host, kit_path, write_kit(kit).encode("utf-8"), fresh=True)
    except FileExistsError as error:
        raise RefusedError(
            "The kit file exists and belongs to another vault.",
            subject=str(kit_path),
            hint="Name another place with --kit-file.",
        ) from error
    access.emit(KeyStored("recovery kit", str(kit_path)))
    pending = {
        "url": access.url,
        "kit": str(kit_path),
        "descriptor": base64.b64encode(raw).decode("ascii"),
    }
    place = access.installation.place(descriptor.vault, _PENDING)
    access.installation.write(place, json.dumps(pending).encode("ascii"))
    access.installation.pin(access.url, descriptor.vault)
    return descriptor, kit_path, kit


def _refuse_existing(access: Access) -> None:
    try:
        access.store.head(layout.place(layout.DESCRIPTOR))
    except ObjectMissing:
        _refuse_remains(access)
        return
    raise RefusedError(
        "There is a vault already.",
        subject=access.url,
        risk="Nothing was changed.",
        hint="Use it as it is (`listbackup snapshots`), or name an empty place.",
    )


def _refuse_remains(access: Access) -> None:
    """A place that holds accounts is no empty place, even where its descriptor is lost."""
    if next(access.store.list(layout.place("accounts/")), None) is not None:
        raise IntegrityError(
            "A vault was there, and its descriptor vault.json is lost.",
            subject=access.url,
            hint="Put a copy of vault.json back, or name an empty place.",
        )


def _put_descriptor(access: Access, descriptor: Descriptor) -> None:
    place = layout.place(layout.DESCRIPTOR)
    try:
        access.store.put(place, descriptor.raw, tag="meta")
        access.store.barrier()
    except ObjectExists:
        if access.store.get(place) != descriptor.raw:
            _refuse_existing(access)
            raise


def _make_account(
    access: Access,
    wishes: Wishes,
    descriptor: Descriptor,
    root: SigningKey,
    kit: Kit,
    probe: Mapping[str, Any],
) -> Path | None:
    vault = descriptor.vault
    signer = access.installation.ensure_signer(vault)
    ledger = Ledger(access.store, access.exclusive, access.host, vault, wishes.account)

    def load() -> Account:
        return load_account(ledger, descriptor.root, signer.public, None, listed=True)

    def append(kind: str, body: dict[str, Any], key: SigningKey) -> None:
        append_entry(access, load(), kind, body, key)

    account = load()
    if account.loaded.head == 0:
        copy = base64.b64encode(descriptor.raw).decode("ascii")
        body = {"encryption": wishes.encryption, "descriptor": descriptor.sha256}
        append("open", {**body, "vault_json": copy}, root)
    if signer.public.id not in account.signers:
        append("signer", signer_body(signer, wishes.label), root)
    key_path = None
    if wishes.encryption == "sealed":
        wraps, key_path = _wrap_account_key(access, wishes, vault, kit)
        if set(load().wraps) != {wrap.key for wrap in wraps}:
            append("keys", keys_body(1, wraps), signer)
    if account.probe_entry is None:
        append("probe", {"endpoint": access.url, "result": dict(probe)}, signer)
    return key_path


def _wrap_account_key(
    access: Access, wishes: Wishes, vault: str, kit: Kit
) -> tuple[Sequence[Wrap], Path | None]:
    """Wrap the account key for the kit first: what a killed run left opens with the kit."""
    host, account = access.host, wishes.account
    kit_secret = Secret("kit", kit.secret, "recovery kit")
    wraps = list_wraps(access.store, account, 1)
    key: Key
    key = (
        open_account_key(vault, account, wraps, [kit_secret], {})
        if wraps
        else make_key(host.entropy)
    )
    held = {wrap.way for wrap in wraps}
    key_path = None
    wanted = [kit_secret]
    if wishes.passphrase is not None:
        wanted.append(Secret("passphrase", wishes.passphrase.encode("utf-8"), "passphrase"))
    if wishes.passphrase is None or wishes.key_file is not None:
        key_path = wishes.key_file or wishes.config / f"{vault}.key"
        wanted.append(Secret("file", ensure_key_file(access, key_path), str(key_path)))
    for secret in wanted:
        if secret.way not in held:
            put_wrap(
                access.store,
                vault,
                account,
                1,
                key,
                secret,
                label=secret.origin,
                created=format_time(host.clock.now()),
                entropy=host.entropy,
            )
    return list_wraps(access.store, account, 1), key_path


def ensure_key_file(access: Access, path: Path) -> bytes:
    """Read the 32 bytes of a key file; make it durably where there is none. Raises FailedError,
    IntegrityError."""
    held = read_file(access.host, path)
    if held is None:
        held = base64.b64encode(access.host.entropy(32)) + b"\n"
        write_durably(access.host, path, held, fresh=True)
        access.emit(KeyStored("key file", str(path)))
    return read_key_file(path, held)


def read_key_file(path: Path, data: bytes) -> bytes:
    """Parse a key file. Raises IntegrityError."""
    try:
        secret = base64.b64decode(data.strip(), validate=True)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise IntegrityError(
            "The key file does not hold 32 bytes as base64.",
            subject=str(path),
            risk="The vault is untouched.",
            hint="Give the key file that `init` or `key add` wrote, or the recovery kit.",
        )
    return secret


def append_entry(
    access: Access, account: Account, kind: str, body: dict[str, Any], key: SigningKey
) -> Entry:
    """Append an entry to an account's ledger; whatever else came in between is let pass."""
    loaded = account.loaded
    base = account.mark if loaded.head else None
    entry = account.ledger.append(
        kind, lambda number: body, key, base, lambda foreign: None, access.host.clock.now()
    )
    access.emit(LedgerWritten(account.ledger.name, entry.number, kind))
    return entry


def signer_body(signer: SigningKey, label: str) -> dict[str, Any]:
    """Give the fields of a `signer` entry."""
    return {"key": base64.b64encode(signer.public.raw).decode("ascii"), "label": label}


def keys_body(generation: int, wraps: Sequence[Wrap]) -> dict[str, Any]:
    """Give the fields of a `keys` entry."""
    added = [{"key": wrap.key, "sha256": wrap.sha256, "way": wrap.way} for wrap in wraps]
    return {"generation": generation, "added": added}


def _refresh_kit(access: Access, vault: Vault, path: Path, kit: Kit) -> None:
    heads = tuple(
        Head(name, mark.number, mark.digest)
        for name, mark in marks_of(vault.account.loaded, vault.account.name).items()
    )
    fresh = Kit(kit.vault, kit.urls, kit.secret, kit.accounts, kit.written, heads)
    write_durably(access.host, path, write_kit(fresh).encode("utf-8"))
