"""Bodies of responses, let in piece by piece: decompressed within a limit, and checked to be JSON.

Memory is bounded by the limit whatever was compressed into few bytes.
"""

import zlib
from typing import Any, cast

import msgspec
from isal import isal_zlib

from listbackup.connectors.rest.transport import Kind, Response, TransportError

ACCEPTED = "gzip, deflate"
"""What a client that reads bodies with `Inflater` may say that it accepts."""

_BROKEN = (zlib.error, cast(type[Exception], isal_zlib.error))
_PIECE = 256 * 2**10
_GZIP = 31
_ZLIB = 8
_MOST_MEMBERS = 1024
_NOT_JSON = ("text/html", "application/xhtml", "application/xml", "text/xml", "image/", "video/")


class Unreadable(Exception):
    """A response that is no answer: not what was asked for, or cut short. Says what it is."""


class Inflater:
    """Takes a body's pieces as they come over the wire, and gives the whole of it.

    `encoding` is the header `Content-Encoding`. Raises TransportError: too large, malformed,
    wrong length.
    """

    def __init__(self, encoding: str, largest: int) -> None:
        self._encoding = encoding.strip().lower()
        self._largest = largest
        self._size = 0
        self._members = 1
        self._fed = False
        self._pieces: list[bytes] = []
        self._bare = False
        self._unzip = self._open()

    def add(self, piece: bytes) -> None:
        """Take in a piece."""
        if self._unzip is None:
            self._keep(piece)
            return
        first, self._fed = not self._fed and bool(piece), self._fed or bool(piece)
        try:
            if first and self._encoding == "deflate" and piece[0] & 0x0F != _ZLIB:
                self._bare = True
                self._unzip = self._open()
            while piece:
                piece = self._inflate(piece)
        except _BROKEN as error:
            raise TransportError(Kind.MALFORMED, "what is said to be compressed is not") from error

    def finish(self) -> bytes:
        """Give the whole body."""
        if self._unzip is not None and self._fed and not self._unzip.eof:
            raise TransportError(Kind.WRONG_LENGTH, "the compressed body ends too early")
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _inflate(self, piece: bytes) -> bytes:
        if self._unzip.eof:
            # Members of a gzip body may follow each other; zeros after the last are padding.
            if not piece.strip(b"\0"):
                return b""
            self._members += 1
            if self._members > _MOST_MEMBERS:
                raise TransportError(Kind.MALFORMED, "the body is compressed in too many parts")
            self._unzip = self._open()
        self._keep(self._unzip.decompress(piece, _PIECE))
        return bytes(self._unzip.unused_data if self._unzip.eof else self._unzip.unconsumed_tail)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._largest:
            raise TransportError(
                Kind.TOO_LARGE, f"the body is larger than {self._largest // 2**20} MiB"
            )
        if piece:
            self._pieces.append(piece)

    def _open(self) -> Any:
        match self._encoding:
            case "" | "identity":
                return None
            case "gzip" | "x-gzip":
                return isal_zlib.decompressobj(_GZIP)
            case "deflate":
                # RFC 9110 wants a zlib stream; many servers send the bare one
                return zlib.decompressobj(-15 if self._bare else 15)
            case _:
                raise TransportError(Kind.MALFORMED, "the body is compressed in an unknown way")


def check_json(response: Response) -> None:
    """Check that a response is one JSON text in UTF-8, to its last byte. Raises Unreadable."""
    kind = response.headers.get("content-type", "").lower()
    if kind.startswith(_NOT_JSON) or response.body.lstrip()[:1] == b"<":
        raise Unreadable(f"it is not JSON ({kind.partition(';')[0][:40] or 'markup'})")
    if not response.body.strip():
        raise Unreadable("it is empty")
    try:
        if not response.body.isascii():
            response.body.decode("utf-8")
        msgspec.json.decode(response.body, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8, as JSON has to be") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("its JSON is cut short or broken") from error
