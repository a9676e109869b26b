"""One page of a list, cut and looked through: one with records that cannot be kept is asked for
again, one that is too much for the platform is asked for smaller.

Knows no order of pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from listbackup.connectors.rest.answers import Asker, Refused
from listbackup.connectors.rest.bodies import Unreadable
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.models.pagination import PageSize
from listbackup.connectors.rest.notes import Notes, read_date
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.pages import Cutter, Page
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.stretches import Fill
from listbackup.connectors.rest.transport import Response
from listbackup.errors import SourceError

TRIES = 4
PAUSE = 1.0
"""Seconds before a page is asked for again; four times as many before each further time."""


@dataclass(slots=True)
class Moments:
    """The platform's clock, as its answers tell it: at the first of them, and now."""

    first: datetime | None = None
    last: datetime | None = None

    def learn(self, moment: datetime | None) -> None:
        """Take the time of an answer."""
        if moment is not None:
            self.first = self.first or moment
            self.last = moment


@dataclass(slots=True)
class Listing:
    """One list that is being read: how it is asked for, how its pages are cut, what was noted.

    `seen` has the keys of this list; `shared`, where given, those of all lists of the stream, and
    `twins` keys with their records, where a key might be good within one list only. `sure`: its
    first page is asked for until it is the same twice, where nothing else shows that it is one.
    `last` is the page that the list ended with, so far; `proven`: behind it nothing stands. `fill`
    says how short a last page may be. `whole`: all that there is, not only what changed.
    `repeats`: records came on several pages, where nothing told that they would; only such as did
    not change meanwhile, where there is a set for them (`unchanged`). `notes.rows` counts the keys
    of the stream.
    """

    asker: Asker
    pace: Pace
    draft: Draft
    cutter: Cutter
    notes: Notes = field(default_factory=Notes)
    seen: SeenKeys = field(default_factory=SeenKeys)
    shared: SeenKeys | None = None
    moments: Moments = field(default_factory=Moments)
    total: int | None = None
    twins: SeenKeys | None = None
    sure: bool = False
    last: Page | None = None
    proven: bool = False
    fill: Fill = field(default_factory=Fill)
    whole: bool = False
    repeats: bool = False
    unchanged: SeenKeys | None = None

    async def fetch(self, draft: Draft, *, once: bool = False) -> Page:
        """Ask for a page until every record in it can be kept, at most four times; then give it
        with what cannot. `once`: whatever comes is taken. Raises Refused where it is no page at
        all."""
        pages: list[Page] = []

        def check(response: Response) -> None:
            try:
                pages[:] = [self.cutter.cut(response)]
            except SourceError as error:
                raise Unreadable(error.message) from error

        tries = 0
        while True:
            tries += 1
            response = await self.asker.ask(replace(draft.finish(), once=once), check)
            self.moments.learn(read_date(response.headers))
            if response.nothing:
                return self.cutter.cut(response)
            if pages[0].whole or tries >= TRIES or once:
                return pages[0]
            await self.rest(tries)

    async def rest(self, tries: int) -> None:
        """Wait before asking again; shortly, after no try that failed."""
        await self.pace.sleep(PAUSE * 4 ** (tries - 1))

    def take(self, page: Page, fresh: list[bool] | None = None) -> list[bool]:
        """Count a page's records (`fresh`: which of them are new to this list, where that was
        just looked up); say of each whether it is new to the stream."""
        page.note(self.notes)
        fresh = self.seen.add(page.keys, fresh)
        if self.shared is not None:
            own, fresh = fresh, self.shared.add(page.keys)
            if self.twins is not None:
                self._find_twins(page, own, fresh)
        self.notes.rows = (self.shared or self.seen).count
        return fresh

    def _find_twins(self, page: Page, own: Sequence[bool], fresh: Sequence[bool]) -> None:
        """Doubt where a key that another list gave comes with another record."""
        assert self.twins is not None
        pairs = [b"%s %s" % pair for pair in zip(page.keys, page.records, strict=True)]
        news = self.twins.add(pairs)
        if any(
            here and not new and other for here, new, other in zip(own, fresh, news, strict=True)
        ):
            self.notes.doubt(TWINS)


TWINS = (
    "different records of different lists have the same key: `key` needs a field of the parent "
    "(`adds`)"
)


class Sizes:
    """How many records pages are asked to have: fewer while the platform cannot give so many."""

    def __init__(self, size: PageSize | None) -> None:
        self._size = size if size and size.param else None
        self.now = size.value if size else 0

    def apply(self, draft: Draft) -> Draft:
        """Ask for so many."""
        return draft.tell({self._size.param: self.now}) if self._size else draft

    def shrink(self, refused: Refused) -> bool:
        """Ask for half as many, where that may help; say whether it may."""
        if refused.means not in ("transient", "too_large") or self.now <= 1 or not self._size:
            return False
        self.now //= 2
        return True

    def grow(self) -> None:
        """Ask for more again, after a page that came."""
        if self._size:
            self.now = min(self._size.value, self.now * 2)
