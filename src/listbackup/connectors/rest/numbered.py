"""Lists whose pages are told by a number or an offset, read while they shift.

A record that is deleted in front of the place where we stand moves all others up, and a plain next
page would leave one out. So each page is asked to begin with the last record of the page before:
what follows a record that was read, within one answer, is all that follows it. Where no such
record is in the page, the list has shifted, and we step back until we meet what we know. Where the
list grew in front, or changed its order, its beginning is read once more at the end.

Where a platform does not let pages overlap, or does not fill them, the list is read again until it
is the same twice.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from listbackup.connectors.rest.answers import Doubtful, Refused, WindowFull
from listbackup.connectors.rest.fetching import TRIES, Listing
from listbackup.connectors.rest.models.pagination import Offset, PageNumber
from listbackup.connectors.rest.numbering import (
    NumberedPages,
    count_positions,
    is_no_such_page,
)
from listbackup.connectors.rest.pages import Page
from listbackup.connectors.rest.passes import Passes
from listbackup.connectors.rest.positions import ANCHORS
from listbackup.connectors.rest.seen import Order
from listbackup.connectors.rest.stretches import Stretch, look_behind, may_be_cut, reach

Json = Any
Given = tuple[Page, list[bool], Json]

MOST_FRUITLESS = 100
MOST_SKIPPED = 3
"""So many records, one after the other, are gone around; where more fail it is not they."""
FRONT = 5_000
"""Of so many records at the beginning it is known in which order they came."""
MOST_FRONTS = 3
MOST_ONWARD = 10
BEYOND = (2, 4, 8)
"""So many pages behind the last one are looked at."""


class _Unfilled(Exception):
    """Pages cannot overlap, or do not have as many records as they have positions."""


class NumberedWalk:
    """Reads one such list, from a place on if one is given."""

    def __init__(
        self, listing: Listing, paging: PageNumber | Offset, place: Mapping[str, Json] | None = None
    ) -> None:
        self._listing = listing
        self._paging = paging
        self._pages = NumberedPages(listing, paging)
        self._most = self._pages.most
        self._end = int(place["at"]) if place else 0
        self._tail = [str(one).encode() for one in place["anchors"]] if place else []
        self._resumed = place is not None
        self._shifted = False
        self._bare = False
        self._blind = False
        self._skipped = 0
        self._fruitless = 0
        self._recent = Order(3 * self._most + ANCHORS)
        self._front = Order(FRONT, first=True)
        listing.seen.add(self._tail)

    async def read(self) -> AsyncIterator[Given]:
        """Give pages, what is new of each, and the place after it. Raises Doubtful, Refused,
        SourceError."""
        try:
            async for given in self._read_overlapping():
                yield given
        except _Unfilled:
            if self._resumed:
                raise _forgotten() from None
            async for given in Passes(self._pages).read():
                yield given
        if self._listing.sure and not self._resumed:
            self._listing.notes.doubt(await self._pages.see_front(self._listing.seen.count))

    async def _read_overlapping(self) -> AsyncIterator[Given]:
        over = False
        while not over:
            stretch, page = await self._meet()
            known = self._find_known(page)
            self._watch(stretch, page, all(known))
            stood = all(known) and self._ends(stretch, page)
            if count_positions(page) or stretch.start == 0:
                self._end = stretch.start + count_positions(page)
                self._tail = [*self._tail, *page.keys][-ANCHORS:]
                self._recent.add(page.keys)
                self._front.add(
                    [key for key, old in zip(page.keys, known, strict=False) if not old]
                )
            # what cannot be kept may be the record that the next page should begin with
            self._blind = bool(page.lacking or page.aside)
            all_known = all(known) and not page.lacking
            over = await self._is_over(stretch, page, all_known, stood=stood)
            place = {"at": self._end, "anchors": [one.decode() for one in self._tail]}
            self._listing.last = page
            yield page, self._listing.take(page), None if over else place
        if self._shifted:
            async for given in self._read_front():
                yield given

    async def _meet(self) -> tuple[Stretch, Page]:
        """Fetch the next page that has a record which was read before, stepping back if need be;
        the first page, and what follows a record that cannot be read, are taken as they are."""
        back, start, onward = 0, max(0, self._end - 1), 0
        while True:
            stretch, page = await self._fetch(start)
            known = self._find_known(page)
            first = self._end == 0 and not self._resumed
            if known and all(known) and not back and not (first or self._ends(stretch, page)):
                page = await self._ask_again(stretch, page)
                known = self._find_known(page)
            if self._bare or self._blind or first or self._is_met(stretch, page, known):
                self._bare = False
                return stretch, page
            if stretch.start == 0:
                if self._resumed:
                    raise _forgotten()
                return stretch, page
            self._shifted = True
            if (
                known
                and all(known)
                and 1 < count_positions(page) == stretch.size
                and onward < MOST_ONWARD
            ):
                # what we look for stands behind it
                onward, start = onward + 1, stretch.stop - 1
                continue
            back = max(self._most, 2 * back)
            start = self._end - 1 - back
            # there is no page of several records that begins right behind the first
            start = start if start >= self._most else 0

    def _is_met(self, stretch: Stretch, page: Page, known: list[bool]) -> bool:
        """Whether all that stands before what is new in a page was read: the last record stands
        where it stood, or some do as they followed each other. One alone may have been moved."""
        place = self._end - 1 - stretch.start
        if self._resumed:
            return any(known)
        if self._tail and page.keys[place : place + 1] == self._tail[-1:]:
            return True
        run = page.keys[: known.index(False)] if False in known else page.keys
        if len(run) < min(ANCHORS, self._most) or not self._recent.has(run):
            return False
        return len(run) < len(page.keys) or run[-1] in self._tail

    def _find_known(self, page: Page) -> list[bool]:
        """Say of each record that has a key whether it came before, those set aside last."""
        aside = self._listing.notes.aside
        known = [not new for new in self._listing.seen.look(page.keys)]
        return [*known, *(key in aside for key in page.aside)]

    def _ends(self, stretch: Stretch, page: Page) -> bool:
        """Whether the last known record stands where it stood, and nothing behind it."""
        place = self._end - stretch.start
        return len(page.keys) == place and page.keys[-1:] == self._tail[-1:]

    async def _ask_again(self, stretch: Stretch, page: Page) -> Page:
        """Nothing new came, and not the last record that is known: perhaps an earlier page."""
        for tries in range(1, TRIES):
            await self._listing.rest(tries)
            page = await self._pages.fetch(stretch)
            if not all(not new for new in self._listing.seen.look(page.keys)) or self._ends(
                stretch, page
            ):
                break
        return page

    async def _fetch(self, start: int) -> tuple[Stretch, Page]:
        """Fetch a page that contains a position, and what follows; smaller ones if need be, at
        last a single record."""
        most = self._most
        while True:
            stretch = self._aim(start, most)
            try:
                page = await self._pages.fetch(stretch)
            except Refused as refused:
                if is_no_such_page(refused) and self._is_our_own(stretch):
                    raise _Unfilled from refused
                if refused.means not in ("transient", "too_large") or self._resumed:
                    raise
                if self._bare:
                    self._leave_out(refused)
                    start, most = self._end, 1
                else:
                    most = self._find_smaller(start, stretch.size)
                    if not most:
                        # overlapping pages do not come any more: take the next record alone
                        self._bare, start, most = True, self._end, 1
                continue
            if count_positions(page) > stretch.size:
                raise _Unfilled
            self._skipped = 0
            if self._bare:
                self._listing.notes.doubt("some of its records could only be read one by one")
            return stretch, page

    def _is_our_own(self, stretch: Stretch) -> bool:
        """Whether a plain reader would not ask for such a page: a platform may not give it."""
        plain = self._paging.size.value
        return stretch.start > 0 and (stretch.size != plain or stretch.start % plain > 0)

    def _find_smaller(self, start: int, size: int) -> int:
        """Say how many positions to ask for instead; 0 where there is no smaller stretch."""
        sizes = range(size // 2, 1, -1)
        return next((one for one in sizes if reach(start, one, self._pages.numbered)), 0)

    def _leave_out(self, refused: Refused) -> None:
        """Note the record at the next position as one that cannot be read. Raises Refused where
        too many in a row cannot."""
        self._skipped += 1
        if self._skipped > MOST_SKIPPED:
            raise refused
        self._listing.notes.lack(1, f"at position {self._end + 1}: {refused.message}")
        self._end += 1

    def _aim(self, start: int, most: int) -> Stretch:
        if self._bare:
            return Stretch(start, 1)
        limit = self._pages.reaches
        if self._pages.numbered and not self._pages.sized:
            raise _Unfilled
        found = reach(start, most, self._pages.numbered, limit)
        if found is not None:
            return found
        if limit is not None and reach(start, most, self._pages.numbered) is not None:
            raise WindowFull(f"the platform shows no more than {limit} records of this list")
        raise _Unfilled

    def _watch(self, stretch: Stretch, page: Page, all_known: bool) -> None:
        """See whether the last record stands where it stood, and whether anything is new."""
        if self._tail and self._end:
            place = self._end - 1 - stretch.start
            if page.keys[place : place + 1] != self._tail[-1:]:
                self._shifted = True
        self._fruitless = self._fruitless + 1 if all_known else 0
        if self._fruitless >= MOST_FRUITLESS:
            raise Doubtful("the list does not end: the same records came again and again")

    async def _is_over(self, stretch: Stretch, page: Page, all_known: bool, *, stood: bool) -> bool:
        count = count_positions(page)
        if not count:
            if stretch.start == 0 and self._listing.sure:
                await self._look_beyond(stretch, 1)
            return True
        total = self._listing.total
        if self._pages.reaches == self._end and total is not None:
            return self._listing.seen.count >= total
        if count == stretch.size and not stood:
            return False
        short = total is None or self._listing.seen.count >= total
        fill = self._listing.fill
        if self._paging.short_ends and short and not may_be_cut(count) and fill.believes(count):
            return True
        over = await self._is_nothing_behind(stretch, page, count, all_known=all_known)
        fill.learn(count, last=over)
        if over and stretch.start:
            await self._look_beyond(stretch, *BEYOND)
        self._listing.proven = over
        return over

    async def _look_beyond(self, stretch: Stretch, *far: int) -> None:
        """See that nothing stands some pages behind the end: a platform may hide all records of
        a page. Raises _Unfilled where something does."""
        for one in far:
            beyond = Stretch(stretch.start + one * stretch.size, stretch.size)
            page = await self._pages.fetch_beyond(beyond)
            if page is not None and not all(self._find_known(page)):
                raise _Unfilled

    async def _is_nothing_behind(
        self, stretch: Stretch, page: Page, count: int, *, all_known: bool
    ) -> bool:
        """A page has fewer records than were asked for: see that none follows it, and none where
        it would have ended. A platform may cut its pages and say nothing."""
        own = {*page.keys, *page.aside}
        for behind in look_behind(stretch, count, self._pages.numbered, self._pages.reaches):
            found = await self._pages.fetch_behind(behind)
            if found is None:
                continue
            if count and [*found.keys] == [*page.keys] and not found.lacking:
                # its last page is what it gives for those behind it, too
                if stretch.start == 0:
                    await self._pages.see_numbers(page)
                continue
            right = behind.start == stretch.start + count
            pairs = zip(self._find_known(found), [*found.keys, *found.aside], strict=True)
            fresh = [not known and key not in own for known, key in pairs]
            if found.lacking and not any(fresh) and not found.keys:
                return False
            if count_positions(found) and all_known:
                if count_positions(found) < ANCHORS and {*found.keys} <= {*self._tail}:
                    # the last records moved down
                    return False
                raise _Unfilled
            if right and not any(fresh):
                if not (self._pages.numbered or count_positions(found)):
                    return True
                continue
            if fresh and all(fresh) and right and behind.start == count > 1:
                self._most = count
            if fresh:
                return False
        return True

    async def _read_front(self) -> AsyncIterator[Given]:
        """Read the beginning again, until a page has nothing new."""
        if self._resumed:
            raise _forgotten()
        requests = 0
        for _ in range(MOST_FRONTS):
            found, last, end = False, b"", 0
            order = Order(FRONT, first=True)
            while True:
                requests += 1
                if requests > MOST_FRUITLESS:
                    raise Doubtful("the list changes faster than it can be read")
                stretch, page = await self._fetch(max(0, end - 1))
                fresh = self._listing.take(page)
                yield page, fresh, None
                order.add(page.keys)
                found = found or any(fresh)
                if not count_positions(page) or (not any(fresh) and self._stands(page)):
                    break
                # what was deleted meanwhile moved up what follows
                moved = bool(last) and last not in page.keys
                end = 0 if moved else stretch.start + count_positions(page)
                last = b"" if moved else page.keys[-1] if page.keys else b""
            if not found:
                return
            order.add_behind(self._front)
            self._front = order

    def _stands(self, page: Page) -> bool:
        """Whether a page of the front has what it had when it was read first."""
        return self._front.has(page.keys) or self._front.full


def _forgotten() -> Refused:
    return Refused("expired_page", "the list is not the one it was")
