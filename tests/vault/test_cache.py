"""A cache of small objects: right or absent, bounded, and never believed."""

from dataclasses import replace
from pathlib import Path

import pytest

from listbackup.errors import IntegrityError
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows
from listbackup.vault.cache import Cache
from listbackup.vault.opening import Vault, open_vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.refs import digest
from listbackup.vault.selection import choose_snapshot

ROWS = {"t": make_rows(3000)}


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a vault with one snapshot."""
    trial = Trial(tmp_path, play_host(5), request.param)
    trial.create()
    trial.sync(ListedSource(ROWS))
    return trial


def open_cached(trial: Trial) -> Vault:
    cache = Cache(trial.root / "cache", trial.host)
    return open_vault(replace(trial.access(), cache=cache))


def read(vault: Vault) -> Snapshot:
    choice = choose_snapshot(vault, "latest")
    return open_snapshot(vault, choice.commit, choice.view.name)


def kept(trial: Trial) -> list[Path]:
    return [path for path in (trial.root / "cache").rglob("*") if path.is_file()]


def idx(trial: Trial) -> Path:
    [path] = trial.place.rglob("*/t/batch-001.idx*")
    return path


def test_what_was_read_once_is_not_fetched_again(trial: Trial) -> None:
    snapshot = read(open_cached(trial))
    body = snapshot.objects.read(snapshot.state("t").batches[0].idx)
    idx(trial).unlink()
    again = read(open_cached(trial))
    assert again.objects.read(again.state("t").batches[0].idx) == body


def test_nothing_that_was_sealed_is_kept_open(trial: Trial) -> None:
    snapshot = read(open_cached(trial))
    plain = snapshot.objects.read(snapshot.state("t").batches[0].idx)
    found = any(plain[:64] in path.read_bytes() for path in kept(trial))
    assert found == (trial.encryption == "none")


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_damaged_cache_is_not_believed(trial: Trial, damage: str) -> None:
    read(open_cached(trial)).state("t")
    for path in kept(trial):
        body = path.read_bytes()
        wrong = {"flipped": bytes([body[0] ^ 1]) + body[1:], "cut": body[:-1], "emptied": b""}
        path.write_bytes(wrong[damage])
    snapshot = read(open_cached(trial))
    assert b"".join(snapshot.streams["t"].chunks()) == expect(ROWS)["t"]
    assert all(digest(path.read_bytes()) == f"sha256:{path.name}" for path in kept(trial))


def test_a_batch_is_always_fetched(trial: Trial) -> None:
    stream = read(open_cached(trial)).streams["t"]
    list(stream.chunks())
    next(trial.place.rglob("*/t/batch-001.json*")).unlink()
    with pytest.raises(IntegrityError, match="lost"):
        list(read(open_cached(trial)).streams["t"].chunks())


def test_it_stays_within_its_bound(tmp_path: Path) -> None:
    cache = Cache(tmp_path, play_host(), most_bytes=10_000)
    bodies = [bytes([n]) * 1000 for n in range(50)]
    for body in bodies:
        cache.put(digest(body), body)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 20_000
    assert cache.get(digest(bodies[-1])) == bodies[-1]


def test_a_disk_that_fails_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file", play_host())
    cache.put(digest(b"x"), b"x")
    assert cache.get(digest(b"x")) is None
