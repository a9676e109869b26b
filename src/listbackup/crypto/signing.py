"""Ed25519 signatures in an envelope: `{"payload": base64, "type", "signatures": [...]}`.

What is signed is the DSSE pre-authentication encoding of type and payload
(https://github.com/secure-systems-lab/dsse/blob/master/protocol.md); the bytes are signed as they
are stored, nothing is canonicalised. Knows no rule about who may sign what.
"""

import base64
import hashlib
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from listbackup.errors import IntegrityError
from listbackup.ids import Entropy, encode_base32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, 32 bytes; its id is base32 of 16 bytes of its SHA-256."""

    raw: bytes

    @property
    def id(self) -> str:
        """The name by which envelopes, ledgers and kits call this key."""
        return encode_base32(hashlib.sha256(self.raw).digest()[:16])

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature over the message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key: its 32 bytes of seed."""

    seed: bytes

    @property
    def public(self) -> PublicKey:
        """The half that anybody may know."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return PublicKey(private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"


def make_signing_key(entropy: Entropy) -> SigningKey:
    """Make a new key pair."""
    return SigningKey(entropy(32))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope whose signatures have not been judged yet."""

    payload: bytes
    type: str
    signatures: tuple[tuple[str, bytes], ...]

    def signed_by(self, key: PublicKey) -> bool:
        """Tell whether one of the signatures is this key's."""
        message = encode_for_signing(self.type, self.payload)
        return any(
            name == key.id and key.verifies(signature, message)
            for name, signature in self.signatures
        )


def encode_for_signing(kind: str, payload: bytes) -> bytes:
    """Give the DSSE pre-authentication encoding."""
    name = kind.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def write_envelope(kind: str, payload: bytes, key: SigningKey) -> bytes:
    """Sign a payload and write the envelope's JSON."""
    signature = key.sign(encode_for_signing(kind, payload))
    document = {
        "payload": base64.b64encode(payload).decode("ascii"),
        "type": kind,
        "signatures": [{"key": key.public.id, "sig": base64.b64encode(signature).decode("ascii")}],
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def read_envelope(data: bytes, kind: str) -> Envelope:
    """Parse an envelope of the given type. Raises IntegrityError; verifies no signature."""
    try:
        document = json.loads(data)
        signatures = tuple(
            (str(one["key"]), base64.b64decode(one["sig"], validate=True))
            for one in document["signatures"]
        )
        envelope = Envelope(
            base64.b64decode(document["payload"], validate=True),
            str(document["type"]),
            signatures,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            "A signed document is damaged: its envelope does not parse."
        ) from error
    if envelope.type != kind:
        raise IntegrityError(f"A signed document is of type {envelope.type!r}, not {kind!r}.")
    return envelope
