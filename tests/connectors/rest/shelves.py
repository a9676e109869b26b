"""A list that changes while it is read, and a platform that pages through it in any way."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter

from listbackup.connectors.rest.answers import Check, Doubtful, Refused
from listbackup.connectors.rest.bodies import Unreadable, check_json
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.listing import list_records
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.pages import Cutter
from listbackup.connectors.rest.transport import Request, Response
from listbackup.testing.paces import PlayedPace

Record = dict[str, Any]
SIZED: dict[str, dict[str, Any]] = {
    "cursor": {"kind": "cursor", "token": "next", "param": "cursor", "more": "more"},
    "after_key": {"kind": "after_key", "param": "after", "more": "more"},
    "page_number": {"kind": "page_number", "param": "page"},
    "offset": {"kind": "offset", "param": "offset"},
    "link_header": {"kind": "link_header"},
    "next_url": {"kind": "next_url", "url": "next"},
    "keyset": {"kind": "keyset", "field": "at", "param": "from"},
    "keyset_beyond": {"kind": "keyset", "field": "at", "param": "from", "inclusive": False},
    "search_after": {"kind": "search_after", "field": "sort", "param": "after"},
}
"""Every way of paging that goes with a size."""


@dataclass
class Shelf:
    """Records in their order. `before` is called before each request, with its number."""

    kind: str
    records: list[Record]
    order: Callable[[Record], Any] = lambda record: record["id"]
    newest_first: bool = False
    capped: int = 10_000
    before: Callable[[int], None] = lambda number: None
    spoil: Callable[[int, Request, Response], Response] = lambda number, request, answer: answer
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Answer one request for a page."""
        self.before(len(self.asked))
        self.asked.append(request)
        query = dict(parse_qsl(urlsplit(request.url).query))
        query |= json.loads(request.body) if request.body else {}
        return self.spoil(len(self.asked) - 1, request, self._answer(query))

    def listed(self) -> list[Record]:
        """Give the records in the platform's order."""
        return sorted(self.records, key=self.order, reverse=self.newest_first)

    def _answer(self, query: dict[str, Any]) -> Response:
        listed = self.listed()
        size = min(int(query.get("limit", 100)), self.capped)
        headers: dict[str, str] = {}
        page: dict[str, Any] = {}
        match self.kind:
            case "one_page":
                listed, size = listed, len(listed)
            case "cursor" | "link_header" | "next_url":
                if "cursor" in query:
                    listed = [
                        one for one in listed if self._rank(one) > json.loads(query["cursor"])
                    ]
            case "after_key":
                if "after" in query:
                    known = [one for one in listed if str(one["id"]) == query["after"]]
                    if not known:
                        return Response(400, {}, b'{"message": "No such record"}')
                    listed = listed[listed.index(known[0]) + 1 :]
            case "page_number":
                listed = listed[(int(query.get("page", 1)) - 1) * size :]
            case "offset":
                listed = listed[int(query.get("offset", 0)) :]
            case "keyset":
                if "from" in query:
                    least = int(query["from"])
                    listed = [one for one in listed if self.order(one) >= least]
            case "keyset_beyond":
                if "from" in query:
                    least = int(query["from"])
                    listed = [one for one in listed if self.order(one) > least]
            case "search_after":
                listed = [{**one, "sort": self._rank(one)} for one in listed]
                if "after" in query:
                    listed = [one for one in listed if one["sort"] > query["after"]]
        given = listed[:size]
        more = len(listed) > size
        token = json.dumps(self._rank(given[-1])) if given and more else None
        match self.kind:
            case "cursor":
                page |= {"next": token, "more": more}
            case "after_key":
                page |= {"more": more}
            case "link_header" if token:
                url = f"https://shelf.example/list?limit={size}&cursor={token}"
                headers["link"] = f'<https://shelf.example/>; rel="first", <{url}>; rel="next"'
            case "next_url" if token:
                page["next"] = f"?limit={size}&cursor={token}"
        body = json.dumps({**page, "total": len(self.records), "data": given})
        return Response(200, headers, body.encode())

    def _rank(self, record: Record) -> list[Any]:
        rank = [self.order(record), record["id"]]
        return [-one for one in rank] if self.newest_first else rank


class PlainAsker:
    """Asks once; what is no answer is asked for three times."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer

    async def ask(self, request: Request, check: Check = check_json) -> Response:
        for _ in range(3):
            response = self._answer(request)
            if response.status == 404:
                raise Refused("missing", "there is no such thing", 404)
            if response.status == 403:
                raise Refused("forbidden", "not allowed", 403)
            if response.status >= 500:
                continue
            if response.status >= 400:
                raise Refused("invalid", response.body.decode(), response.status)
            try:
                check(response)
            except Unreadable:
                continue
            return response
        raise Refused("transient", "no answer", 500)


def make_paging(kind: str, size: int, **more: Any) -> Any:
    """Describe a way of paging, as it is loaded."""
    told = {**SIZED[kind], "size": {"param": "limit", "value": size}, **more}
    return TypeAdapter(Paging).validate_python(told)


def make_listing(shelf: Shelf) -> Listing:
    """Make what lists a shelf."""
    body: dict[str, Any] | None = {} if shelf.kind == "search_after" else None
    draft = Draft("POST" if body is not None else "GET", "https://shelf.example/list", body=body)
    return Listing(PlainAsker(shelf.answer), PlayedPace(), draft, Cutter(("data",), ("id",)))


def read(shelf: Shelf, paging: Any, place: Any = None) -> tuple[list[Record], str, list[Any]]:
    """Read a list; give what came, why it may not be all, and the places on the way."""
    listing = make_listing(shelf)
    found: list[Record] = []
    places: list[Any] = []

    async def run() -> str:
        try:
            async for batch in list_records(listing, paging, place):
                found.extend(json.loads(one) for one in batch.page.records)
                places.append(batch.place)
        except Doubtful as doubt:
            return str(doubt)
        return listing.notes.reason

    return found, asyncio.run(run()), places


def make_records(count: int, start: int = 1) -> list[Record]:
    """Make records, three of them at each moment."""
    return [{"id": n, "at": 1000 + n // 3} for n in range(start, start + count)]
