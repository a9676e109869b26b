"""A list that changes while it is read, and a platform that pages through it in any way."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from listbackup.connectors.rest.answers import Check, Refused
from listbackup.connectors.rest.bodies import Unreadable, check_json
from listbackup.connectors.rest.transport import Request, Response

Record = dict[str, Any]


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
