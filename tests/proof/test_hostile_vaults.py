"""A vault written by somebody with a valid signer key who means harm.

Whatever he wrote is refused (exit 13 or 5) or harmless, in bounded memory; nothing is written
outside the restore's target, and what was sound before still restores.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from listbackup.errors import Category
from listbackup.vault.accounts import Encryption
from tests.proof.attacks import BOMBS, HARMLESS, NOTICED, REFUSED
from tests.proof.sieges import ROWS, Report, attack
from tests.proof.strikes import WORKERS, forks

MEMORY = 512
FAIR = (Category.INTEGRITY, Category.REFUSED)


@pytest.fixture(params=["sealed", "none"])
def encryption(request: pytest.FixtureRequest) -> Encryption:
    """Give both forms of a vault."""
    chosen: Encryption = request.param
    return chosen


def besiege(
    scratch: Path, encryption: Encryption, names: list[str], *, alone: bool = False
) -> list[Report]:
    """Carry out attacks in children (`alone`: each in one of its own) that watch themselves."""
    most = 1 if alone else None
    with ProcessPoolExecutor(WORKERS, mp_context=forks(), max_tasks_per_child=most) as pool:
        work = [pool.submit(attack, str(scratch), encryption, name) for name in names]
        reports = [one.result() for one in work]
    for report in reports:
        assert report.outside == (), report
        assert report.mebibytes <= MEMORY, report
        assert report.first_is_sound, report
    return reports


def test_lies_are_refused_and_named(scratch: Path, encryption: Encryption) -> None:
    reports = besiege(scratch, encryption, list(REFUSED))
    read = [one for one in reports if one.reading not in FAIR]
    assert read == []
    unnamed = [one for one in reports if one.checking not in FAIR and not one.findings]
    assert unnamed == []
    print(f"lies refused: {len(reports)}")


def test_lies_about_other_things_are_named_by_check(scratch: Path, encryption: Encryption) -> None:
    for report in besiege(scratch, encryption, list(NOTICED)):
        assert report.reading in (*FAIR, None), report
        assert report.findings, report


def test_oddities_are_read_as_they_are(scratch: Path, encryption: Encryption) -> None:
    for report in besiege(scratch, encryption, list(HARMLESS)):
        assert report.reading is None, report
        assert report.findings == 0, report
        assert report.streams == len(ROWS) + ("stream named" in report.name), report


def test_bombs_do_not_go_off(scratch: Path) -> None:
    for report in besiege(scratch, "none", list(BOMBS), alone=True):
        assert report.reading in (*FAIR, None), report
        assert report.reading is None or report.findings, report
