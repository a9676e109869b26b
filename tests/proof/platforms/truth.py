"""What a platform would give to somebody who asks plainly, with all the time in the world.

An oracle for whole syncs: it follows each list of a description page by page, cuts records out by
hand and keeps their bytes. Shares with the connector the description and how a request is filled
in, and nothing of how lists are read.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from listbackup.connectors.rest.filling import Draft, draft
from listbackup.connectors.rest.models.pagination import (
    AfterKey,
    Cursor,
    Offset,
    OnePage,
    PageNumber,
)
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.transport import Request, Response

Ask = Callable[[Request], Response]
Lines = dict[str, bytes]
"""The lines of a stream by their key, as JSON."""
MOST_PAGES = 10_000
_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
_BREAK = re.compile(r"[\r\n][ \t\r\n]*")


@dataclass
class Truth:
    """Everything that a platform has: `streams` by name, but for those in `refused`."""

    platform: Platform
    base_url: str
    settings: Mapping[str, str]
    ask: Ask
    streams: dict[str, Lines] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def look(self) -> "Truth":
        """Ask for everything."""
        left = list(self.platform.streams)
        while left:
            stream = left.pop(0)
            if stream.parent and any(one.name == stream.parent.stream for one in left):
                left.append(stream)
                continue
            self.streams[stream.name] = dict(self._read(stream))
        return self

    def _read(self, stream: Stream) -> Iterator[tuple[str, bytes]]:
        for values, front in self._askings(stream):
            for record in self._list(stream, values):
                line = _BREAK.sub("", _put_in_front(record, front))
                yield find_key(json.loads(line), stream.key), line.encode()

    def _askings(self, stream: Stream) -> Iterator[tuple[dict[Placeholder, str], str]]:
        """Give, for each time that a list is asked for, what fills its request in, and what stands
        in front of its records."""
        if stream.parent is None:
            yield {}, ""
            return
        for line in self.streams[stream.parent.stream].values():
            record = json.loads(line)
            if stream.parent.where and find(record, stream.parent.where) is not True:
                continue
            fields = {".".join(path): find(record, path) for path in stream.parent.fields}
            values = {
                Placeholder("parent", name): value if isinstance(value, str) else json.dumps(value)
                for name, value in fields.items()
            }
            front = ""
            for name, text in stream.adds.items():
                only = text.placeholders[0].name
                value = fields[only] if f"{{parent.{only}}}" == text.written else text.fill(values)
                front += f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)},"
            yield values, front

    def _list(self, stream: Stream, values: dict[Placeholder, str]) -> Iterator[str]:
        settings = {Placeholder("setting", name): one for name, one in self.settings.items()}
        asked = draft(
            self.base_url,
            self.platform.headers,
            stream.request,
            {**settings, **values},
            stream.name,
        ).tell(self._name_fields(stream, settings))
        paging: Any = stream.paging or OnePage(kind="one_page")
        if isinstance(paging, str):
            paging = self.platform.paging[paging]
        size = getattr(paging, "size", None)
        if size is not None:
            asked = asked.tell({size.param: size.value})
        where: Draft | None = asked
        for number in range(MOST_PAGES):
            if where is None:
                return
            if isinstance(paging, PageNumber):
                where = where.tell({paging.param: paging.first + number})
            response = self.ask(where.finish())
            if response.status != 200:
                self.refused[stream.name] = response.status
                return
            text = response.body.decode()
            records = list(cut(text, stream.records))
            yield from records
            where = _go_on(asked, paging, json.loads(text), records, number)
        raise AssertionError(f"{stream.name} does not end")

    def _name_fields(
        self, stream: Stream, settings: Mapping[Placeholder, str]
    ) -> Mapping[str, object]:
        wanted = stream.properties
        if wanted is None:
            return {}
        names = list(wanted.names)
        if wanted.request is not None:
            asked = draft(
                self.base_url, self.platform.headers, wanted.request, settings, stream.name
            )
            page = find(json.loads(self.ask(asked.finish()).body), wanted.records)
            names += [wanted.prefix + find(one, wanted.name) for one in page]
        return {wanted.param: wanted.joined.join(names)}


def _go_on(
    asked: Draft, paging: object, page: Any, records: list[str], number: int
) -> Draft | None:
    match paging:
        case Cursor():
            token = find(page, paging.token)
            return asked.tell({paging.param: token}) if token else None
        case AfterKey():
            more = find(page, paging.more) and records
            last = find(json.loads(records[-1]), paging.field) if more else None
            return asked.tell({paging.param: last}) if more else None
        case PageNumber():
            return asked if records else None
        case Offset():
            at = (number + 1) * paging.size.value
            return asked.tell({paging.param: at}) if records else None
        case OnePage():
            return None
    raise AssertionError(paging)


def find(value: Any, path: tuple[str, ...]) -> Any:
    """Follow a path."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def find_key(record: Any, key: tuple[tuple[str, ...], ...]) -> str:
    """Give the key of a record."""
    return json.dumps([find(record, path) for path in key], ensure_ascii=False)


def cut(text: str, path: tuple[str, ...]) -> Iterator[str]:
    """Cut the values of the array at a path out of a JSON text, each as it is written."""
    at = _enter(text, path)
    assert text[at] == "[", text[at : at + 20]
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _enter(text: str, path: tuple[str, ...]) -> int:
    at = _skip(text, 0)
    for step in path:
        at = _skip(text, at + 1)
        while True:
            name, end = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, end) + 1)
            if name == step:
                break
            _, end = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, end) + 1)
    return at


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _put_in_front(record: str, front: str) -> str:
    if not front:
        return record
    empty = record[1:].lstrip().startswith("}")
    return "{" + (front[:-1] if empty else front) + record[1:]
