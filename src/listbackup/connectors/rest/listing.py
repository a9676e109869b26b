"""One list from its first page to its end, as chunks of records with a place to go on from.

It never ends quietly: pages that come twice, cursors that lead back, and pages that contradict
themselves are asked for again, and then end the listing with `Doubtful`. Knows no stream.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from listbackup.connectors.rest.answers import Doubtful, Refused
from listbackup.connectors.rest.fetching import TRIES, Listing, Sizes
from listbackup.connectors.rest.models.pagination import (
    AfterKey,
    Cursor,
    Keyset,
    LinkHeader,
    NextUrl,
    Offset,
    OnePage,
    PageNumber,
    Paging,
)
from listbackup.connectors.rest.numbered import NumberedWalk
from listbackup.connectors.rest.pages import Page
from listbackup.connectors.rest.paging import (
    Chained,
    Contradiction,
    Step,
    begin,
    counts_pages,
    follow,
    read_more,
    read_step,
)
from listbackup.connectors.rest.stretches import may_be_cut

Json = Any
MOST_FRUITLESS = 100
"""So many pages without anything new, one after the other, are a list that does not end."""
MOST_PAGES = 5_000_000
GONE = ("missing", "invalid", "expired_page")
"""What refusals mean where a platform does not know a record, a token or a page any more."""
FEW = 20
"""A first page of fewer records is not taken for one that a platform cut."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a page added: which of its records are new to the stream, and the place after it
    (None: the list ends here)."""

    page: Page
    fresh: Sequence[bool]
    place: Json


async def list_records(
    listing: Listing, paging: Paging, place: Mapping[str, Json] | None = None
) -> AsyncIterator[Batch]:
    """Read a list to its end, from a place on if one is given.

    Raises Doubtful where what came may not be all, Refused and SourceError where it cannot be
    read; `Refused("expired_page")` of a place that the platform no longer knows.
    """
    if isinstance(paging, PageNumber | Offset):
        walk = NumberedWalk(listing, paging, place)
        async for page, fresh, after in walk.read():
            yield Batch(page, fresh, after)
        return
    chain = _Chain(listing, paging)
    async for batch in chain.read(read_step(place) if place else begin(paging)):
        yield batch


class _Chain:
    def __init__(self, listing: Listing, paging: Chained) -> None:
        self._listing = listing
        self._paging = paging
        self._sizes = Sizes(None if isinstance(paging, OnePage) else paging.size)
        self._known: set[int] = set()
        self._before: Step | None = None
        self._fruitless = 0
        self._pages = 0
        self._widest = 0
        self._earlier = 0
        self._cut = 0
        self._came = (0, 0)
        self._tail: Sequence[bytes] = ()

    async def read(self, step: Step | None) -> AsyncIterator[Batch]:
        listing = self._listing
        while step is not None:
            page, known, following, problem = await self._turn(step)
            self._see_repeats(page, known)
            fresh = listing.take(page, known)
            listing.last = page
            place = following.write() if following and not problem else None
            yield Batch(page, fresh, place)
            if problem:
                raise Doubtful(problem)
            if any(known):
                listing.notes.doubt(step.judge(page))
            self._bound(any(fresh))
            self._before, step = step, following

    async def _turn(self, step: Step) -> tuple[Page, list[bool], Step | None, str]:
        """Fetch a page that makes sense; say what is new of it, and where the next one is."""
        key = self._listing.cutter.key
        problem = ""
        for tries in range(1, TRIES + 1):
            try:
                page, asked = await self._ask(step)
            except Refused as refused:
                if tries == 1 or problem or refused.means not in GONE:
                    raise
                # a token that serves once: what came the first time was the end
                break
            digest = hash(tuple(page.keys))
            following, problem = None, ""
            fresh = self._listing.seen.look(page.keys)
            self._learn_cut(any(fresh))
            if page.keys and digest in self._known and not isinstance(self._paging, Keyset):
                problem = "a page came twice"
            else:
                try:
                    full = self._find_full(page, asked)
                    following = follow(self._paging, step, page, sum(fresh), key, full)
                    if following is not None and following.url:
                        url = self._listing.draft.conceal(following.url)
                        following = replace(following, url=url)
                except Contradiction as found:
                    problem = str(found)
            oddly = following is None and self._ends_oddly(page, asked)
            again = bool(problem) or (tries == 1 and oddly)
            if not again or tries == TRIES:
                break
            await self._listing.rest(tries if problem else 0)
        self._known.add(digest)
        self._came = (len(page.records), asked)
        self._earlier = max(self._earlier, len(page.records))
        return page, fresh, following, problem

    def _see_repeats(self, page: Page, fresh: Sequence[bool]) -> None:
        """Note records that came before, but for those that pages have in common where they meet:
        what moved along behind them, or what the platform says twice by intent."""
        listing = self._listing
        if not listing.whole or isinstance(self._paging, OnePage | AfterKey | Keyset):
            return
        news = [False] * len(fresh)
        if listing.unchanged is not None:
            news = listing.unchanged.add(page.records)
        count = len(fresh) - sum(fresh)
        even = not any(fresh[:count]) and list(page.keys[:count]) == list(self._tail[-count:])
        if self._pages and count and not even:
            pairs = zip(fresh, news, strict=True)
            listing.repeats = listing.repeats or any(not (new or other) for new, other in pairs)
        self._tail = page.keys

    def _learn_cut(self, fruitful: bool) -> None:
        """See whether the page before, which was not the last, had fewer records than were asked
        for."""
        count, asked = self._came
        if fruitful and count < asked:
            self._cut = max(self._cut, count)

    def _find_full(self, page: Page, asked: int) -> int:
        """Say how many records a full page has: fewer than were asked for, where the platform
        cuts its pages, or seems to."""
        self._widest = max(self._widest, len(page.records))
        if may_be_cut(self._widest):
            return min(asked, self._widest)
        return min(asked, self._cut or asked)

    def _ends_oddly(self, page: Page, asked: int) -> bool:
        """Whether the list ends with a page that is empty, or as full as others are, or with one
        that lacks what the others said: a platform may have left something out this once."""
        paging = self._paging
        if not (page.records or page.lacking or page.aside):
            # one of many lists that has nothing on its first page is not worth more requests
            worth = self._pages > 0 or self._listing.sure
            return worth and not isinstance(paging, OnePage | AfterKey)
        if isinstance(paging, AfterKey):
            return len(page.records) >= asked > 0
        if not isinstance(paging, Cursor | LinkHeader | NextUrl):
            return False
        more = paging.more if isinstance(paging, Cursor) else ()
        silent = bool(more) and bool(page.rest) and read_more(page, more) is None
        full = min(asked or self._earlier, self._earlier or asked)
        if self._pages == 0 and self._listing.sure and may_be_cut(len(page.records)):
            full = FEW
        # the end is told by the last page alone, or (`more`) by none of several
        return len(page.records) >= full > 0 or (silent and self._pages > 0)

    async def _ask(self, step: Step) -> tuple[Page, int]:
        """Fetch the page of a step, by another of its values or in smaller pieces if need be."""
        draft = self._listing.draft
        others = list(step.others)
        # so many pages of one size are not so many of another
        fixed = counts_pages(self._paging, step, self._before)
        if not fixed:
            self._sizes.grow()
        while True:
            asked = self._sizes.now
            try:
                page = await self._listing.fetch(step.apply(self._sizes.apply(draft)))
            except Refused as refused:
                if others and refused.means in GONE:
                    # the record that the page was to begin after is gone meanwhile
                    step = step.instead(others.pop(0))
                    if not step.parameters:
                        self._known.clear()
                    continue
                if not fixed and self._sizes.shrink(refused):
                    continue
                raise
            if step.closer and step.expects not in page.keys:
                page = await self._look_closer(step, page)
            elif self._listing.sure and isinstance(self._paging, AfterKey) and not step.parameters:
                page = await self._make_sure(page)
            return page, asked

    async def _make_sure(self, page: Page) -> Page:
        """A first page has no record before it that would show that it is the first: ask for it
        until one begins as the one before did, but for records that came in front."""
        for _ in range(TRIES):
            before = page
            page = await self._listing.fetch(self._sizes.apply(self._listing.draft))
            if not (before.keys or page.keys) or before.keys[:1] in [[one] for one in page.keys]:
                break
        return page

    async def _look_closer(self, step: Step, page: Page) -> Page:
        """A page lacks the record that it should have: that one is gone, or a page was left out.
        Ask in another way for what follows; if it is the same, nothing was left out."""
        draft = self._sizes.apply(self._listing.draft)
        try:
            again = await self._listing.fetch(draft.tell(step.closer))
        except Refused:
            return page
        return page if self._first_new(page) == self._first_new(again) else again

    def _first_new(self, page: Page) -> bytes:
        fresh = self._listing.seen.look(page.keys)
        return next((key for key, new in zip(page.keys, fresh, strict=True) if new), b"")

    def _bound(self, fruitful: bool) -> None:
        listing = self._listing
        self._pages += 1
        self._fruitless = 0 if fruitful else self._fruitless + 1
        if self._fruitless >= MOST_FRUITLESS or self._pages >= MOST_PAGES:
            raise Doubtful(f"the list does not end: {self._pages} pages so far")
        if listing.total is not None and listing.seen.count > 2 * listing.total + 10_000:
            raise Doubtful(
                f"the platform says that there are {listing.total} records, "
                f"and gave {listing.seen.count} so far"
            )
