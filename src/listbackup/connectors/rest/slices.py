"""A listing in spans of time, because the platform gives only so many records of one search.

A span that has too many is split. What changes while the spans are read has a time after all of
them; so the last span, which is open, is read after the others. Records of one moment that are too
many for one search are named: they cannot be told apart by time.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from listbackup.connectors.rest.fetching import Listing, Moments
from listbackup.connectors.rest.filters import narrow, resolution, write_moment
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.models.streams import Since
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.numbered import WindowFull
from listbackup.connectors.rest.whole import Count, Whole

Json = Any
Span = tuple[datetime, datetime]
MOST_ROUNDS = 20


class Sliced:
    """One sliced listing. `make` opens a listing over everything, `most` is what one search
    gives."""

    def __init__(
        self,
        make: Callable[[], Listing],
        notes: Notes,
        moments: Moments,
        paging: Paging,
        since: Since,
        most: int,
        count: Count | None = None,
    ) -> None:
        self._make = make
        self._notes = notes
        self._moments = moments
        self._paging = paging
        self._since = since
        self._most = most
        self._count = count
        self._step = resolution(since)

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
            until = end + self._step if end else None
            listing.draft = narrow(listing.draft, self._since, begin - self._step, until)
            return listing

        return make
