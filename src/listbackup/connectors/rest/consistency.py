"""What a platform's YAML says against itself, and what it says to no effect.

Reads models only; every finding is a path and a sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.models.writing import Recreate

Trail = tuple[str | int, ...]
Finding = tuple[Trail, str]


def find_contradictions(platform: Platform) -> dict[Trail, str]:
    """Name what does not fit together, by its path."""
    found: dict[Trail, str] = {}
    checks = (
        _find_twins(platform),
        _find_unknown_names(platform),
        _find_unused(platform),
        _find_misplaced(platform),
        _find_circles(platform),
    )
    for findings in checks:
        for trail, said in findings:
            found.setdefault(trail, said)
    return found


def _find_twins(platform: Platform) -> Iterator[Finding]:
    lists: dict[str, Sequence[str]] = {
        "streams": [one.name for one in platform.streams],
        "settings": [one.name for one in platform.settings],
        "authentication": [one.name for one in platform.authentication],
        "budgets": [one.name for one in platform.budgets],
        "feeds": [one.name for one in platform.feeds],
    }
    for key, names in lists.items():
        for place, name in enumerate(names):
            if name in names[:place]:
                yield (key, place, "name"), f"{name!r} stands twice"
    covered = Counter(one for stream in platform.streams for one in stream.covers)
    for place, excluded in enumerate(platform.excluded):
        if covered[excluded.operation]:
            yield ("excluded", place), f"{excluded.operation} is covered by a stream"


def _find_unknown_names(platform: Platform) -> Iterator[Finding]:
    streams = {one.name for one in platform.streams}
    budgets = {one.name for one in platform.budgets}
    for place, way in enumerate(platform.authentication):
        for name in way.budgets:
            if name not in budgets:
                yield ("authentication", place, "budgets"), f"no budget is named {name!r}"
    for trail, name in _name_streams(platform):
        if name not in streams:
            yield trail, f"no stream is named {name!r}"
    for trail, paging in _name_pagings(platform):
        if isinstance(paging, str) and paging not in platform.paging:
            yield trail, f"no way of paging is named {paging!r}"


def _name_streams(platform: Platform) -> Iterator[Finding]:
    for place, stream in enumerate(platform.streams):
        if stream.parent:
            yield ("streams", place, "parent", "stream"), stream.parent.stream
        for name, fact in stream.fields.items():
            if fact.refers_to:
                yield ("streams", place, "fields", name, "refers_to"), fact.refers_to
        if isinstance(stream.restore, Recreate):
            for name in stream.restore.after:
                yield ("streams", place, "restore", "after"), name
    for place, feed in enumerate(platform.feeds):
        for number, one in enumerate(feed.streams):
            yield ("feeds", place, "streams", number, "stream"), one.stream


def _name_pagings(platform: Platform) -> Iterator[tuple[Trail, Any]]:
    for place, stream in enumerate(platform.streams):
        yield ("streams", place, "paging"), stream.paging
        if stream.deleted:
            yield ("streams", place, "deleted", "paging"), stream.deleted.paging
    for place, feed in enumerate(platform.feeds):
        yield ("feeds", place, "paging"), feed.paging


def _find_unused(platform: Platform) -> Iterator[Finding]:
    settings = {one.name for _, one in _find_placeholders(platform) if one.kind == "setting"}
    for place, setting in enumerate(platform.settings):
        if setting.name not in settings:
            yield ("settings", place), f"nothing uses the setting {setting.name!r}"
    pagings = {paging for _, paging in _name_pagings(platform) if isinstance(paging, str)}
    for name in platform.paging:
        if name not in pagings:
            yield ("paging", name), "no list uses this way of paging"
    ways = [set(way.budgets) for way in platform.authentication]
    for place, budget in enumerate(platform.budgets):
        if all(ways) and not any(budget.name in way for way in ways):
            yield ("budgets", place), f"no way of authentication uses the budget {budget.name!r}"
    fed = {one.stream for feed in platform.feeds for one in feed.streams}
    lending = {one.parent.stream for one in platform.streams if one.parent}
    for place, stream in enumerate(platform.streams):
        for name, said in _find_idle(stream, fed=stream.name in fed, lends=stream.name in lending):
            if name in stream.model_fields_set:
                yield ("streams", place, name), said


def _find_idle(stream: Stream, *, fed: bool, lends: bool) -> Iterator[tuple[str, str]]:
    since = stream.since
    changing = fed or (since is not None and since.sees == "changed")
    if since is not None and since.sees == "created" and not fed and stream.slices is None:
        yield "since", "it sees new records only, and no feed tells of changes: it has no effect"
    if not changing:
        yield "full_every", "all is listed each time anyway: it has no effect"
    if not (stream.parent or stream.slices or fed):
        yield "concurrent", "its requests follow each other: it has no effect"
    if not (fed or lends or stream.deleted):
        yield (
            "one",
            "no feed, no child and no list of deletions asks for it: it has no effect",
        )


def _find_misplaced(platform: Platform) -> Iterator[Finding]:
    settings = {one.name for one in platform.settings}
    parents = {
        place: {".".join(field) for field in stream.parent.fields} if stream.parent else set()
        for place, stream in enumerate(platform.streams)
    }
    for trail, one in _find_placeholders(platform):
        if one.kind == "setting" and one.name not in settings:
            yield trail, f"no setting is named {one.name!r}"
        if one.kind == "parent":
            known = parents[int(trail[1])] if trail[0] == "streams" else set()
            if one.name not in known:
                yield trail, f"its parent lends no field {one.name!r} (`parent.fields`)"
        writes = trail[0] == "streams" and len(trail) > 2 and trail[2] in ("one", "restore")
        reads_again = not {"written", "wrapped", "until_wrapped", "paging"}.isdisjoint(trail)
        if one.kind == "record" and not (writes or reads_again):
            yield trail, "there is no record here yet to take a field from"
    fed = {one.stream: place for place, feed in enumerate(platform.feeds) for one in feed.streams}
    for place, stream in enumerate(platform.streams):
        if stream.name in fed and stream.one is None:
            yield ("streams", place), "a feed names records of it: it needs a request `one`"
        if stream.slices and not (stream.since and stream.since.until):
            yield ("streams", place, "slices"), "slices need a `since` with an `until`"


def _find_circles(platform: Platform) -> Iterator[Finding]:
    parents = {one.name: one.parent.stream for one in platform.streams if one.parent}
    for place, stream in enumerate(platform.streams):
        seen, name = {stream.name}, parents.get(stream.name)
        while name is not None and name not in seen:
            seen.add(name)
            name = parents.get(name)
        if name == stream.name:
            yield ("streams", place, "parent"), "it is its own parent, by way of others"


def _find_placeholders(platform: Platform) -> Iterable[tuple[Trail, Placeholder]]:
    return ((trail, one) for trail, text in _find_texts(platform, ()) for one in text.placeholders)


def _find_texts(value: Any, trail: Trail) -> Iterator[tuple[Trail, Text]]:
    if isinstance(value, Text):
        yield trail, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _find_texts(getattr(value, name), (*trail, name))
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _find_texts(one, (*trail, str(name)))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from _find_texts(one, (*trail, place))
