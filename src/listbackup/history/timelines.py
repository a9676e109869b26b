"""One stream through all live snapshots of a source, in the order of its ledger.

A *moment* is one snapshot; moments that name the same state list share what was read of it. Knows
no hashes and no rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listbackup.history.deadlists import DeadLists
from listbackup.history.sides import Side
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.objects import Objects
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.sources import Committed
from listbackup.vault.states import State, StoredBatch


@dataclass(frozen=True, slots=True)
class Moment:
    """A stream in one snapshot: `state` numbers the timeline's states, None where the snapshot has
    no state of the stream."""

    commit: Committed
    entry: StreamEntry | None
    state: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stream's moments, the distinct states that they show, and their schema objects."""

    source: str
    stream: str
    objects: Objects
    moments: Sequence[Moment]
    states: Sequence[State]
    schemas: Sequence[Mapping[str, Any]]
    lists: DeadLists

    def batches(self) -> list[tuple[StoredBatch, int]]:
        """Give every batch that any state names, once, with the number of such a state."""
        found: dict[str, tuple[StoredBatch, int]] = {}
        for number, state in enumerate(self.states):
            for batch in state.batches:
                found.setdefault(batch.ref.key, (batch, number))
        return list(found.values())

    def side(self, number: int) -> Side:
        """Open one of the states. Raises IntegrityError."""
        state = self.states[number]
        return Side(self.objects, state, self.schemas[number], self.lists.join(state))


class SourcePast:
    """All live snapshots of one source; manifests are read once."""

    def __init__(self, vault: Vault, source: str, until: int | None = None) -> None:
        """Read the manifests of the live snapshots, up to a ledger number where one is given.
        Raises IntegrityError."""
        self.source = source
        self.objects = vault.objects
        commits = vault.source(source).commits
        self.snapshots: list[Snapshot] = [
            open_snapshot(vault, commits[number], source)
            for number in sorted(commits)
            if until is None or number <= until
        ]
        self._entries = [
            {one.name: one for one in snapshot.manifest.streams} for snapshot in self.snapshots
        ]

    def streams(self) -> list[str]:
        """Name every stream that any snapshot has read."""
        return sorted(
            {one.name for entries in self._entries for one in entries.values() if one.state}
        )

    def timeline(self, stream: str) -> Timeline:
        """Follow one stream. State lists are read, nothing else. Raises IntegrityError."""
        known: dict[str, int] = {}
        states: list[State] = []
        schemas: list[Mapping[str, Any]] = []
        moments = []
        for snapshot, entries in zip(self.snapshots, self._entries, strict=True):
            entry = entries.get(stream)
            if entry is None or entry.state is None:
                moments.append(Moment(snapshot.commit, entry, None))
                continue
            if entry.state.key not in known:
                known[entry.state.key] = len(states)
                opened = snapshot.streams[stream]
                states.append(opened.state)
                schemas.append(opened.schema)
            moments.append(Moment(snapshot.commit, entry, known[entry.state.key]))
        lists = DeadLists(self.objects)
        return Timeline(self.source, stream, self.objects, moments, states, schemas, lists)
