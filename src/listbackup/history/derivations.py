"""What derived objects are made from, and what is wrong with those that are there.

Knows no single kind of them.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from listbackup.clock import Clock
from listbackup.vault import layout
from listbackup.vault.derived import Shelf, write_derived
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.sources import Committed, SourceView

AT_ONCE = 8

Fault = Literal["missing", "damaged", "stale"]


@dataclass(frozen=True, slots=True)
class Flaw:
    """A derived object that is not what it should be, and how to make it."""

    key: str
    fault: Fault
    make: Callable[[], bytes]


class Allowance:
    """How long what takes time may take in all; None is without an end."""

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        """Time starts now."""
        self._clock = clock
        self._ends = None if seconds is None else clock.monotonic() + seconds

    def fits(self, seconds: float) -> bool:
        """Tell whether there is time left for something that takes so long."""
        return self._ends is None or self._clock.monotonic() + seconds <= self._ends


class Basis:
    """A source, its newest snapshot, and which of its streams to look at: those whose state the
    snapshot's own sync wrote, or (`whole`) all."""

    def __init__(self, vault: Vault, view: SourceView, commit: Committed, *, whole: bool) -> None:
        """Read the snapshot's manifest. Raises IntegrityError."""
        self.vault = vault
        self.view = view
        self.commit = commit
        self.whole = whole
        self.shelf = Shelf(vault.store, vault.account.name, view)
        self.snapshot = open_snapshot(vault, commit, view.name)

    @cached_property
    def entries(self) -> Mapping[str, StreamEntry]:
        """What the manifest says of each stream that has a state, by name."""
        streams = self.snapshot.manifest.streams
        return {one.name: one for one in streams if one.state is not None}

    @cached_property
    def changed(self) -> frozenset[str]:
        """The streams to look at."""
        return frozenset(
            name
            for name, entry in self.entries.items()
            if self.whole or writer_of(entry) == self.commit.sync
        )

    def read_ahead(self) -> None:
        """Read state lists and schemas of the streams to look at, several at once. Raises
        IntegrityError."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self.snapshot.streams.__getitem__, sorted(self.changed)):
                pass

    def open(self, commit: Committed) -> Snapshot:
        """Open another snapshot of the source. Raises IntegrityError."""
        return open_snapshot(self.vault, commit, self.view.name)

    def flaw(self, key: str, make: Callable[[], bytes], *, found: bool) -> Flaw:
        """Say what is wrong with an object: stale where it was found, whole."""
        fault: Fault = "stale" if found else "damaged" if self.shelf.holds(key) else "missing"
        return Flaw(key, fault, make)

    def write(self, value: Mapping[str, object]) -> bytes:
        """Write a document that was made from this snapshot."""
        return write_derived(value, self.commit)


def writer_of(entry: StreamEntry) -> str:
    """Give the sync that wrote a stream's state; nothing for one that was never read."""
    return layout.sync_of(entry.state.key) if entry.state is not None else ""
