"""Strikes of one fault at one point of one act, in worker processes, each with its own stage."""

import functools
import multiprocessing
import os
import signal
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from listbackup.errors import ListbackupError
from listbackup.testing.faults import InjectedFault, Strike, Way
from listbackup.vault.check import Report
from tests.proof.stage import Act, Outcome, Stage

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One strike: in which act, at which point, in which way."""

    act: Act
    label: str
    occurrence: int
    way: Way

    def __str__(self) -> str:
        return f"{self.act}: {self.way} {self.label} #{self.occurrence}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a strike: whether the point was met, and what did not hold after it."""

    hit: bool
    failure: str = ""


def forks() -> multiprocessing.context.ForkServerContext:
    """Give the server from which children are forked with everything imported."""
    context = multiprocessing.get_context("forkserver")
    preload = ["tests.proof.strikes", "tests.proof.kills", "tests.proof.platforms.kills", "pytest"]
    context.set_forkserver_preload(preload)
    return context


def strike_all(root: Path, tasks: Sequence[Task]) -> list[Result]:
    """Carry out strikes, two at a time, and give their results in order."""
    with ProcessPoolExecutor(WORKERS, mp_context=forks()) as pool:
        work = [pool.submit(strike_one, str(root), task) for task in tasks]
        return [one.result() for one in work]


@functools.cache
def stage_here(root: str) -> Stage:
    """Give this process's own stage."""
    return Stage(Path(root) / f"worker-{os.getpid()}")


def strike_one(root: str, task: Task) -> Result:
    """Play the act from its beginning, strike, and verify all that must hold."""
    stage = stage_here(root)
    stage.set_back(task.act)
    try:
        if task.way == "kill":
            hit, outcome = _play_and_be_killed(stage, task), Outcome(False)
        else:
            hook = Strike(task.label, task.occurrence, task.way)
            outcome = stage.play(task.act, hook)
            hit = hook.struck is not None
            _assert_honest(stage, hook, task, outcome)
        stage.verify(task.act, outcome.done)
    except Exception:  # noqa: BLE001
        return Result(True, f"{task}\n{traceback.format_exc(limit=-6)}")
    return Result(hit)


def _assert_honest(stage: Stage, hook: Strike, task: Task, outcome: Outcome) -> None:
    """I8: what ended well says so truthfully; what failed is one of our own errors."""
    if isinstance(outcome.said, Report):
        assert outcome.said.sound, f"a sound vault was called damaged: {outcome.said.findings}"
    if outcome.error is None or isinstance(outcome.error, ListbackupError):
        return
    if isinstance(outcome.error, InjectedFault):
        assert task.way == "exception" or hook.struck is None or hook.struck.seam == "event"
        return
    own = hook.struck is not None and str(stage.place / "restored") in hook.struck.subject
    assert own, f"an untyped error reaches the person: {outcome.error!r}"


def _play_and_be_killed(stage: Stage, task: Task) -> bool:
    child = forks().Process(target=_play, args=(stage, task))
    child.start()
    child.join()
    code = child.exitcode
    child.close()
    return code == -signal.SIGKILL


def _play(stage: Stage, task: Task) -> None:
    stage.play(task.act, Strike(task.label, task.occurrence, "kill"))
