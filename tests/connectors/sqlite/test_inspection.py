"""`source test` says what a backup would find, and touches nothing."""

from pathlib import Path

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.inspection import inspect
from listbackup.errors import SourceError
from listbackup.events import ignore
from listbackup.host import Host
from tests.connectors.sqlite.files import address_of, run


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_streams_sizes_and_the_journal_are_told_and_nothing_is_touched(
    tmp_path: Path, journal: str
) -> None:
    path = tmp_path / "a.db"
    run(
        path,
        f"PRAGMA journal_mode = {journal}; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);"
        "CREATE TABLE other (a)",
    )
    before = path.stat().st_mtime_ns
    found = inspect(address_of(path), ReadOptions(exclude=("*.other",)), Host(), ignore)
    assert [(s.name, s.rows) for s in found.streams] == [("main.t", 2)]
    assert found.excluded == ("main.other",)
    assert ("WAL" if journal == "wal" else "rollback journal") in found.identity.version
    assert found.bytes == path.stat().st_size
    assert found.complete
    assert any(str(tmp_path / "copies") in warning for warning in found.warnings)
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mtime_ns == before


def test_what_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no file"):
        inspect(address_of(tmp_path / "a.db"), ReadOptions(), Host(), ignore)
    assert list(tmp_path.iterdir()) == []
