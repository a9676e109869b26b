"""A place for thousands of small vaults."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.counts import fast_place


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Give an empty directory, in memory where the machine has some; removed afterwards."""
    place = Path(tempfile.mkdtemp(prefix="listbackup-proof-", dir=fast_place(tmp_path)))
    yield place
    shutil.rmtree(place, ignore_errors=True)
