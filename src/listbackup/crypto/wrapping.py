"""Wraps: a small secret sealed under something a person or an installation holds.

A wrap is `{"kdf": {...}, "sealed": base64}`: the sealed object of `sealing`, whose key comes from
a key file's or kit's 32 bytes as they are (`kdf: {"name": "none"}`) or from a passphrase by
Argon2id (RFC 9106) with parameters that are bounded on reading: at most 1 GiB and 10 passes.
Knows nothing of files and places.
"""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from listbackup.crypto.sealing import Key, seal, unseal
from listbackup.errors import IntegrityError
from listbackup.ids import Entropy

MEMORY_KIB = 128 * 1024
PASSES = 3
LANES = 4
MOST_MEMORY_KIB = 1024 * 1024
MOST_PASSES = 10
MOST_LANES = 16
NO_KDF: Mapping[str, Any] = {"name": "none"}

_ANONYMOUS = bytes(16)


def wrap_with_secret(secret: bytes, address: str, plain: bytes, entropy: Entropy) -> dict[str, Any]:
    """Wrap under 32 random bytes that the holder keeps."""
    sealed = seal(Key(_ANONYMOUS, secret), address, plain, entropy)
    return {"kdf": dict(NO_KDF), "sealed": base64.b64encode(sealed).decode("ascii")}


def wrap_with_passphrase(
    passphrase: str, address: str, plain: bytes, entropy: Entropy
) -> dict[str, Any]:
    """Wrap under a passphrase."""
    kdf = {
        "name": "argon2id",
        "salt": base64.b64encode(entropy(16)).decode("ascii"),
        "memory_kib": MEMORY_KIB,
        "passes": PASSES,
        "lanes": LANES,
    }
    secret = _stretch(passphrase, kdf)
    sealed = seal(Key(_ANONYMOUS, secret), address, plain, entropy)
    return {"kdf": kdf, "sealed": base64.b64encode(sealed).decode("ascii")}


def unwrap_with_secret(secret: bytes, address: str, wrap: Mapping[str, Any]) -> bytes:
    """Open a wrap of `wrap_with_secret`. Raises WrongKeyError, IntegrityError."""
    return unseal(Key(_ANONYMOUS, secret), address, _sealed_bytes(wrap))


def unwrap_with_passphrase(passphrase: str, address: str, wrap: Mapping[str, Any]) -> bytes:
    """Open a wrap of `wrap_with_passphrase`. Raises WrongKeyError, IntegrityError."""
    secret = _stretch(passphrase, wrap.get("kdf") or {})
    return unseal(Key(_ANONYMOUS, secret), address, _sealed_bytes(wrap))


def _sealed_bytes(wrap: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(wrap["sealed"]), validate=True)
    except (KeyError, ValueError) as error:
        raise IntegrityError("A wrapped key is damaged: it does not parse.") from error


def _stretch(passphrase: str, kdf: Mapping[str, Any]) -> bytes:
    try:
        memory, passes = int(kdf["memory_kib"]), int(kdf["passes"])
        lanes, salt = int(kdf["lanes"]), base64.b64decode(str(kdf["salt"]), validate=True)
        name = str(kdf["name"])
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError("A wrapped key is damaged: its parameters do not parse.") from error
    bounded = (
        8 * lanes <= memory <= MOST_MEMORY_KIB
        and 1 <= passes <= MOST_PASSES
        and 1 <= lanes <= MOST_LANES
        and 8 <= len(salt) <= 64
    )
    if name != "argon2id" or not bounded:
        raise IntegrityError(f"A wrapped key asks for {name} out of bounds; it was tampered with.")
    kdf_run = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    return kdf_run.derive(passphrase.encode("utf-8"))
