"""Holds: a snapshot that neither prune nor sweep may touch, for a while or until it is released.

A hold is one plain object, `hold`, in the sync's directory: it must be readable without a key, and
whoever can write to the store can put it. One that cannot be understood holds for ever. Knows
nothing of what a snapshot needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from listbackup.clock import Clock, format_time, parse_time
from listbackup.errors import IntegrityError, ObjectExists, ObjectMissing
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.fetching import fetch_all
from listbackup.vault.sources import Committed

HOLD = "hold"
MOST_REASON = 500
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hold:
    """Why and until when a snapshot is kept; `until` None is until it is released."""

    since: datetime | None
    until: datetime | None
    reason: str

    def holds(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.until is None or now < self.until


UNREADABLE = Hold(None, None, "the object `hold` cannot be understood")


def hold_key(commit: Committed) -> str:
    """Give the logical key of a snapshot's hold."""
    return commit.manifest.object.rpartition("/")[0] + "/" + HOLD


def put_hold(store: ObjectStore, commit: Committed, hold: Hold) -> None:
    """Put a hold, or replace the one that is there; durable when this returns."""
    body = write_document(
        {
            "requires": [],
            "since": format_time(hold.since) if hold.since else None,
            "until": format_time(hold.until) if hold.until else None,
            "reason": hold.reason,
        }
    )
    store.put(layout.place(hold_key(commit)), body, tag="meta", replace=True)
    store.barrier()


def release_hold(store: ObjectStore, commit: Committed) -> bool:
    """Take a hold away; False where there was none."""
    place = layout.place(hold_key(commit))
    found = False
    try:
        for _ in range(16):
            version = store.head(place).version
            found = True
            store.delete(place, version=version)
    except ObjectMissing:
        store.barrier()
        return found
    raise ObjectExists("the hold comes back each time that it is deleted", subject=place)


def read_hold(store: ObjectStore, commit: Committed) -> Hold | None:
    """Read a snapshot's hold; None where there is none."""
    return read_hold_at(store, layout.place(hold_key(commit)))


def read_hold_at(store: ObjectStore, place: str) -> Hold | None:
    """Read the hold that the store has there; None where there is none."""
    try:
        body = store.get(place, length=_MOST_BYTES)
    except ObjectMissing:
        return None
    try:
        fields = read_document(body, "A hold")
        since, until = (fields.optional_text(name) for name in ("since", "until"))
        return Hold(
            parse_time(since) if since else None,
            parse_time(until) if until else None,
            fields.text("reason")[:MOST_REASON],
        )
    except (IntegrityError, ValueError):
        return UNREADABLE


def find_holds(store: ObjectStore, commits: Iterable[Committed], clock: Clock) -> dict[int, Hold]:
    """Read the holds of these snapshots: by number, those that have one."""
    wanted = list(commits)
    found = fetch_all(lambda one: read_hold(store, one), wanted, clock)
    return {one.number: hold for one, hold in zip(wanted, found, strict=True) if hold is not None}
