"""Which streams are read, in which order, and which of them have to be listed whole this time.

Decides before anything is read; what a feed says later can only make more of them whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
) -> dict[str, Plan]:
    """Plan every wanted stream, parents first."""
    feeds = {one.stream: feed for feed in platform.feeds for one in feed.streams}
    specs = order_streams(platform, wanted)
    plans = {}
    for spec in specs:
        known = before.get(spec.name, Before())
        checkpoint = read_checkpoint(known.checkpoint)
        feed = feeds.get(spec.name)
        due = full or is_due(spec, checkpoint, now) or not sees_changes(spec, feed)
        plans[spec.name] = Plan(spec, known, checkpoint, feed, due, due)
    for spec in reversed(specs):
        above = plans.get(spec.parent.stream) if spec.parent else None
        if above and spec.parent and (plans[spec.name].full or spec.parent.when == "all"):
            plans[above.spec.name] = Plan(
                above.spec, above.before, above.checkpoint, above.feed, True, above.due
            )
    return plans


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
