"""SIGTERM and SIGHUP end a command as Ctrl-C does; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def listening_for_signals() -> Iterator[None]:
    """Turn signals into KeyboardInterrupt in the main thread for as long as the block lasts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if heard:
            os._exit(130)
        heard.append(number)
        raise KeyboardInterrupt

    # A shell starts background jobs with SIGINT ignored, nohup ignores SIGHUP: left so.
    before = {number: signal.getsignal(number) for number in NUMBERS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
