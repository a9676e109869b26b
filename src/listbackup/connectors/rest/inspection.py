"""What a backup of a platform would find: whose account it is, and one record of each stream.

Whether a stream may be read is known only by asking: each is asked for its first record, a child
with the first record of its parent. Nothing is kept.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from listbackup.connectors import ReadOptions
from listbackup.connectors.inspections import FoundStream, Inspection
from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.filling import Draft, draft
from listbackup.connectors.rest.models.pagination import OnePage, Paging
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.models.streams import Request, Stream
from listbackup.connectors.rest.opening import Account, identify, open_requester
from listbackup.connectors.rest.pages import Cutter, Page, field_of, look
from listbackup.connectors.rest.parents import write_front
from listbackup.connectors.rest.requester import Requester
from listbackup.connectors.rest.shapes import Shape
from listbackup.connectors.rest.transport import Response
from listbackup.errors import SourceError
from listbackup.events import Emit
from listbackup.host import Host
from listbackup.records import Declared, Identity, Unread
from listbackup.records.patterns import is_wanted


def inspect(connection: Connection, options: ReadOptions, host: Host, emit: Emit) -> Inspection:
    """Ask and look; tells of waits. Raises AuthError, SourceError, RateLimited."""
    return asyncio.run(_inspect(connection, options, host, emit))


@dataclass(slots=True)
class _Looking:
    """What was found so far; `first` has the first record of each stream that has one."""

    connection: Connection
    requester: Requester
    first: dict[str, bytes] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


async def _inspect(
    connection: Connection, options: ReadOptions, host: Host, emit: Emit
) -> Inspection:
    requester = open_requester(connection, emit, host.entropy)
    platform = connection.platform
    wanted = [
        one for one in platform.streams if is_wanted(one.name, options.include, options.exclude)
    ]
    try:
        account = await identify(connection, requester)
        looking = _Looking(connection, requester)
        for level in order_by_parents(platform.streams, [one.name for one in wanted]):
            await asyncio.gather(*(_look_at(looking, one) for one in level))
        left = requester.describe_budgets()
    finally:
        await requester.close()
    names = [one.name for one in wanted]
    return Inspection(
        url=connection.masked,
        identity=name_identity(connection, account),
        bytes=0,
        streams=tuple(
            FoundStream(name, looking.totals.get(name, 0), 0)
            for name in names
            if name not in looking.unread and name not in looking.absent
        ),
        excluded=tuple(one.name for one in platform.streams if one.name not in names),
        unread=tuple(Unread(one, looking.unread[one]) for one in names if one in looking.unread),
        declared=tuple(
            Declared("not permitted", one, looking.absent[one].rstrip("."))
            for one in names
            if one in looking.absent
        ),
        warnings=(),
        user=account.shown if account else "",
        encrypted=connection.base_url.startswith("https:"),
        budgets=tuple(left),
    )


def name_identity(connection: Connection, account: Account | None) -> Identity:
    """Say which source this is: the platform, where it is, and whose account of it."""
    platform = connection.platform
    named = account.id if account else connection.database
    return Identity(
        platform.platform, connection.host, named, f"{platform.title} {platform.version}"
    )


def order_by_parents(streams: Iterable[Stream], names: list[str]) -> list[list[Stream]]:
    """Give the streams that are to be asked for, parents before their children, in levels."""
    known = {one.name: one for one in streams}
    needed = set(names)
    for name in names:
        parent = known[name].parent
        while parent is not None:
            needed.add(parent.stream)
            parent = known[parent.stream].parent
    levels: list[list[Stream]] = []
    done: set[str] = set()
    while needed - done:
        level = [
            known[name]
            for name in known
            if name in needed - done and _has_parent_in(known[name], done)
        ]
        levels.append(level)
        done |= {one.name for one in level}
    return levels


def _has_parent_in(stream: Stream, done: set[str]) -> bool:
    return stream.parent is None or stream.parent.stream in done


async def _look_at(looking: _Looking, stream: Stream) -> None:
    values = _values(looking, stream)
    if values is None:
        return
    try:
        response = await _ask_for_one(looking, stream, values)
        cutter = Cutter(
            stream.records,
            tuple(".".join(path) for path in stream.key),
            write_front(stream.adds, values, {}),
            shape=Shape(stream.records_as, stream.map_key, stream.absent),
            heeds=looking.connection.platform.failures.signs == "heeded",
        )
        page = cutter.cut(response)
        if page.records:
            looking.first[stream.name] = page.records[0]
        await _count(looking, stream, page, values)
    except Refused as error:
        if stream.optional and error.means in ("forbidden", "missing"):
            looking.absent[stream.name] = error.message
        else:
            looking.unread[stream.name] = error.message
    except SourceError as error:
        looking.unread[stream.name] = error.message


async def _ask_for_one(
    looking: _Looking, stream: Stream, values: dict[Placeholder, str]
) -> Response:
    """Ask for a page of one record, or, where the platform wants pages to be larger, of many."""
    asked = _draft(looking, stream.request, values)
    small = _tell_size(looking, stream, asked, smallest=True)
    try:
        return await looking.requester.ask(small.finish())
    except Refused as refused:
        usual = _tell_size(looking, stream, asked, smallest=False)
        if refused.means != "invalid" or usual == small:
            raise
        return await looking.requester.ask(usual.finish())


def _values(looking: _Looking, stream: Stream) -> dict[Placeholder, str] | None:
    """Give what stands in the request; None where there is no record of the parent."""
    connection = looking.connection
    values = {Placeholder("setting", name): one for name, one in connection.settings.items()}
    if stream.parent is None:
        return values
    record = looking.first.get(stream.parent.stream)
    if record is None:
        return None
    for path in stream.parent.fields:
        value = field_of(record, path)
        values[Placeholder("parent", ".".join(path))] = "" if value is None else str(value)
    return values


def _draft(looking: _Looking, request: Request, values: dict[Placeholder, str]) -> Draft:
    connection = looking.connection
    return draft(connection.base_url, connection.platform.headers, request, values, connection.name)


def _tell_size(looking: _Looking, stream: Stream, asked: Draft, *, smallest: bool) -> Draft:
    paging: Paging | str | None = stream.paging
    if isinstance(paging, str):
        paging = looking.connection.platform.paging[paging]
    if stream.properties is not None and stream.properties.names:
        joined = stream.properties.joined.join(stream.properties.names)
        asked = asked.tell({stream.properties.param: joined}, stream.properties.joined)
    if paging is None or isinstance(paging, OnePage):
        return asked
    if paging.size is None or not paging.size.param:
        return asked
    return asked.tell({paging.size.param: 1 if smallest else paging.size.value})


async def _count(
    looking: _Looking, stream: Stream, page: Page, values: dict[Placeholder, str]
) -> None:
    total = stream.total
    if total is None:
        return
    if total.request is not None:
        asked = _draft(looking, total.request, values)
        response = await looking.requester.ask(asked.finish())
        page = Page(response.body, response.headers, (), ())
    found = look(page, total.path)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        looking.totals[stream.name] = found
