"""`stats`: what a vault's snapshots take, by source, stream and snapshot, and how that grew."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.vault.needs import Needs
from listbackup.vault.opening import Vault
from listbackup.vault.selection import choose_sources
from listbackup.vault.sources import Committed


@dataclass(frozen=True, slots=True)
class SnapshotStats:
    """One snapshot. `plain_bytes`: its lines, unpacked; `needed_bytes`: stored bytes of all that
    it needs; `added_bytes`: of these what no older live one needs; `only_bytes`: what no other
    live one needs, so what dropping it alone would free; `total_bytes`: what it and all older
    live ones need, each object once: the growth."""

    snapshot: str
    name: str
    number: int
    as_of: datetime
    rows: int
    plain_bytes: int
    needed_bytes: int
    added_bytes: int
    only_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One stream over all live snapshots: its different states, the stored bytes of its batches,
    each once, and the plain bytes of the newest state."""

    name: str
    snapshots: int
    states: int
    stored_bytes: int
    plain_bytes: int


@dataclass(frozen=True, slots=True)
class SourceStats:
    """One source. `stored_bytes` counts each object once; `repeated_bytes` is what it would be
    if no snapshot shared any; `plain_bytes` is every snapshot's lines, unpacked."""

    source: str
    objects: int
    stored_bytes: int
    repeated_bytes: int
    plain_bytes: int
    snapshots: tuple[SnapshotStats, ...]
    streams: tuple[StreamStats, ...]

    @property
    def gain(self) -> float:
        """How many times more would be stored if snapshots shared nothing."""
        return round(self.repeated_bytes / self.stored_bytes, 2) if self.stored_bytes else 1.0


@dataclass(frozen=True, slots=True)
class Stats:
    """What live snapshots take. What a sweep could delete is not in it."""

    sources: tuple[SourceStats, ...]

    @property
    def snapshots(self) -> int:
        """Snapshots in all."""
        return sum(len(one.snapshots) for one in self.sources)

    @property
    def stored_bytes(self) -> int:
        """Stored bytes in all."""
        return sum(one.stored_bytes for one in self.sources)

    @property
    def plain_bytes(self) -> int:
        """Plain bytes of every snapshot's lines in all."""
        return sum(one.plain_bytes for one in self.sources)


def measure(app: App, reach: Reach, source: str | None = None) -> Stats:
    """Measure the live snapshots of one source or of all. Raises UsageError, IntegrityError,
    WrongKeyError, AuthError."""
    vault = app.vault(reach)
    return Stats(tuple(_measure_source(vault, name) for name in choose_sources(vault, source)))


def _measure_source(vault: Vault, name: str) -> SourceStats:
    view = vault.source(name)
    commits = [view.commits[number] for number in sorted(view.commits)]
    needs = Needs(vault.objects, vault.host.clock, name)
    needs.read(commits)
    users = Counter(place for commit in commits for place in needs.objects(commit))
    sizes = needs.sizes
    seen: set[str] = set()
    snapshots = []
    total = 0
    for commit in commits:
        needed = needs.objects(commit)
        added = sum(sizes[one] for one in needed - seen)
        seen |= needed
        total += added
        reached = needs.manifest(commit)
        snapshots.append(
            SnapshotStats(
                snapshot=commit.sync,
                name=commit.name,
                number=commit.number,
                as_of=commit.end,
                rows=reached.rows,
                plain_bytes=sum(needs.state(key).plain_bytes for key in reached.states),
                needed_bytes=sum(sizes[one] for one in needed),
                added_bytes=added,
                only_bytes=sum(sizes[one] for one in needed if users[one] == 1),
                total_bytes=total,
            )
        )
    return SourceStats(
        source=name,
        objects=len(users),
        stored_bytes=total,
        repeated_bytes=sum(one.needed_bytes for one in snapshots),
        plain_bytes=sum(one.plain_bytes for one in snapshots),
        snapshots=tuple(snapshots),
        streams=tuple(_measure_streams(needs, commits)),
    )


def _measure_streams(needs: Needs, commits: list[Committed]) -> list[StreamStats]:
    states: dict[str, list[str]] = {}
    for commit in commits:
        for stream in needs.manifest(commit).streams:
            if stream.state is not None:
                states.setdefault(stream.name, []).append(stream.state)
    found = []
    for name, keys in sorted(states.items()):
        stored: dict[str, int] = {}
        for key in dict.fromkeys(keys):
            stored |= needs.state(key).stored
        newest = needs.state(keys[-1])
        count = len(set(keys))
        found.append(StreamStats(name, len(keys), count, sum(stored.values()), newest.plain_bytes))
    return found
