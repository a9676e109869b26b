"""Every store call, disk call and event of a vault's life is struck, before and after, four ways.

After each strike: what was acknowledged is whole, the rest is wholly there or not at all, nothing
that is needed is gone, a shortfall was said, and the next ordinary run works.
"""

import random
from pathlib import Path

from listbackup.testing.faults import WAYS
from tests.proof.counts import rounds
from tests.proof.stage import ACTS, Stage
from tests.proof.strikes import Task, strike_all

SHARE = 13
"""In the ordinary suite, each run strikes one point in so many, drawn by the seed."""


@rounds(suite=SHARE, full=1)
def test_a_fault_at_any_point_loses_nothing_that_was_promised(
    scratch: Path, seed: int, rounds: int
) -> None:
    targets = Stage(scratch / "first").targets
    tasks = [
        Task(act, label, occurrence, way)
        for act in ACTS
        for label, occurrence in targets[act]
        for way in WAYS
    ]
    points = len(tasks) // len(WAYS)
    assert points >= 60
    drawn = random.Random(seed).sample(tasks, len(tasks) // rounds)
    results = strike_all(scratch, drawn)
    strikes = sum(result.hit for result in results)
    print(f"points {points} x 4 = {points * 4}; drawn {len(drawn)}, strikes = {strikes}")
    failures = [result.failure for result in results if result.failure]
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:3])
    assert strikes == len(drawn)


def test_the_same_life_has_the_same_points(scratch: Path) -> None:
    first, second = (sorted_targets(Stage(scratch / name)) for name in ("one", "two"))
    assert first == second


def sorted_targets(stage: Stage) -> dict[str, list[tuple[str, int]]]:
    """Give the points of every act, in an order that threads cannot change."""
    return {act: sorted(targets) for act, targets in stage.targets.items()}
