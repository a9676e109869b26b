"""`connector ...`: what a platform's description says: streams, what comes back, what is wrong.

Reads descriptions only; asks no platform.
"""

from dataclasses import dataclass
from typing import Any

from listbackup.connectors.rest.loading import Mistaken, list_platforms, load_platform
from listbackup.connectors.rest.models.authentication import Authentication
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Feed, Stream
from listbackup.connectors.rest.models.writing import ArchiveOnly


@dataclass(frozen=True, slots=True)
class ConnectorLine:
    """One platform that can be backed up."""

    name: str
    title: str
    version: str
    streams: int


@dataclass(frozen=True, slots=True)
class WayShown:
    """One way to prove who one is, and which requests a person may make with it."""

    name: str
    title: str
    kind: str
    budgets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamShown:
    """One list of a platform: how it is asked for, which changes are seen without listing all,
    how deletes are seen, and what a restore can do (`restorable`, `new id`, `archive only`);
    `never_back` names what does not come back, `caution` what to know before."""

    name: str
    request: str
    key: tuple[str, ...]
    parent: str | None
    changes: str
    deletes: str
    restore: str
    never_back: tuple[str, ...]
    caution: str


@dataclass(frozen=True, slots=True)
class ConnectorShown:
    """A whole platform."""

    name: str
    title: str
    version: str
    base_url: str
    settings: tuple[str, ...]
    ways: tuple[WayShown, ...]
    streams: tuple[StreamShown, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectorChecked:
    """What is wrong with a description; nothing where it is sound."""

    file: str
    sound: bool
    mistakes: tuple[str, ...]
    name: str | None
    streams: int


def list_connectors() -> list[ConnectorLine]:
    """Name the platforms that come with the product."""
    found = [load_platform(name) for name in list_platforms()]
    return [ConnectorLine(one.platform, one.title, one.version, len(one.streams)) for one in found]


def show_connector(named: str) -> ConnectorShown:
    """Say what a platform's description says. Raises UsageError."""
    platform = load_platform(named)
    return ConnectorShown(
        name=platform.platform,
        title=platform.title,
        version=platform.version,
        base_url=platform.base_url.written,
        settings=tuple(f"{one.name}: {one.title}" for one in platform.settings),
        ways=tuple(_show_way(platform, one) for one in platform.authentication),
        streams=tuple(_show_stream(platform, one) for one in platform.streams),
        excluded=tuple(f"{one.operation}: {one.why}" for one in platform.excluded),
    )


def check_connector(file: str) -> ConnectorChecked:
    """Look for what is wrong with a description. Raises UsageError for a file that is not
    there."""
    try:
        platform = load_platform(file)
    except Mistaken as error:
        return ConnectorChecked(file, False, error.mistakes, None, 0)
    return ConnectorChecked(file, True, (), platform.platform, len(platform.streams))


def make_schema() -> dict[str, Any]:
    """Give the JSON Schema of a platform's YAML, for editors."""
    schema = Platform.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _show_way(platform: Platform, way: Authentication) -> WayShown:
    wanted = way.budgets or tuple(one.name for one in platform.budgets)
    budgets = [
        f"{window.requests:,} {one.title} in {_write_span(window.within)}"
        for one in platform.budgets
        if one.name in wanted
        for window in one.windows
    ]
    return WayShown(way.name, way.title, way.kind, tuple(budgets))


def _show_stream(platform: Platform, stream: Stream) -> StreamShown:
    returns, never_back, caution = _say_restore(stream)
    return StreamShown(
        name=stream.name,
        request=f"{stream.request.method} {stream.request.path.written}",
        key=tuple(".".join(path) for path in stream.key),
        parent=stream.parent.stream if stream.parent else None,
        changes=_say_changes(platform, stream),
        deletes=_say_deletes(platform, stream),
        restore=returns,
        never_back=never_back,
        caution=caution,
    )


def _say_restore(stream: Stream) -> tuple[str, tuple[str, ...], str]:
    restore = stream.restore
    if isinstance(restore, ArchiveOnly):
        return "archive only", (), restore.why
    lost = (name for name, fact in stream.fields.items() if not fact.returns)
    returns = "new id" if restore.id == "new" else "restorable"
    return returns, (*restore.never_back, *lost), restore.caution


def _say_changes(platform: Platform, stream: Stream) -> str:
    feeds = [one.name for one in platform.feeds if stream.name in _streams_of(one)]
    if feeds:
        return f"read again when {feeds[0]} speak of it"
    if stream.since is not None and stream.since.sees == "changed":
        return f"asked for by {stream.since.param}"
    if stream.parent is not None and stream.parent.when == "changed":
        return f"read again with its {stream.parent.stream}"
    return "all is listed each time"


def _say_deletes(platform: Platform, stream: Stream) -> str:
    whole = f"by listing all every {_write_span(stream.full_every)}"
    if any(stream.name in _streams_of(one) and one.deleted for one in platform.feeds):
        return f"by events, and {whole}"
    if stream.deleted is not None:
        return f"by the list of deleted ones, and {whole}"
    if _say_changes(platform, stream) == "all is listed each time":
        return "at once, by listing all"
    return whole


def _streams_of(feed: Feed) -> set[str]:
    return {one.stream for one in feed.streams}


def _write_span(seconds: int) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}s" if count > 1 else f"a {unit}" if unit != "hour" else "an hour"
    return f"{seconds} seconds" if seconds > 1 else "a second"
