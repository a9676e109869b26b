"""Encoders for parts of unknown size: what is little is encoded here, and what turns out to be much
in a child process beside this one, where it does not hold up whoever reads.

What has come of a part is held until that is known. Knows no source.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from listbackup.sync.children import ChildEncoder, ChildProcess
from listbackup.sync.encoding import Encoder, LocalEncoder, Tally, Work
from listbackup.vault.batches import CutBatch

MUCH = 1024 * 1024
"""Plain bytes of a part for which a child is worth its start."""
SLOW = 8
"""A part that came in so many chunks without being much is slow: nobody waits for its encoder."""
MOST_EARLIER = 96 * 1024 * 1024
"""Bytes of hashes of earlier lines that are worth copies in the child, of all streams together."""


class Beside:
    """The child that the encoders of one sync share, started when the first of them asks."""

    def __init__(self, encoders: int) -> None:
        self.encoders = encoders
        self._lock = threading.Lock()
        self._process: ChildProcess | None = None
        self._free: list[ChildEncoder] = []

    def open(self) -> ChildEncoder:
        """Give an encoder in the child; at most as many as there are. Raises OSError where no
        process can be started."""
        with self._lock:
            if self._process is None:
                self._process = ChildProcess(self.encoders)
                self._free = list(self._process.encoders)
            return self._free.pop()

    def kill(self) -> None:
        """End the child at once; may be called twice."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the child when it is done; may be called twice."""
        with self._lock:
            process, self._process = self._process, None
        for encoder in process.encoders if process else ():
            encoder.close()


class GrowingEncoder:
    """An encoder (see `encoding.Encoder`) that goes on in a child when a part grows."""

    def __init__(
        self, local: LocalEncoder, beside: Beside, much: int = MUCH, typed_from: int = 0
    ) -> None:
        """From `much` bytes on a part is much; one that ends below `typed_from` gets no typed
        view, whatever was estimated."""
        self._local = local
        self._beside = beside
        self._much = much
        self._typed_from = typed_from
        self._child: ChildEncoder | None = None
        self._chosen: Encoder | None = None
        self._held: list[bytes] = []
        self._size = 0

    def begin(
        self, work: Work, hand_on: Callable[[CutBatch], None], tell: Callable[[Tally], None]
    ) -> None:
        """Start a part."""
        self._begun = (work, hand_on, tell)
        self._chosen, self._held, self._size = None, [], 0
        earlier = work.earlier
        most = MOST_EARLIER // self._beside.encoders
        if earlier is not None and len(earlier.hashes) > most:
            self._choose(self._local)

    def add(self, chunk: bytes) -> None:
        """Take whole lines of source form."""
        if self._chosen is not None:
            self._chosen.add(chunk)
            return
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size >= self._much:
            self._choose(self._open_child() or self._local)
        elif len(self._held) >= SLOW:
            self._choose(self._local)

    def cut(self) -> bytes:
        """Hand on and tell all that was added so far."""
        return self._settle().cut()

    def finish(self) -> bytes:
        """End the part."""
        work, hand_on, tell = self._begun
        # of a part that is gone on with the earlier batches have their views
        whole = self._chosen is None and not work.before
        if whole and self._size < self._typed_from:
            self._begun = (replace(work, typing=None), hand_on, tell)
        return self._settle().finish()

    def abandon(self) -> None:
        """Forget the part."""
        self._held = []
        if self._chosen is not None:
            self._chosen.abandon()

    def kill(self) -> None:
        """End the child at once."""
        self._beside.kill()

    def close(self) -> None:
        """Give back what the typed view needs, and end the child that all share: nobody works any
        more."""
        self._local.close()
        self._beside.close()

    def _open_child(self) -> ChildEncoder | None:
        # without another process it takes longer, and that is all
        if self._child is None:
            with suppress(OSError):
                self._child = self._beside.open()
        return self._child

    def _settle(self) -> Encoder:
        return self._chosen or self._choose(self._local)

    def _choose(self, encoder: Encoder) -> Encoder:
        held, self._held = self._held, []
        self._chosen = encoder
        encoder.begin(*self._begun)
        for chunk in held:
            encoder.add(chunk)
        return encoder
