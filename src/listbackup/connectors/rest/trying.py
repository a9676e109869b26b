"""A description tried against its platform: the first page of each list, read as a sync would.

What came is said of each list, and what speaks against its description. Nothing is kept.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from listbackup.connectors.rest.answers import Asker, Check, Refused
from listbackup.connectors.rest.bodies import check_json
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.fetching import Moments
from listbackup.connectors.rest.ground import Ground, name_properties
from listbackup.connectors.rest.inspection import order_by_parents
from listbackup.connectors.rest.lists import Lists
from listbackup.connectors.rest.models.streams import Parent, Stream
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.opening import open_requester
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.pages import cut_values, field_of
from listbackup.connectors.rest.parents import Lent
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import SourceError
from listbackup.events import Emit
from listbackup.host import Host
from listbackup.records.patterns import is_wanted
from listbackup.retry import Patience

PATIENCE = Patience(attempts=3, first=1.0, longest=10.0, total=60.0)
"""Somebody waits for the answer."""
PARENTS = 3
"""Of so many records of a parent a list is tried, until one has something in it."""
_NAMES = 12
_MOMENT = 0.1

Standing = Literal["read", "empty", "skipped", "not permitted", "failed"]


@dataclass(frozen=True, slots=True)
class TriedList:
    """What came of one list. `records` are those of its first page (of several parents together),
    all of them with the key `key`; `more`: a next page was found. `problems` say what speaks
    against the description, or why nothing came."""

    name: str
    request: str
    standing: Standing
    records: int
    key: tuple[str, ...]
    more: bool
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Trial:
    """What is known so far: the first records of each list."""

    ground: Ground
    last: "_Recorded"
    first: dict[str, Sequence[bytes]] = field(default_factory=dict)


async def try_lists(
    connection: Connection, host: Host, emit: Emit, include: tuple[str, ...] = ()
) -> list[TriedList]:
    """Ask for a page of each list, or of those that `include` names, and of their parents. Raises
    AuthError, RateLimited; what one list lacks is said of it."""
    requester = open_requester(connection, emit, host.entropy, PATIENCE)
    now = connection.pace.now()
    tried: dict[str, TriedList] = {}
    firsts: dict[str, Sequence[bytes]] = {}
    streams = connection.platform.streams
    wanted = [one.name for one in streams if is_wanted(one.name, include, ())]
    try:
        for level in order_by_parents(streams, wanted):
            works = []
            for spec in level:
                last = _Recorded(requester)
                ground = Ground(
                    connection.platform,
                    connection.base_url,
                    connection.settings,
                    last,
                    _Hasty(connection.pace),
                    now,
                    now,
                )
                works.append(_try(_Trial(ground, last, firsts), spec))
            tried |= {one.name: one for one in await asyncio.gather(*works)}
    finally:
        await requester.close()
    return [tried[one.name] for one in streams if one.name in tried]


class _Hasty:
    """Time in which nobody waits long for a page that lacks something to be better."""

    def __init__(self, pace: Pace) -> None:
        self.now = pace.now
        self.monotonic = pace.monotonic
        self._sleep = pace.sleep

    async def sleep(self, seconds: float) -> None:
        """Wait a moment."""
        await self._sleep(min(seconds, _MOMENT))


class _Recorded:
    """Asks, and keeps the last answer, right or wrong."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self.response = Response(0)

    async def ask(self, request: Request, check: Check = check_json) -> Response:
        """Ask. Raises what asking raises."""

        def look(response: Response) -> None:
            self.response = response
            check(response)

        return await self._asker.ask(request, look)


async def _try(trial: _Trial, spec: Stream) -> TriedList:
    notes, records, more = Notes(), list[bytes](), False
    request = f"{spec.request.method} {spec.request.path.written}"
    key = tuple(".".join(path) for path in spec.key)
    lents = _lend(trial, spec.parent)
    if not lents:
        parent = spec.parent.stream if spec.parent else ""
        why = f"{parent} has no record to ask for it with"
        return TriedList(spec.name, request, "skipped", 0, key, False, (why,))
    try:
        for lent in lents:
            page, goes_on = await _read_page(trial.ground, spec, lent, notes)
            records += page
            more = more or goes_on
            if records or notes.reason or notes.aside:
                break
    except Refused as error:
        allowed = spec.optional and error.means in ("forbidden", "missing")
        standing: Standing = "not permitted" if allowed else "failed"
        problems = (error.message, *_describe_answer(trial.last.response, spec, error))
        return TriedList(spec.name, request, standing, 0, key, False, problems)
    except SourceError as error:
        return TriedList(spec.name, request, "failed", 0, key, False, (error.message,))
    trial.first[spec.name] = records
    problems = tuple(notes.doubts)
    if notes.lacking:
        problems += (f"{notes.lacking} of its records could not be read: {notes.why_lacking}",)
        problems += tuple(_name_fields(trial.last.response, spec))
    problems += tuple(dict.fromkeys(notes.aside.values()))
    standing = "failed" if problems else "read" if records else "empty"
    return TriedList(spec.name, request, standing, len(records), key, more, problems)


def _lend(trial: _Trial, parent: Parent | None) -> list[Lent | None]:
    """Give the first records of the parent; of a list without one a single nothing."""
    if parent is None:
        return [None]
    records = trial.first.get(parent.stream, ())
    fitting = [one for one in records if not parent.where or field_of(one, parent.where) is True]
    return [
        Lent({".".join(path): field_of(one, path) for path in parent.fields})
        for one in fitting[:PARENTS]
    ]


async def _read_page(
    ground: Ground, spec: Stream, lent: Lent | None, notes: Notes
) -> tuple[list[bytes], bool]:
    """Read until something came; say whether there is more."""
    lists = Lists(ground, spec, 0, notes, Moments(), SeenKeys())
    values = lent.values if lent else {}
    lists.parameters = dict(await name_properties(ground, spec, values))
    records: list[bytes] = []
    async with aclosing(lists.read(None, None, lent)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            pairs = zip(batch.page.records, batch.fresh, strict=True)
            records += [record for record, fresh in pairs if fresh]
            if batch.place is not None and (batch.page.records or not batch.page.whole):
                return records, True
    return records, False


def _describe_answer(response: Response, spec: Stream, error: Refused) -> list[str]:
    """Say what stands in an answer that is none by the description."""
    if error.status >= 400 or not response.body:
        return []
    try:
        fields = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    named = _join(list(fields))
    where = ".".join(spec.records) or "its top"
    return [f"records are looked for at {where}; the answer has: {named}"]


def _name_fields(response: Response, spec: Stream) -> list[str]:
    """Name what the first record has, where it lacks its key."""
    for value in (cut_values(response.body, spec.records) or [])[:1]:
        try:
            return [f"a record has: {_join(list(msgspec.json.decode(value, type=dict)))}"]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            break
    return []


def _join(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(one[:60] for one in names[:_NAMES]) + more
