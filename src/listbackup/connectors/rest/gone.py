"""Lists of what was deleted, where a platform has them: keys of records that are no more.

Such a list may name what was restored meanwhile, for as long as it likes. Therefore what the last
sync read in it says nothing any more; where nobody knows what that was, times decide; and what is
left is asked for one by one, where it can be.
"""

import binascii
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.checkpoints import Checkpoint
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filters import narrow, read_moment, resolution
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.models.streams import Deleted, Stream
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Cutter, fields_of
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.singles import Give, Singles, spell_keys
from listbackup.connectors.rest.whole import Whole
from listbackup.errors import SourceError

Json = Any
MOST_REMEMBERED = 5000
MOST_ASKED = 100
SIZE = 4
MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a list of deletions says: the keys that are news, and what the next sync has to know of
    the list. `unsure`: nothing tells which of them are news."""

    keys: Sequence[bytes] = ()
    memory: str | None = None
    unsure: bool = False


async def list_gone(
    ground: Ground, spec: Stream, checkpoint: Checkpoint, notes: Notes, *, full: bool
) -> Told:
    """Read a stream's list of deletions; of those since the last sync, where the list can be asked
    for them alone. Where all is listed (`full`), it is read only to be remembered: that it cannot
    be read is no harm then. Doubts are noted. Raises Refused, AuthError, RateLimited."""
    wanted = spec.deleted
    if wanted is None:
        return Told()
    since = ground.now - MARGIN if full else checkpoint.since
    own = Notes()
    try:
        found = await _read(ground, spec, wanted, since, own)
    except SourceError:
        if full:
            return Told()
        raise
    if full:
        return Told() if own.reason else Told(memory=_remember([line for _, line in found]))
    if own.reason:
        notes.doubt(f"the list of what was deleted: {own.reason}")
    memory = _remember([line for _, line in found])
    known = _recall(checkpoint.deleted)
    if known is not None:
        return Told([key for key, line in found if _digest(line) not in known], memory)
    if wanted.since is None or since is None:
        return Told([key for key, _ in found], memory, unsure=bool(found))
    least = since - timedelta(seconds=wanted.since.lookback) - resolution(wanted.since)
    told = fields_of([line for _, line in found], wanted.since.field)
    times = [read_moment(one, wanted.since.zone) for one in told]
    young = [key for (key, _), at in zip(found, times, strict=True) if at is None or at >= least]
    return Told(young, memory, unsure=None in times)


async def _read(
    ground: Ground, spec: Stream, wanted: Deleted, since: datetime | None, notes: Notes
) -> list[tuple[bytes, bytes]]:
    draft = ground.draft(wanted.request, {}, spec.name)
    if since is not None and wanted.since is not None:
        draft = narrow(draft, wanted.since, since - timedelta(seconds=wanted.since.lookback))
    cutter = Cutter(
        wanted.records, tuple(".".join(path) for path in wanted.key), heeds=ground.heeds_signs
    )

    def make() -> Listing:
        return Listing(ground.asker, ground.pace, draft, cutter, notes)

    found: list[tuple[bytes, bytes]] = []
    paging = ground.find_paging(wanted.paging if wanted.paging is not None else spec.paging)
    async for batch in Whole(make, notes, paging).read():
        found += zip(batch.page.keys, batch.page.records, strict=True)
    return found


class Burial:
    """Decides which of the records that a list names are gone. `give` takes those that are not."""

    def __init__(self, ground: Ground, spec: Stream, told: Told, notes: Notes, give: Give) -> None:
        self._ground = ground
        self._spec = spec
        self._told = told
        self._notes = notes
        self._give = give

    def find_doubted(self, seen: SeenKeys) -> list[Json] | None:
        """Give the ids that have to be asked for; None where all has to be listed instead, as
        they are too many, or nothing tells which are news and they cannot be asked for."""
        keys = [key for key in self._told.keys if all(seen.look(spell_keys(key)))]
        if self._spec.one is None or len(self._spec.key) > 1:
            return None if keys and self._told.unsure else []
        return [json.loads(key)[0] for key in keys] if len(keys) <= MOST_ASKED else None

    async def bury(self, doubted: Sequence[Json], parameters: dict[str, Json]) -> list[bytes]:
        """Ask for the doubted ones; give the keys of those that are gone. Raises AuthError,
        RateLimited."""
        if self._spec.one is None or len(self._spec.key) > 1:
            return [one for key in self._told.keys for one in spell_keys(key)]
        singles = Singles(self._ground, self._spec, self._spec.one, self._notes, self._give)
        singles.parameters, singles.believes = parameters, True
        try:
            await singles.read(doubted)
        except Refused as refused:
            self._notes.doubt(f"what the list of deletions names: {refused.message}")
            return []
        return [*singles.gone, *singles.lost_keys]


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=SIZE).digest()


def _remember(lines: Sequence[bytes]) -> str | None:
    if len(lines) > MOST_REMEMBERED:
        return None
    return b64encode(b"".join(sorted(map(_digest, lines)))).decode()


def _recall(memory: str | None) -> set[bytes] | None:
    if memory is None:
        return None
    try:
        told = b64decode(memory, validate=True)
    except (binascii.Error, ValueError):
        return None
    return {told[at : at + SIZE] for at in range(0, len(told), SIZE)}
