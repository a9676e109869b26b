"""A small platform whose pages are told by numbers and by offsets, on the sandbox's application.

Its description, `post.yaml`, is all that the connector knows of it.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.faults import Fault
from listbackup.sandbox.platforms.quotas import Quota, Window
from listbackup.sandbox.platforms.state import Account, Watch

_ROUTES = (
    ("GET", "/me", ""),
    ("GET", "/parcels", "parcels"),
    ("GET", "/parcels/{id}/scans", "scans"),
    ("GET", "/branches", "branches"),
    ("GET", "/rates", "rates"),
)
_PLACES = {"page", "skip"}


class Post(Application[str]):
    """The platform; `account` is what it holds."""

    def __init__(self, watch: Watch, seed: int = 0) -> None:
        super().__init__("post", watch, seed, _ROUTES)
        self.account = Account("post-1", watch, {"scans": ("parcel",)})
        self.keys: dict[str, set[str]] = {}
        self._quota = Quota([Window("second", 40, 1.0, sliding=True)])

    def add_key(self) -> str:
        """Add a key."""
        key = f"post-key-{self.dice.word(20)}"
        self.keys[key] = set()
        return key

    def fill(self, parcels: int, branches: int) -> None:
        """Have so many records that were there before anybody looked."""
        for number in range(1, parcels + 1):
            self.put_parcel(number, told=False)
            for scan in range(self.dice.below(4) * self.dice.below(8)):
                self.put_scan(number, scan)
        for number in range(1, branches + 1):
            value = {"id": f"b{number:04}", "name": f"Branch “{number}”", "open": number % 2 > 0}
            self.account.put("branches", f"b{number:04}", value, told=False)
        for number in range(5):
            self.account.put("rates", str(number), {"id": number, "rate": number / 8}, told=False)

    def put_parcel(self, number: int, *, told: bool = True) -> None:
        """Send a parcel, or change it."""
        value = {"id": number, "weight": self.dice.below(9000) / 7, "to": f"Ö {number}"}
        changed = int(self.now) - (0 if told else 86400)
        self.account.put("parcels", str(number), {**value, "changed": changed})

    def put_scan(self, parcel: int, number: int) -> None:
        """Scan a parcel somewhere; whoever does that changes the parcel, too."""
        value = {"number": number, "at": f"b{number:04}", "parcel_number": parcel}
        self.account.put("scans", f"{parcel}/{number}", {**value, "parcel": str(parcel)})

    def respond(self, call: Call[str]) -> Response:
        """Answer a request."""
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            return _write({"error": "who are you?"}, 401)
        verdict = self._quota.take(key, self.now)
        left = {"x-limit": "40", "x-left": str(verdict.standings[0].free)}
        if not verdict.allowed:
            return _write({"error": "too fast"}, 429, left)
        if call.operation in self.keys[key]:
            return _write({"error": "this is not for you"}, 403, left)
        if call.route is None:
            return _write({"error": "no such thing"}, 404, left)
        if call.path == "/me":
            return _write({"account": self.account.id}, 200, left)
        return self._list(call, call.route.target, left)

    def _list(self, call: Call[str], name: str, headers: Mapping[str, str]) -> Response:
        collection = self.account[name]
        if name == "scans":
            if call.parts["id"] not in self.account["parcels"]:
                return _write({"error": "no such parcel"}, 404, headers)
            found = collection.where("parcel", call.parts["id"]).oldest_first()
        else:
            found = collection.all.oldest_first()
        since = int(call.first("changed_since") or 0)
        values = [one.value for one in found if one.value.get("changed", 0) >= since]
        values = [{k: v for k, v in one.items() if k != "parcel"} for one in values]
        total = len(values)
        if call.first("page") is not None:
            size = int(call.first("per_page") or 10)
            at = (int(call.first("page") or 1) - 1) * size
            values = values[at : at + size]
        elif call.first("skip") is not None or call.first("take") is not None:
            at, size = int(call.first("skip") or 0), int(call.first("take") or 10)
            values = values[at : at + size]
        return _write({name: values, "total": total}, 200, headers)

    # --------------------------------------------------------------------------------- faults

    def throttle(self, call: Call[str], retry_after: str | None) -> Response:
        """Refuse a request as one too many."""
        hint = {} if retry_after is None else {"retry-after": retry_after}
        return _write({"error": "too fast"}, 429, hint)

    def boast(self, call: Call[str], response: Response) -> Response:
        """Let the headers of the rate limits say that everything is free."""
        return Response(response.status, {**response.headers, "x-left": "40"}, response.body)

    def fail(self, call: Call[str], status: int) -> Response:
        """Answer with an error of the server."""
        return _write({"error": "out of order"}, status)

    def spoil(self, call: Call[str], fault: Fault) -> bool:
        """Take the key back, or the right to this list."""
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            return False
        if fault is Fault.SCOPE_CUT:
            self.keys[key].add(call.operation)
        else:
            del self.keys[key]
        return True

    def items(self, call: Call[str], response: Response) -> list[dict[str, Any]] | None:
        """Give the records of a page."""
        if response.status != 200 or call.route is None or not call.route.target:
            return None
        items: list[dict[str, Any]] = json.loads(response.body)[call.route.target]
        return items

    def replace(self, call: Call[str], response: Response, items: list[dict[str, Any]]) -> Response:
        """Give the same page with other records."""
        assert call.route is not None
        page = {**json.loads(response.body), call.route.target: items}
        return Response(response.status, response.headers, _write(page).body)

    def following(self, call: Call[str], response: Response) -> Request | None:
        """Give the request for the page after this one."""
        if not self.items(call, response):
            return None
        if (page := call.first("page")) is not None:
            return _ask(call, {"page": str(int(page) + 1)})
        if (take := call.first("take")) is not None:
            return _ask(call, {"skip": str(int(call.first("skip") or 0) + int(take))})
        return None

    def first_page(self, call: Call[str]) -> Request:
        """Give the request for the first page."""
        return _ask(call, {name: "1" if name == "page" else "0" for name, _ in call.query} | {})

    def lose(self, call: Call[str], response: Response) -> bool:
        """Delete the last record of a page of parcels or branches."""
        items = self.items(call, response)
        if not items or call.route is None or call.route.target not in ("parcels", "branches"):
            return False
        id_ = str(items[-1]["id"])
        if id_ not in self.account[call.route.target]:
            return False
        self.account.drop(call.route.target, id_)
        return True


def _ask(call: Call[str], changed: Mapping[str, str]) -> Request:
    query = [
        (name, changed[name] if name in _PLACES else value) if name in changed else (name, value)
        for name, value in call.query
    ]
    query += [(name, value) for name, value in changed.items() if name not in dict(call.query)]
    address = call.request.url.partition("?")[0]
    request = call.request
    url = f"{address}?{urlencode(query)}" if query else address
    return Request(request.method, url, request.headers, request.body, request.operation)


def _write(page: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(page, ensure_ascii=False, indent=1).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body)
