"""A listing in spans of time, because the platform gives only so many records of one search.

A span that has too many is split. What changes while the spans are read has a time after all of
them; so the last span, which is open, is read after the others. Records of one moment that are too
many for one search are named: they cannot be told apart by time. What is older than the first span
is looked for, and what has no time shows where the platform says how many there are.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from listbackup.connectors.rest.answers import Refused, WindowFull
from listbackup.connectors.rest.fetching import Listing, Moments
from listbackup.connectors.rest.filters import EPOCH, narrow, resolution, write_moment
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.models.streams import Since
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.signs import find_total
from listbackup.connectors.rest.whole import Count, Whole

Json = Any
Span = tuple[datetime, datetime]
MOST_ROUNDS = 20
MARGIN = timedelta(seconds=61)
"""So much more is asked for at both ends of long spans: filters may cut to minutes."""


class Sliced:
    """One sliced listing. `make` opens a listing over everything, `most` is what one search
    gives. `seen` are the keys that came."""

    def __init__(
        self,
        make: Callable[[], Listing],
        notes: Notes,
        moments: Moments,
        paging: Paging,
        since: Since,
        most: int,
        count: Count | None = None,
        *,
        seen: SeenKeys,
    ) -> None:
        self._make = make
        self._notes = notes
        self._moments = moments
        self._paging = paging
        self._since = since
        self._most = most
        self._count = count
        self._seen = seen
        self._step = resolution(since)

    async def read_all(self, begin: datetime, end: datetime) -> AsyncIterator[Batch]:
        """Read all there is, though nothing should be older than `begin`. Raises what `read`
        raises."""
        before = await self._ask_total()
        if begin > EPOCH:
            try:
                async for batch in self._read_span(EPOCH, begin):
                    yield batch
            except WindowFull:
                self._notes.doubt(f"more than {self._most} records are older than {begin:%Y-%m-%d}")
            except Refused:
                # not every filter takes such a time
                pass
        async for batch in self.read(begin, end):
            yield batch
        after = await self._ask_total()
        told = min(before, after) if before is not None and after is not None else 0
        if told > self._seen.count:
            self._notes.doubt(
                f"the platform says that there are {told} records, and {self._seen.count} have a "
                f"time ({'.'.join(self._since.field)}) by which they can be asked for"
            )

    async def _ask_total(self) -> int | None:
        """Ask how many there are, whatever their time; None where the platform does not say."""
        if self._count is not None and not self._count.total.exact:
            return None
        listing = self._make()
        try:
            asked = await self._count.ask() if self._count else None
            if asked is not None:
                return asked
            page = await listing.fetch(listing.draft)
        except Refused:
            return None
        if self._count is not None:
            return self._count.read(page)
        total = find_total(page.rest, page.headers)
        return total[1] if total else None

    async def read(self, begin: datetime, end: datetime) -> AsyncIterator[Batch]:
        """Read all from `begin` on: up to `end` (not after the platform's time now) in spans, then
        what came since. Raises what `Whole.read` raises."""
        spans: list[Span] = [(begin, end)] if begin < end else []
        for _ in range(MOST_ROUNDS):
            while spans:
                span = spans.pop()
                try:
                    async for batch in self._read_span(*span):
                        yield batch
                except WindowFull:
                    parts = self._split(span)
                    if parts is None:
                        async for batch in self._read_crowd(*span):
                            yield batch
                    else:
                        spans += parts
            try:
                async for batch in self._read_span(max(begin, end), None):
                    yield batch
                return
            except WindowFull:
                now = self._moments.last or end
                if now <= end:
                    break
                spans, end = [(end, now)], now
        self._notes.doubt(f"more than {self._most} records changed while the list was read")

    def _split(self, span: Span) -> list[Span] | None:
        """Cut a span in two, the older half last (it is read first); None where it is too
        short."""
        begin, end = span
        if end - begin <= 2 * self._step:
            return None
        middle = begin + (end - begin) / 2
        return [(middle, end), (begin, middle)]

    async def _read_span(self, begin: datetime, end: datetime | None) -> AsyncIterator[Batch]:
        whole = Whole(self._narrow(begin, end), self._notes, self._paging, self._count, self._most)
        async for batch in whole.read():
            yield batch

    async def _read_crowd(self, begin: datetime, end: datetime) -> AsyncIterator[Batch]:
        """Read as many as can be had of a span that is too short to be split."""
        moment = write_moment(self._since, begin + timedelta(microseconds=1))
        self._notes.doubt(
            f"more than {self._most} records have the time {moment}; no more of them can be read"
        )
        given = 0
        try:
            async for batch in Whole(self._narrow(begin, end), self._notes, self._paging).read():
                yield batch
                given += len(batch.page.records)
                if given >= self._most:
                    return
        except WindowFull:
            return

    def _narrow(self, begin: datetime, end: datetime | None) -> Callable[[], Listing]:
        """Open listings of a span, a little more at both ends: filters differ in whether they
        have their bounds in them."""

        def make() -> Listing:
            listing = self._make()
            long = end is None or end - begin > 4 * MARGIN
            margin = max(self._step, MARGIN) if long else self._step
            until = end + margin if end else None
            listing.draft = narrow(listing.draft, self._since, begin - margin, until)
            return listing

        return make
