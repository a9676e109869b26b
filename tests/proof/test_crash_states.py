"""The power is cut at every moment of a vault's first days, and the disk forgets what it may.

What was not made sure is dropped, reordered, torn at 512 bytes and 4 KiB: every tree that can be
left opens and verifies, and holds every snapshot that had been acknowledged.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.proof.counts import rounds
from tests.proof.cuts import try_states
from tests.proof.strikes import WORKERS, forks


@rounds(suite=2000, full=20000)
def test_whatever_a_power_cut_leaves_opens_and_verifies(
    scratch: Path, seed: int, rounds: int
) -> None:
    with ProcessPoolExecutor(WORKERS, mp_context=forks()) as pool:
        work = [
            pool.submit(try_states, str(scratch), seed, rounds, share, WORKERS)
            for share in range(WORKERS)
        ]
        tried = [one.result() for one in work]
    states, cuts = sum(one.states for one in tried), max(one.cuts for one in tried)
    print(f"crash states {states}, at {cuts} cuts or more")
    failures = [failure for one in tried for failure in one.failures]
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:3])
    assert states == rounds
