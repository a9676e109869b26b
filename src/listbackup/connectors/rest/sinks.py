"""Where a stream's records go: joined to chunks of a good size, with marks between them."""

import asyncio
from typing import Any, Protocol

from listbackup.connectors.rest.loop import Pipe
from listbackup.records import Mark

CHUNK = 256 * 2**10
MARKS = 64
"""After so many marks what is there is handed on, however little: each may have cost a request."""


class Sink(Protocol):
    """Takes lines and marks."""

    async def give(self, chunk: bytes) -> None:
        """Take lines."""
        ...

    async def mark(self, place: Any) -> None:
        """Everything so far was given up to a place."""
        ...

    async def flush(self) -> None:
        """Hand on what is left."""
        ...


class PipeSink:
    """Into a pipe. Of several marks within a chunk the last one counts."""

    def __init__(self, pipe: "Pipe[bytes | Mark]") -> None:
        self._pipe = pipe
        self._chunks: list[bytes] = []
        self._held = 0
        self._unmarked = 0
        self._mark: Mark | None = None
        self._marks = 0
        self._guard = asyncio.Lock()

    async def give(self, chunk: bytes) -> None:
        """Take lines."""
        if not chunk:
            return
        self._mark = None
        self._chunks.append(chunk)
        self._held += len(chunk)
        self._unmarked += len(chunk)
        if self._held >= 2 * CHUNK:
            await self.flush()

    async def mark(self, place: Any) -> None:
        """Hand on what is there, where enough came since the last mark that was handed on."""
        self._mark = Mark(place)
        self._marks += 1
        if self._unmarked >= CHUNK or self._marks >= MARKS or place is None:
            await self.flush()

    async def flush(self) -> None:
        """Hand on what is left. A mark never overtakes what it speaks of."""
        async with self._guard:
            chunks, mark = self._chunks, self._mark
            self._chunks, self._held, self._mark = [], 0, None
            if chunks:
                chunk = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                await self._pipe.put(chunk, len(chunk))
            if mark is not None:
                self._unmarked = self._marks = 0
                await self._pipe.put(mark, 0)


class NoSink:
    """Nowhere: for streams that only lend their keys."""

    async def give(self, chunk: bytes) -> None:
        """Take lines."""

    async def mark(self, place: Any) -> None:
        """Nothing is remembered."""

    async def flush(self) -> None:
        """There is nothing."""
