"""`vault.json`: the descriptor that every vault begins with, and the vault's id.

The id is base32 of 16 bytes of the SHA-256 of the root public key, so a descriptor that was
exchanged cannot pass for another's. The root's private half lies in it, wrapped under the kit's
secret. Knows nothing of accounts.
"""

import base64
from dataclasses import dataclass
from typing import Any

from listbackup.crypto.signing import PublicKey, SigningKey
from listbackup.crypto.wrapping import unwrap_with_secret, wrap_with_secret
from listbackup.errors import IntegrityError
from listbackup.ids import Entropy
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.refs import digest

FORMAT = 1
MOST_DESCRIPTOR = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A parsed descriptor and the bytes that it was read from."""

    vault: str
    root: PublicKey
    wrapped_root: dict[str, Any]
    deployment: str
    region: str
    raw: bytes

    @property
    def sha256(self) -> str:
        """Digest of the stored bytes."""
        return digest(self.raw)

    def open_root(self, kit_secret: bytes) -> SigningKey:
        """Open the root's private half. Raises WrongKeyError, IntegrityError."""
        seed = unwrap_with_secret(kit_secret, _root_address(self.vault), self.wrapped_root)
        key = SigningKey(seed)
        if key.public != self.root:
            raise IntegrityError("The vault's wrapped root key is not the root's.")
        return key


def write_descriptor(
    root: SigningKey,
    kit_secret: bytes,
    deployment: str,
    region: str,
    created: str,
    entropy: Entropy,
) -> bytes:
    """Write the descriptor of a new vault."""
    vault = root.public.id
    wrapped = wrap_with_secret(kit_secret, _root_address(vault), root.seed, entropy)
    return write_document(
        {
            "format": FORMAT,
            "requires": [],
            "vault": vault,
            "root": {
                "public": base64.b64encode(root.public.raw).decode("ascii"),
                "private": wrapped,
            },
            "deployment": deployment,
            "region": region,
            "copies": [],
            "created": created,
        }
    )


def read_descriptor(raw: bytes) -> Descriptor:
    """Parse a descriptor. Raises IntegrityError when its id is not its root key's."""
    fields = read_document(raw, "The vault's descriptor vault.json")
    if fields.number("format") != FORMAT:
        raise IntegrityError(f"The vault is of format {fields.number('format')}, not {FORMAT}.")
    root = fields.fields("root")
    try:
        public = PublicKey(base64.b64decode(root.text("public"), validate=True))
    except ValueError as error:
        raise IntegrityError("The vault's descriptor is damaged: its root key.") from error
    if public.id != fields.text("vault"):
        raise IntegrityError(
            "The vault's descriptor is forged: its id is not that of its root key."
        )
    return Descriptor(
        vault=public.id,
        root=public,
        wrapped_root=dict(root.mapping("private")),
        deployment=fields.text("deployment"),
        region=fields.text("region"),
        raw=raw,
    )


def _root_address(vault: str) -> str:
    return f"{vault}/root"
