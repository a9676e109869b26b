"""A listing in spans of time, because the platform gives only so many records of one search.

A span that has too many is split. What changes while the spans are read has a time after all of
them; so the last span, which is open, is read after the others. Records of one moment that are too
many for one search are named: they cannot be told apart by time. What is older than the first span
is looked for, and what has no time shows where the platform says how many there are.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from listbackup.connectors.rest.answers import Doubtful, Refused, WindowFull
from listbackup.connectors.rest.fetching import Listing, Moments
from listbackup.connectors.rest.filters import EPOCH, narrow, read_moment, resolution, write_moment
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.models.streams import Since
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import fields_of
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.signs import find_total
from listbackup.connectors.rest.stretches import may_be_cut
from listbackup.connectors.rest.whole import Count, Whole

Json = Any
Span = tuple[datetime, datetime]
MOST_ROUNDS = 20
DAY = timedelta(days=1)
MARGIN = timedelta(seconds=61)
"""So much more is asked for at both ends of spans, for filters that cut to minutes; a day more of
long ones, for filters that cut to hours or days."""
LONG = 8 * DAY
FEW = 5
LEAST_CUT = 50
LEAST_ROUND = 100
MOST_TRIED = 5
"""So often a span is split in vain that only looks cut off."""


class NotNarrowed(Doubtful):
    """Records of other times came than were asked for."""


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
        self._read: list[tuple[int, Span]] = []
        self._times: list[datetime] = []
        self._tried = 0

    async def read_all(self, begin: datetime, end: datetime) -> AsyncIterator[Batch]:
        """Read all there is, though nothing should be older than `begin`. Raises what `read`
        raises."""
        before = await self._ask_total()
        try:
            async for batch in self._read_older(begin):
                yield batch
            async for batch in self._read_spans(begin, end):
                yield batch
        except NotNarrowed as problem:
            self._notes.doubt(str(problem))
            return
        after = await self._ask_total()
        told = min(before, after) if before is not None and after is not None else 0
        if told > self._seen.count:
            self._notes.doubt(
                f"the platform says that there are {told} records, and {self._seen.count} have a "
                f"time ({'.'.join(self._since.field)}) by which they can be asked for"
            )

    async def _read_older(self, begin: datetime) -> AsyncIterator[Batch]:
        """Look for what is older than the first span: without a beginning, for what is older than
        computers, or from 1970 on where that cannot be asked for."""
        for least in (None, EPOCH) if begin > EPOCH else ():
            try:
                async for batch in self._read_span(least, begin):
                    yield batch
                return
            except WindowFull:
                if least is not None:
                    self._notes.doubt(
                        f"more than {self._most} records are older than {begin:%Y-%m-%d}"
                    )
            except NotNarrowed:
                if least is not None:
                    raise
            except Refused:
                # not every filter takes such a time
                continue

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
        try:
            async for batch in self._read_spans(begin, end):
                yield batch
        except NotNarrowed as problem:
            self._notes.doubt(str(problem))

    async def _read_spans(self, begin: datetime, end: datetime) -> AsyncIterator[Batch]:
        spans: list[Span] = [(begin, end)] if begin < end else []
        for _ in range(MOST_ROUNDS):
            while spans:
                async for batch in self._read_or_split(spans.pop(), spans):
                    yield batch
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

    async def _read_or_split(self, span: Span, spans: list[Span]) -> AsyncIterator[Batch]:
        """Read a span; add its halves to the others where it has too many, or looks cut off and
        is."""
        parts, keys = self._split(span), set[bytes]()
        try:
            async for batch in self._read_span(*span):
                keys.update(batch.page.keys)
                yield batch
        except WindowFull:
            if parts is None:
                async for batch in self._read_crowd(*span):
                    yield batch
            spans += parts or []
            return
        count = len(keys)
        odd = self._looks_cut(count)
        self._read.append((count, span))
        halves, parts = set[bytes](), self._split_evenly(span) if odd else None
        if parts is None:
            return
        try:
            for part in parts:
                async for batch in self._read_span(*part):
                    halves.update(batch.page.keys)
                    yield batch
        except WindowFull:
            halves.add(b"")
        if halves <= keys:
            self._tried += 1
            return
        # a search ends earlier than the description says
        self._most = min(self._most, count)
        for known, one in self._read:
            spans += (self._split(one) or []) if known >= count else []
        self._read = [pair for pair in self._read if pair[0] < count]

    def _looks_cut(self, count: int) -> bool:
        """Say whether a span has as many records as a search may be cut off at, by a platform that
        does not say how many there are."""
        if self._tried >= MOST_TRIED or (self._count is not None and self._count.total.exact):
            return False
        largest = max((known for known, _ in self._read), default=0)
        again = count >= LEAST_CUT and count == largest
        # the first one is tried whatever its count
        return again or (count >= LEAST_ROUND and (not self._tried or may_be_cut(count)))

    def _split(self, span: Span) -> list[Span] | None:
        """Cut a span in two, the older half last (it is read first); None where it is too
        short."""
        begin, end = span
        if end - begin <= 2 * self._step:
            return None
        middle = begin + (end - begin) / 2
        return [(middle, end), (begin, middle)]

    def _split_evenly(self, span: Span) -> list[Span] | None:
        """Cut the span that was read last between its records; None where that is not possible."""
        begin, end = span
        if not self._times:
            return None
        middle = sorted(self._times)[len(self._times) // 2]
        far = min(middle - begin, end - middle) > 2 * self._step
        return [(middle, end), (begin, middle)] if far else self._split(span)

    async def _read_span(
        self, begin: datetime | None, end: datetime | None
    ) -> AsyncIterator[Batch]:
        whole = Whole(self._narrow(begin, end), self._notes, self._paging, self._count, self._most)
        least = begin - DAY if begin is not None else None
        most = end + DAY if end is not None else None
        inside = outside = 0
        self._times = []
        async for batch in whole.read():
            told = fields_of(batch.page.records, self._since.field)
            times = [read_moment(one, self._since.zone) for one in told]
            known = [one for one in times if one is not None]
            early = sum(least is not None and one < least for one in known)
            late = sum(most is not None and one > most for one in known)
            outside += early + late
            inside += len(known) - early - late
            self._times += known
            yield batch
            if outside >= FEW and outside > inside:
                names = " or ".join(filter(None, (self._since.param, self._since.until)))
                raise NotNarrowed(
                    f"records of other times come than are asked for: look at {names} of `since`"
                )

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

    def _narrow(self, begin: datetime | None, end: datetime | None) -> Callable[[], Listing]:
        """Open listings of a span, a little more at both ends: filters differ in whether they
        have their bounds in them."""
        closed = begin is not None and end is not None
        length = end - begin if begin is not None and end is not None else LONG
        margin = self._step
        if length > 4 * MARGIN:
            margin = max(margin, DAY if closed and length > LONG else MARGIN)

        def make() -> Listing:
            listing = self._make()
            least = begin - margin if begin is not None else None
            until = end + margin if end is not None else None
            listing.draft = narrow(listing.draft, self._since, least, until)
            return listing

        return make
