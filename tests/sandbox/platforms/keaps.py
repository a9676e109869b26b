"""A Keap of our own for tests: on a clock that stands until it is told to go on."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.keap import Keap, Tenant
from listbackup.sandbox.platforms.keap.filling import Amounts, fill

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
BASE = "https://api.keap.com/crm/rest/v2"
SMALL = Amounts(contacts=60, companies=7, subscriptions=9, opportunities=9)


class StandingWatch:
    """Time that stands still."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def go_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Desk:
    """A platform, one tenant of it, and somebody who asks with a key, patient enough for it."""

    watch: StandingWatch = field(default_factory=StandingWatch)
    keap: Keap = field(init=False)
    tenant: Tenant = field(init=False)
    headers: dict[str, str] = field(init=False)
    patient: bool = True

    def __post_init__(self) -> None:
        self.keap = Keap(self.watch, 1)
        self.tenant = self.keap.add_tenant("acme")
        self.headers = {"X-Keap-API-Key": self.keap.issue_key("acme")}

    def send(self, method: str, path: str, body: object = None, **query: object) -> Response:
        if self.patient:
            self.watch.go_on(1)
        data = b"" if body is None else json.dumps(body).encode()
        url = f"{BASE}{path}" + (f"?{urlencode(query)}" if query else "")
        return self.keap.handle(Request(method, url, self.headers, data))

    def get(self, path: str, **query: object) -> Any:
        response = self.send("GET", path, **query)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def post(self, path: str, body: object, **query: object) -> Any:
        response = self.send("POST", path, body, **query)
        assert response.status in {200, 201}, response.body
        return json.loads(response.body)

    def refused(self, method: str, path: str, body: object = None, **query: object) -> str:
        """The status and the message of a request that is refused."""
        response = self.send(method, path, body, **query)
        answer = json.loads(response.body)
        assert answer["code"] == response.status
        return f"{response.status} {answer['message']}"

    def walk(self, path: str, within: str, **query: object) -> list[list[Any]]:
        """All pages of a list."""
        pages, token = [], None
        while token != "":
            answer = self.get(path, **query, **({"page_token": token} if token else {}))
            pages.append(answer[within])
            token = answer["next_page_token"]
        return pages


def open_desk(amounts: Amounts | None = SMALL) -> Desk:
    """Open a filled account; None leaves it empty."""
    desk = Desk()
    if amounts is not None:
        fill(desk.tenant, 1, amounts)
    return desk


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]
