"""What snapshots need: every stored object that a manifest reaches, and its size.

Refs are found wherever they stand in manifests and state lists, also in fields that this version
does not know: what decides over deleting must not overlook one. State lists are read once, however
many snapshots share them. Objects are named by the keys under which the store holds them. Knows no
records, no ledger, and nothing of when something may be deleted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from listbackup.clock import Clock
from listbackup.errors import IntegrityError
from listbackup.vault import layout
from listbackup.vault.fetching import fetch_all
from listbackup.vault.objects import Objects
from listbackup.vault.refs import Ref, read_ref
from listbackup.vault.sources import Committed


@dataclass(frozen=True, slots=True)
class NeededStream:
    """One stream of a snapshot: whether its state was read by that sync (not carried), the key of
    its state list (None where it was never read), its stored and plain bytes of batches."""

    name: str
    fresh: bool
    state: str | None


@dataclass(frozen=True, slots=True)
class StateNeeds:
    """What a state list reaches: objects, and of its batches each stored size, by their keys."""

    objects: frozenset[str]
    stored: Mapping[str, int]
    plain_bytes: int


NO_STATE = StateNeeds(frozenset(), {}, 0)


@dataclass(frozen=True, slots=True)
class Reached:
    """What a manifest says of itself: its streams, the objects that it names, those that its own
    sync put, and the state lists that lead on."""

    streams: tuple[NeededStream, ...]
    objects: frozenset[str]
    own: frozenset[str]
    states: tuple[str, ...]
    rows: int


class Needs:
    """The needs of one source's snapshots, read when they are asked for."""

    def __init__(self, objects: Objects, clock: Clock, source: str) -> None:
        self.sizes: dict[str, int] = {}
        """Stored bytes of the objects met so far; of a pack whose whole size no manifest tells,
        up to the last member that is needed."""
        self._objects = objects
        self._clock = clock
        self._within = layout.source_prefix(objects.account, source)
        self._reached: dict[str, Reached] = {}
        self._named: dict[str, tuple[Any, Ref, str]] = {}
        self._states: dict[str, StateNeeds] = {}

    def manifest(self, commit: Committed) -> Reached:
        """Read a commit's manifest. Raises IntegrityError, WrongKeyError, AuthError."""
        known = self._reached.get(commit.sync)
        if known is None:
            known = self._reached[commit.sync] = self._read_manifest(commit)
        return known

    def state(self, key: str) -> StateNeeds:
        """Read a state list that some manifest read so far names by this key."""
        known = self._states.get(key)
        if known is None:
            known = self._states[key] = self._read_state(self._named[key][1])
        return known

    def objects(self, commit: Committed) -> frozenset[str]:
        """Give every object that a snapshot needs. Raises what `manifest` raises."""
        reached = self.manifest(commit)
        return reached.objects.union(*(self.state(key).objects for key in reached.states))

    def read(self, commits: Iterable[Committed], *, states: bool = True) -> None:
        """Read ahead, several at once where the store is far away. Damage is left to be met when
        the snapshot is asked for."""
        wanted = [one for one in commits if one.sync not in self._reached]
        self._ahead(self.manifest, wanted)
        if states:
            keys = [
                key
                for one in wanted
                for key in (self._reached[one.sync].states if one.sync in self._reached else ())
            ]
            self._ahead(self.state, [key for key in dict.fromkeys(keys) if key not in self._states])

    def _ahead(self, read: Any, wanted: list[Any]) -> None:
        def attempt(one: Any) -> None:
            try:
                read(one)
            except IntegrityError:
                return

        for _ in fetch_all(attempt, wanted, self._clock):
            pass

    def _read_manifest(self, commit: Committed) -> Reached:
        fields = self._objects.read_document(
            commit.manifest, f"The manifest of snapshot {commit.name}"
        )
        streams, states, found = [], [], set()
        for one in fields.each("streams"):
            raw = one.value.get("state")
            key = None
            if isinstance(raw, dict):
                # Snapshots name the same states again and again: a ref is read once.
                key = str(raw.get("key"))
                known = self._named.get(key)
                if known is None or known[0] != raw:
                    ref = read_ref(one.fields("state"), self._within)
                    known = self._named[key] = (raw, ref, self._note(raw))
                states.append(key)
                found.add(known[2])
            streams.append(NeededStream(one.text("name"), one.text("status") != "carried", key))
            found.update(self._note_below({**one.value, "state": None}))
        manifest = self._note(commit.manifest.to_json())
        own = {manifest, *(self._note(one.value) for one in fields.each("objects"))}
        rest = {name: one for name, one in fields.value.items() if name != "streams"}
        found.update(own, self._note_below(rest))
        rows = sum(one.number("rows") for one in fields.each("streams"))
        return Reached(tuple(streams), frozenset(found), frozenset(own), tuple(states), rows)

    def _note_below(self, value: Any) -> list[str]:
        return [self._note(one) for one in find_refs(value)]

    def _read_state(self, ref: Ref) -> StateNeeds:
        fields = self._objects.read_document(ref, f"The state list {ref.key}")
        batches = [read_ref(one, self._within) for one in fields.each("batches")]
        return StateNeeds(
            frozenset([self._note(ref.to_json()), *map(self._note, find_refs(fields.value))]),
            {one.key: one.bytes for one in batches},
            sum(one.plain_bytes for one in batches),
        )

    def _note(self, ref: Mapping[str, Any]) -> str:
        key = str(ref["key"])
        place = layout.place(key, ref["form"] == "sealed")
        parts = [ref.get("bytes"), ref.get("offset") if "#" in key else 0]
        size = sum(one for one in parts if type(one) is int)
        if size > self.sizes.get(place, 0):
            self.sizes[place] = size
        return place


def find_refs(value: Any) -> Iterator[Mapping[str, Any]]:
    """Find everything in a document that names a stored object: a `key` and a `form`."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("key"), str) and isinstance(one.get("form"), str):
                yield one
            one = one.values()
        waiting.extend([below for below in one if isinstance(below, dict | list)])
