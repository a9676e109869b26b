"""The wire of a COPY: rows cut out of PostgreSQL's messages, in large pieces, from a socket.

Text holds no NUL, so the end of one row and the head of the next message cannot be mistaken; all
lengths are verified nevertheless. Needs nothing but a socket that carries no TLS and an idle
session behind it: a process that was lent the descriptor can read here without a driver.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from listbackup.errors import SourceError
from listbackup.records.counting import count_lines

UNIT = 1 << 20
"""Bytes asked of the server at a time; about the size of a chunk."""

SEPARATOR = b"\nd\0\0"
"""End of a row, head of the next message that is shorter than 64 KiB."""

READY = b"Z\0\0\0\5"
ROW = ord("d")
PASSED_OVER = b"HcNSATD"
"""Kinds of messages that say nothing about rows: begin, end, notices, settings, notifications,
and the answers of what was asked before the COPY in the same request."""


@dataclass(slots=True)
class Told:
    """What the server said beside the rows: their count (-1 before it said so), its first error
    as SQLSTATE and text, and whether it is ready for the next request."""

    rows: int = -1
    error: tuple[str, str] | None = None
    ready: bool = False

    def hear(self, kind: int, body: bytes) -> None:
        """Take a message that is no row. Raises SourceError where it cannot belong to a COPY."""
        if kind == ord("C"):
            if body.startswith(b"COPY "):
                self.rows = int(body[5:].rstrip(b"\0"))
        elif kind == ord("E"):
            self.error = self.error or _read_error(body)
        elif kind == ord("Z"):
            self.ready = True
        elif kind not in PASSED_OVER:
            raise SourceError("The server sent something that is no answer to a COPY.")


def _read_error(body: bytes) -> tuple[str, str]:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    detail = f" ({fields[b'D']})" if b"D" in fields else ""
    return fields.get(b"C", ""), fields.get(b"M", "unknown error") + detail


def receive(descriptor: int, request: bytes) -> Iterator[bytes]:
    """Run one COPY ... TO STDOUT over a lent descriptor and give its lines in chunks. Raises
    SourceError for what the server says and where counts disagree."""
    told, rows = Told(), 0
    with socket.socket(fileno=socket.dup(descriptor)) as wire:
        try:
            for chunk in exchange(wire, request, UNIT, told, lambda: None):
                rows += count_lines(chunk)
                yield chunk
        except OSError as error:
            raise SourceError(f"The connection to the server was lost: {error}") from error
    if told.error:
        raise SourceError(f"PostgreSQL: {told.error[1]}")
    verify_count(rows, told)


def verify_count(rows: int, told: Told) -> None:
    """Compare what was given with what the server says it sent. Raises SourceError."""
    if told.rows != rows:
        raise SourceError(f"The server sent {rows} rows and said that it had sent {told.rows}.")


def exchange(
    wire: socket.socket, request: bytes, unit: int, told: Told, cancel: Callable[[], None]
) -> Iterator[bytes]:
    """Send a request and read its answer to the end, rows in chunks of about `unit` bytes. When
    nobody reads on, `cancel` is called and what still comes is passed over. Raises OSError."""
    wire.setblocking(True)
    try:
        wire.sendall(b"Q" + struct.pack("!i", len(request) + 5) + request + b"\0")
        yield from _read(wire, unit, told, cancel)
    finally:
        wire.setblocking(False)


def _read(
    wire: socket.socket, unit: int, told: Told, cancel: Callable[[], None]
) -> Iterator[bytes]:
    buffer = bytearray(unit)
    rest = b""
    wanted = True
    while not told.ready:
        if len(rest) * 2 > len(buffer):
            buffer = bytearray(len(buffer) * 2)
        elif len(buffer) > unit and len(rest) * 2 <= unit:
            buffer = bytearray(unit)
        buffer[: len(rest)] = rest
        filled = _fill(wire, buffer, len(rest))
        data = bytes(memoryview(buffer)[:filled])
        used = _pass_over(data, told)
        lines, used = _split(data, used) or ([], used)
        more, used = _walk(data, used, told)
        rest = data[used:]
        lines += more
        if lines and wanted:
            lines.append(b"")
            try:
                yield b"\n".join(lines)
            except GeneratorExit:
                wanted = False
                cancel()


def _fill(wire: socket.socket, buffer: bytearray, filled: int) -> int:
    view = memoryview(buffer)
    while filled < len(buffer):
        got = wire.recv_into(view[filled:])
        if not got:
            raise ConnectionError("the server closed it")
        filled += got
        if buffer[filled - 6 : filled - 1] == READY:
            break
    return filled


def _pass_over(data: bytes, told: Told) -> int:
    """Take the messages before the first row, and say where that begins."""
    at = 0
    while at + 5 <= len(data) and data[at] != ROW and not told.ready:
        end = at + 1 + _measure(data, at)
        if end > len(data):
            break
        told.hear(data[at], data[at + 5 : end])
        at = end
    return at


def _measure(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at + 1 : at + 5], "big")
    if length < 4:
        raise SourceError("The server sent a message that has no length.")
    return length


def _split(data: bytes, at: int) -> tuple[list[bytes], int] | None:
    """Cut a run of short row messages at once; None where it is not provably right."""
    if data[at : at + 3] != b"d\0\0":
        return None
    start, data = at, data[at:] if at else data
    pieces = data.split(SEPARATOR)
    if len(pieces) < 3:
        return None
    used = len(data) - len(pieces.pop()) - 3
    pieces[0] = pieces[0][3:]
    sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
    heads = np.cumsum(sizes + 4) - sizes - 1
    octets = np.frombuffer(data, np.uint8)
    lengths = octets[heads].astype(np.int64) << 8 | octets[heads + 1]
    if not np.array_equal(lengths, sizes + 3):
        return None
    return [piece[2:] for piece in pieces], start + used


def _walk(data: bytes, at: int, told: Told) -> tuple[list[bytes], int]:
    """Cut message by message, for messages of any kind and length; lines without newlines."""
    lines = []
    while at + 5 <= len(data) and not told.ready:
        length = _measure(data, at)
        if at + 1 + length > len(data):
            break
        if data[at] == ROW:
            lines.append(data[at + 5 : at + length])
        else:
            told.hear(data[at], data[at + 5 : at + 1 + length])
        at += 1 + length
    return lines, at
