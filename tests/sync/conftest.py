"""Vaults to sync into."""

from pathlib import Path

import pytest

from listbackup.testing.hosts import play_host
from listbackup.testing.vaults import Trial


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """Give a fresh vault that is sealed."""
    trial = Trial(tmp_path, play_host(5), "sealed")
    trial.create()
    return trial


@pytest.fixture
def plain(tmp_path: Path) -> Trial:
    """Give a fresh vault that is not."""
    trial = Trial(tmp_path, play_host(5), "none")
    trial.create()
    return trial
