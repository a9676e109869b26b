"""A vault's first days on a disk that remembers, and every power cut that could have ended them."""

import os
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from listbackup.disk import SystemDisk
from listbackup.host import Host
from listbackup.testing.crashes import CrashDisk
from listbackup.testing.crashstates import CrashState
from listbackup.testing.hosts import START, PlayedClock, SeededEntropy, play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect
from listbackup.vault.check import Check
from listbackup.vault.opening import Vault
from tests.proof.stage import (
    ONE,
    THREE,
    TWO,
    Streams,
    add_key,
    assert_whole,
    go_on_with_init,
    restore_everything,
)

CREATED, KEY = "created", "key"
NOISE = SeededEntropy(7)
LARGE: Streams = {name: [[str(n), NOISE(30_000).hex()] for n in range(4)] for name in ("x", "y")}
DAYS: tuple[Streams, ...] = (ONE, {**TWO, **LARGE}, {**ONE, **LARGE})
"""Later days have objects of many blocks, several of them behind one barrier."""
GO_ON = 16
"""In one of so many states the next backup is made too, and one more key."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How many states were tried, of how many cuts, and what did not hold in some."""

    states: int
    cuts: int
    failures: tuple[str, ...]


def live(place: Path) -> CrashDisk:
    """Make a vault, back up twice, add a key; say so on the disk's log when each is promised."""
    (place / "vault").mkdir(parents=True)
    disk = CrashDisk(SystemDisk(), place)
    trial = Trial(place, Host(PlayedClock(START), SeededEntropy(1), disk))
    trial.create()
    disk.mark(CREATED)
    for number, rows in enumerate(DAYS):
        trial.sync(ListedSource(rows), jobs=1)
        disk.mark(f"day {number}")
    add_key(trial)
    disk.mark(KEY)
    return disk


def try_states(root: str, seed: int, most: int, share: int, of: int) -> Tried:
    """Try this share of the states: lay each out, open it, verify it."""
    place = Path(root) / f"cuts-{os.getpid()}"
    states: Iterator[CrashState] = live(place).states(seed, most)
    tried, cuts, failures = 0, set(), []
    for state in islice(states, share, None, of):
        shutil.rmtree(place)
        state.write(place)
        tried += 1
        cuts.add(state.cut)
        try:
            verify(place, state, go_on=tried % GO_ON == 0)
        except Exception:  # noqa: BLE001
            failures.append(f"cut {state.cut} {state.marks}\n{traceback.format_exc(limit=-6)}")
    return Tried(tried, len(cuts), tuple(failures))


def verify(place: Path, state: CrashState, *, go_on: bool) -> None:
    """Assert that what had been promised before the cut is whole, and the rest whole or absent."""
    trial = Trial(place, play_host(99))
    if CREATED not in state.marks:
        go_on_with_init(trial, False)
    done = sum(mark.startswith("day") for mark in state.marks)
    attempted = DAYS[done] if done < len(DAYS) else None
    opened: list[Vault] = []

    def open_it() -> Vault:
        opened.append(trial.open(whole=True))
        return opened[0]

    visible = assert_whole(trial, open_it, DAYS[:done], attempted, False)
    assert Check(opened[0], "records").run().findings == []
    if not go_on:
        return
    if KEY in state.marks:
        second = [one for one in trial.secrets() if one.origin.endswith("second.key")]
        trial.open(secrets=second).keyring.account_key()
    else:
        add_key(trial)
    trial.sync(ListedSource(THREE))
    assert restore_everything(trial.open()) == [*visible, expect(THREE)]
    assert trial.check("records").findings == []
