"""One list read so that its count agrees with what the platform says there are: again where it
does not, and with doubt where it never does.

Knows no stream.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from listbackup.connectors.rest.answers import Asker, Doubtful, Refused, WindowFull
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.listing import Batch, list_records
from listbackup.connectors.rest.models.pagination import (
    Cursor,
    LinkHeader,
    NextUrl,
    Offset,
    OnePage,
    PageNumber,
    Paging,
)
from listbackup.connectors.rest.models.streams import Total
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Page, look
from listbackup.connectors.rest.paging import name_signs
from listbackup.connectors.rest.positions import Positions, read_anchors
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.signs import find_full, find_more, find_page, find_total

Json = Any
MOST_PASSES = 3
MANY = 10**9
SEARCHED = 10_000
"""So many records, exactly, are more often the end of a search than the end of a list."""
NEWS = "each time it was read, records came that had not come before"
UNSTABLE = (
    "records came on several pages: the order of the list is not stable; name one "
    "(`query: {sort: id}`)"
)


@dataclass(frozen=True, slots=True)
class Count:
    """What the platform says of how many records a list has: where in each page, or by a request
    of its own (`draft`)."""

    total: Total
    asker: Asker
    draft: Draft | None = None

    async def ask(self) -> int | None:
        """Ask for it; None where it stands in the pages."""
        if self.draft is None:
            return None
        response = await self.asker.ask(self.draft.finish())
        return self.read(Page(response.body, response.headers))

    def read(self, page: Page) -> int | None:
        """Read it off a page; None where that does not say it."""
        found = look(page, self.total.path)
        if self.total.header:
            found = page.headers.get(self.total.header.lower(), "").strip()
        if not page.rest and self.draft is None and not self.total.header:
            return 0
        if isinstance(found, str) and found.isdecimal():
            found = int(found)
        return found if isinstance(found, int) and not isinstance(found, bool) else None


class Whole:
    """One list. `make` opens a listing for each pass; `most` is where a search is cut off.
    `is_odd` says of a number of records whether it asks for a second look. `counts`: what a page
    calls its total counts these records, for all we know. `searched`: what comes may have been cut
    off where searches of platforms end. `rows`: so many records the whole list had, where
    what comes is what changed."""

    def __init__(
        self,
        make: Callable[[], Listing],
        notes: Notes,
        paging: Paging,
        count: Count | None = None,
        most: int | None = None,
        is_odd: Callable[[int], bool] = lambda count: False,
        *,
        counts: bool = False,
        searched: bool = False,
        rows: int = 0,
    ) -> None:
        self._make = make
        self._notes = notes
        self._paging = paging
        self._count = count
        self._most = most
        self._is_odd = is_odd
        self._counts = counts and count is None
        self._searched = searched and count is None
        self._rows = rows
        self._told: list[int] = []
        self._silent = False
        self._base = 0
        self._positions = Positions()
        self._first_number: int | None = None
        self._pages = 0

    async def read(
        self, place: Mapping[str, Json] | None = None, base: int = 0
    ) -> AsyncIterator[Batch]:
        """Read it, from a place on if one is given, which an attempt left that had read `base`
        records; places are given in the first pass only, and none where pages are told by their
        position.

        Raises Refused, also for a place that the platform no longer knows, or behind which not all
        came; WindowFull where the search is cut off; SourceError. Doubts are noted.
        """
        problem, odd, restless = "", False, False
        self._base = base if place is not None else 0
        for tries in range(1, MOST_PASSES + 1):
            listing = self._make()
            listing.unchanged = SeenKeys() if tries > 1 else None
            self._told, self._silent, fresh = [], False, False
            try:
                async for batch in self._read_once(listing, place):
                    fresh = fresh or any(batch.fresh)
                    sound = tries == 1 and not (self._positions.count or listing.repeats)
                    yield batch if sound else _without_place(batch)
            except Refused as refused:
                if refused.means != "expired_page" or place is not None or tries == MOST_PASSES:
                    raise
                continue
            except WindowFull:
                raise
            except Doubtful as doubt:
                self._notes.doubt(str(doubt))
                return
            problem = self._compare(listing)
            if not problem:
                odd = self._seems_odd(listing) if tries == 1 else odd and fresh
                problem = NEWS if odd else UNSTABLE if listing.repeats else ""
            # where records moved, one pass without any that came twice is asked for
            restless = restless or listing.repeats
            again = restless and fresh and tries < MOST_PASSES
            further = "" if problem else self._look_further(listing)
            if place is not None and (problem or further or again):
                raise Refused("expired_page", problem or further)
            if not (problem or again):
                self._notes.doubt(further)
                return
        self._notes.doubt(problem)

    def _seems_odd(self, listing: Listing) -> bool:
        return self._positions.count or self._is_odd(self._base + listing.seen.count)

    async def _read_once(
        self, listing: Listing, place: Mapping[str, Json] | None
    ) -> AsyncIterator[Batch]:
        count = self._count
        if count is not None and count.draft is not None:
            self._hear(listing, await count.ask())
        first, numbered = True, isinstance(self._paging, PageNumber | Offset)
        if place is not None and not numbered:
            listing.seen.add(read_anchors(place))
        async for batch in list_records(listing, self._paging, place):
            if first:
                self._look_at_first(batch.page, resumed=place is not None)
            self._pages += 1
            if first and place is not None and not (batch.page.keys or batch.page.lacking):
                raise Refused("expired_page", "nothing came from where an earlier attempt stood")
            if isinstance(self._paging, Cursor | LinkHeader | NextUrl):
                origin, read = listing.draft.whole_url, self._base + listing.seen.count
                self._positions.look(batch.place, read, batch.page, origin)
            told = first or (batch.place is None and bool(batch.page.rest))
            if count is not None and count.draft is None and told:
                self._hear(listing, count.read(batch.page))
            first = False
            if self._most is not None:
                self._see_edge(listing)
            yield batch
        if count is not None and count.draft is not None:
            self._hear(listing, await count.ask())

    def _look_at_first(self, page: Page, *, resumed: bool) -> None:
        # how many pages came before a place nobody knows
        self._pages = MANY if resumed else 0
        self._first_number = None if resumed else find_page(page.rest, page.headers)[0]

    def _hear(self, listing: Listing, told: int | None) -> None:
        if told is None:
            self._silent = True
        else:
            self._told.append(told)
            listing.total = told

    def _see_edge(self, listing: Listing) -> None:
        most = self._most or 0
        if max([self._base + listing.seen.count, *self._told]) >= most:
            raise WindowFull(f"the platform shows no more than {most} records of one search")

    def _count_read(self, listing: Listing) -> int:
        notes = listing.notes
        return self._base + listing.seen.count + notes.lacking + len(notes.aside)

    def _look_further(self, listing: Listing) -> str:
        """Say what the last page tells against its being the last one, though the description
        does not name it; empty where nothing does."""
        page = listing.last
        known = name_signs(self._paging)
        if page is None or known is None:
            return ""
        chained = isinstance(self._paging, Cursor | LinkHeader | NextUrl | OnePage)
        came = page.came if chained and self._pages == 1 else None
        more = "" if listing.proven else find_more(page.rest, page.headers, known, came)
        if more:
            return f"the last page says that there is more ({more}): look at `paging`"
        left = 0 if listing.proven else self._count_pages_left(page)
        if left > 0:
            return f"the last page says that there are {left} pages more: look at `paging`"
        if isinstance(self._paging, OnePage) and self._count is None:
            full = find_full(page.rest, page.headers, page.came)
            if full:
                return f"{full}: look at `paging`"
        total = find_total(page.rest, page.headers, page.came) if self._counts else None
        read = self._count_read(listing)
        limited = self._searched and getattr(self._paging, "most", None) != "all"
        agreed = self._counts and total is not None and total[1] != read
        if limited and read == SEARCHED and not agreed:
            return (
                f"exactly {read} records came, as many as many searches show at most: say `most` "
                "(`all` where there is no such limit), or how many there are (`total`)"
            )
        if total is None or total[1] <= read:
            return ""
        return (
            f"the last page says that there are {total[1]} ({total[0]}), and {read} came: look at "
            "`paging`, or say what it counts (`total`)"
        )

    def _count_pages_left(self, page: Page) -> int:
        """Count the pages behind the last one, by what it says of how many there are."""
        number, pages = find_page(page.rest, page.headers, page.came)
        if isinstance(self._paging, Offset) or pages is None:
            return 0
        if number is not None and self._first_number is not None:
            return pages - (number - self._first_number + 1)
        told = number is None and not isinstance(self._paging, PageNumber)
        return pages - self._pages if told else 0

    def _compare(self, listing: Listing) -> str:
        """Say what speaks against having read all; empty where nothing does."""
        if self._count is None or not self._count.total.exact:
            return ""
        if self._silent or not self._told:
            where = ".".join(self._count.total.path)
            return f"the platform does not say how many records there are ({where})"
        read = self._count_read(listing)
        if min(self._told) <= read <= max(self._told):
            return ""
        if 0 < self._rows <= min(self._told) and read < self._rows:
            # what is told is not of what changed, but of all
            return ""
        return f"the platform says that there are {self._told[-1]} records, and gave {read}"


def _without_place(batch: Batch) -> Batch:
    return Batch(batch.page, batch.fresh, None)
