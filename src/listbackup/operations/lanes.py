"""Doing several long things side by side, so that Ctrl-C still ends them all in good order.

An interruption reaches only the main thread; the others are told by what they may ask. Knows
nothing of what is done.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

R = TypeVar("R")
LOOK_EVERY = 0.2
Halted = Callable[[], bool]


def run_in_lanes(names: Sequence[str], lanes: int, do: Callable[[str, Halted], R]) -> dict[str, R]:
    """Do something for each name, at most `lanes` at once, and give the results by name.

    What nobody foresaw in one lane lets the others end what they have begun, and is raised. An
    interruption is raised when all lanes have ended: they are told to, and a second signal ends
    the process anyway.
    """
    halt = threading.Event()
    if lanes == 1:
        return {name: do(name, halt.is_set) for name in names}
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    results: dict[str, R] = {}
    broken: list[BaseException] = []

    def work(ended: threading.Event) -> None:
        try:
            while not broken and not halt.is_set():
                name = waiting.get_nowait()
                with _Carrying(broken):
                    results[name] = do(name, halt.is_set)
        except queue.Empty:
            return
        finally:
            ended.set()

    # Not Thread.join: one that a signal interrupts takes a running thread for an ended one.
    ends: list[threading.Event] = []
    try:
        for _ in range(lanes):
            end = threading.Event()
            threading.Thread(target=work, args=(end,), name="lane", daemon=True).start()
            ends.append(end)
        _wait(ends)
    except KeyboardInterrupt:
        halt.set()
        _wait(ends)
        raise
    if broken:
        raise broken[0]
    return results


def _wait(ends: Sequence[threading.Event]) -> None:
    # A signal that another thread is given does not wake this one: it has to look by itself.
    for end in ends:
        while not end.wait(LOOK_EVERY):
            pass


class _Carrying:
    """Carries what nobody foresaw out of a thread, to be raised where it is told."""

    def __init__(self, errors: list[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self._errors.append(error)
        return True
