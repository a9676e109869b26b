"""How many rounds a proof runs: a part in the ordinary suite, all of them in `make soak`."""

import os
from pathlib import Path

import pytest


def rounds(suite: int, full: int) -> pytest.MarkDecorator:
    """Give a test its `rounds`: `suite` of them ordinarily, `full` in a soak (times SOAK)."""
    soak = max(1, int(full * float(os.environ.get("SOAK", "1"))))
    cases = [
        pytest.param(suite, id="suite"),
        pytest.param(soak, id="soak", marks=pytest.mark.soak),
    ]
    return pytest.mark.parametrize("rounds", cases)


def fast_place(fallback: Path) -> Path:
    """Give a directory to work in whose syncs cost nothing, where the machine has one."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else fallback
