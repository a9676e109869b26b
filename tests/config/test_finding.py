"""The file is where it is named, else in a usual place, and no stranger's."""

from pathlib import Path

import pytest

from listbackup.config.finding import FILE, find_file
from listbackup.errors import RefusedError, UsageError


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "config").mkdir()
    return tmp_path / "here"


def find(here: Path, named: str | None = None, **environment: str) -> Path | None:
    return find_file(Path(named) if named else None, environment, here, here.parent / "config")


def write(path: Path) -> Path:
    path.write_text("account: a\n")
    return path


def test_the_option_wins_over_the_variable_over_here_over_the_config_directory(here: Path) -> None:
    assert find(here) is None
    usual = write(here.parent / "config" / FILE)
    assert find(here) == usual
    mine = write(here / FILE)
    assert find(here) == mine
    other, third = write(here / "other.yaml"), write(here / "third.yaml")
    assert find(here, LISTBACKUP_CONFIG=str(other)) == other
    assert find(here, "third.yaml", LISTBACKUP_CONFIG=str(other)) == third


def test_a_named_file_has_to_be_there(here: Path) -> None:
    write(here / FILE)
    with pytest.raises(UsageError, match="not there"):
        find(here, "absent.yaml")
    with pytest.raises(UsageError, match="not there"):
        find(here, LISTBACKUP_CONFIG="/absent.yaml")


def test_none_is_no_file(here: Path) -> None:
    write(here / FILE)
    assert find(here, "none") is None
    assert find(here, LISTBACKUP_CONFIG="none") is None


def test_a_file_that_anybody_may_write_is_refused_unless_it_is_named(here: Path) -> None:
    open_to_all = write(here / FILE)
    open_to_all.chmod(0o666)
    with pytest.raises(RefusedError, match="somebody else"):
        find(here)
    assert find(here, str(open_to_all)) == open_to_all
