"""`hold`: keeps a snapshot from prune and sweep until a time, or until it is released."""

from dataclasses import dataclass
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.errors import UsageError
from listbackup.vault.holds import MOST_REASON, Hold, find_holds, put_hold, release_hold
from listbackup.vault.opening import Vault
from listbackup.vault.selection import choose_snapshot, choose_sources, read_time
from listbackup.vault.sources import Committed


@dataclass(frozen=True, slots=True)
class HoldLine:
    """One snapshot with a hold. `live` is false for one that was dropped before it was held: it
    is no snapshot any more, but its objects stay. `ended` holds keep nothing."""

    source: str
    snapshot: str
    name: str
    live: bool
    since: datetime | None
    until: datetime | None
    ended: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """A snapshot whose hold was taken away; `found` tells whether there was one."""

    source: str
    snapshot: str
    name: str
    found: bool


def hold_snapshot(
    app: App, reach: Reach, words: str, until: str | None = None, reason: str = ""
) -> HoldLine:
    """Put a hold on a snapshot, or replace the one it has. Raises UsageError, StoreError."""
    now = app.host.clock.now()
    end = read_time(until) if until is not None else None
    if (end is not None and end <= now) or len(reason) > MOST_REASON:
        raise UsageError(
            "That hold would end before it begins, or has too long a reason.",
            hint=f"Give --until a time to come, and a reason of at most {MOST_REASON} characters.",
        )
    vault = app.vault(reach)
    vault.refuse_contradictions()
    source, commit, live = _find(vault, words)
    hold = Hold(now, end, reason)
    put_hold(vault.store, commit, hold)
    return _line(source, commit, hold, now, live=live)


def release_snapshot(app: App, reach: Reach, words: str) -> Released:
    """Take a hold away. Raises UsageError, StoreError."""
    vault = app.vault(reach)
    source, commit, _ = _find(vault, words)
    return Released(source, commit.sync, commit.name, release_hold(vault.store, commit))


def list_holds(app: App, reach: Reach, source: str | None = None) -> list[HoldLine]:
    """List all holds, by source, oldest snapshot first."""
    vault = app.vault(reach)
    now = app.host.clock.now()
    lines = []
    for name in choose_sources(vault, source):
        view = vault.source(name, whole=True)
        commits = {number: one.commit for number, one in view.dropped.items()} | view.commits
        found = find_holds(vault.store, commits.values(), app.host.clock)
        for number, hold in sorted(found.items()):
            live = number in view.commits
            lines.append(_line(name, commits[number], hold, now, live=live))
    return lines


def _line(source: str, commit: Committed, hold: Hold, now: datetime, *, live: bool) -> HoldLine:
    return HoldLine(
        source=source,
        snapshot=commit.sync,
        name=commit.name,
        live=live,
        since=hold.since,
        until=hold.until,
        ended=not hold.holds(now),
        reason=hold.reason,
    )


def _find(vault: Vault, words: str) -> tuple[str, Committed, bool]:
    """Find a snapshot that is live, or by id or name one that was dropped."""
    try:
        choice = choose_snapshot(vault, words, allow_partial=True)
    except UsageError:
        wanted = words.rpartition(":")[2]
        found = [
            (name, one.commit)
            for name in vault.sources()
            for one in vault.source(name, whole=True).dropped.values()
            if one.commit.name == wanted
            or (len(wanted) >= 8 and one.commit.sync.startswith(wanted))
        ]
        if len(found) != 1:
            raise
        return found[0][0], found[0][1], False
    return choice.view.name, choice.commit, True
