"""Children that back up and restore, killed at a random time within a phase that is drawn first.

The child tells each phase as it begins; who kills it waits for the phase, then for a random part
of the time that the phase takes. Where it died is the last phase it told.
"""

import functools
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from listbackup.testing.faults import Point
from listbackup.testing.readings import ListedSource
from tests.proof.stage import TWO, Stage, restore_into
from tests.proof.strikes import forks, stage_here

PHASES = ("read", "put", "manifest", "ledger", "witness", "restore")
ACKNOWLEDGED, END = "acknowledged", "end"
_BEGINS = (
    ("read", "before event StepStarted", "'reading'"),
    ("put", "before event StepStarted", "'committing'"),
    ("manifest", "before store put", "manifest.json"),
    ("ledger", "after event ManifestStored", ""),
    ("witness", "after event LedgerWritten", "'commit'"),
    ("upkeep", "after event WitnessAdvanced", ""),
)


@dataclass(frozen=True, slots=True)
class Kill:
    """In which phase a child died, or after which word, and what did not hold afterwards."""

    phase: str
    failure: str = ""


class Teller:
    """A hook that tells each phase of a sync as it begins."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __call__(self, point: Point) -> None:
        """Tell the phase that begins here, if one does."""
        for phase, label, subject in _BEGINS:
            if point.label == label and subject in point.subject:
                self._tell(phase)


def back_up_and_restore(stage: Stage, tell: Callable[[str], None]) -> None:
    """Play what is to be killed."""
    trial = stage.trial("again", Teller(tell))
    trial.sync(ListedSource(TWO), jobs=1)
    tell(ACKNOWLEDGED)
    tell("restore")
    restore_into(trial)
    tell(END)


def _child(stage: Stage, line: Connection) -> None:
    back_up_and_restore(stage, lambda word: line.send_bytes(word.encode()))


def kill_one(root: str, phase: str, part: float) -> Kill:
    """Kill one child at a part of the time of a phase, and verify all that must hold."""
    stage = stage_here(root)
    wait = part * phase_times(root)[phase]
    stage.set_back("again")
    told = _run(stage, phase, wait)
    died = told[-1]
    try:
        stage.verify("again", ACKNOWLEDGED in told)
    except Exception:  # noqa: BLE001
        return Kill(died, f"killed in {died}\n{traceback.format_exc(limit=-6)}")
    return Kill(died)


def _run(stage: Stage, phase: str, wait: float) -> list[str]:
    """Run a child, kill it after the wait in the phase, and give what it told."""
    ear, mouth = forks().Pipe(duplex=False)
    child = forks().Process(target=_child, args=(stage, mouth))
    child.start()
    mouth.close()
    told = ["start"]
    try:
        while told[-1] != END:
            told.append(ear.recv_bytes().decode())
            if told[-1] == phase and child.pid is not None:
                time.sleep(wait)
                with suppress(ProcessLookupError):  # it may have come to its end meanwhile
                    os.kill(child.pid, signal.SIGKILL)
    except EOFError:
        pass
    child.join()
    ear.close()
    assert child.exitcode == -signal.SIGKILL or told[-1] == END, child.exitcode
    child.close()
    return told


@functools.cache
def phase_times(root: str) -> dict[str, float]:
    """Measure how long each phase takes in this process, in seconds."""
    stage = Stage(Path(root) / f"timing-{os.getpid()}")
    taken: dict[str, list[float]] = {phase: [] for phase in PHASES}
    for _ in range(5):
        stage.set_back("again")
        moments = _time_words(stage)
        for (word, begin), (_, end) in zip(moments, moments[1:], strict=False):
            if word in taken:
                taken[word].append(end - begin)
    return {phase: median(times) for phase, times in taken.items()}


def _time_words(stage: Stage) -> list[tuple[str, float]]:
    moments: list[tuple[str, float]] = []
    back_up_and_restore(stage, lambda word: moments.append((word, time.perf_counter())))
    return moments
