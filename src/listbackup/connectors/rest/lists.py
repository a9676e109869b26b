"""The lists of one stream, as the YAML describes them: opened whole, or from a moment on, for the
stream itself or for one record of its parent.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from listbackup.connectors.rest.answers import WindowFull
from listbackup.connectors.rest.fetching import Listing, Moments
from listbackup.connectors.rest.filling import Values
from listbackup.connectors.rest.filters import narrow, read_moment, resolution
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.models.pagination import (
    Offset,
    OnePage,
    PageNumber,
    find_reach,
)
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Cutter
from listbackup.connectors.rest.parents import Lent, write_front
from listbackup.connectors.rest.positions import Falling
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.shapes import Shape
from listbackup.connectors.rest.slices import Sliced
from listbackup.connectors.rest.stretches import Fill
from listbackup.connectors.rest.whole import Count, Whole
from listbackup.errors import SourceError

Json = Any
MOST_SURE = 5
"""Of so many lists of one stream the ends are looked at with more care."""


class Lists:
    """Of one stream in one sync. `parameters` name the fields that are asked for, `rows` is how
    many records the stream had the last time."""

    def __init__(
        self,
        ground: Ground,
        spec: Stream,
        rows: int,
        notes: Notes,
        moments: Moments,
        seen: SeenKeys,
    ) -> None:
        self.parameters: dict[str, Json] = {}
        self._ground = ground
        self._spec = spec
        self._rows = rows
        self._notes = notes
        self._moments = moments
        self._seen = seen
        self._used = False
        self._asked = 0
        self._fill = Fill()
        self._twins = None if spec.parent is None or _is_of_parent(spec) else SeenKeys()

    async def read(
        self,
        since: datetime | None,
        place: Mapping[str, Json] | None = None,
        lent: Lent | None = None,
        base: int = 0,
    ) -> AsyncIterator[Batch]:
        """Read a list: all of it, or what changed since a moment; from a place on, where an earlier
        attempt had read `base` records. Raises Refused, SourceError."""
        spec = self._spec
        make = self._make(lent, since)
        paging = self._ground.find_paging(spec.paging)
        count = self._count(lent)
        if spec.slices is not None and spec.since is not None:
            begin = read_moment(spec.slices.begins)
            if begin is None:
                raise SourceError(f"{spec.slices.begins} is no moment.", subject=spec.name)
            most, seen = spec.slices.most, self._seen
            sliced = Sliced(
                make, self._notes, self._moments, paging, spec.since, most, count, seen=seen
            )
            # what is newer than this comes last, in a span that is open: clocks differ
            end = self._ground.now - timedelta(seconds=spec.since.lookback)
            if since is not None:
                begin = since - timedelta(seconds=spec.since.lookback)
            read = sliced.read_all if since is None and lent is None else sliced.read
            async for batch in read(begin, end):
                yield batch
            return
        if since is not None and count is not None and count.draft is not None:
            # a count of all says nothing of what changed
            count = None
        falling = self._watch(since, lent)
        odd = self._look_twice(since, lent, falling)
        counts = since is None and lent is None and spec.total is None
        cap = None if isinstance(paging, PageNumber | Offset) else find_reach(paging)
        searched = lent is None and spec.total is None
        rows = 0 if since is None else self._rows
        whole = Whole(
            make, self._notes, paging, count, cap, odd, counts=counts, searched=searched, rows=rows
        )
        try:
            async for batch in whole.read(place, base):
                if falling is not None:
                    falling.look(batch.page.records)
                yield batch
        except WindowFull as full:
            if lent is not None:
                raise
            self._notes.doubt(f"{full}; `slices` read such a list in spans of time")

    def _watch(self, since: datetime | None, lent: Lent | None) -> Falling | None:
        """Watch the order of a whole listing of records whose changes have a moment; pages by
        number are watched where they are read."""
        known = self._spec.since
        paging = self._ground.find_paging(self._spec.paging)
        numbered = isinstance(paging, PageNumber | Offset | OnePage)
        if since is not None or lent is not None or numbered or known is None:
            return None
        return Falling(known.field) if known.sees == "changed" else None

    def _look_twice(
        self, since: datetime | None, lent: Lent | None, falling: Falling | None
    ) -> Callable[[int], bool]:
        """Say of which numbers of records a list is to be read again: of any, where the YAML says
        so or what was changed last comes first, and where half a page or more is gone since the
        last time. Pages that a platform leaves out look the same as records that are gone."""
        size = getattr(self._ground.find_paging(self._spec.paging), "size", None)
        page = size.value if size else 100

        def is_odd(count: int) -> bool:
            if since is not None or lent is not None:
                return False
            if falling is not None and falling.seen:
                return True
            return self._spec.twice or self._rows - count >= max(1, min(page, self._rows) // 2)

        return is_odd

    def _make(self, lent: Lent | None, since: datetime | None) -> Callable[[], Listing]:
        spec = self._spec
        values: Values = lent.values if lent else {}
        draft = self._ground.draft(spec.request, values, spec.name).tell(self.parameters)
        if since is not None and spec.since is not None and spec.slices is None:
            # a filter that leaves the moment itself out would leave out all that it cannot tell
            begin = since - timedelta(seconds=spec.since.lookback) - resolution(spec.since)
            draft = narrow(draft, spec.since, begin)
        fields = lent.fields if lent else {}
        front = write_front(spec.adds, {**self._ground.values, **values}, fields)
        cutter = Cutter(
            spec.records,
            tuple(".".join(path) for path in spec.key),
            front,
            Shape(spec.records_as, spec.map_key, spec.absent),
            self._ground.heeds_signs,
        )

        def make() -> Listing:
            listing = Listing(self._ground.asker, self._ground.pace, draft, cutter, self._notes)
            listing.moments = self._moments
            listing.sure = since is None and (lent is None or self._asked < MOST_SURE)
            listing.fill = self._fill
            listing.whole = since is None
            self._asked += 1
            if self._used or lent is not None or spec.slices is not None:
                listing.shared = self._seen
                listing.twins = self._twins if lent is not None else None
            else:
                # the only list of the stream, for all we know: its keys are kept once
                listing.seen = self._seen
            self._used = True
            return listing

        return make

    def _count(self, lent: Lent | None) -> Count | None:
        total = self._spec.total
        if total is None:
            return None
        if total.request is None:
            return Count(total, self._ground.asker)
        values: Values = lent.values if lent else {}
        draft = self._ground.draft(total.request, values, self._spec.name)
        return Count(total, self._ground.asker, draft)


def _is_of_parent(spec: Stream) -> bool:
    """Whether all that a parent lends is in the key: then one list cannot have another's keys."""
    lent = {".".join(field) for field in spec.parent.fields} if spec.parent else set()
    texts = [spec.adds[one[0]] for one in spec.key if one[0] in spec.adds]
    return lent <= {one.name for text in texts for one in text.placeholders}
