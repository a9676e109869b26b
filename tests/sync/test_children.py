"""A child process that encodes: whatever goes wrong in it or beside it is heard, and what one part
left behind is never of another."""

from collections.abc import Iterator

import pytest

from listbackup.errors import FailedError, IntegrityError
from listbackup.sync.children import ChildEncoder, ChildProcess
from listbackup.sync.encoding import Tally, Work
from listbackup.vault.batches import CutBatch

WORK = Work("records/1", {"kind": "records", "columns": [], "key": ["id"]}, (0,))
UNKNOWN = Work("no such encoding", {}, ())


def write_lines(name: str, count: int) -> bytes:
    return b"".join(b'{"id":"%s-%d"}\n' % (name.encode(), number) for number in range(count))


class Heard:
    """What an encoder handed on and told of a part."""

    def __init__(self, encoder: ChildEncoder, work: Work = WORK) -> None:
        self.batches: list[CutBatch] = []
        self.told: list[Tally] = []
        encoder.begin(work, self.batches.append, self.told.append)

    @property
    def rows(self) -> tuple[int, int]:
        return sum(one.rows for one in self.told), sum(one.rows for one in self.batches)


@pytest.fixture
def two() -> Iterator[tuple[ChildEncoder, ChildEncoder]]:
    """Give two encoders of one child."""
    one, other = ChildProcess(2).encoders
    yield one, other
    one.close()
    other.close()


def test_encoders_of_one_child_take_turns_and_mix_nothing(
    two: tuple[ChildEncoder, ChildEncoder],
) -> None:
    heard = [Heard(encoder) for encoder in two]
    for number in range(20):
        for encoder, name in zip(two, "ab", strict=True):
            encoder.add(write_lines(f"{name}{number}", 10 if name == "a" else 7))
    for encoder in two:
        encoder.cut()
    assert [one.rows for one in heard] == [(200, 200), (140, 140)]
    two[0].add(write_lines("more", 5))
    for encoder in two:
        encoder.finish()
    assert [one.rows for one in heard] == [(205, 205), (140, 140)]


def test_a_part_that_failed_is_forgotten_and_the_next_is_whole(
    two: tuple[ChildEncoder, ChildEncoder],
) -> None:
    encoder, other = two
    beside = Heard(other)
    Heard(encoder)
    encoder.add(b'{"no key":1}\n')
    with pytest.raises(IntegrityError, match="key"):
        encoder.finish()
    encoder.abandon()
    other.add(write_lines("other", 100_000))
    heard = Heard(encoder)
    encoder.add(write_lines("b", 5000))
    encoder.finish()
    other.finish()
    assert (heard.rows, beside.rows) == ((5000, 5000), (100_000, 100_000))


def test_what_a_listener_raised_is_raised_for_good(two: tuple[ChildEncoder, ChildEncoder]) -> None:
    encoder, other = two
    Heard(other)

    def refuse(tally: Tally) -> None:
        raise IntegrityError("a listener raised this")

    encoder.begin(WORK, lambda batch: None, refuse)
    encoder.add(write_lines("a", 1))
    encoder.add(write_lines("a", 8000))
    other.add(write_lines("other", 100_000))
    with pytest.raises(IntegrityError, match="listener"):
        encoder.finish()
    encoder.abandon()
    Heard(encoder)
    with pytest.raises(IntegrityError, match="listener"):
        encoder.add(write_lines("b", 5000))
    other.finish()


def test_what_nobody_foresaw_in_the_child_has_a_name_and_shows_no_record(
    two: tuple[ChildEncoder, ChildEncoder], capfd: pytest.CaptureFixture[str]
) -> None:
    encoder, other = two
    Heard(encoder, UNKNOWN)
    with pytest.raises((FailedError, IntegrityError)) as caught:
        encoder.finish()
    assert "encod" in caught.value.message
    heard = Heard(other)
    other.add(write_lines("a", 3))
    other.finish()
    assert heard.rows == (3, 3)
    assert capfd.readouterr().err == ""


def test_who_waits_for_a_child_that_is_killed_is_told(
    two: tuple[ChildEncoder, ChildEncoder],
) -> None:
    for encoder in two:
        Heard(encoder)
        encoder.add(write_lines("a", 3))
    two[0].kill()
    for encoder in two:
        with pytest.raises(FailedError, match="ended unexpectedly"):
            encoder.finish()
        with pytest.raises(FailedError, match="ended unexpectedly"):
            encoder.cut()
