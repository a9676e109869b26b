"""One pass over a platform, as a sync sees it: streams, parts, chunks and marks, and at the end
what is to be said of each stream.

Everything that asks runs on one event loop; here threads wait for what comes. A child is read
while its parent is, or after it; where its parent is not read at all, its parent's records are
listed for their keys alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.checkpoints import Checkpoint
from listbackup.connectors.rest.feeds import FeedReader
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.loop import Loop, Pipe
from listbackup.connectors.rest.models.streams import Feed, Parent
from listbackup.connectors.rest.models.streams import Stream as Spec
from listbackup.connectors.rest.pages import Cutter
from listbackup.connectors.rest.parents import Lending
from listbackup.connectors.rest.plans import Plan, make_plans
from listbackup.connectors.rest.sinks import NoSink, PipeSink
from listbackup.connectors.rest.streaming import StreamRun
from listbackup.connectors.rest.vanished import Vanished
from listbackup.errors import ListbackupError
from listbackup.records import (
    AsOf,
    Before,
    Closing,
    Extra,
    Identity,
    Mark,
    Part,
    Stream,
    Unread,
)
from listbackup.records import Declared as Declaration
from listbackup.records.patterns import is_wanted

ENCODING = "records/1"
RECORD_BYTES = 1024
UNKNOWN_BYTES = 2**20
PATIENCE = 60.0
"""After so many seconds a child no longer waits for its parent to be begun by another thread."""


class RestReading:
    """A `records.Reading` and `records.ContinuingReading` of one source of a platform."""

    consistent = False

    def __init__(
        self,
        ground: Ground,
        identity: Identity,
        loop: Loop,
        options: ReadOptions,
        last: Callable[[], Awaitable[None]] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.identity = identity
        self.unread: Sequence[Unread] = ()
        self.declared: Sequence[Declaration] = ()
        self._ground = ground
        self._loop = loop
        self._options = options
        self._last = last
        self._patience = patience
        self._before: Mapping[str, Before] = {}
        self._plans: dict[str, Plan] = {}
        self._runs: dict[str, StreamRun] = {}
        self._feeds: dict[str, FeedReader] = {}
        self._shadows: set[asyncio.Task[None]] = set()
        self._end: datetime | None = None

    @property
    def as_of(self) -> AsOf:
        """The span of time in which it was read."""
        return AsOf(self._ground.now, self._end or self._ground.now)

    def go_on(self, before: Mapping[str, Before]) -> None:
        """Be told what is known of streams, before they are looked at."""
        self._before = before

    @property
    def streams(self) -> Sequence[Stream]:
        """The streams, parents before their children."""
        if not self._plans:
            self._plan()
        return [self._describe(plan) for plan in self._plans.values()]

    def parts(self, stream: Stream) -> Sequence[Part]:
        """A stream is one part."""
        return [Part(stream.name, 0, "all", stream.estimated_bytes)]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give chunks of lines. Raises SourceError, AuthError, RateLimited."""
        for given in self.read_on(part):
            if not isinstance(given, Mark):
                yield given

    def read_on(self, part: Part) -> Iterator[bytes | Mark]:
        """Give chunks of lines, and marks between them. Raises SourceError, AuthError,
        RateLimited."""
        run = self._runs[part.stream]

        async def work(pipe: "Pipe[bytes | Mark]") -> None:
            await self._accompany(run)
            await run.run(PipeSink(pipe))

        pipe = self._loop.pipe(work)
        try:
            yield from pipe
        finally:
            pipe.close()

    def extras(self) -> Iterator[Extra]:
        """There are none."""
        yield from ()

    def finish(self) -> Closing:
        """Say of each stream how it was read."""
        passed = self._ground.pace.now() - self._ground.began
        self._end = self._ground.now + passed
        platform = self._ground.platform
        return Closing(
            facts={"platform": {"name": platform.platform, "version": platform.version}},
            declared=tuple(self._declare()),
            outcomes={
                name: run.outcome for name, run in self._runs.items() if run.outcome is not None
            },
        )

    def _declare(self) -> Iterator[Declaration]:
        for run in self._runs.values():
            parent = run.plan.spec.parent
            above = self._runs.get(parent.stream) if parent else None
            # what is said of a parent is not said again of each of its children
            if above is None or not above.declared:
                yield from run.declared

    def close(self) -> None:
        """End all requests and give connections back. Safe after any failure, and twice."""
        self._loop.close(self._last)

    # ------------------------------------------------------------------------------ planning

    def _plan(self) -> None:
        platform, options = self._ground.platform, self._options
        wanted = [
            one.name
            for one in platform.streams
            if is_wanted(one.name, options.include, options.exclude)
        ]
        ground, full = self._ground, options.full
        plans = make_plans(
            platform, wanted, self._before, ground.now, full=full, digest=ground.digest
        )
        for feed in platform.feeds:
            since = {
                name: plan.checkpoint
                for name, plan in plans.items()
                if plan.feed is feed and not plan.full
            }
            self._feeds[feed.name] = self._open_feed(feed, since)
        for name, plan in plans.items():
            self._runs[name] = run = self._open_run(plan)
            parent = plan.spec.parent
            if parent is not None and run.borrowed and parent.stream in self._runs:
                self._runs[parent.stream].lent.append(run.borrowed)
        self._plans = plans

    def _open_feed(self, feed: Feed, since: Mapping[str, Checkpoint]) -> FeedReader:
        ground = self._ground

        def make() -> Listing:
            cutter = Cutter(feed.records, (".".join(feed.key),), heeds=ground.heeds_signs)
            draft = ground.draft(feed.request, {}, feed.name)
            return Listing(ground.asker, ground.pace, draft, cutter)

        return FeedReader(feed, ground.find_paging(feed.paging), make, since, ground.now)

    def _open_run(self, plan: Plan) -> StreamRun:
        feed = self._feeds.get(plan.feed.name) if plan.feed else None
        run = StreamRun(self._ground, plan, feed)
        parent = plan.spec.parent
        if parent is not None:
            run.borrowed = self._open_lending(plan.spec, parent)
        return run

    def _open_lending(self, spec: Spec, parent: Parent) -> Lending:
        async def relist() -> Lending:
            lending = Lending(parent.model_copy(update={"where": ()}))
            await self._cast(self._open_shadow(parent, lending))
            return lending

        look = Vanished(self._ground, self._find(parent.stream), relist)
        return Lending(parent, look, tuple(spec.adds))

    def _open_shadow(self, parent: Parent, lending: Lending) -> StreamRun:
        plan = Plan(self._find(parent.stream), Before(), Checkpoint(), None, True, True)
        shadow = self._open_run(plan)
        shadow.lent.append(lending)
        return shadow

    def _find(self, name: str) -> Spec:
        return next(one for one in self._ground.platform.streams if one.name == name)

    def _describe(self, plan: Plan) -> Stream:
        key = tuple(".".join(path) for path in plan.spec.key)
        before = plan.before
        estimated = before.bytes or before.rows * RECORD_BYTES or UNKNOWN_BYTES
        return Stream(
            plan.spec.name,
            ENCODING,
            {"kind": "records", "columns": [], "key": list(key)},
            key,
            tuple(range(len(key))),
            before.rows,
            estimated,
        )

    # ------------------------------------------------------------------ a child and its parent

    async def _accompany(self, run: StreamRun) -> None:
        """See that the parent of a stream is being read; list it for its keys where nobody
        does."""
        if run.borrowed is None or run.plan.spec.parent is None:
            return
        parent = run.plan.spec.parent.stream
        # one that came later would have missed what was lent before
        if parent in self._runs and run.borrowed in self._runs[parent].lent:
            with suppress(TimeoutError):
                await asyncio.wait_for(run.borrowed.begun.wait(), self._patience)
            if run.borrowed.begun.is_set():
                return
        run.borrowed = self._open_lending(run.plan.spec, run.plan.spec.parent)
        shadow = self._open_shadow(run.plan.spec.parent, run.borrowed)
        task = asyncio.create_task(self._cast(shadow))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _cast(self, shadow: StreamRun) -> None:
        await self._accompany(shadow)
        # its child is told why, where it cannot be read
        with suppress(ListbackupError):
            await shadow.run(NoSink())
