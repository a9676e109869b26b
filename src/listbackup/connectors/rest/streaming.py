"""One stream in one sync: what is asked for, what is given on, and what is said of it at the end.

Either all of it is listed, or what changed: by a filter of time, by a feed whose records are read
again, by the records of its parent that came, and by a list of what was deleted. Doubt is said,
and then the next sync begins where this one began. Knows no threads.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.checkpoints import Checkpoint, Place, read_place
from listbackup.connectors.rest.children import Children
from listbackup.connectors.rest.feeds import Changes, FeedReader
from listbackup.connectors.rest.fetching import Moments
from listbackup.connectors.rest.gone import Burial, Told, list_gone
from listbackup.connectors.rest.ground import Ground, name_properties
from listbackup.connectors.rest.listing import Batch
from listbackup.connectors.rest.lists import Lists
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.parents import Lending, Lent, ParentRefused
from listbackup.connectors.rest.plans import Plan
from listbackup.connectors.rest.positions import add_anchors
from listbackup.connectors.rest.proofs import Proof
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.singles import Give, Singles, spell_keys, write_key
from listbackup.connectors.rest.sinks import Sink
from listbackup.errors import SourceError
from listbackup.records import Declared, Outcome
from listbackup.records.recordlines import join_lines

Json = Any
AHEAD = timedelta(hours=1)
"""So far the platform's clock may be ahead of ours."""
LIST_RATHER = 100
"""Of a stream without children so many changed records are listed rather than read one by one,
where a whole listing takes fewer requests."""


class StreamRun:
    """Reads one stream. `lent` are its fields on their way to its children, `borrowed` what it
    has from its parent. After `run`, `outcome` and `declared` are there."""

    def __init__(
        self,
        ground: Ground,
        plan: Plan,
        feed: FeedReader | None = None,
        borrowed: Lending | None = None,
    ) -> None:
        self.ground = ground
        self.plan = plan
        self.borrowed = borrowed
        self.lent: list[Lending] = []
        self.outcome: Outcome | None = None
        self.declared: tuple[Declared, ...] = ()
        self._spec = plan.spec
        self._feed = feed
        self._notes = Notes()
        self._moments = Moments()
        self._seen = SeenKeys()
        self._listed: SeenKeys | None = None
        self._proof = Proof(plan.spec, plan.checkpoint)
        self._base = 0
        self._must_list = False
        self._gone: list[bytes] = []
        self._told = Told()
        self._lists = self._open_lists()

    def _open_lists(self) -> Lists:
        rows = self.plan.before.rows
        return Lists(self.ground, self._spec, rows, self._notes, self._moments, self._seen)

    async def run(self, sink: Sink) -> None:
        """Read it. Raises SourceError where it cannot be read, AuthError, RateLimited."""
        try:
            self.outcome = await self._read(sink)
            await sink.flush()
        except Refused as refused:
            reason = self._explain(refused)
            allowed = not self._may_be_forbidden(refused)
            self._end_lending(reason if allowed else "", None if allowed else refused)
            if allowed:
                raise SourceError(reason, subject=self._spec.name, hint=refused.hint) from refused
            self.outcome = Outcome("upserts")
            self.declared = (Declared("not permitted", self._spec.name, refused.message),)
        except BaseException as error:
            said = error.message if isinstance(error, SourceError) else "the sync was ended"
            self._end_lending(said)
            raise
        else:
            unread = "a record of it could not be read" if self._notes.aside else ""
            self._end_lending(self._notes.reason or unread)

    def _end_lending(self, reason: str, refused: Refused | None = None) -> None:
        # what an event told of before the list began may not have been lent
        starts = (self._moments.first, self._feed.began if self._feed else None)
        moment = min((one for one in starts if one is not None), default=None)
        for one in self.lent:
            one.moment = moment
            one.end(reason, refused)

    def _may_be_forbidden(self, refused: Refused) -> bool:
        never = not (self.plan.before.rows or self._notes.rows)
        # what an optional parent may be, its children may be
        optional = self._spec.optional or isinstance(refused, ParentRefused)
        return optional and never and refused.means in ("forbidden", "missing")

    def _explain(self, refused: Refused) -> str:
        if refused.means == "forbidden" and not isinstance(refused, ParentRefused):
            return f"the key lacks the permission to read {self._spec.name}: {refused.message}"
        return refused.message

    async def _read(self, sink: Sink) -> Outcome:
        changes = await self._ask_feed()
        full = await self._is_full(changes)
        for one in self.lent:
            one.begin(full=full)
        since = None if full else self._proof.begin
        place = await self._find_place(sink, since, full=full)
        self._lists.parameters = dict(await name_properties(self.ground, self._spec, {}))
        reading = _Reading(sink, full, since, place)
        checkpoint = self.plan.checkpoint
        told = await list_gone(self.ground, self._spec, checkpoint, self._notes, full=full)
        if not full or place is None:
            # what was listed before may have been deleted by then
            self._told = told
        if full or self._sees_time or self._follows_parent:
            await self._list(reading)
        if self._lacks_witnesses(reading):
            reading = await self._list_after_all(reading)
        if not reading.full and changes is not None:
            await self._read_changed(reading, changes)
        if not reading.full and told.keys:
            reading = await self._bury(reading, told)
        return self._conclude(reading)

    @property
    def _sees_time(self) -> bool:
        return self._spec.since is not None and self._spec.parent is None

    @property
    def _follows_parent(self) -> bool:
        return self._spec.parent is not None

    # ---------------------------------------------------------------------- whole, or changes

    async def _ask_feed(self) -> Changes | None:
        if self._feed is None:
            return None
        if self.plan.full:
            await self._feed.look()
            return None
        await self._feed.read()
        return self._feed.find(self._spec.name)

    async def _is_full(self, changes: Changes | None) -> bool:
        full = self.plan.full
        if changes is not None:
            full = full or bool(changes.reason) or self._is_too_much(changes)
        if self.borrowed is None:
            return full
        await self.borrowed.begun.wait()
        filtered = self._spec.since is not None and self._spec.since.sees == "changed"
        self._must_list = full and not self.borrowed.full
        whole = self.borrowed.full and (full or not filtered)
        # what a page says of a filtered list may count all
        self.borrowed.counts = self._spec.total is None and (whole or self._spec.since is None)
        return whole

    def _is_too_much(self, changes: Changes) -> bool:
        if self.lent or self._spec.parent:
            return False
        paging = self.ground.find_paging(self._spec.paging)
        size = getattr(paging, "size", None)
        pages = self.plan.before.rows // (size.value if size else 1) + 1
        return len(changes.fates) > max(LIST_RATHER, pages)

    async def _find_place(self, sink: Sink, since: datetime | None, *, full: bool) -> Json:
        """Say where an earlier attempt stood, if this one can go on from there."""
        written = self.plan.before.place
        if written is None:
            return None
        place = read_place(
            written,
            full=full,
            since=since,
            now=self.ground.now,
            within=self.ground.platform.resume_within,
            about=self.plan.checkpoint.about,
        )
        # what is not read again cannot be lent
        if place is None or self.lent or self._spec.slices:
            await sink.mark(None)
            return None
        self._base = place.rows - len(place.walk.get("anchors", ()))
        self._moments.first = place.began
        return place.walk

    # ------------------------------------------------------------------------------- reading

    async def _list(self, reading: "_Reading") -> None:
        place = reading.place
        if self.borrowed is not None:
            await self._list_children(reading, self.borrowed)
            return
        while True:
            try:
                async for batch in self._lists.read(reading.since, place, base=self._base):
                    await self._take(reading, batch)
                    if batch.place is not None and not self.lent:
                        await self._mark(reading, add_anchors(batch.place, batch.page.keys))
                return
            except Refused as refused:
                if refused.means not in ("expired_page", "invalid", "missing") or place is None:
                    raise
                # the platform does not know the place any more
                await self._forget(reading)
                place = None

    def _lacks_witnesses(self, reading: "_Reading") -> bool:
        sound = not (self._notes.reason or self._notes.aside)
        return (
            not reading.full and reading.place is None and sound and self._proof.fails(self._seen)
        )

    async def _list_after_all(self, reading: "_Reading") -> "_Reading":
        """List all, since what changed cannot be asked for, or looks as if."""
        await reading.sink.mark(None)
        self._base = 0
        self._listed, self._seen = self._seen, SeenKeys()
        parameters = self._lists.parameters
        self._lists = self._open_lists()
        self._lists.parameters = parameters
        reading = replace(reading, full=True, since=None, place=None)
        await self._list(reading)
        return reading

    async def _list_children(self, reading: "_Reading", borrowed: Lending) -> None:
        def open_list(lent: Lent) -> AsyncIterator[Batch]:
            return self._lists.read(reading.since, None, lent)

        async def take(batch: Batch) -> None:
            await self._take(reading, batch)

        async def mark(place: Json) -> None:
            await self._mark(reading, place)

        children = Children(borrowed, self._notes, open_list, take, mark)
        await children.read(reading.sink, reading.place, self._spec.concurrent)

    async def _read_changed(self, reading: "_Reading", changes: Changes) -> None:
        """Read again what a feed names, but for what was listed since."""
        if changes.reason or self._spec.one is None:
            if changes.reason:
                self._notes.doubt(changes.reason)
            return

        give = self._give_to(reading.sink)
        keys = {id_: write_key(id_) for id_ in changes.fates}
        fresh = dict(zip(keys, self._seen.look(list(keys.values())), strict=True))
        again = [id_ for id_, fate in changes.fates.items() if fate != "gone" and fresh[id_]]
        singles = Singles(self.ground, self._spec, self._spec.one, self._notes, give)
        singles.parameters = self._lists.parameters
        await singles.read(again)
        self._notes.rows += len(again) - len(singles.gone) - len(singles.lost)
        self._gone += singles.gone
        for id_ in singles.lost:
            # the next sync asks again for what is told by a young event
            if self._feed is None or not self._feed.may_be_late(changes, id_):
                self._gone += spell_keys(keys[id_])
        gone = [keys[id_] for id_, fate in changes.fates.items() if fate == "gone"]
        self._gone += [one for key in gone for one in spell_keys(key)]

    def _give_to(self, sink: Sink) -> Give:
        async def give(records: Sequence[bytes]) -> None:
            await sink.give(join_lines(records))
            for one in self.lent:
                one.lend(records)

        return give

    async def _bury(self, reading: "_Reading", told: Told) -> "_Reading":
        """Believe a list of deletions as far as it can be; list all where that is not far."""
        give = self._give_to(reading.sink)
        burial = Burial(self.ground, self._spec, told, self._notes, give)
        doubted = burial.find_doubted(self._seen)
        if doubted is None:
            return await self._list_after_all(reading)
        self._gone += await burial.bury(doubted, self._lists.parameters)
        return reading

    async def _take(self, reading: "_Reading", batch: Batch) -> None:
        await reading.sink.give(batch.page.chunk)
        if self.lent:
            fresh = self._proof.choose_lent(batch, self._listed, full=reading.full)
            for lending in self.lent:
                lending.lend(fresh)
        self._proof.look(batch, dated=self._moments.first is not None)

    async def _mark(self, reading: "_Reading", walk: Json) -> None:
        if self._notes.reason or self._notes.aside:
            # whoever goes on from here would not know of it
            return
        now = self._moments.last or self.ground.now
        place = Place(
            reading.full,
            reading.since,
            self._moments.first,
            now,
            self._base + self._notes.rows,
            walk,
            self.plan.checkpoint.about,
        )
        await reading.sink.mark(place.write())

    async def _forget(self, reading: "_Reading") -> None:
        self._base = 0
        self._moments.first = self._moments.last
        await reading.sink.mark(None)

    # ---------------------------------------------------------------------------- at the end

    def _conclude(self, reading: "_Reading") -> Outcome:
        borrowed = self.borrowed
        if borrowed is not None and borrowed.reason:
            parent = self._spec.parent.stream if self._spec.parent else ""
            self._notes.doubt(
                f"{parent}, by which it is asked for, was not read whole: {borrowed.reason}"
            )
        reason = self._notes.reason
        status: Literal["complete", "upserts"] = "complete"
        if not reading.full or reason:
            status = "upserts"
        here = self._seen.look(self._gone)
        gone = [key for key, absent in zip(self._gone, here, strict=True) if absent]
        return Outcome(
            status,
            reason,
            () if status == "complete" else tuple(dict.fromkeys(gone)),
            self._notes.give_aside(),
            replace(
                self._next_checkpoint(reading, reason), about=self.plan.checkpoint.about
            ).write(),
        )

    def _next_checkpoint(self, reading: "_Reading", reason: str) -> Checkpoint:
        before = self.plan.checkpoint
        if self._must_list:
            return Checkpoint(before.since, None, before.last)
        if reason or self._notes.aside:
            # what is missing has to be asked for again
            return before
        starts = [self._moments.first]
        if self._feed is not None and not reading.full:
            starts.append(self._feed.began)
        if self.borrowed is not None:
            starts.append(self.borrowed.moment)
        known = [one for one in starts if one is not None]
        since = min(known) if known else self._proof.latest or self._guess(reading)
        if since is not None and since > self.ground.pace.now() + AHEAD:
            # a clock that is wrong by then would hide what changes until that moment
            return before
        last = self._feed.last if self._feed is not None else None
        full = since if reading.full else before.full
        now, resumed = self._moments.last or self.ground.now, reading.place is not None
        newest = self._proof.choose(now, full=reading.full, resumed=resumed)
        return Checkpoint(
            since, full, last or before.last, newest=newest, deleted=self._told.memory
        )

    def _guess(self, reading: "_Reading") -> datetime | None:
        """Choose the moment that the next sync begins with, where the platform says none."""
        if self._spec.since is None and self._feed is None:
            return self.ground.now
        return None if reading.full else self.plan.checkpoint.since


@dataclass(frozen=True, slots=True)
class _Reading:
    """Whether all is listed, since when otherwise, and from which place on."""

    sink: Sink
    full: bool
    since: datetime | None
    place: Json
