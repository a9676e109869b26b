"""What a dead attempt stored is referred to by the next sync, as far as it is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from listbackup.errors import FailedError
from listbackup.host import Host
from listbackup.records import Part
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedReading, ListedSource
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.accounts import Encryption

NOISE = play_host(8).entropy
ROWS: Rows = [[str(n), NOISE(500).hex()] for n in range(20_000)]


class Dying(ListedSource):
    """Dies while its last stream is read, an hour after its first."""

    host: Host

    def open(self) -> ListedReading:
        reading = super().open()
        read = reading.read

        def read_and_die(part: Part) -> Iterator[bytes]:
            if part.stream == "last":
                self.host.clock.sleep(3600)
                yield b"0\n"
                raise FailedError("the machine lost its power")
            yield from read(part)

        reading.read = read_and_die  # type: ignore[method-assign]
        return reading


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a vault in which an attempt died after it had stored its first stream."""
    encryption: Encryption = request.param
    trial = Trial(tmp_path, play_host(5), encryption)
    trial.create()
    dying = Dying({"t": ROWS, "last": [["0"]]})
    dying.host = trial.host
    with pytest.raises(FailedError, match="lost its power"):
        trial.sync(dying, jobs=1)
    return trial


def batches(trial: Trial) -> list[Path]:
    return sorted(trial.place.rglob("*/t/batch-*.json.gz*"))


def journals(trial: Trial) -> list[Path]:
    return sorted(trial.place.rglob("journal-*.json*"))


def test_an_attempt_that_died_left_a_journal_and_its_batches(trial: Trial) -> None:
    assert batches(trial)
    assert journals(trial)
    assert trial.open().source("shop").commits == {}


def test_the_next_sync_refers_to_what_is_there(trial: Trial) -> None:
    before, noted = batches(trial), len(journals(trial))
    result = trial.sync(ListedSource({"t": ROWS}))
    assert batches(trial) == before
    assert result.stored_bytes < 10_000
    assert len(journals(trial)) == noted + 1
    assert trial.restore() == expect({"t": ROWS})
    assert trial.check("records").sound


@pytest.mark.parametrize("damage", ["lost", "flipped", "journal"])
def test_what_is_not_whole_is_stored_again(trial: Trial, damage: str) -> None:
    for path in journals(trial) if damage == "journal" else batches(trial):
        path.chmod(0o600)
        body = path.read_bytes()
        path.unlink()
        if damage != "lost":
            path.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    trial.sync(ListedSource({"t": ROWS}))
    assert trial.restore() == expect({"t": ROWS})
    assert trial.check("records").sound


def test_other_lines_are_stored(trial: Trial) -> None:
    noted = len(journals(trial))
    others = [[row[0], f"{row[1]}!"] for row in ROWS]
    trial.sync(ListedSource({"t": others}))
    assert trial.restore() == expect({"t": others})
    assert len(journals(trial)) == noted


def test_a_sync_that_takes_long_gives_signs_of_life(tmp_path: Path) -> None:
    trial = Trial(tmp_path, play_host(5), "none")
    trial.create()

    class Slow(ListedSource):
        def open(self) -> ListedReading:
            reading = super().open()
            read = reading.read

            def read_slowly(part: Part) -> Iterator[bytes]:
                for chunk in read(part):
                    trial.host.clock.sleep(1800)
                    yield chunk

            reading.read = read_slowly  # type: ignore[method-assign]
            return reading

    trial.sync(Slow({"t": make_rows(1000)}))
    assert len(journals(trial)) == 5
    assert trial.check("records").sound
