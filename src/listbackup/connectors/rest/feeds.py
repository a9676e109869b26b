"""A feed of events, read once for all streams that it speaks of: what changed, what is gone.

It only says which records; what they are now is read again. A feed that does not reach back far
enough, or lacks an event that it had, says nothing at all: then everything is listed. Knows no
records of streams.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from listbackup.connectors.rest.answers import Doubtful
from listbackup.connectors.rest.checkpoints import Checkpoint
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filters import narrow, read_moment, resolution
from listbackup.connectors.rest.listing import Batch, list_records
from listbackup.connectors.rest.models.pagination import OnePage, Paging
from listbackup.connectors.rest.models.streams import Feed, FeedStream
from listbackup.connectors.rest.pages import fields_of
from listbackup.connectors.rest.stretches import may_be_cut
from listbackup.connectors.rest.whole import Whole
from listbackup.errors import SourceError
from listbackup.records.cutting import find_fields

Json = Any
Fate = Literal["changed", "gone", "either"]
MOST_CHANGES = 100_000
PRECISE = timedelta(seconds=1)
"""Nearer times of one feed may be cut differently: they do not tell what came first."""
LEAST_ROUND = 10
LOOKED_AT = (timedelta(0), timedelta(days=1))
"""So far back, besides the lookback, a feed is looked at for its newest event."""


@dataclass(slots=True)
class Changes:
    """What a feed says of one stream: the fate of records by their id (`either`: two events of
    one moment say different things), and when. `reason`: why it says nothing."""

    reason: str = ""
    fates: dict[Json, Fate] = field(default_factory=dict)
    times: dict[Json, Json] = field(default_factory=dict)
    zone: str = "UTC"

    def learn(self, key: Json, time: Json, *, gone: bool) -> None:
        """Take an event; the newest of a record counts."""
        fate: Fate = "gone" if gone else "changed"
        if key not in self.fates:
            self.times[key], self.fates[key] = time, fate
            return
        known, before = self.times[key], self.fates[key]
        later = find_lag(known, time, self.zone)
        if later is None or abs(later) < PRECISE:
            self.fates[key] = before if before == fate else "either"
        elif later > timedelta(0):
            self.times[key], self.fates[key] = time, fate


def find_lag(known: Json, time: Json, zone: str) -> timedelta | None:
    """Give how much later a time is than another one; None where they cannot be compared."""
    moments = read_moment(known, zone), read_moment(time, zone)
    if moments[0] is None or moments[1] is None:
        return None
    return moments[1] - moments[0]


class FeedReader:
    """Reads a feed when the first of its streams asks. `since`: for each stream that means to
    ask, what its checkpoint says; `now` is the platform's time."""

    def __init__(
        self,
        feed: Feed,
        paging: Paging,
        make: Callable[[], Listing],
        since: Mapping[str, Checkpoint],
        now: datetime,
    ) -> None:
        self._feed = feed
        self._paging = paging
        self._make = make
        self._since = {name: one for name, one in since.items() if self.is_kept(one, now)}
        self._now = now
        self._asked: datetime | None = None
        self._count = 0
        self.last: tuple[str, Json] | None = None
        self.began: datetime | None = None
        self._named = False
        self._found: dict[str, Changes] | None = None
        self._guard = asyncio.Lock()

    def is_kept(self, checkpoint: Checkpoint, now: datetime) -> bool:
        """Say whether the feed still has all events since then."""
        return checkpoint.since is not None and self._begin(checkpoint.since) > now - timedelta(
            seconds=self._feed.keeps
        )

    def _begin(self, since: datetime) -> datetime:
        return since - timedelta(seconds=self._feed.since.lookback)

    def may_be_late(self, changes: Changes, key: Json) -> bool:
        """Say whether a record that is not found may come yet: the event is so young that the next
        sync is told of it again, and another one would tell if it were gone."""
        told = read_moment(changes.times.get(key), self._feed.since.zone)
        if told is None or self.began is None or not self._feed.deleted:
            return False
        young = told > self.began - timedelta(seconds=self._feed.since.lookback)
        return young and changes.fates[key] == "changed"

    def find(self, stream: str) -> Changes:
        """Give what it says of a stream; `read` comes first."""
        if stream not in self._since:
            return Changes(f"the events of {self._feed.name} do not reach back to the last sync")
        return (self._found or {}).get(stream) or Changes(f"{self._feed.name} was not read")

    def _ask_from(self, checkpoint: Checkpoint) -> datetime | None:
        """Choose the moment to ask from: such that the newest event that is known comes again,
        where it has to be there still."""
        if checkpoint.since is None:
            return None
        begin = self._begin(checkpoint.since)
        moment = read_moment(checkpoint.last[1], self._feed.since.zone) if checkpoint.last else None
        # at its end, what is kept goes at moments of the platform's own
        if moment is None or moment <= self._now - timedelta(seconds=self._feed.keeps * 0.9):
            return begin
        return min(begin, moment - resolution(self._feed.since))

    def _is_known(self, checkpoint: Checkpoint, time: Json) -> bool:
        """Whether an event came only since the newest one that is known has to come again."""
        zone, last = self._feed.since.zone, checkpoint.last
        known = read_moment(last[1], zone) if last else None
        if checkpoint.since is None or known is None or known >= self._begin(checkpoint.since):
            return False
        moment = read_moment(time, zone)
        return moment is not None and moment <= known

    async def look(self) -> None:
        """Look for the newest event, where all is listed: the next sync has to be given it again.
        That nothing can be read is no harm. Raises AuthError, RateLimited."""
        async with self._guard:
            if self._found is not None or self.last is not None:
                return
            half = timedelta(seconds=self._feed.keeps / 2)
            for back in (*(one for one in LOOKED_AT if one < half), half):
                try:
                    await self._look_at_page(self._begin(self._now) - back)
                except (SourceError, Doubtful):
                    return
                if self.last is not None:
                    return

    async def _look_at_page(self, begin: datetime) -> None:
        listing = self._make()
        listing.draft = narrow(listing.draft, self._feed.since, begin)
        async for batch in list_records(listing, self._paging):
            times = fields_of(batch.page.records, self._feed.since.field)
            for key, time in zip(batch.page.keys, times, strict=True):
                self._learn_last(key, time)
            return

    async def read(self) -> None:
        """Read it, unless it was. Raises AuthError, RateLimited; what else fails is the changes'
        reason."""
        async with self._guard:
            if self._found is None:
                self._found = await self._read()

    async def _read(self) -> dict[str, Changes]:
        found = {name: Changes(zone=self._feed.since.zone) for name in self._since}
        if not found:
            return found
        listing = self._make()
        known = [self._ask_from(one) for one in self._since.values()]
        self._asked = begin = min(one for one in known if one is not None)
        listing.draft = narrow(listing.draft, self._feed.since, begin)
        try:
            async for batch in Whole(lambda: listing, listing.notes, self._paging).read():
                self._count += len(batch.page.keys)
                self._learn(batch, found)
        except SourceError as error:
            listing.notes.doubt(error.message)
        self.began = listing.moments.first
        for name, changes in found.items():
            changes.reason = changes.reason or self._judge(name, listing)
        return found

    def _judge(self, name: str, listing: Listing) -> str:
        if listing.notes.reason:
            return f"the events of {self._feed.name} could not be read: {listing.notes.reason}"
        if listing.seen.count and not self._named:
            where = ".".join(self._feed.object)
            return f"no event of {self._feed.name} says what it is about ({where})"
        if isinstance(self._paging, OnePage) and self._is_round(self._count):
            return f"{self._feed.name} gives {self._count} events, as if it gave no more at once"
        checkpoint = self._since[name]
        if checkpoint.last is None or self._asked is None:
            return ""
        key, time = checkpoint.last
        moment = read_moment(time, self._feed.since.zone)
        asked = moment is not None and moment >= self._asked
        if asked and listing.seen.look([key.encode()]) == [True]:
            return f"the events of {self._feed.name} have a gap"
        return ""

    def _is_round(self, count: int) -> bool:
        return count >= LEAST_ROUND and may_be_cut(count)

    def _learn_last(self, key: bytes, time: Json) -> None:
        if self.last is not None:
            later = find_lag(self.last[1], time, self._feed.since.zone)
            if later is None or later <= timedelta(0):
                return
        elif read_moment(time, self._feed.since.zone) is None:
            return
        self.last = (key.decode(), time)

    def _learn(self, batch: Batch, found: dict[str, Changes]) -> None:
        feed = self._feed
        own = [feed.type, feed.object, feed.since.field, feed.id]
        paths = (*own, *(one.id for one in feed.streams if one.id))
        names = list(dict.fromkeys(".".join(path) for path in paths))
        told = [names.index(".".join(path)) for path in own]
        rows = find_fields(batch.page.records, names)
        for key, row in zip(batch.page.keys, rows, strict=True):
            kind, subject, time = (row[place] for place in told[:3])
            self._learn_last(key, time)
            self._named = self._named or subject is not None
            for one in feed.streams:
                if not _is_same(one.object, subject) or one.stream not in found:
                    continue
                if not self._is_known(self._since[one.stream], time):
                    name = ".".join(one.id or feed.id)
                    self._learn_one(found[one.stream], one, str(kind), time, row[names.index(name)])

    def _learn_one(
        self, changes: Changes, one: FeedStream, kind: str, time: Json, key: Json
    ) -> None:
        if changes.reason:
            return
        if not isinstance(key, str | int):
            # an event about a part may be about a part of something else
            if not one.id:
                changes.reason = f"an event of {self._feed.name} does not say what it is about"
            return
        # what is gone of a part is a change of the whole
        gone = not one.id and kind.endswith(self._feed.deleted)
        changes.learn(key, time, gone=gone)
        if len(changes.fates) > MOST_CHANGES:
            changes.reason = "too much has changed"
            changes.fates.clear()


def _is_same(name: str, told: Json) -> bool:
    return isinstance(told, str) and (told == name or told.casefold() == name.casefold())
