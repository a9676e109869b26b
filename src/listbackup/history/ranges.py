"""Ranges of stored objects, read by position and verified before any byte is given.

Stored bytes are read in blocks of 1 MiB, each compared with the SHA-256 that a signed list names;
of a sealed object the frames within are then opened. An object that is smaller, or whose ref has no
blocks, is read and verified whole. Thread-safe; holds at most a given number of bytes. Knows no
Parquet.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from listbackup.crypto.sealing import HEADER_SIZE, TAG_SIZE, Frames
from listbackup.errors import IntegrityError, ObjectMissing, WrongKeyError
from listbackup.vault import layout
from listbackup.vault.objects import Objects
from listbackup.vault.refs import BLOCK, Ref

Array = np.ndarray[Any, Any]
LANE = np.dtype("<u8")
MOST_HELD = 96 * 1024 * 1024
SMALL = 128 * 1024
"""Bytes of a piece that is held among the small ones."""
_Name = tuple[str, int]


class Held:
    """What was read lately, up to so many bytes; what was not used for longest goes first. Small
    pieces have a quarter for themselves, so that large ones that pass by do not drive them out."""

    def __init__(self, most: int = MOST_HELD) -> None:
        """Nothing is held yet."""
        self._small, self._large = _Shelf(most // 4), _Shelf(most - most // 4)
        self._lock = threading.Lock()
        self._making: dict[_Name, threading.Lock] = {}

    def get(self, key: str, number: int, make: Callable[[], bytes]) -> bytes:
        """Give what is held, or make it; of several threads that want it one makes it."""
        name = (key, number)
        with self._lock:
            found = self._find(name)
            if found is not None:
                return found
            turn = self._making.setdefault(name, threading.Lock())
        with turn:
            with self._lock:
                found = self._find(name)
                if found is not None:
                    return found
            made = make()
            with self._lock:
                shelf = self._small if len(made) <= SMALL else self._large
                shelf.keep(name, made)
                self._making.pop(name, None)
        return made

    def _find(self, name: _Name) -> bytes | None:
        found = self._small.find(name)
        return self._large.find(name) if found is None else found


class _Shelf:
    """A part of what is held. Not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[_Name, bytes] = OrderedDict()

    def find(self, name: _Name) -> bytes | None:
        if name not in self._kept:
            return None
        self._kept.move_to_end(name)
        return self._kept[name]

    def keep(self, name: _Name, made: bytes) -> None:
        if name not in self._kept:
            self._kept[name] = made
            self._size += len(made)
        while self._size > self._most and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone)


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
        if self.ref.bytes <= BLOCK:
            whole = self._held.get(self.ref.key, -1, lambda: read_whole(self._objects, self.ref))
            return whole[start:end]
        if self.ref.form == "plain":
            return bytes(self._stored(start, end))
        return self._unsealed(start, end)

    def _stored(self, start: int, end: int) -> memoryview:
        """Give stored bytes, verified."""
        numbers = range(start // BLOCK, -(-end // BLOCK))
        blocks = [self._held.get(self.ref.key, n, lambda n=n: self._block(n)) for n in numbers]  # type: ignore[misc]
        last = len(blocks) - 1
        pieces = [memoryview(block) for block in blocks]
        pieces[last] = pieces[last][: end - numbers[last] * BLOCK]
        pieces[0] = pieces[0][start - numbers[0] * BLOCK :]
        return pieces[0] if last == 0 else memoryview(b"".join(pieces))

    def _block(self, number: int) -> bytes:
        ref = self.ref
        start = number * BLOCK
        length = min(BLOCK, ref.bytes - start)
        body = self._get(start, length)
        blocks = ref.blocks or ()
        if len(body) != length or hashlib.sha256(body).hexdigest() != blocks[number]:
            raise IntegrityError(
                f"{ref.key} is damaged or exchanged: the digest of a block differs.",
                subject=ref.key,
            )
        return body

    def _get(self, start: int, length: int) -> bytes:
        """Read stored bytes, as they are."""
        ref = self.ref
        place = layout.place(ref.key, ref.form == "sealed")
        try:
            return self._objects.store.get(place, start=start + (ref.offset or 0), length=length)
        except ObjectMissing as error:
            raise IntegrityError(f"{ref.key} is lost.", subject=ref.key) from error

    def _unsealed(self, start: int, end: int) -> bytes:
        frames = self._frames()
        numbers = range(start // frames.size, -(-end // frames.size))
        first = HEADER_SIZE + numbers[0] * frames.step
        body = self._stored(first, min(self.ref.bytes, first + len(numbers) * frames.step))
        opened = open_frames(frames, self.ref, numbers, body)
        opened[-1] = opened[-1][: end - numbers[-1] * frames.size]
        opened[0] = opened[0][start - numbers[0] * frames.size :]
        return b"".join(opened)

    def _frames(self) -> Frames:
        with self._lock:
            if self._opened is None:
                # its key check, which the ref names, proves the header; no block is needed for that
                head = self._get(0, HEADER_SIZE)
                self._opened = find_frames(self._objects, self.ref, head)
            return self._opened


def read_whole(objects: Objects, ref: Ref) -> bytes:
    """Read an object that is not compressed: its stored bytes are compared with their digest, and
    opened where they are sealed. Raises IntegrityError."""
    if ref.codec != "none" or (ref.form == "plain" and ref.sha256 != ref.plain_sha256):
        return objects.read(ref)
    body = objects.stored_bytes(ref)
    if ref.form == "plain":
        return body
    frames = find_frames(objects, ref, body)
    count = max(1, -(-(ref.bytes - HEADER_SIZE) // frames.step))
    return b"".join(open_frames(frames, ref, range(count), memoryview(body)[HEADER_SIZE:]))


def pick_rows(objects: Objects, ref: Ref, width: int, rows: Array) -> Array:
    """Give some rows of `width` numbers of 8 bytes of an object that is not compressed; `rows`
    ascend. Its stored bytes are compared with their digest as a whole; where they are sealed, only
    frames that hold such a row are opened. Raises IntegrityError."""
    if ref.codec != "none" or ref.form == "plain":
        return np.frombuffer(read_whole(objects, ref), LANE).reshape(-1, width)[rows]
    body = memoryview(objects.stored_bytes(ref))
    frames = find_frames(objects, ref, body)
    step = frames.size // (8 * width)
    picked = np.empty((len(rows), width), LANE)
    edges = np.searchsorted(rows, np.arange(0, ref.plain_bytes // (8 * width) + step, step))
    for number in np.flatnonzero(np.diff(edges)).tolist():
        first, end = edges[number], edges[number + 1]
        sealed = body[HEADER_SIZE + number * frames.step :]
        opened = open_frames(frames, ref, range(number, number + 1), sealed)[0]
        table = np.frombuffer(opened, LANE).reshape(-1, width)
        picked[first:end] = table[rows[first:end] - number * step]
    return picked


def find_frames(objects: Objects, ref: Ref, head: bytes | memoryview) -> Frames:
    """Get ready to open an object's frames; `head` are its first stored bytes. Raises
    IntegrityError where it is none that the ref means."""
    key = objects.keyring.data_key_of(ref.key)
    try:
        frames = Frames(key, layout.address(objects.vault, objects.account, ref.key), head)
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


def open_frames(frames: Frames, ref: Ref, numbers: range, body: memoryview) -> list[bytes]:
    """Open frames that follow one another in `body`. Raises IntegrityError."""
    count = max(1, -(-(ref.bytes - HEADER_SIZE) // frames.step))
    try:
        return [
            frames.open(number, number == count - 1, body[at * frames.step :][: frames.step])
            for at, number in enumerate(numbers)
        ]
    except IntegrityError as error:
        raise IntegrityError(
            f"{ref.key} does not open: it is damaged, moved or foreign.", subject=ref.key
        ) from error
