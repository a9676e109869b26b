"""The sealed object: one header, then frames of AES-256-GCM, bound to an address.

    header 88 bytes: magic `LBO1` | suite 1 | log2 of the frame size | 2 zero bytes
                     | key id (16) | salt (32) | key check (32)
    frames: 64 KiB of plaintext + 16 bytes of tag; the last one is marked and may be short

Object key and key check = HKDF-SHA256(key, salt, `lb1 object` | 0 | address, 64 bytes). Nonce =
11 bytes of frame number, big-endian, | 1 byte last (0 or 1). AAD = the header. A key serves one
object, so there is no limit of nonces; a frame that was cut, moved or exchanged does not open.

Knows keys and addresses as bytes and text, not where either comes from.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from listbackup.errors import IntegrityError, WrongKeyError
from listbackup.ids import Entropy

MAGIC = b"LBO1"
SUITE = 1
FRAME_LOG = 16
HEADER_SIZE = 88
TAG_SIZE = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A symmetric key: 16 bytes of id, 32 of secret."""

    id: bytes
    secret: bytes

    def to_bytes(self) -> bytes:
        """Write the 48 bytes in which a key is stored, always sealed under another."""
        return self.id + self.secret

    @staticmethod
    def from_bytes(data: bytes) -> "Key":
        """Read what `to_bytes` wrote. Raises IntegrityError."""
        if len(data) != 48:
            raise IntegrityError(f"A stored key has {len(data)} bytes instead of 48.")
        return Key(data[:16], data[16:])

    def __repr__(self) -> str:
        return f"Key(id={self.id.hex()})"


def make_key(entropy: Entropy) -> Key:
    """Make a new key."""
    return Key(entropy(16), entropy(32))


@dataclass(frozen=True, slots=True)
class Header:
    """The parsed first 88 bytes of a sealed object."""

    key_id: bytes
    salt: bytes
    check: bytes
    frame_size: int
    raw: bytes


def read_header(sealed: bytes | memoryview) -> Header:
    """Parse a header. Raises IntegrityError when it is none of ours."""
    raw = bytes(sealed[:HEADER_SIZE])
    if len(raw) < HEADER_SIZE or raw[:4] != MAGIC or raw[6:8] != b"\0\0":
        raise IntegrityError("This is not a sealed object: its first bytes are damaged or foreign.")
    if raw[4] != SUITE or raw[5] != FRAME_LOG:
        raise IntegrityError(f"This object is sealed by an unknown suite {raw[4]}/{raw[5]}.")
    return Header(raw[8:24], raw[24:56], raw[56:88], 1 << raw[5], raw)


def seal(key: Key, address: str, plain: bytes | memoryview, entropy: Entropy) -> bytes:
    """Seal bytes for one address."""
    salt = entropy(32)
    secret, check = _derive(key.secret, salt, address)
    header = MAGIC + bytes((SUITE, FRAME_LOG, 0, 0)) + key.id + salt + check
    cipher = AESGCM(secret)
    size = 1 << FRAME_LOG
    view = memoryview(plain)
    count = max(1, -(-len(view) // size))
    frames = [header]
    for number in range(count):
        nonce = _nonce(number, number == count - 1)
        frames.append(cipher.encrypt(nonce, view[number * size : (number + 1) * size], header))
    return b"".join(frames)


def unseal(key: Key, address: str, sealed: bytes | memoryview) -> bytes:
    """Open a whole sealed object. Raises WrongKeyError when the key check does not match (the
    caller knows whether that means a wrong key or a damaged object), IntegrityError."""
    return b"".join(unseal_frames(key, address, sealed))


def unseal_frames(key: Key, address: str, sealed: bytes | memoryview) -> Iterator[bytes]:
    """Open frame by frame. Every frame is verified before it is given; errors as `unseal`."""
    frames = Frames(key, address, sealed)
    body = memoryview(sealed)[HEADER_SIZE:]
    count = max(1, -(-len(body) // frames.step))
    for number in range(count):
        frame = body[number * frames.step : (number + 1) * frames.step]
        yield frames.open(number, number == count - 1, frame)


class Frames:
    """Opens single frames of one sealed object, in any order. Thread-safe."""

    def __init__(self, key: Key, address: str, head: bytes | memoryview) -> None:
        """Take the object's first 88 bytes, or more. Raises WrongKeyError, IntegrityError."""
        header = read_header(head)
        secret, check = _derive(key.secret, header.salt, address)
        if not hmac.compare_digest(check, header.check):
            raise WrongKeyError("The key does not fit this object.")
        self.size = header.frame_size
        self.step = header.frame_size + TAG_SIZE
        self.check = header.check.hex()
        self._cipher = AESGCM(secret)
        self._header = header.raw

    def open(self, number: int, last: bool, frame: bytes | memoryview) -> bytes:
        """Open the frame of a number; `last` says that none follows. Raises IntegrityError."""
        try:
            return self._cipher.decrypt(_nonce(number, last), frame, self._header)
        except (InvalidTag, ValueError) as error:
            raise IntegrityError(f"Frame {number} of a sealed object is damaged.") from error


def sealed_check(sealed: bytes | memoryview) -> str:
    """Give the key check of a sealed object in hex, as a ref holds it."""
    return read_header(sealed).check.hex()


def _derive(secret: bytes, salt: bytes, address: str) -> tuple[bytes, bytes]:
    info = b"lb1 object\0" + address.encode("utf-8")
    derived = HKDF(algorithm=SHA256(), length=64, salt=salt, info=info).derive(secret)
    return derived[:32], derived[32:]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))
