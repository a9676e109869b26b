"""`snapshots`, `show`, `ls`: what is in a vault. Lists need no key: commits are signed, not
sealed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.events import Warned
from listbackup.vault.holds import read_hold
from listbackup.vault.opening import Vault
from listbackup.vault.selection import choose_snapshot, choose_sources
from listbackup.vault.sources import Committed


@dataclass(frozen=True, slots=True)
class SnapshotLine:
    """One snapshot as the ledger shows it."""

    source: str
    snapshot: str
    name: str
    number: int
    status: str
    as_of: datetime
    committed: datetime
    clock_suspect: bool
    tags: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream of a snapshot. `carried_from` is the sync whose state it still is."""

    source: str
    snapshot: str
    name: str
    path: str
    status: str
    rows: int
    carried_from: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class SnapshotDetail:
    """A snapshot as its manifest shows it. `meant` says how the words that chose it were read,
    `held` why it is kept from prune and sweep, if it is."""

    source: str
    snapshot: str
    name: str
    number: int
    status: str
    meant: str
    as_of_from: datetime
    as_of_to: datetime
    started: datetime
    committed: datetime
    engine: str
    server: str
    container: str
    version: str
    streams: int
    rows: int
    objects: int
    stored_bytes: int
    extras: tuple[str, ...]
    definitions: str | None
    reasons: tuple[str, ...]
    declared: tuple[str, ...]
    base: str | None
    tool: str
    manifest: str
    tags: tuple[str, ...]
    note: str
    held: str | None


def list_snapshots(app: App, reach: Reach, source: str | None = None) -> list[SnapshotLine]:
    """List the live snapshots, by source, in the order of the ledger. Raises UsageError for a
    source that is not there."""
    vault = app.vault(reach)
    return list(_list(app, vault, choose_sources(vault, source)))


def _list(app: App, vault: Vault, names: list[str]) -> Iterator[SnapshotLine]:
    for name in names:
        view = vault.source(name)
        for problem in view.loaded.problems:
            app.emit(Warned(problem.message, "Run `listbackup check` to see what is affected."))
        for number in sorted(view.commits):
            yield _line(name, view.commits[number])


def _line(source: str, commit: Committed) -> SnapshotLine:
    return SnapshotLine(
        source,
        commit.sync,
        commit.name,
        commit.number,
        commit.status,
        commit.end,
        commit.time,
        commit.clock_suspect,
        commit.tags,
        commit.note,
    )


def show_snapshot(app: App, reach: Reach, words: str) -> SnapshotDetail:
    """Show one snapshot. Raises UsageError, IntegrityError, WrongKeyError, AuthError."""
    from listbackup.vault.reading import open_snapshot

    vault = app.vault(reach)
    choice = choose_snapshot(vault, words, allow_partial=True)
    commit = choice.commit
    manifest = open_snapshot(vault, commit, choice.view.name).manifest
    hold = read_hold(vault.store, commit)
    return SnapshotDetail(
        source=manifest.source,
        snapshot=manifest.sync,
        name=manifest.name,
        number=commit.number,
        status=manifest.status,
        meant=choice.reading,
        as_of_from=manifest.as_of.start,
        as_of_to=manifest.as_of.end,
        started=manifest.started,
        committed=commit.time,
        engine=manifest.identity.engine,
        server=manifest.identity.server,
        container=manifest.identity.container,
        version=manifest.identity.version,
        streams=len(manifest.streams),
        rows=sum(one.rows for one in manifest.streams),
        objects=len(manifest.objects),
        stored_bytes=sum(one.bytes for one in manifest.objects),
        extras=tuple(kind for kind, _ in manifest.extras),
        definitions=manifest.definitions,
        reasons=manifest.reasons,
        declared=tuple(f"{one.subject}: {one.what} ({one.reason})" for one in manifest.declared),
        base=manifest.base,
        tool=manifest.tool,
        manifest=commit.manifest.key,
        tags=commit.tags,
        note=commit.note,
        held=hold.reason if hold and hold.holds(app.host.clock.now()) else None,
    )


def list_streams(app: App, reach: Reach, words: str) -> list[StreamLine]:
    """List the streams of one snapshot. Raises what `show_snapshot` raises."""
    from listbackup.vault.reading import open_snapshot

    vault = app.vault(reach)
    choice = choose_snapshot(vault, words, allow_partial=True)
    manifest = open_snapshot(vault, choice.commit, choice.view.name).manifest
    return [
        StreamLine(
            manifest.source,
            manifest.sync,
            one.name,
            one.path,
            one.status,
            one.rows,
            one.carried_from,
            one.reason,
        )
        for one in manifest.streams
    ]
