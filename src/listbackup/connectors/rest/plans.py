"""Which streams are read, in which order, and which of them have to be listed whole this time.

Decides before anything is read; what a feed says later can only make more of them whole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from listbackup.connectors.rest.checkpoints import Checkpoint, read_checkpoint
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Feed, Stream
from listbackup.records import Before


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream in one sync. `full`: it is listed whole, whatever a feed says; `due`: because
    its time has come or nothing is known of it, not because a child needs it."""

    spec: Stream
    before: Before
    checkpoint: Checkpoint
    feed: Feed | None
    full: bool
    due: bool


def order_streams(platform: Platform, wanted: Sequence[str]) -> list[Stream]:
    """Give the wanted streams, parents before their children, else as they stand."""
    specs = {one.name: one for one in platform.streams}
    ordered: dict[str, Stream] = {}

    def add(spec: Stream) -> None:
        if spec.parent and spec.parent.stream in wanted and spec.parent.stream not in ordered:
            add(specs[spec.parent.stream])
        ordered.setdefault(spec.name, spec)

    for name in wanted:
        add(specs[name])
    return list(ordered.values())


def make_plans(
    platform: Platform,
    wanted: Sequence[str],
    before: Mapping[str, Before],
    now: datetime,
    *,
    full: bool,
    digest: Callable[[Stream], str] = lambda spec: "",
) -> dict[str, Plan]:
    """Plan every wanted stream, parents first; `digest` tells how a stream is asked for."""
    feeds = {one.stream: feed for feed in platform.feeds for one in feed.streams}
    specs = order_streams(platform, wanted)
    plans = {}
    for spec in specs:
        known = before.get(spec.name, Before())
        checkpoint = read_checkpoint(known.checkpoint, digest(spec))
        feed = feeds.get(spec.name)
        due = full or is_due(spec, checkpoint, now) or not sees_changes(spec, feed)
        plans[spec.name] = Plan(spec, known, checkpoint, feed, due, due)
    for spec in reversed(specs):
        above = plans.get(spec.parent.stream) if spec.parent else None
        if above:
            plans[above.spec.name] = _serve(above, plans[spec.name])
    return plans


def _serve(above: Plan, below: Plan) -> Plan:
    """Read a parent so that its child is asked for all that it lacks: whole, or since the moment
    that the child knows, where that is an earlier one."""
    parent = below.spec.parent
    if below.full or (parent and parent.when == "all"):
        return replace(above, full=True)
    since, known = above.checkpoint.since, below.checkpoint.since
    if since is None or known is None or known >= since:
        return above
    return replace(above, checkpoint=replace(above.checkpoint, since=known))


def is_due(spec: Stream, checkpoint: Checkpoint, now: datetime) -> bool:
    """Say whether it is time to list all."""
    if checkpoint.since is None or checkpoint.full is None:
        return True
    return not timedelta(0) <= now - checkpoint.full < timedelta(seconds=spec.full_every)


def sees_changes(spec: Stream, feed: Feed | None) -> bool:
    """Say whether what changed can be asked for at all, without listing everything."""
    if spec.since is not None and spec.since.sees == "changed":
        return True
    if feed is not None and spec.one is not None:
        return True
    return spec.parent is not None and spec.parent.when == "changed"
