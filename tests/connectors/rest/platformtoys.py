"""Platforms that say what a test tells them to, in played time; and sources that ask them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

import pytest

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.budgets import Budgets, Owner
from listbackup.connectors.rest.models.budgets import Budget, Failures
from listbackup.connectors.rest.requester import PATIENCE, Requester
from listbackup.connectors.rest.transport import Request, Response, TransportError
from listbackup.errors import ListbackupError
from listbackup.events import Event, Waited
from listbackup.retry import Patience
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.paces import PlayedPace

Reply = Response | TransportError
JSON = {"content-type": "application/json"}
FINE = Response(200, JSON, b'{"data": []}')
GET = Request("GET", "https://api.example.com/v1/things?key=s3cret", operation="GET /v1/things")


def failing(status: int, body: bytes = b"{}", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {**JSON, **named}, body)


@dataclass
class Played:
    """A transport that replies by a script, or by a function of the request; notes each call."""

    pace: PlayedPace
    script: Iterator[Reply] | Callable[[Request], Awaitable[Reply]]
    calls: list[tuple[float, Request]] = field(default_factory=list)
    closed: bool = False

    async def send(self, request: Request) -> Response:
        self.calls.append((self.pace.monotonic(), request))
        if callable(self.script):
            reply = await self.script(request)
        else:
            reply = next(self.script)
        if isinstance(reply, TransportError):
            raise reply
        return reply

    async def close(self) -> None:
        self.closed = True

    @property
    def times(self) -> list[float]:
        return [moment for moment, _ in self.calls]


@dataclass
class Key:
    """An authorizer with so many fresh keys up its sleeve."""

    fresh: int = 0
    number: int = 0

    async def authorize(self, request: Request) -> Request:
        return replace(request, headers={"authorization": f"Bearer s3cret{self.number}"})

    async def refused(self, response: Response, asked: Request) -> bool:
        self.number += 1
        return self.number <= self.fresh


@dataclass
class Stand:
    """A process with its budgets, in played time."""

    pace: PlayedPace = field(default_factory=PlayedPace)
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy(7))
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budgets = Budgets(self.pace, self.entropy)

    def transport(self, script: Iterator[Reply] | Callable[[Request], Awaitable[Reply]]) -> Played:
        return Played(self.pace, script)

    def requester(
        self,
        transport: Played,
        *,
        key: Key | None = None,
        budgets: tuple[Budget, ...] = (),
        failures: Failures = Failures(),  # noqa: B008
        patience: Patience = PATIENCE,
        source: str = "shop",
        clean: Callable[[str], str] = str,
    ) -> Requester:
        owner = Owner("demo", "app", source, source, source)
        line = self.budgets.open(owner, budgets, title="Demo", emit=self.events.append)
        return Requester(
            transport,
            key or Key(),
            line,
            failures,
            pace=self.pace,
            entropy=self.entropy,
            source=source,
            patience=patience,
            emit=self.events.append,
            clean=clean,
        )

    @property
    def waits(self) -> list[Waited]:
        return [event for event in self.events if isinstance(event, Waited)]


def scripted(stand: Stand, *replies: Reply, then: Reply | None = None) -> Played:
    """Give a transport that replies so, one after the other, and then the same for ever."""
    script: Iterator[Reply] = iter(replies) if then is None else chain(replies, repeat(then))
    return stand.transport(script)


def is_fine(stand: Stand, transport: Played, **how: object) -> Response:
    """Ask for the things, and give the answer."""
    return asyncio.run(stand.requester(transport, **how).ask(GET))  # type: ignore[arg-type]


def is_refused(stand: Stand, transport: Played, **how: object) -> Refused:
    """Ask for the things, and give the refusal: it names its source and what was asked."""
    with pytest.raises(Refused) as caught:
        is_fine(stand, transport, **how)
    error = caught.value
    assert error.subject == "shop"
    assert "GET /v1/things" in error.message
    assert str(error) == error.message
    tells_no_secret(error)
    return error


def tells_no_secret(error: ListbackupError) -> None:
    assert "s3cret" not in f"{error.message} {error.subject} {error.risk} {error.hint} {error.args}"
