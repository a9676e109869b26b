"""The independent reader on a vault that was pruned, labelled, held and swept."""

from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.host import Host
from listbackup.testing.hosts import PlayedClock, SeededEntropy, StampedDisk
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial
from listbackup.vault.accounts import Encryption
from listbackup.vault.clocks import Ages
from listbackup.vault.holds import Hold, put_hold
from listbackup.vault.labels import write_label
from listbackup.vault.pruning import prune_source
from listbackup.vault.retention import Rules
from listbackup.vault.sources import account_head
from listbackup.vault.sweeping import sweep_source
from tests.tools.test_read_vault import read
from tests.vault.days import WEEK, rows


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a vault in a directory: four snapshots, of which two were dropped and swept."""
    clock = PlayedClock()
    encryption: Encryption = request.param
    host = Host(clock, SeededEntropy(3), StampedDisk(clock))
    trial = Trial(tmp_path, host, encryption)
    trial.create()
    for day in range(4):
        clock.jump(timedelta(days=1))
        trial.sync(ListedSource(rows(day), moment=clock.now()), jobs=1)
    vault = trial.open()
    write_label(vault, "shop", 4, lambda commit: (("kept",), "for ever"))
    put_hold(vault.store, vault.source("shop").commits[5], Hold(clock.now(), None, "audit"))
    prune_source(vault, "shop", Rules(last=1, tags=("kept",)))
    clock.jump(timedelta(days=30))
    view = trial.open().source("shop", whole=True)
    swept = sweep_source(trial.open(), view, Ages(view, clock.now(), None), WEEK)
    assert swept.objects > 0
    return trial


def key_of(trial: Trial) -> list[str | Path]:
    return ["--key-file", *trial.config.glob("*.key")] if trial.encryption == "sealed" else []


def test_it_lists_and_restores_what_is_live_and_nothing_else(trial: Trial, tmp_path: Path) -> None:
    commits = trial.open().source("shop").commits
    answer = read(trial.place, *key_of(trial))
    assert [line.split()[1] for line in answer.out.splitlines()] == [
        one.sync for one in commits.values()
    ]
    for number, commit in commits.items():
        target = tmp_path / commit.sync
        target.mkdir()
        done = read(trial.place, commit.sync, target, *key_of(trial))
        assert done.code == 0, done.error
        written = {path.stem: path.read_bytes() for path in target.glob("*.ndjson")}
        assert written == {
            name: b"".join(stream.lines())
            for name, stream in trial.snapshot(commit.sync).streams.items()
        }
        assert set(written) == set(rows(number - 2))
    dropped = next(iter(trial.open().source("shop", whole=True).dropped.values()))
    assert read(trial.place, dropped.commit.sync, *key_of(trial)).code == 2


def test_it_refuses_a_prune_that_drops_the_newest_snapshot(trial: Trial) -> None:
    vault = trial.open()
    view = vault.source("shop")
    body = account_head(vault.account) | {"drop": [5], "keep": {}, "policy": ""}
    now = trial.host.clock.now()
    view.ledger.append(
        "prune", lambda number: body, vault.signer(), view.mark, lambda entry: None, now
    )
    answer = read(trial.place, *key_of(trial))
    assert answer.code == 13
    assert "drops 5 unduly" in answer.error
