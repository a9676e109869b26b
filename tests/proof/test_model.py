"""Random lives of a vault, each step compared with a model of dicts."""

from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.counts import rounds
from tests.proof.machine import PlainVaultMachine, VaultMachine
from tests.proof.strikes import WORKERS, forks

STEPS = 30


@rounds(suite=200, full=2000)
def test_a_vault_does_what_its_model_does(seed: int, rounds: int) -> None:
    share = rounds // WORKERS
    print(f"model: {share * WORKERS} lives of {STEPS} steps, seed {seed}")
    with ProcessPoolExecutor(WORKERS, mp_context=forks()) as pool:
        work = [pool.submit(live, seed + number, share) for number in range(WORKERS)]
        for one in work:
            one.result()


def live(seed: int, runs: int) -> None:
    """Play so many lives, from a seed; odd ones in a vault that is not sealed."""
    machine = PlainVaultMachine if seed % 2 else VaultMachine
    run_state_machine_as_test(
        seeded(seed)(machine),
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
