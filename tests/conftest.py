"""One seed for everything random in a run, printed, so that any failure can be played again.

`LISTBACKUP_TEST_SEED=1234 make test` repeats a run; each test draws from its own stream of it.
"""

import os
import random

import pytest

SEED = "LISTBACKUP_TEST_SEED"
PROOFS = (
    "tests/proof/",
    "tests/connectors/postgres/test_storm.py",
    "tests/tools/test_read_vault.py",
    "tests/vault/test_damage.py",
)
"""What prints how much it tried."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the run's seed once (workers inherit it) and give it to hypothesis."""
    seed = os.environ.setdefault(SEED, str(random.SystemRandom().randrange(2**32)))
    if getattr(config.option, "hypothesis_seed", None) is None:
        config.option.hypothesis_seed = seed


def pytest_report_header() -> str:
    """Print the seed at the top of every run."""
    return f"seed: {SEED}={os.environ[SEED]}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Print what the proofs counted, and the seed again where a failure is read."""
    told = [
        f"{report.nodeid}: {report.capstdout.strip().splitlines()[-1]}"
        for report in terminalreporter.getreports("passed")
        if report.when == "call" and report.nodeid.startswith(PROOFS) and report.capstdout
    ]
    if told:
        terminalreporter.section("what the proofs counted")
        for line in told:
            terminalreporter.write_line(line)
    if exitstatus != 0:
        terminalreporter.write_line(f"seed of this run: {SEED}={os.environ[SEED]}")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give this test's own seed, drawn from the run's and the test's name."""
    return random.Random(f"{os.environ[SEED]}:{request.node.nodeid}").randrange(2**32)
