"""Histories: whatever happens in whatever order, every live snapshot shows its moment."""

import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from listbackup.vault.accounts import Encryption
from tests.proof.counts import rounds
from tests.proof.histories import STEPS, History, Step
from tests.proof.strikes import WORKERS, forks

ASKED = 24
"""Of so many histories one is asked in SQL by views made when asked, one by views made before."""


@rounds(suite=300, full=10_000)
def test_every_live_snapshot_shows_its_moment_whatever_happened(seed: int, rounds: int) -> None:
    share = rounds // WORKERS
    with ProcessPoolExecutor(WORKERS, mp_context=forks()) as pool:
        work = [pool.submit(live, seed + number, share) for number in range(WORKERS)]
        played = sum((one.result() for one in work), Counter[str]())
    steps = ", ".join(f"{name} {count}" for name, count in sorted(played.items()))
    print(f"histories: {share * WORKERS}, seed {seed}; steps: {steps}")
    assert min(played.values()) > rounds // 20


def live(seed: int, count: int) -> Counter[str]:
    """Play so many histories from a seed; give how often each step was taken."""
    played: Counter[str] = Counter()
    settle = settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    @seeded(seed)
    @settle
    @given(STEPS, st.sampled_from(("sealed", "none")), st.booleans(), st.integers(0, ASKED - 1))
    def play(steps: list[Step], encryption: Encryption, keyed: bool, draw: int) -> None:
        root = Path(tempfile.mkdtemp(prefix="listbackup-history-"))
        try:
            history = History(root, encryption, keyed, viewed=draw == 1)
            for step in steps:
                history.play(step)
            if draw < 2:
                history.ask()
            history.finish()
            for name, number in history.played.items():
                played[name] += number
        finally:
            shutil.rmtree(root)

    play()
    return played
