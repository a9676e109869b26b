"""Vaults to try things on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.testing.hosts import play_host
from listbackup.testing.vaults import Trial


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a fresh vault, once sealed and once plain."""
    trial = Trial(tmp_path, encryption=request.param)
    trial.create()
    return trial


@pytest.fixture
def make_trial(tmp_path: Path) -> Callable[..., Trial]:
    """Give a maker of vaults in directories of their own."""
    made: list[Trial] = []

    def make(**options: object) -> Trial:
        options.setdefault("host", play_host(len(made) + 1))
        trial = Trial(tmp_path / str(len(made)), **options)  # type: ignore[arg-type]
        trial.create()
        made.append(trial)
        return trial

    return make
