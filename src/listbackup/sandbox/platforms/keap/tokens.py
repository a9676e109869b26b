"""Keap's page tokens: opaque to a client, and good for the list they were given with only."""

import base64
import binascii
from hashlib import blake2b

import msgspec

from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.tables import Rank


def write_token(after: tuple[Rank, int], path: str, mark: str) -> str:
    """Write the place after which the next page begins."""
    data = msgspec.json.encode([after, _sign(path, mark)])
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_token(token: str, path: str, mark: str) -> tuple[Rank, int]:
    """Read a token. Raises RefusedError (400) for one of another list, or none."""
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        place, sign = msgspec.json.decode(data, type=tuple[tuple[tuple[int, float, str], int], str])
    except (binascii.Error, ValueError):
        raise RefusedError(400, "Invalid page_token", "page_token") from None
    if sign != _sign(path, mark):
        raise RefusedError(400, "page_token belongs to another list", "page_token")
    return place


def _sign(path: str, mark: str) -> str:
    return blake2b(f"{path}|{mark}".encode(), digest_size=6).hexdigest()
