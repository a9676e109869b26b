"""Pages of one list that are told by a number or an offset: how one is asked for, and what comes
from behind the end.

Knows no order of reading.
"""

from listbackup.connectors.rest.answers import Doubtful, Refused, WindowFull
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.models.pagination import Offset, PageNumber, find_reach
from listbackup.connectors.rest.pages import Page
from listbackup.connectors.rest.stretches import DEFAULTS, Stretch, may_be_cut

SEARCHES = frozenset((1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000))
"""So many records searches of platforms reach at most, without saying so."""


class NumberedPages:
    """The pages of one list. `numbered`: they have numbers, not offsets; `most` records are in one
    at most, `reaches` is how many a search gives (None: nobody knows of a limit)."""

    def __init__(self, listing: Listing, paging: PageNumber | Offset) -> None:
        self.listing = listing
        self.numbered = isinstance(paging, PageNumber)
        self.most = paging.size.value
        self.sized = bool(paging.size.param)
        self.reaches = find_reach(paging)
        self._paging = paging

    async def fetch(self, stretch: Stretch) -> Page:
        """Fetch a stretch of the list. Raises Refused, SourceError."""
        return await self.listing.fetch(self._tell(stretch))

    async def fetch_behind(self, stretch: Stretch, *, short: bool = True) -> Page | None:
        """Fetch what may be behind the end; None where the platform says twice that there is no
        such page. Raises WindowFull where it says so after a page that was not `short`, at a
        place that may be a limit of its searches."""
        again = False
        while True:
            try:
                return await self.fetch(stretch)
            except Refused as refused:
                if not is_no_such_page(refused):
                    raise
                at_edge = stretch.start in SEARCHES and self._paging.most != "all"
                if again and at_edge and not short:
                    raise WindowFull(
                        f"the platform refuses what comes after {stretch.start} records: "
                        f"{refused.message}"
                    ) from refused
                if again:
                    return None
            again = True
            await self.listing.rest(1)

    async def fetch_beyond(self, stretch: Stretch) -> Page | None:
        """Fetch what a plain reader would not ask for any more, by one try; None where there is no
        such page. Raises AuthError, RateLimited."""
        if self.reaches is not None and stretch.stop > self.reaches:
            return None
        try:
            return await self.listing.fetch(self._tell(stretch), once=True)
        except Refused:
            return None

    async def see_front(self, count: int) -> str:
        """Say what speaks against the numbers of pages that were asked for, where so many records
        came; empty for nothing: a page in front of the first one, or one record behind the
        beginning, has nothing new."""
        paging = self._paging
        if isinstance(paging, PageNumber):
            if paging.first < 1:
                return ""
            page = await self.fetch_beyond(Stretch(-self.most, self.most))
            said = f"there are records on page {paging.first - 1}: look at `first`"
        else:
            if count < self.most and not may_be_cut(count):
                return ""
            page = await self.fetch_beyond(Stretch(1, self.most))
            said = "pages do not begin at the offsets that are asked for: look at `paging`"
        return said if page is not None and any(self.listing.seen.look(page.keys)) else ""

    async def see_numbers(self, page: Page) -> None:
        """Where the page behind the first is the first, see that the platform heeds which one is
        asked for: half a page, the second, has the other half. Raises Doubtful."""
        count = count_positions(page)
        if count < self.most and not (may_be_cut(count) or count in DEFAULTS):
            return
        half = count // 2
        other = await self.fetch_beyond(Stretch(half, half)) if self.sized and half else None
        if other is None or [*other.keys] != [*page.keys][half : 2 * half]:
            raise Doubtful("the platform gives the same page, whichever one is asked for")

    def _tell(self, stretch: Stretch) -> Draft:
        paging = self._paging
        where = paging.first + stretch.number if isinstance(paging, PageNumber) else stretch.start
        size = {paging.size.param: stretch.size} if paging.size.param else {}
        return self.listing.draft.tell({paging.param: where, **size})


def count_positions(page: Page) -> int:
    """Count the positions that a page has, whether their records can be kept or not."""
    return len(page.keys) + len(page.lacking) + len(page.aside)


def is_no_such_page(refused: Refused) -> bool:
    """Whether the platform itself said that it does not give such a page."""
    return refused.means in ("missing", "invalid") and 400 <= refused.status < 500
