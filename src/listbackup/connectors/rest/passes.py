"""Lists whose pages cannot overlap, or do not have as many records as they have positions: read
plainly from the first page to the last, until two readings in a row were the same.

A platform that leaves records out of its pages (which the key may not see) may leave a whole page
empty; so the end is believed where nothing stands some pages further, either. One that gives its
last page again, whatever number is asked for, has ended, too. Knows no places.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from listbackup.connectors.rest.answers import Doubtful, WindowFull
from listbackup.connectors.rest.numbering import NumberedPages, count_positions
from listbackup.connectors.rest.pages import Page
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.stretches import Stretch

Json = Any
Given = tuple[Page, list[bool], Json]

MOST_FRUITLESS = 100
MOST_PASSES = 5
MOST_SAME = 2
"""So many pages that are the same as the one before are the end."""
AHEAD = (1, 2, 4, 8)
"""So many pages behind an empty one are looked at."""


class Passes:
    """Reads one such list."""

    def __init__(self, pages: NumberedPages) -> None:
        self._pages = pages
        self._listing = pages.listing
        self._fruitless = 0
        self._horizon = 0
        self._count = self._lacking = 0
        self._found = self._twice = False
        self._different = self._same = 0
        self._keys: Sequence[bytes] = ()
        self._seen = SeenKeys()

    async def read(self) -> AsyncIterator[Given]:
        """Give pages and what is new of each. Raises Doubtful, Refused, SourceError."""
        before = -1
        for _ in range(MOST_PASSES):
            # what could not be read is counted anew in each pass
            self._listing.notes.lacking -= self._lacking
            self._count, self._lacking, self._found = 0, 0, False
            self._different, self._same, self._keys = 0, 0, ()
            self._twice, self._seen = False, SeenKeys()
            async for given in self._read_once():
                yield given
            if not self._found and self._count == before and not self._twice:
                return
            before = self._count
        raise Doubtful("the list changed each time it was read, or its order did")

    async def _read_once(self) -> AsyncIterator[Given]:
        position, short = 0, False
        while True:
            stretch = Stretch(position, self._pages.most)
            page = await self._fetch(stretch, short=short)
            if page is None:
                return
            count = count_positions(page)
            short = count < stretch.size
            if count:
                fresh = self._listing.take(page)
                self._learn(page, fresh)
                yield page, fresh, None
                if self._same >= MOST_SAME:
                    if self._different == 1:
                        await self._pages.see_numbers(page)
                    self._listing.proven = True
                    return
            elif not await self._goes_on(stretch):
                self._listing.proven = True
                return
            # pages by offset may be cut short
            cut = count and not self._pages.numbered
            position += count if cut else stretch.size

    async def _fetch(self, stretch: Stretch, *, short: bool) -> Page | None:
        reaches = self._pages.reaches
        if reaches is not None and stretch.stop > reaches:
            raise WindowFull(f"the platform shows no more than {reaches} records of this list")
        if stretch.start:
            return await self._pages.fetch_behind(stretch, short=short)
        return await self._pages.fetch(stretch)

    def _learn(self, page: Page, fresh: list[bool]) -> None:
        same = page.keys == self._keys and not page.lacking and not any(fresh)
        self._same = self._same + 1 if same else 0
        self._different += not same
        self._keys = page.keys
        # what comes twice in one pass may have taken another record's place
        moved = not (same or all(self._seen.add(page.keys)))
        self._twice = self._twice or (moved and self._pages.numbered)
        self._listing.last = page
        self._count += count_positions(page)
        self._found = self._found or any(fresh)
        self._lacking += len(page.lacking)
        self._fruitless = 0 if any(fresh) else self._fruitless + 1
        if self._fruitless > MOST_FRUITLESS and self._count > 2 * self._listing.seen.count:
            raise Doubtful("the list does not end: the same records came again and again")

    async def _goes_on(self, empty: Stretch) -> bool:
        """Whether anything stands behind an empty page."""
        if empty.start < self._horizon:
            return True
        # one of many lists that has nothing on its first page is not worth more requests
        alone = AHEAD[:1] if self._listing.sure else ()
        for far in AHEAD if empty.start else alone:
            beyond = Stretch(empty.start + far * empty.size, empty.size)
            page = await self._pages.fetch_beyond(beyond)
            if page is not None and any(self._listing.seen.look(page.keys)):
                self._horizon = beyond.start
        return empty.start < self._horizon
