"""SIGTERM and SIGHUP end a command as Ctrl-C does; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.5


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


@contextmanager
def hearing_signals() -> Iterator[Callable[[float | None], None]]:
    """Let signals break nothing off within the block, not even what is being printed. Gives what
    waits for the first of them, at most so many seconds (None: for ever)."""
    heard = threading.Event()

    def wait(seconds: float | None) -> None:
        left = inf if seconds is None else seconds
        # not for ever at once: a signal may be given to another thread, which wakes nobody
        while left > 0 and not heard.wait(min(left, LOOK_EVERY)):
            left -= LOOK_EVERY

    if threading.current_thread() is not threading.main_thread():
        yield wait
        return
    before = {number: signal.getsignal(number) for number in NUMBERS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, lambda *_: heard.set())
    try:
        yield wait
    finally:
        for number in taken:
            signal.signal(number, before[number])
