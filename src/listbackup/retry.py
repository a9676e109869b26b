"""Try again, with patience that has an end: exponential backoff with full jitter.

Time and randomness come in by argument. Knows no error but those that it is told to catch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from listbackup.clock import Clock
from listbackup.errors import ListbackupError
from listbackup.ids import Entropy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try in all, and how long to wait in between.

    The n-th wait is drawn evenly from 0 to `first * 2**n` seconds, at most `longest`; no wait
    begins after `total` seconds.
    """

    attempts: int = 6
    first: float = 0.25
    longest: float = 20.0
    total: float = 120.0


def retry(
    action: Callable[[], T],
    *,
    on: type[ListbackupError],
    clock: Clock,
    entropy: Entropy,
    patience: Patience = Patience(),
    before_wait: Callable[[ListbackupError, float], None] = lambda error, seconds: None,
) -> T:
    """Run an action until it does not raise `on`, and give its result; the last error is raised.

    `before_wait` is told the error and the seconds of the wait that follows.
    """
    began = clock.monotonic()
    for attempt in range(patience.attempts):
        try:
            return action()
        except on as error:
            late = clock.monotonic() - began >= patience.total
            if attempt + 1 >= patience.attempts or late:
                raise
            most = min(patience.longest, patience.first * 2.0**attempt)
            seconds = most * int.from_bytes(entropy(4), "big") / 2**32
            before_wait(error, seconds)
        clock.sleep(seconds)
    raise AssertionError("patience has at least one attempt")
