"""A backup and a restore are killed at random times, in every phase, and lose nothing."""

import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.proof.counts import rounds
from tests.proof.kills import PHASES, Kill, kill_one
from tests.proof.strikes import WORKERS, forks

AT_ONCE = 24
LEAST = 10
"""So many kills in each phase, of every 200."""


@rounds(suite=200, full=2000)
def test_a_kill_at_any_moment_loses_nothing_that_was_promised(
    scratch: Path, seed: int, rounds: int
) -> None:
    chance = random.Random(seed)
    histogram: Counter[str] = Counter()
    failures: list[str] = []
    with ProcessPoolExecutor(WORKERS, mp_context=forks()) as pool:
        for _ in range(5 * rounds // AT_ONCE + 5):
            if count(histogram) >= rounds:
                break
            work = [
                pool.submit(kill_one, str(scratch), draw_phase(chance, histogram), chance.random())
                for _ in range(AT_ONCE)
            ]
            kills: list[Kill] = [one.result() for one in work]
            histogram.update(kill.phase for kill in kills)
            failures += [kill.failure for kill in kills if kill.failure]
    print("kills " + ", ".join(f"{phase} {histogram[phase]}" for phase in PHASES))
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:3])
    assert count(histogram) >= rounds
    assert min(histogram[phase] for phase in PHASES) >= LEAST * rounds // 200


def count(histogram: Counter[str]) -> int:
    """Give how many were killed within a phase."""
    return sum(histogram[phase] for phase in PHASES)


def draw_phase(chance: random.Random, histogram: Counter[str]) -> str:
    """Draw a phase; those that were met seldom come more often."""
    weights = [1 / (5 + histogram[phase]) for phase in PHASES]
    return chance.choices(PHASES, weights)[0]
