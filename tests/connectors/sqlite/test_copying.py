"""A copy shows one moment, leaves nothing behind, and ends whatever others do to the database."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.address import Address
from listbackup.connectors.sqlite.copying import STEP
from listbackup.connectors.sqlite.source import SqliteSource
from listbackup.errors import AuthError, SourceError
from listbackup.events import Event, Progressed, Warned
from listbackup.host import Host
from listbackup.testing.hosts import play_host
from tests.connectors.sqlite.files import ask, lines_of, open_reading, run, snapshot_of

LEDGER = """
CREATE TABLE one (n INTEGER PRIMARY KEY, filler);
CREATE TABLE other (n INTEGER PRIMARY KEY, filler);
"""
"""Every transaction writes as many rows into one table as into the other."""


def fill(path: Path, journal: str, megabytes: int) -> None:
    run(path, f"PRAGMA journal_mode = {journal}; {LEDGER}")
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in ("one", "other"):
            rows = ((n, b"x" * 1000) for n in range(megabytes * 500))
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)


def left_beside(path: Path) -> set[str]:
    return {p.name for p in path.parent.rglob("*") if p.is_file()} - {path.name}


@contextmanager
def writing(path: Path) -> Iterator[threading.Event]:
    """Write in a thread, transaction by transaction, as good as without a pause."""
    stop, wrote = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            while not stop.wait(0.002):
                connection.execute("BEGIN IMMEDIATE")
                for name in ("one", "other"):
                    connection.execute(f"INSERT INTO {name} (filler) VALUES ('new')")
                connection.execute("COMMIT")
                wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert wrote.wait(10)
        yield wrote
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_writer_that_never_rests_is_seen_at_one_moment(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "busy.db"
    fill(path, journal, megabytes=16)
    said: list[Event] = []
    with writing(path) as wrote:
        wrote.clear()
        reading = open_reading(path, emit=said.append)
        assert wrote.wait(30)
        try:
            counts = {
                stream.name: sum(
                    chunk.count(b"\n")
                    for part in reading.parts(stream)
                    for chunk in reading.read(part)
                )
                for stream in reading.streams
            }
            assert reading.finish().unread == ()
        finally:
            reading.close()
    assert counts["main.one"] == counts["main.other"] > 8000
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    waited = [e for e in said if isinstance(e, Warned) and "writers wait" in e.message]
    assert bool(waited) == (journal == "delete")


def test_progress_is_told_while_it_copies(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    fill(path, "delete", megabytes=10)
    said: list[Event] = []
    open_reading(path, emit=said.append).close()
    moved = [event.bytes for event in said if isinstance(event, Progressed)]
    assert len(moved) > 1
    assert max(moved) <= STEP
    assert sum(moved) == path.stat().st_size


def test_a_rate_is_held(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    fill(path, "delete", megabytes=10)
    host = play_host()
    began = host.clock.monotonic()
    open_reading(path, ReadOptions(limit_rate=1_000_000), host=host).close()
    assert host.clock.monotonic() - began > path.stat().st_size / 1_000_000 - 6


def test_nothing_is_left_of_the_copy_and_nothing_appears_beside_the_source(tmp_path: Path) -> None:
    path = tmp_path / "quiet.db"
    fill(path, "wal", megabytes=1)
    before = path.read_bytes(), path.stat().st_mtime_ns
    reading = open_reading(path)
    assert left_beside(path) == set()
    reading.close()
    reading.close()
    assert left_beside(path) == set()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert (tmp_path / "copies").stat().st_mode & 0o777 == 0o700


def test_what_is_only_in_the_log_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "logged.db"
    run(path, "PRAGMA journal_mode = wal; CREATE TABLE t (a)")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("INSERT INTO t VALUES ('in the log')")
        assert lines_of(snapshot_of(path), "main.t") == [b'[1,"in the log"]']


DIE = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 2")
c.execute("BEGIN")
c.execute("UPDATE one SET filler = zeroblob(1000)")
os._exit(9)
"""


def test_a_transaction_that_was_interrupted_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "hot.db"
    fill(path, "delete", megabytes=1)
    subprocess.run([sys.executable, "-c", DIE, str(path)])
    assert Path(f"{path}-journal").exists()
    said: list[Event] = []
    open_reading(path, emit=said.append).close()
    assert any("unfinished" in e.message for e in said if isinstance(e, Warned))
    assert ask(path, "SELECT count(*) FROM one WHERE filler = zeroblob(1000)") == [(0,)]


def test_a_lock_that_is_not_given_up_ends_in_words(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    fill(path, "delete", megabytes=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match="locked by another program"):
            open_reading(path, ReadOptions(lock_timeout=0.2))
    assert left_beside(path) == set()


def test_a_lock_that_comes_in_the_middle_is_waited_for_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    fill(path, "delete", megabytes=10)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:

        def lock(event: Event) -> None:
            if isinstance(event, Progressed) and not holder.in_transaction:
                holder.execute("BEGIN EXCLUSIVE")

        with pytest.raises(SourceError, match="locked by another program"):
            open_reading(path, ReadOptions(lock_timeout=0.2), emit=lock)
    assert left_beside(path) == set()


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    fill(path, "delete", megabytes=10)

    def fail(event: Event) -> None:
        if isinstance(event, Progressed):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_reading(path, emit=fail)
    assert left_beside(path) == set()


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.db"
    with pytest.raises(SourceError, match=r"There is no file .*nowhere\.db"):
        open_reading(path)
    assert list(tmp_path.iterdir()) == []


def test_three_slashes_where_none_were_meant_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.db").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as caught:
        open_reading(Path("/app.db"))
    assert "sqlite://app.db" in caught.value.hint


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def write_page_size(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(16)
        file.write(b"\x12\x34")


def write_noise(path: Path) -> None:
    path.write_bytes(b"encrypted, or no database at all" * 300)


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (cut_short, "damaged"),
        (write_page_size, "no SQLite database, or it is encrypted"),
        (write_noise, "no SQLite database, or it is encrypted"),
        (lambda path: os.truncate(path, 0), "0 bytes"),
    ],
)
def test_what_is_no_whole_database_is_refused_with_a_word(
    tmp_path: Path, damage: Callable[[Path], None], word: str
) -> None:
    path = tmp_path / "bad.db"
    fill(path, "delete", megabytes=1)
    damage(path)
    with pytest.raises(SourceError, match=word):
        open_reading(path)


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file"):
        open_reading(tmp_path)


def test_a_link_is_followed_with_the_log_of_what_it_points_to(tmp_path: Path) -> None:
    path = tmp_path / "real.db"
    run(path, "PRAGMA journal_mode = wal; CREATE TABLE t (a)")
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        snapshot = snapshot_of(link)
    assert lines_of(snapshot, "main.t") == [b"[1,1]"]
    assert snapshot.identity.container == str(path.resolve())


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user without rights for a while, where one is root."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def read_as_somebody(path: Path, copies: Path) -> int:
    with somebody_else():
        source = SqliteSource(Address(path, copies), ReadOptions(), Host())
        with closing(source.open()) as reading:
            return sum(stream.estimated_rows for stream in reading.streams)


@pytest.fixture
def open_place(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A directory that others may enter and not write, and one where they may."""
    place = Path("/tmp") / f"listbackup-test-{os.getpid()}-{tmp_path.name}"
    place.mkdir(mode=0o755)
    copies = place / "copies"
    copies.mkdir()
    copies.chmod(0o777)
    (place / "data").mkdir()
    yield place / "data", copies
    for directory in (place / "data", place):
        directory.chmod(0o755)
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    place.rmdir()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_directory_that_may_only_be_read_is_enough(
    open_place: tuple[Path, Path], journal: str
) -> None:
    data, copies = open_place
    path = data / "app.db"
    fill(path, journal, megabytes=1)
    path.chmod(0o444)
    data.chmod(0o555)
    assert read_as_somebody(path, copies) == 1000
    assert [p.name for p in data.iterdir()] == ["app.db"]


def test_a_file_that_may_not_be_read_is_a_matter_of_rights(open_place: tuple[Path, Path]) -> None:
    data, copies = open_place
    path = data / "app.db"
    fill(path, "delete", megabytes=1)
    path.chmod(0o000)
    with pytest.raises(AuthError, match="may not read"):
        read_as_somebody(path, copies)


def test_a_copy_that_has_no_room_is_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "sparse.db"
    fill(path, "delete", megabytes=1)
    os.truncate(path, 1 << 43)
    with pytest.raises(SourceError, match="has room for"):
        open_reading(path)
