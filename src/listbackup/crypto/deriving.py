"""Keys made from a key: one for each purpose, so that none is used for two.

    id and secret = HKDF-SHA256(secret of the parent, no salt, `lb1 ` + purpose | 0 | id of the
    parent, 48 bytes)

Knows no purpose.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from listbackup.crypto.sealing import Key


def derive_key(parent: Key, purpose: str) -> Key:
    """Derive the key of a purpose; the same one each time."""
    info = f"lb1 {purpose}".encode("ascii") + b"\0" + parent.id
    derive = HKDF(algorithm=SHA256(), length=48, salt=None, info=info)
    return Key.from_bytes(derive.derive(parent.secret))
