"""Writes HTTP responses, and breaks them: resets, drips, wrong lengths, bombs, silence.

Knows a connection's sending side only.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.faults import Fault
from listbackup.sandbox.platforms.wire import endless, make_bomb

PHRASES: Mapping[int, bytes] = {status.value: status.phrase.encode() for status in HTTPStatus}
LINGER = struct.pack("ii", 1, 0)
"""A socket closed with this sends a reset instead of a farewell."""
MISSING = 1000
"""How many bytes less than announced are sent."""


Writer = Callable[["Brokenness", Response], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Brokenness:
    """Where a broken response goes: the connection, whether it takes more, how large is huge."""

    wire: asyncio.Transport
    flow: asyncio.Event
    size: int


def write_head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    """Write status line and headers; `length` of the body in bytes is announced."""
    phrase = PHRASES.get(status, b"Unknown")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"HTTP/1.1 %d %b\r\n%bcontent-length: %d\r\n\r\n" % (
        status,
        phrase,
        lines.encode("latin-1"),
        length,
    )


def make_writer(fault: Fault) -> Writer:
    """Choose what does it."""
    return {
        Fault.RESET: _reset,
        Fault.TIMEOUT: _say_nothing,
        Fault.DRIP: _drip,
        Fault.WRONG_LENGTH: _fall_short,
        Fault.BOMB: _bomb,
        Fault.HUGE: _pour,
        Fault.CERTIFICATE: _reset,
    }[fault]


async def _reset(way: Brokenness, response: Response) -> None:
    body = response.body
    way.wire.write(write_head(response.status, response.headers, len(body)))
    way.wire.write(body[: len(body) // 2])
    await way.flow.wait()
    link = way.wire.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    way.wire.abort()


async def _say_nothing(way: Brokenness, response: Response) -> None:
    """Leave the client waiting; it ends when the client goes."""


async def _drip(way: Brokenness, response: Response) -> None:
    way.wire.write(write_head(response.status, response.headers, len(response.body)))
    for at in range(len(response.body)):
        way.wire.write(response.body[at : at + 1])
        await asyncio.sleep(1)


async def _fall_short(way: Brokenness, response: Response) -> None:
    announced = len(response.body) + MISSING
    way.wire.write(write_head(response.status, response.headers, announced))
    way.wire.write(response.body)
    way.wire.close()


async def _bomb(way: Brokenness, response: Response) -> None:
    bomb = make_bomb(way.size)
    headers = {**response.headers, "content-encoding": "gzip"}
    way.wire.write(write_head(200, headers, len(bomb)))
    way.wire.write(bomb)


async def _pour(way: Brokenness, response: Response) -> None:
    way.wire.write(write_head(200, response.headers, way.size))
    for block in endless(way.size):
        way.wire.write(block)
        await way.flow.wait()
