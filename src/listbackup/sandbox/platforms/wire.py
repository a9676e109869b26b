"""Bytes that break a reader: gzip bombs, bodies without end, and a certificate nobody trusts.

Knows nothing of connections.
"""

import struct
import zlib
from collections.abc import Iterator
from functools import cache

GIB = 2**30
_BLOCK = 2**20


@cache
def make_bomb(size: int = GIB) -> bytes:
    """Compress `size` bytes of spaces (whole MiB) into a valid gzip stream, about a thousandth of
    it. Built from one block repeated, so that it takes no time."""
    block = b" " * _BLOCK
    count = size // _BLOCK
    press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = press.compress(block) + press.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(count):
        check = zlib.crc32(block, check)
    end = press.flush(zlib.Z_FINISH)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + first * count + end + struct.pack("<II", check, size & 0xFFFFFFFF)


def endless(size: int = GIB) -> Iterator[bytes]:
    """Give `size` bytes (whole MiB) of JSON that says nothing."""
    block = b" " * _BLOCK
    for _ in range(size // _BLOCK):
        yield block
