"""Compression of stored objects: gzip members without time and name, read with a bound.

Gzip bytes differ by machine (ISA-L); identity is the plain digest's. Knows no keys.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import cast

from isal import isal_zlib
from isal.igzip_lib import IsalError

from listbackup.errors import IntegrityError

GZIP_BITS = 31
LEVEL = 1
STEP = 256 * 1024
SLICE = 64 * 1024
"""Stored bytes that are expanded at once: what a step leaves of them is copied every time."""
_DAMAGE = (cast(type[Exception], IsalError), zlib.error, EOFError)


def compress(plain: bytes) -> bytes:
    """Write one gzip member."""
    squeezer = Squeezer()
    squeezer.add(plain)
    return squeezer.finish()


class Squeezer:
    """Compresses what it is given into one gzip member, and digests the plain bytes."""

    def __init__(self) -> None:
        self._member = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, GZIP_BITS)
        self._pieces: list[bytes] = []
        self._digest = hashlib.sha256()
        self.plain_bytes = 0
        self.stored_bytes = 0

    def add(self, plain: bytes) -> None:
        """Take more plain bytes."""
        self._digest.update(plain)
        self.plain_bytes += len(plain)
        self._keep(self._member.compress(plain))

    def finish(self) -> bytes:
        """Give the whole member. Nothing can be added after."""
        self._keep(self._member.flush())
        return b"".join(self._pieces)

    @property
    def plain_sha256(self) -> str:
        """Digest of all plain bytes so far, `sha256:hex`."""
        return "sha256:" + self._digest.hexdigest()

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self.stored_bytes += len(piece)


def expand(stored: Iterator[bytes], most: int, what: str) -> Iterator[bytes]:
    """Decompress one gzip member piece by piece, never beyond `most` plain bytes. Raises
    IntegrityError when it is damaged, cut, too long or followed by anything."""
    member = isal_zlib.decompressobj(GZIP_BITS)
    total = 0
    try:
        for waiting in _slice(stored):
            while waiting and not member.eof:
                plain = member.decompress(waiting, STEP)
                waiting = member.unconsumed_tail
                total += len(plain)
                if total > most:
                    raise IntegrityError(f"{what} expands beyond its {most} bytes.")
                if plain:
                    yield plain
            if member.eof and (waiting or member.unused_data):
                raise IntegrityError(f"{what} is followed by foreign bytes.")
    except _DAMAGE as error:
        raise IntegrityError(f"{what} does not decompress: it is damaged.") from error
    if not member.eof:
        raise IntegrityError(f"{what} is cut short.")


def _slice(stored: Iterator[bytes]) -> Iterator[bytes]:
    for piece in stored:
        for start in range(0, len(piece), SLICE):
            yield piece[start : start + SLICE]
