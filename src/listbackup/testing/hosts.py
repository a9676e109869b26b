"""Clocks and randomness that play the same every time."""

import hashlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from listbackup.disk import SystemDisk
from listbackup.host import Host

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class PlayedClock:
    """A clock that stands still unless it is told to go on; every look moves it a millisecond."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._slept = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the played time."""
        with self._lock:
            self._now += timedelta(milliseconds=1)
            return self._now

    def monotonic(self) -> float:
        """Give the seconds that were slept or jumped over."""
        return self._slept

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.jump(timedelta(seconds=seconds))

    def jump(self, by: timedelta) -> None:
        """Move the time, forwards or backwards."""
        with self._lock:
            self._now += by
            self._slept += max(0.0, by.total_seconds())


class SeededEntropy:
    """Bytes that look random and come the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, size: int) -> bytes:
        """Give the next bytes."""
        with self._lock:
            self._count += 1
            text = f"{self._seed}/{self._count}".encode()
        return hashlib.shake_256(text).digest(size)


class StampedDisk(SystemDisk):
    """The machine's disk, on which files bear the played time of their making."""

    def __init__(self, clock: PlayedClock) -> None:
        self._clock = clock

    def create(self, path: Path, data: bytes | memoryview) -> None:
        """Write a new file."""
        super().create(path, data)
        moment = self._clock.now().timestamp()
        os.utime(path, (moment, moment))


def play_host(seed: int = 0, clock: PlayedClock | None = None) -> Host:
    """Give a host whose clock and randomness are played; its disk is the machine's."""
    return Host(clock=clock or PlayedClock(), entropy=SeededEntropy(seed))
