"""`metadata/sync-history.json`: the last thousand syncs of a source, one record each.

It is put last, so that its newest record says up to which snapshot everything was published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from listbackup.clock import format_time
from listbackup.errors import IntegrityError
from listbackup.history.derivations import Basis, Flaw
from listbackup.vault import layout
from listbackup.vault.derived import Published, Shelf
from listbackup.vault.documents import Fields
from listbackup.vault.sources import Committed

HISTORY = "sync-history"
MOST = 1000
CATCH_UP = 32
"""So many earlier snapshots that have no record get one beside a backup; a repair takes all."""


@dataclass(frozen=True, slots=True)
class Told:
    """What only the sync itself knows: rows that were new, rows that went."""

    number: int
    new_rows: int
    gone_rows: int


def find_history(shelf: Shelf) -> Published | None:
    """Give the published history, where it is whole."""
    return shelf.find(layout.metadata_key(shelf.account, shelf.source, HISTORY))


def read_records(found: Published | None) -> dict[int, Mapping[str, Any]]:
    """Give the records of a published history by ledger number; none where it has others."""
    try:
        syncs = Fields(found.value, HISTORY).each("syncs") if found is not None else []
        return {one.number("number", least=1): one.value for one in syncs}
    except IntegrityError:
        return {}


def history_flaws(basis: Basis, told: Told | None) -> Iterator[Flaw]:
    """Give what is wrong with the history: that it is not there, or lacks a live snapshot."""
    found = find_history(basis.shelf)
    records = read_records(found)
    lacking = [one for one in sorted(basis.view.commits) if one not in records][-MOST:]
    if lacking:
        key = layout.metadata_key(basis.vault.account.name, basis.view.name, HISTORY)
        wanted = lacking if basis.whole else lacking[-CATCH_UP:]

        def make() -> bytes:
            for number in wanted:
                records[number] = _record(basis, basis.view.commits[number], told)
            newest = [records[number] for number in sorted(records)[-MOST:]]
            return basis.write({"source": basis.view.name, "syncs": newest})

        yield basis.flaw(key, make, found=found is not None)


def _record(basis: Basis, commit: Committed, told: Told | None) -> Mapping[str, Any]:
    record: dict[str, Any] = {
        "number": commit.number,
        "entry": commit.digest,
        "sync": commit.sync,
        "name": commit.name,
        "as_of": {"from": format_time(commit.start), "to": format_time(commit.end)},
        "status": commit.status,
        "rows": None,
        "new_rows": None,
        "gone_rows": None,
        "stored_bytes": None,
        "seconds": None,
    }
    if told is not None and told.number == commit.number:
        record |= {"new_rows": told.new_rows, "gone_rows": told.gone_rows}
    try:
        manifest = basis.open(commit).manifest
    except IntegrityError:
        return record
    return record | {
        "rows": sum(one.rows for one in manifest.streams),
        "stored_bytes": sum(one.bytes for one in manifest.objects) + commit.manifest.bytes,
        "seconds": round((commit.time - manifest.started).total_seconds(), 3),
    }
