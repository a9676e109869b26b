"""Lists of what was deleted, where a platform has them: keys of records that are no more."""

from datetime import datetime, timedelta

from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filters import narrow
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Cutter
from listbackup.connectors.rest.whole import Whole


async def list_gone(
    ground: Ground, spec: Stream, since: datetime | None, notes: Notes
) -> list[bytes]:
    """Give the keys of a stream's deleted records; of those that were deleted since a moment,
    where the list can be asked for them alone. Doubts are noted. Raises Refused."""
    wanted = spec.deleted
    if wanted is None:
        return []
    draft = ground.draft(wanted.request, {}, spec.name)
    if since is not None and wanted.since is not None:
        draft = narrow(draft, wanted.since, since - timedelta(seconds=wanted.since.lookback))
    cutter = Cutter(
        wanted.records, tuple(".".join(path) for path in wanted.key), heeds=ground.heeds_signs
    )
    own = Notes()

    def make() -> Listing:
        return Listing(ground.asker, ground.pace, draft, cutter, own)

    keys: list[bytes] = []
    paging = ground.find_paging(wanted.paging if wanted.paging is not None else spec.paging)
    async for batch in Whole(make, own, paging).read():
        keys += batch.page.keys
    if own.reason:
        notes.doubt(f"the list of what was deleted: {own.reason}")
    return keys
