"""Proof that the filter of a stream gives what its description says: records of the last sync have
to come again. Where none does, all is listed; so wrong words cost requests, and no change is lost.

Knows no requests.
"""

from datetime import datetime, timedelta

from listbackup.connectors.rest.checkpoints import Checkpoint
from listbackup.connectors.rest.filters import read_moment, resolution
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.pages import fields_of
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.witnesses import Newest, Witnesses

ZONES = timedelta(days=1)
"""So far a time may be off that is read in the wrong zone."""


class Proof:
    """Of one stream in one sync."""

    def __init__(self, spec: Stream, checkpoint: Checkpoint) -> None:
        since = spec.since
        self._filter = since
        self._proves = since is not None and since.sees == "changed" and spec.parent is None
        self._since = checkpoint.since
        self._known = checkpoint.newest
        self._newest = Newest(since) if since is not None else None

    @property
    def begin(self) -> datetime | None:
        """The moment since which changes are asked for: earlier than known ones, so that witnesses
        come."""
        if self._since is None or not self._proves:
            return self._since
        return self._known.ask_from(self._since)

    def look(self, batch: Batch, *, dated: bool) -> None:
        """See records that came. A platform that is not `dated` says its time in its records."""
        if self._newest is not None and (self._proves or not dated):
            self._newest.look(batch.page.keys, batch.page.records)

    @property
    def latest(self) -> datetime | None:
        """The greatest time that a record said."""
        return self._newest.latest if self._newest is not None else None

    def fails(self, seen: SeenKeys) -> bool:
        """Say whether what came since `begin` lacks every witness."""
        if self._filter is None or self.begin is None or not self._proves:
            return False
        wanted = self._known.demand(self.begin, self._filter.lookback)
        return bool(wanted) and all(seen.look(wanted))

    def choose(self, now: datetime, *, full: bool, resumed: bool) -> Witnesses:
        """Choose the witnesses of the next sync. Whoever `resumed` has not seen all."""
        known = Witnesses() if full else self._known
        if self._newest is None or not self._proves or resumed:
            return known
        chosen = self._newest.choose(now)
        return chosen if chosen.records else known

    def choose_lent(self, batch: Batch, listed: SeenKeys | None, *, full: bool) -> list[bytes]:
        """Give the records of a page that children are to be asked for: not those that came only
        as witnesses. `listed`: keys of those that were lent before all was listed after all."""
        news, records = batch.fresh, batch.page.records
        if self._filter is None or self._since is None or not self._proves:
            return [one for one, new in zip(records, news, strict=True) if new]
        if listed is not None:
            news = [*map(min, news, listed.look(batch.page.keys))]
        elif full or self.begin == self._since:
            return [one for one, new in zip(records, news, strict=True) if new]
        told = fields_of(records, self._filter.field)
        times = [read_moment(one, self._filter.zone) for one in told]
        # times may be told in another zone than we think
        least = self._since - timedelta(seconds=self._filter.lookback) - resolution(self._filter)
        old = max((time for _, time in self._known.records), default=least)
        least = least - ZONES if listed is not None else least
        young = [time is None or time >= least or time > old for time in times]
        return [one for one, new, late in zip(records, news, young, strict=True) if new and late]
