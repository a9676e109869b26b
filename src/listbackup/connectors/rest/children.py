"""Lists that are asked for once for each record of another list: several at once, while the other
list is still being read.

What one parent's list refuses is tried again at the end. A parent that is gone meanwhile has no
list, where the platform says that it is gone. Where an earlier attempt had asked for the first so
many, and they are the same, it goes on behind them.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from listbackup.connectors.rest.answers import Refused, WindowFull
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Page
from listbackup.connectors.rest.parallel import for_each
from listbackup.connectors.rest.parents import Lending, Lent, find_clash
from listbackup.connectors.rest.signs import find_total
from listbackup.connectors.rest.sinks import Sink
from listbackup.errors import SourceError

Json = Any
Open = Callable[[Lent], AsyncIterator[Batch]]
Take = Callable[[Batch], Awaitable[None]]
MOST_AGAIN = 100
"""So many lists that could not be found are asked for again; beyond it there are none."""


class Children:
    """The lists of one stream's parents. `open` reads the list of one parent, `take` takes what
    comes; `mark` writes a place down."""

    def __init__(
        self,
        lending: Lending,
        notes: Notes,
        open_list: Open,
        take: Take,
        mark: Callable[[Json], Awaitable[None]],
    ) -> None:
        self._lending = lending
        self._notes = notes
        self._open = open_list
        self._take = take
        self._mark = mark
        self._digests: dict[int, bytes] = {}
        self._start = self._upto = 0
        self._chain = hashlib.sha256()
        self._asked = 0
        self._missing: list[Lent] = []
        self._failed: list[tuple[Lent, str]] = []
        self._clashes = False
        self._short: list[tuple[Lent, str]] = []

    async def read(self, sink: Sink, place: Mapping[str, Json] | None, width: int) -> None:
        """Read all lists. Raises AuthError, RateLimited, and Refused where the platform forbids
        to read them, or their parents."""
        skip = await self._find_skip(sink, place)
        self._start = self._upto = skip
        await for_each(self._after(skip), self._read_one, width)
        self._lending.check()
        again, self._failed = self._failed, []
        for lent, _ in again:
            await self._read_list(lent)
        await self._settle_missing()
        self._note()

    async def _after(self, skip: int) -> AsyncIterator[Lent]:
        number = 0
        async for lent in self._lending.borrow():
            if number >= skip:
                yield lent
            number += 1

    async def _find_skip(self, sink: Sink, place: Mapping[str, Json] | None) -> int:
        """Say how many parents were asked before: as many as the place says, if they are the
        same ones."""
        if place is None:
            return 0
        number = 0
        chain = hashlib.sha256()
        async for lent in self._lending.borrow():
            if number == place.get("asked"):
                break
            chain.update(_digest(lent))
            number += 1
        if number and number == place.get("asked") and chain.hexdigest() == place.get("digest"):
            self._chain = chain
            self._asked = number
            return number
        await sink.mark(None)
        return 0

    async def _read_one(self, number: int, lent: Lent) -> None:
        place = self._start + number
        self._asked += 1
        await self._read_list(lent)
        self._digests[place] = _digest(lent)
        moved = False
        while self._upto in self._digests:
            self._chain.update(self._digests.pop(self._upto))
            self._upto += 1
            moved = True
        if moved and not (self._failed or self._missing):
            await self._mark({"asked": self._upto, "digest": self._chain.copy().hexdigest()})

    async def _settle_missing(self) -> None:
        """Leave out whose parents are gone, and ask for the other lists once more."""
        look, missing = self._lending.look, self._missing
        if look is None or not missing:
            return
        gone = await look.find_gone(missing)
        left = [lent for lent, is_gone in zip(missing, gone, strict=True) if not is_gone]
        if len(left) > MOST_AGAIN:
            self._missing = left
            return
        self._missing = []
        for lent in left:
            await self._read_list(lent)

    async def _is_gone(self, lent: Lent) -> bool:
        look = self._lending.look
        # a platform that has no such list at all is not asked for all the records
        return look is not None and len(self._missing) <= MOST_AGAIN and await look.is_gone(lent)

    async def _read_list(self, lent: Lent) -> None:
        end = _End()
        try:
            async for batch in self._open(lent):
                self._look_for_clash(batch)
                await self._take(batch)
                end.see(batch.page)
            short = end.tell() if self._lending.counts else ""
            if short:
                self._short.append((lent, short))
        except Refused as refused:
            if refused.means == "missing":
                if not await self._is_gone(lent):
                    self._missing.append(lent)
            elif refused.means == "forbidden":
                raise
            else:
                self._failed.append((lent, refused.message))
        except SourceError as error:
            self._failed.append((lent, error.message))
        except WindowFull as full:
            self._notes.doubt(f"{_name(lent)}: {full}")

    def _look_for_clash(self, batch: Batch) -> None:
        name = "" if self._clashes else find_clash(batch.page.records, self._lending.adds)
        if name:
            self._clashes = True
            self._notes.doubt(
                f"records have a field {name} of their own, with another value than the one that "
                "is added: `adds` needs another name"
            )

    def _note(self) -> None:
        if self._failed:
            lent, reason = self._failed[0]
            more = f" and of {len(self._failed) - 1} more" if len(self._failed) > 1 else ""
            self._notes.doubt(f"the list of {_name(lent)}{more} could not be read: {reason}")
        if self._short:
            lent, said = self._short[0]
            more = f" (and in {len(self._short) - 1} more)" if len(self._short) > 1 else ""
            self._notes.doubt(f"in the list of {_name(lent)}{more} {said}")
        if self._missing:
            self._notes.doubt(
                f"the platform has no such list for {len(self._missing)} of {self._asked} records, "
                f"{_name(self._missing[0])} among them, and does not say that they are gone"
            )


@dataclass(slots=True)
class _End:
    """How a list of one parent ends: its last page, and how many records came."""

    page: Page | None = None
    keys: set[int] = field(default_factory=set)
    lacking: int = 0

    def see(self, page: Page) -> None:
        """Take a page."""
        self.page = page
        self.keys.update(map(hash, page.keys), map(hash, page.aside))
        self.lacking += len(page.lacking)

    def tell(self) -> str:
        """Say what the last page tells against its being the last one; empty where nothing
        does."""
        page = self.page
        total = find_total(page.rest, page.headers, page.came) if page else None
        came = len(self.keys) + self.lacking
        if total is None or total[1] <= came:
            return ""
        return (
            f"the last page says that there are {total[1]} ({total[0]}), and {came} came: look at "
            "`paging`, or say what it counts (`total`)"
        )


def _name(lent: Lent) -> str:
    return ", ".join(str(value) for value in lent.fields.values())


def _digest(lent: Lent) -> bytes:
    return hashlib.sha256(json.dumps(lent.fields, sort_keys=True).encode()).digest()
