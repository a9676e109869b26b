"""Ranges of stored objects, read by position and verified before any byte is given.

Stored bytes are read in blocks of 1 MiB, each compared with the SHA-256 that a signed list names;
of a sealed object the frames within are then opened. An object whose ref has no blocks is read and
verified whole. Thread-safe; holds at most a given number of bytes of blocks. Knows no Parquet.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from listbackup.crypto.sealing import HEADER_SIZE, TAG_SIZE, Frames
from listbackup.errors import IntegrityError, ObjectMissing, WrongKeyError
from listbackup.vault import layout
from listbackup.vault.objects import Objects
from listbackup.vault.refs import BLOCK, Ref

MOST_HELD = 64 * 1024 * 1024


class Held:
    """What was read lately, up to so many bytes; what was not used for longest goes first."""

    def __init__(self, most: int = MOST_HELD) -> None:
        """Nothing is held yet."""
        self._most = most
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def get(self, key: str, number: int, make: Callable[[], bytes]) -> bytes:
        """Give what is held, or make it."""
        with self._lock:
            found = self._kept.get((key, number))
            if found is not None:
                self._kept.move_to_end((key, number))
                return found
        made = make()
        with self._lock:
            if (key, number) not in self._kept:
                self._kept[key, number] = made
                self._size += len(made)
            while self._size > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone)
        return made


class StoredRange:
    """The plain bytes of one object that is not compressed, readable at any position."""

    def __init__(self, objects: Objects, ref: Ref, held: Held) -> None:
        """Nothing is read yet. Raises IntegrityError for a ref that says two things."""
        self.ref = ref
        self.size = ref.plain_bytes
        self._objects = objects
        self._held = held
        self._lock = threading.Lock()
        self._opened: Frames | None = None
        if ref.form == "plain" and ref.codec == "none" and ref.bytes != ref.plain_bytes:
            raise IntegrityError(f"{ref.key} claims two sizes.", subject=ref.key)

    def read(self, start: int, length: int) -> bytes:
        """Give plain bytes from `start`, fewer only at the end. Raises IntegrityError, StoreError,
        WrongKeyError, AuthError."""
        end = min(start + length, self.size)
        if start >= end:
            return b""
        if self.ref.blocks is None or self.ref.codec != "none":
            whole = self._held.get(self.ref.key, -1, lambda: self._objects.read(self.ref))
            return whole[start:end]
        if self.ref.form == "plain":
            return self._stored(start, end)
        return self._unsealed(start, end)

    def _stored(self, start: int, end: int) -> bytes:
        """Give stored bytes, verified."""
        numbers = range(start // BLOCK, -(-end // BLOCK))
        blocks = [self._held.get(self.ref.key, n, lambda n=n: self._block(n)) for n in numbers]  # type: ignore[misc]
        base = numbers[0] * BLOCK
        if len(blocks) == 1:
            return blocks[0][start - base : end - base]
        return b"".join(blocks)[start - base : end - base]

    def _block(self, number: int) -> bytes:
        ref = self.ref
        start = number * BLOCK
        length = min(BLOCK, ref.bytes - start)
        try:
            body = self._objects.store.get(
                layout.place(ref.key, ref.form == "sealed"),
                start=start + (ref.offset or 0),
                length=length,
            )
        except ObjectMissing as error:
            raise IntegrityError(f"{ref.key} is lost.", subject=ref.key) from error
        blocks = ref.blocks or ()
        if len(body) != length or hashlib.sha256(body).hexdigest() != blocks[number]:
            raise IntegrityError(
                f"{ref.key} is damaged or exchanged: the digest of a block differs.",
                subject=ref.key,
            )
        return body

    def _unsealed(self, start: int, end: int) -> bytes:
        frames = self._frames()
        numbers = range(start // frames.size, -(-end // frames.size))
        first = HEADER_SIZE + numbers[0] * frames.step
        body = memoryview(
            self._stored(first, min(self.ref.bytes, first + len(numbers) * frames.step))
        )
        count = max(1, -(-(self.ref.bytes - HEADER_SIZE) // frames.step))
        opened = []
        for at, number in enumerate(numbers):
            frame = body[at * frames.step : (at + 1) * frames.step]
            try:
                opened.append(frames.open(number, number == count - 1, frame))
            except IntegrityError as error:
                raise IntegrityError(
                    f"{self.ref.key} does not open: it is damaged, moved or foreign.",
                    subject=self.ref.key,
                ) from error
        base = numbers[0] * frames.size
        return b"".join(opened)[start - base : end - base]

    def _frames(self) -> Frames:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Frames:
        ref = self.ref
        key = self._objects.keyring.data_key_of(ref.key)
        address = layout.address(self._objects.vault, self._objects.account, ref.key)
        try:
            frames = Frames(key, address, self._stored(0, min(HEADER_SIZE, ref.bytes)))
        except WrongKeyError as error:
            raise IntegrityError(
                f"{ref.key} does not open: it is damaged, moved or foreign.", subject=ref.key
            ) from error
        if frames.check != ref.check:
            raise IntegrityError(f"{ref.key} was sealed anew since it was named.", subject=ref.key)
        count = max(1, -(-(ref.bytes - HEADER_SIZE) // frames.step))
        if ref.bytes - HEADER_SIZE - count * TAG_SIZE != ref.plain_bytes:
            raise IntegrityError(f"{ref.key} claims two sizes.", subject=ref.key)
        return frames
