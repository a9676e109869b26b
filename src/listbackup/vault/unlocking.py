"""Ways to the account key: key file, passphrase, recovery kit; one small wrap for each.

Knows where wraps lie and how each way opens; not where a person keeps the secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from listbackup.crypto.sealing import Key
from listbackup.crypto.wrapping import (
    unwrap_with_passphrase,
    unwrap_with_secret,
    wrap_with_passphrase,
    wrap_with_secret,
)
from listbackup.errors import AuthError, IntegrityError, ObjectExists, WrongKeyError
from listbackup.ids import Entropy
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.refs import digest

Way = Literal["kit", "file", "passphrase"]


_MOST_STORED = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """What somebody holds: 32 bytes (kit, key file) or a passphrase, and where it came from."""

    way: Way
    value: bytes
    origin: str

    def __repr__(self) -> str:
        return f"Secret({self.way} from {self.origin})"


@dataclass(frozen=True, slots=True)
class Wrap:
    """A stored wrap of the account key."""

    key: str
    way: str
    label: str
    created: str
    sha256: str
    document: Mapping[str, Any]


def put_wrap(
    store: ObjectStore,
    vault: str,
    account: str,
    generation: int,
    account_key: Key,
    secret: Secret,
    *,
    label: str,
    created: str,
    entropy: Entropy,
) -> Wrap:
    """Wrap the account key in one more way, at the next free name of that way, durably."""
    number = 1
    while True:
        key = layout.wrap_key(account, generation, secret.way, number)
        where = layout.address(vault, account, key)
        plain = account_key.to_bytes()
        if secret.way == "passphrase":
            wrapped = wrap_with_passphrase(secret.value.decode("utf-8"), where, plain, entropy)
        else:
            wrapped = wrap_with_secret(secret.value, where, plain, entropy)
        document = {"way": secret.way, "label": label, "created": created, "wrap": wrapped}
        body = write_document(document)
        try:
            store.put(layout.place(key), body, tag="meta")
            store.barrier()
        except ObjectExists:
            number += 1
            continue
        return Wrap(key, secret.way, label, created, digest(body), document)


def list_wraps(store: ObjectStore, account: str, generation: int) -> list[Wrap]:
    """Read every wrap that the store lists; damaged ones are skipped (`check` names them)."""
    prefix = layout.place(layout.wrap_prefix(account, generation) + "wrap-")
    wraps = []
    for info in store.list(prefix):
        body = store.get(info.key, length=_MOST_STORED)
        try:
            wraps.append(read_wrap(info.key.removeprefix("data/"), body))
        except IntegrityError:
            continue
    return wraps


def read_wrap(key: str, body: bytes) -> Wrap:
    """Parse a wrap. Raises IntegrityError."""
    fields = read_document(body, f"The wrapped key {key}")
    fields.mapping("wrap")
    return Wrap(
        key,
        fields.text("way"),
        fields.text("label"),
        fields.text("created"),
        digest(body),
        fields.value,
    )


def open_account_key(
    vault: str,
    account: str,
    wraps: Sequence[Wrap],
    secrets: Sequence[Secret],
    recorded: Mapping[str, str],
) -> Key:
    """Open the account key with the first secret that fits. `recorded` are the digests of the
    wraps that the account's ledger knows.

    Raises AuthError when nobody holds anything, WrongKeyError when nothing fits, IntegrityError
    when a wrap that might have fitted is damaged or lost.
    """
    if not secrets:
        raise AuthError(
            "The vault is sealed, and no key is at hand.",
            hint="Give --key-file, --passphrase-file or --kit-file.",
        )
    damaged = _find_damaged(wraps, {secret.way for secret in secrets}, recorded)
    for secret in secrets:
        for wrap in (one for one in wraps if one.way == secret.way):
            try:
                return Key.from_bytes(_open_wrap(vault, account, wrap, secret))
            except WrongKeyError:
                continue
            except IntegrityError as error:
                damaged = error
    if damaged is not None:
        raise damaged
    if not any(wrap.way == secret.way for wrap in wraps for secret in secrets):
        held = ", ".join(sorted({secret.way for secret in secrets}))
        raise WrongKeyError(
            f"The vault has no wrap of its key for what was given ({held}).",
            hint="Use another way: --key-file, --passphrase-file or --kit-file.",
        )
    origins = ", ".join(secret.origin for secret in secrets)
    raise WrongKeyError(f"The key does not open this vault: {origins}.")


def _find_damaged(
    wraps: Sequence[Wrap], ways: set[Way], recorded: Mapping[str, str]
) -> IntegrityError | None:
    sound = {wrap.key for wrap in wraps if recorded.get(wrap.key) in (None, wrap.sha256)}
    for key in sorted(set(recorded) - sound):
        if key.rpartition("/")[2].split("-")[1] in ways:
            return IntegrityError(f"The wrapped key {key} is damaged or lost.", subject=key)
    return None


def _open_wrap(vault: str, account: str, wrap: Wrap, secret: Secret) -> bytes:
    where = layout.address(vault, account, wrap.key)
    document: Mapping[str, Any] = wrap.document["wrap"]
    if secret.way == "passphrase":
        return unwrap_with_passphrase(secret.value.decode("utf-8"), where, document)
    return unwrap_with_secret(secret.value, where, document)
