"""Asks a sandbox, and a clock that stands until it is set."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.breaking import Answer, Breaker
from listbackup.sandbox.platforms.stripe.application import StripeSandbox

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOST = "https://api.stripe.com"


class Clock:
    """Stands still until `advance`."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Asked:
    """A response with its body read."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self.raw = response.body

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def ids(self) -> list[str]:
        return [one["id"] for one in self.body["data"]]

    @property
    def error(self) -> dict[str, str]:
        assert self.status >= 400
        return dict(self.body["error"])


class Asker:
    """Asks a Stripe sandbox with a key; the clock goes on a twentieth of a second each time."""

    def __init__(self, clock: Clock, stripe: StripeSandbox) -> None:
        self.clock = clock
        self.stripe = stripe
        self.key = stripe.key
        self.breaker = Breaker(stripe)

    def request(
        self,
        method: str,
        path: str,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        given = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        body = urlencode(form, doseq=True).encode() if form else b""
        return Request(method, HOST + path, given, body)

    def get(self, path: str, **headers: str) -> Asked:
        self.clock.advance(0.05)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Asked(self.stripe.handle(self.request("GET", path, None, named)))

    def post(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> Asked:
        self.clock.advance(0.05)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Asked(self.stripe.handle(self.request("POST", path, form or {}, named)))

    def delete(self, path: str) -> Asked:
        self.clock.advance(0.05)
        return Asked(self.stripe.handle(self.request("DELETE", path)))

    def broken(self, path: str) -> Answer:
        """Ask as a transport does: with the dial's faults."""
        self.clock.advance(0.05)
        return self.breaker.answer(self.request("GET", path))

    def pages(self, path: str, limit: int = 100) -> list[dict[str, Any]]:
        """Read a list to its end."""
        joint = "&" if "?" in path else "?"
        found: list[dict[str, Any]] = []
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self.get(f"{path}{joint}limit={limit}{after}")
            assert page.status == 200, page.raw
            found += page.body["data"]
            if not page.body["has_more"]:
                return found
