"""Watch how long a snapshot has been held, and say when that becomes a burden."""

import threading

from listbackup.clock import Clock
from listbackup.events import Emit, Warned


class Watch:
    """Warns after `limit` seconds (0 is never), and again each time that doubles."""

    def __init__(self, limit: float, clock: Clock, emit: Emit) -> None:
        self._clock = clock
        self._emit = emit
        self._started = clock.monotonic()
        self._next = limit
        self._guard = threading.Lock()

    def look(self) -> None:
        """Look at the clock; cheap enough to be called for every chunk."""
        held = self._clock.monotonic() - self._started
        if self._next <= 0 or held < self._next:
            return
        with self._guard:
            if held < self._next:
                return
            while self._next <= held:
                self._next *= 2
        self._emit(
            Warned(
                f"The snapshot has been held for {int(held // 60)} minutes; as long, the server "
                "keeps dead rows and nobody can alter or truncate a table.",
                hint="More --jobs, a replica, or --exclude for large tables make it shorter.",
            )
        )
