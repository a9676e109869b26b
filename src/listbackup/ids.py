"""Identifiers and randomness, as arguments. base32 is RFC 4648, lower case, without padding."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime

Entropy = Callable[[int], bytes]
"""Gives that many random bytes."""

system_entropy: Entropy = os.urandom


def make_sync_id(now: datetime, entropy: Entropy) -> str:
    """Make a UUIDv7 (RFC 9562) as 32 hex digits: time-ordered by the millisecond."""
    milliseconds = int(now.timestamp() * 1000)
    noise = int.from_bytes(entropy(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76
    value |= ((noise >> 62) & 0xFFF) << 64 | 0b10 << 62 | (noise & (2**62 - 1))
    return f"{value:032x}"


def read_sync_time(sync: str) -> datetime:
    """Give the moment in a sync id, to the millisecond. Raises ValueError, OverflowError, OSError
    for what is none."""
    return datetime.fromtimestamp(int(sync[:12], 16) / 1000, UTC)


def encode_base32(data: bytes) -> str:
    """Write bytes as base32, lower case, without padding."""
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def decode_base32(text: str) -> bytes:
    """Read what `encode_base32` wrote. Raises ValueError."""
    padded = text.upper() + "=" * (-len(text) % 8)
    return base64.b32decode(padded)
