"""What has been done so far, added up from events; progress listeners draw from it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from listbackup.clock import Clock
from listbackup.events import Event, Progressed, StepDone, StepStarted, StreamDone, WorkPlanned


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the running step is. Totals of 0 are unknown; `eta_seconds` too is a guess."""

    step: str
    streams_done: int
    streams: int
    rows: int
    total_rows: int
    bytes: int
    total_bytes: int
    seconds: float
    bytes_per_second: int
    eta_seconds: float | None


class Tally:
    """Adds up events. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._planned = WorkPlanned(0, 0, 0)
        self._step, self._began = "", clock.monotonic()
        self._rows = self._bytes = self._streams = 0

    def take(self, event: Event) -> None:
        """Count one event."""
        with self._lock:
            if isinstance(event, Progressed):
                self._rows += event.rows
                self._bytes += event.bytes
            elif isinstance(event, StreamDone):
                self._streams += 1
            elif isinstance(event, WorkPlanned):
                self._planned = event
            elif isinstance(event, StepStarted):
                self._start(event.step)
            elif isinstance(event, StepDone):
                self._step = ""

    def look(self) -> Progress:
        """Say how far it is now."""
        with self._lock:
            seconds = self._clock.monotonic() - self._began
            rate = self._bytes / seconds if seconds > 0 else 0.0
            left = self._planned.bytes - self._bytes
            eta = round(left / rate, 1) if rate and left > 0 and self._bytes else None
            return Progress(
                self._step,
                self._streams,
                self._planned.streams,
                self._rows,
                self._planned.rows,
                self._bytes,
                self._planned.bytes,
                round(seconds, 3),
                int(rate),
                eta,
            )

    def _start(self, step: str) -> None:
        self._step = step
        self._rows = self._bytes = self._streams = 0
        self._began = self._clock.monotonic()


class Ticker:
    """Calls something every so many seconds, in a thread of its own, until stopped."""

    def __init__(self, seconds: float, tick: Callable[[], None]) -> None:
        self._seconds = seconds
        self._tick = tick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; no call is under way afterwards."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._tick()
