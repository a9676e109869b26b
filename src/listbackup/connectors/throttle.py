"""Hold a rate: so many bytes a second over all threads, by waiting on the clock."""

import threading

from listbackup.clock import Clock


class Throttle:
    """Lets `rate` bytes a second through (0 is no limit), with bursts of at most a quarter
    second's worth."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock.monotonic()

    @property
    def limits(self) -> bool:
        """Whether there is a limit at all."""
        return self._rate > 0

    def pass_through(self, size: int) -> None:
        """Wait until that many bytes may have been read."""
        if self._rate <= 0:
            return
        with self._lock:
            now = self._clock.monotonic()
            self._free_at = max(self._free_at, now - 0.25) + size / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._clock.sleep(wait)
