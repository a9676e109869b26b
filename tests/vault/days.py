"""A vault whose days go by as a test says: in memory, on a played clock, with versions."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from listbackup.events import Event, Warned
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.memory import MemoryStore, Shelf
from listbackup.testing.hosts import PlayedClock, SeededEntropy
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.accounts import Encryption
from listbackup.vault.clocks import Ages, ask_store_time, find_most_gap, refuse_wrong_clock
from listbackup.vault.pruning import PrunePlan, prune_source
from listbackup.vault.retention import Rules
from listbackup.vault.sources import Committed, SourceView
from listbackup.vault.sweeping import Swept, sweep_source

WEEK = timedelta(days=7)
DATA = "data/accounts/default/"
SHOP = DATA + "sources/shop/"


@dataclass
class Days:
    """One source, `shop`, in one vault; `clock` is everybody's."""

    root: Path
    encryption: Encryption = "sealed"
    object_lock: bool = False
    shelf: Shelf = field(default_factory=Shelf)
    clock: PlayedClock = field(default_factory=PlayedClock)
    shown: dict[str, dict[str, bytes]] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(1)
        if not self.shelf.objects:
            self.trial().create()

    def store(self) -> MemoryStore:
        """Give one more client of the store."""
        return MemoryStore("days", self.clock, shelf=self.shelf, object_lock=self.object_lock)

    def trial(
        self, name: str = "home", wrap: Callable[[ObjectStore], ObjectStore] | None = None
    ) -> Trial:
        """Give the vault as a machine meets it."""
        around = wrap or (lambda store: store)
        trial = Trial(
            self.root,
            Host(self.clock, self.entropy),
            self.encryption,
            wrap=lambda _: around(self.store()),
            name=name,
            events=self.heard,
        )
        if name != "home" and not trial.config.exists():
            shutil.copytree(self.trial().config, trial.config)
        return trial

    def copy(self, root: Path) -> "Days":
        """Give the same vault once more, elsewhere."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        shelf = Shelf({key: list(one) for key, one in self.shelf.objects.items()})
        shelf.written = self.shelf.written
        clock = PlayedClock(self.clock.now())
        other = replace(self, root=root, shelf=shelf, clock=clock, shown=dict(self.shown))
        other.entropy = SeededEntropy(2)
        return other

    def wait(self, days: float) -> None:
        """Let days go by."""
        self.clock.jump(timedelta(days=days))

    def back_up(
        self, streams: dict[str, Rows], *, after: float = 1, failing: tuple[str, ...] = ()
    ) -> Committed:
        """Back up after so many days, as of then."""
        self.wait(after)
        source = ListedSource(streams, moment=self.clock.now(), failing=failing)
        commit = self.trial().sync(source, jobs=1).commit
        before = self.shown.get(self._last(commit.number), {}) if failing else {}
        self.shown[commit.sync] = {
            name: before[name] if name in failing else lines
            for name, lines in expect(streams).items()
            if name not in failing or name in before
        }
        return commit

    def _last(self, number: int) -> str:
        earlier = [one for one in self.view().commits.values() if one.number < number]
        return max(earlier, key=lambda one: one.number).sync if earlier else ""

    def view(self) -> SourceView:
        """Read the ledger whole."""
        return self.trial().open().source("shop", whole=True)

    def prune(self, *, clock_ok: bool = False, **rules: int) -> PrunePlan:
        """Prune by rules."""
        vault = self.trial().open()
        return prune_source(vault, "shop", Rules(**rules), clock_ok=clock_ok)[0]  # type: ignore[arg-type]

    def sweep(
        self,
        *,
        grace: timedelta = WEEK,
        clock_ok: bool = False,
        dry_run: bool = False,
        trial: Trial | None = None,
    ) -> Swept:
        """Sweep as the operation does."""
        vault = (trial or self.trial()).open()
        now = ask_store_time(vault)
        view = vault.source("shop", whole=True)
        if not clock_ok:
            refuse_wrong_clock(vault, view, now)
        ages = Ages(view, now, None if clock_ok else find_most_gap(view))
        return sweep_source(vault, view, ages, grace, dry_run=dry_run)

    def pass_grace(self, streams: dict[str, Rows], days: int = 9) -> None:
        """Let the grace end as it does for who backs up every day."""
        for _ in range(days):
            self.back_up(streams)

    def names(self, prefix: str = SHOP) -> set[str]:
        """Name what the store has."""
        return {info.key for info in self.store().list(prefix)}

    def of(self, sync: str) -> set[str]:
        """Name what the store has of one sync."""
        return {key for key in self.names() if sync in key}

    def assert_whole(self) -> None:
        """Assert that each live snapshot restores to what it showed, and nothing is damaged."""
        trial = self.trial()
        for commit in trial.open().source("shop").commits.values():
            assert trial.restore(commit.sync) == self.shown[commit.sync]
        assert trial.check("records").findings == []

    def warnings(self) -> list[str]:
        """Give what was warned of so far."""
        return [one.message for one in self.heard if isinstance(one, Warned)]

    def now(self) -> datetime:
        """Give the time."""
        return self.clock.now()


def rows(day: int) -> dict[str, Rows]:
    """Give streams of a day: one that grows, one that stays, one that is all new each day."""
    return {
        "grows": make_rows(20 + day),
        "stays": make_rows(40, "same"),
        "new": make_rows(10, f"{day} "),
    }
