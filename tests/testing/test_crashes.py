from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.disk import SystemDisk
from listbackup.testing.crashes import CrashDisk
from listbackup.testing.crashstates import CrashState, Dice, tear

Write = Callable[[CrashDisk, Path], None]

BODY = bytes(range(256)) * 40


def write_carefully(disk: CrashDisk, root: Path) -> None:
    disk.create(root / "tmp", BODY)
    disk.sync_file(root / "tmp")
    disk.link(root / "tmp", root / "object")
    disk.unlink(root / "tmp")
    disk.sync_directory(root)
    disk.mark("stored")


def write_in_place(disk: CrashDisk, root: Path) -> None:
    disk.create(root / "object", BODY)
    disk.sync_file(root / "object")
    disk.sync_directory(root)
    disk.mark("stored")


def publish_before_the_sync(disk: CrashDisk, root: Path) -> None:
    disk.create(root / "tmp", BODY)
    disk.replace(root / "tmp", root / "object")
    disk.sync_file(root / "object")
    disk.sync_directory(root)
    disk.mark("stored")


def forget_the_directory(disk: CrashDisk, root: Path) -> None:
    disk.create(root / "tmp", BODY)
    disk.sync_file(root / "tmp")
    disk.replace(root / "tmp", root / "object")
    disk.mark("stored")


def forget_the_parent(disk: CrashDisk, root: Path) -> None:
    disk.make_directory(root / "new")
    disk.create(root / "new" / "tmp", BODY)
    disk.sync_file(root / "new" / "tmp")
    disk.replace(root / "new" / "tmp", root / "new" / "object")
    disk.sync_directory(root / "new")
    disk.mark("stored")


def play(write: Write, root: Path) -> list[CrashState]:
    root.mkdir()
    disk = CrashDisk(SystemDisk(), root)
    write(disk, root)
    return list(disk.states(seed=1, most=500))


def find_wrong(states: list[CrashState]) -> list[CrashState]:
    wrong = []
    for state in states:
        objects = [data for name, data in state.files.items() if name.endswith("object")]
        if any(data != BODY for data in objects) or ("stored" in state.marks and not objects):
            wrong.append(state)
    return wrong


def test_a_careful_writer_survives_every_cut(tmp_path: Path) -> None:
    states = play(write_carefully, tmp_path / "root")
    assert len(states) > 20
    assert find_wrong(states) == []


@pytest.mark.parametrize(
    "write",
    [write_in_place, publish_before_the_sync, forget_the_directory, forget_the_parent],
)
def test_a_careless_writer_is_caught(write: Write, tmp_path: Path) -> None:
    assert find_wrong(play(write, tmp_path / "root")) != []


def test_the_disk_does_for_real_what_it_logs(tmp_path: Path) -> None:
    states = play(write_carefully, tmp_path / "root")
    assert (tmp_path / "root" / "object").read_bytes() == BODY
    assert not (tmp_path / "root" / "tmp").exists()
    assert any(state.files == {"object": BODY} and state.marks for state in states)


def test_what_was_there_before_is_durable(tmp_path: Path) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "file").write_bytes(b"kept")
    disk = CrashDisk(SystemDisk(), tmp_path)
    disk.create(tmp_path / "old" / "new", b"x")
    states = list(disk.states(seed=1, most=50))
    assert {state.files["old/deep/file"] for state in states} == {b"kept"}
    assert {"old/new" in state.files for state in states} == {True, False}


def test_a_removal_that_was_not_synced_may_be_undone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    disk = CrashDisk(SystemDisk(), tmp_path)
    disk.unlink(tmp_path / "a")
    assert {"a" in state.files for state in disk.states(1, 10)} == {True, False}
    disk.sync_directory(tmp_path)
    last = [state for state in disk.states(1, 10) if state.cut == len(disk.log)]
    assert all("a" not in state.files for state in last)


def test_states_differ_and_come_the_same_for_the_same_seed(tmp_path: Path) -> None:
    tmp_path.joinpath("r").mkdir()
    disk = CrashDisk(SystemDisk(), tmp_path / "r")
    for number in range(6):
        disk.create(tmp_path / "r" / f"f{number}", BODY)
    first = [state.signature for state in disk.states(seed=5, most=300)]
    assert first == [state.signature for state in disk.states(seed=5, most=300)]
    assert first != [state.signature for state in disk.states(seed=6, most=300)]
    assert len(set(first)) == 300


def test_a_state_is_written_out_as_it_is(tmp_path: Path) -> None:
    state = CrashState(0, (), {"a": b"1", "d/e/f": b"2"}, ("d", "d/e", "g"))
    target = state.write(tmp_path / "target")
    assert (target / "d/e/f").read_bytes() == b"2"
    assert sorted(path.name for path in target.rglob("*")) == ["a", "d", "e", "f", "g"]


def test_bytes_are_torn_at_sectors_or_blocks() -> None:
    dice = Dice(1)
    data = b"x" * 10_000
    torn = {tear(data, dice) for _ in range(300)}
    assert data in torn and b"" in torn and bytes(10_000) in torn
    for piece in torn - {data}:
        assert len(piece) % 512 == 0 or len(piece) == len(data)
        blocks = {piece[at : at + 512] for at in range(0, len(piece), 512)}
        assert all(len(set(block)) == 1 for block in blocks)
