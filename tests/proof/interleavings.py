"""Two syncs, a prune, a sweep and a restore at once, one store call at a time, in a drawn order."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from listbackup.errors import BusyError, UsageError
from listbackup.events import Event, StepStarted
from listbackup.testing.faults import InjectedFault
from listbackup.testing.readings import ListedSource
from listbackup.testing.turns import Ended, Turns
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.accounts import Encryption
from listbackup.vault.beginning import append_to_account, begin_sync
from listbackup.vault.clocks import Ages, ask_store_time
from listbackup.vault.creation import signer_body
from listbackup.vault.layout import place
from listbackup.vault.pruning import prune_source
from listbackup.vault.reading import open_snapshot
from listbackup.vault.retention import Rules
from listbackup.vault.sweeping import sweep_source
from tests.vault.days import WEEK, Days, rows

LARGE: dict[str, Rows] = {"large": make_rows(2500, "l")}
NEXT: dict[str, dict[str, Rows]] = {"slow": {**rows(10), **LARGE}, "quick": rows(11)}
"""What the two syncs read. A dead attempt has stored the large stream before."""


@dataclass
class Scene:
    """A vault with something for everybody: old garbage, dropped snapshots whose grace is over,
    a young dead attempt that can be adopted, two live snapshots."""

    days: Days
    garbage: set[str] = field(default_factory=set)
    restored: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    def copy(self, root: Path) -> "Scene":
        """Give it once more."""
        return Scene(self.days.copy(root), set(self.garbage))


def build_scene(root: Path, encryption: Encryption) -> Scene:
    """Make the vault, with a second machine that may write."""
    days = Days(root, encryption)
    enrol(days)
    for day in range(2):
        days.back_up(rows(day))
    writer = begin_sync(days.trial().open(), "shop")
    writer.close()
    garbage = {place(f"{writer.prefix}{name}") for name in ("pack-001.bin", "a/batch-001.json.gz")}
    for key in garbage:
        days.store().put(key, b"garbage", tag="data")
    for day in range(2, 4):
        days.back_up(rows(day))
    days.prune(last=2)
    days.wait(6)
    die(days)
    days.wait(2)
    return Scene(days, garbage)


def enrol(days: Days) -> None:
    """Let a second machine write."""
    second = days.trial("second")
    vault = second.open()
    root = vault.descriptor.open_root(second.kit().secret)
    signer = vault.access.installation.ensure_signer(vault.id)
    append_to_account(vault, "signer", signer_body(signer, "second"), root)


def die(days: Days) -> None:
    """Leave a sync that stored all it had to and was killed before its commit."""

    def strike(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "committing":
            raise InjectedFault("killed")

    trial = days.trial()
    trial.hear = lambda emit: strike
    try:
        trial.sync(ListedSource(NEXT["slow"], moment=days.now()), jobs=1)
    except InjectedFault:
        return
    raise AssertionError("it committed")


def play(scene: Scene, seed: int, *, forgetful: bool = False) -> list[str]:
    """Play one interleaving and assert all that must hold; give who acted at each step. A
    `forgetful` sweep believes that there is no commit: then it must not hold."""
    chance = random.Random(seed)
    days, order = scene.days, list[str]()

    def choose(names: Sequence[str]) -> str:
        order.append(chance.choice(names))
        return order[-1]

    turns, before = Turns(choose), days.view()

    def trial(actor: str, machine: str) -> Trial:
        return days.trial(machine, lambda store: turns.store(actor, store))

    def back_up(actor: str, machine: str) -> str:
        source = ListedSource(NEXT[actor], moment=days.now())
        sync = trial(actor, machine).sync(source, jobs=1).commit.sync
        days.shown[sync] = expect(NEXT[actor])
        return sync

    def prune() -> object:
        return prune_source(trial("prune", "home").open(), "shop", Rules(last=1), clock_ok=True)

    def sweep() -> object:
        vault = trial("sweep", "second").open()
        now = ask_store_time(vault)
        view = vault.source("shop", whole=True)
        ages = Ages(view, now, None)
        if forgetful:
            view.commits.clear()
            view.dropped.clear()
        return sweep_source(vault, view, ages, WEEK)

    def restore() -> None:
        reader = trial("restore", "home")
        for words in (oldest.sync, "latest"):
            try:
                snapshot = reader.snapshot(words)
            except UsageError:
                assert words == oldest.sync, "there is always a latest"
                continue
            streams = {one: b"".join(snapshot.streams[one].chunks()) for one in snapshot.streams}
            scene.restored.append((snapshot.id, streams))

    oldest = before.commits[min(before.commits)]
    actors: Mapping[str, Callable[[], object]] = {
        "slow": lambda: back_up("slow", "home"),
        "quick": lambda: back_up("quick", "second"),
        "prune": prune,
        "sweep": sweep,
        "restore": restore,
    }
    verify(scene, turns.run(actors))
    return order


def verify(scene: Scene, ended: Mapping[str, Ended]) -> None:
    """I1 to I3: what was acknowledged restores, what was restored is what it had been, and nothing
    is gone that a live snapshot, or one that was dropped a moment ago, needs."""
    days = scene.days
    for name, how in ended.items():
        lost = name in NEXT and isinstance(how.error, BusyError)
        if how.error is not None and not lost:
            raise AssertionError(f"{name} failed") from how.error
    won = {ended[name].value for name in NEXT if ended[name].error is None}
    view = days.view()
    commits = [*view.commits.values(), *(one.commit for one in view.dropped.values())]
    assert won
    assert won <= {one.sync for one in commits}
    for sync, streams in scene.restored:
        assert streams == days.shown[sync]
    days.assert_whole()
    assert days.names().isdisjoint(scene.garbage), "the sweep left what it should have taken"
    vault = days.trial().open()
    for one in view.dropped.values():
        if days.now() - one.time < timedelta(days=1):
            snapshot = open_snapshot(vault, one.commit, "shop")
            found = {name: b"".join(snapshot.streams[name].chunks()) for name in snapshot.streams}
            assert found == days.shown[one.commit.sync]
