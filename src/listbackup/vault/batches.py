"""Cutting lines into batches: compressed, digested, with the hashes of their lines beside them.

Batches are at most about 8 MiB stored, and 64 MiB plain or 500,000 lines. Knows no keys, names or
stores, so that it can work in a process of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from listbackup.vault.codecs import Squeezer

MOST_PLAIN = 64 * 1024 * 1024
MOST_STORED = 8 * 1024 * 1024
MOST_ROWS = 500_000
"""Bounds the hashes of a batch, which are as long for a narrow row as for a wide one."""


@dataclass(frozen=True, slots=True)
class CutBatch:
    """A finished batch: one gzip member, what it holds, and its idx.

    `home` is the slice that its lines were read from. Where whoever cut it made its typed view
    too, `part` is that, and `number` the number that it has to get, because the view names it;
    `unviewed` says why there is none. Batches of a higher `order` hold what was given later.
    """

    body: bytes
    plain_bytes: int
    plain_sha256: str
    rows: int
    idx: bytes
    home: str = ""
    number: int = 0
    part: bytes | None = None
    unviewed: str = ""
    order: int = 0


class BatchWriter:
    """Takes lines and their hashes from one thread and hands on batches."""

    def __init__(
        self,
        hand_on: Callable[[CutBatch], None],
        most_plain: int = MOST_PLAIN,
        most_stored: int = MOST_STORED,
    ) -> None:
        self._hand_on = hand_on
        self._most_plain = most_plain
        self._most_stored = most_stored
        # a compressor takes a quarter of a MiB: only who has lines has one
        self._squeezer: Squeezer | None = None
        self._idx: list[bytes] = []
        self._rows = 0

    def add(self, lines: bytes, idx: bytes, rows: int) -> None:
        """Add whole lines in stored form, each ended by a newline, with their hashes."""
        squeezer = self._squeezer = self._squeezer or Squeezer()
        squeezer.add(lines)
        self._idx.append(idx)
        self._rows += rows
        full = squeezer.plain_bytes >= self._most_plain or self._rows >= MOST_ROWS
        if full or squeezer.stored_bytes >= self._most_stored:
            self.finish()

    def finish(self) -> None:
        """Hand on what is left. More may be added after."""
        squeezer, idx, rows = self._squeezer, b"".join(self._idx), self._rows
        self._squeezer, self._idx, self._rows = None, [], 0
        if squeezer is None or rows == 0:
            return
        body = squeezer.finish()
        self._hand_on(CutBatch(body, squeezer.plain_bytes, squeezer.plain_sha256, rows, idx))
