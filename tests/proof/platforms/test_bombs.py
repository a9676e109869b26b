"""Answers without an end: bounded in memory and in time, and named."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.server import serve
from tests.proof.platforms.bombs import weigh
from tests.proof.platforms.kills import Hurried, Installation
from tests.proof.platforms.worlds import World

MIB = 160
"""More than that no answer may take: a few bodies of the largest size that is let in."""
SECONDS = 60
NAMED = {
    Fault.BOMB: "answered too much to GET /v1/",
    Fault.HUGE: "answered too much to GET /v1/",
    Fault.HTML: "The platform answered with a web page",
    Fault.CHARSET: "UTF-8|not JSON|JSON",
}


@pytest.mark.parametrize("fault", NAMED)
def test_a_response_without_an_end_takes_little_memory_and_is_named(
    fault: Fault, scratch: Path
) -> None:
    world = World("stripe", scratch, amount=3)
    world.sandbox.watch = Hurried(world.pace.now(), world.sandbox)
    with serve(world.sandbox) as serving:
        installation = Installation(scratch / "bombed", serving.url, world.make_key())
        installation.trial(lambda word: None).create()
        for operation in ("GET /v1/charges", "GET /v1/customers/{id}/payment_methods"):
            world.sandbox.dial.set(Rule(fault, operation))
        weighed = weigh(installation)
    said = {reason.partition(": ")[0]: reason for reason in weighed.reasons}
    print(f"{fault}: {weighed.memory:.0f} MiB more, {weighed.seconds:.1f} s")
    assert set(said) == {"charges", "customers.payment_methods"}
    assert any(one in said["charges"] for one in NAMED[fault].split("|"))
    assert weighed.memory < MIB
    assert weighed.seconds < SECONDS


@dataclass
class Endless:
    """A transport below which a list of contacts never ends: always a new token, and records that
    are none, the same, or new ones without an end."""

    inner: Transport
    how: str
    asked: int = 0

    async def send(self, request: Request) -> Response:
        """Answer with one more page."""
        if "/contacts?" not in request.url:
            return await self.inner.send(request)
        self.asked += 1
        ids = {"none": [], "same": range(12), "new": range(self.asked * 12, self.asked * 12 + 12)}
        records = [{"id": str(one)} for one in ids[self.how]]
        page = {"contacts": records, "next_page_token": f"token-{self.asked}"}
        headers = {"content-type": "application/json"}
        return Response(200, headers, json.dumps(page).encode())

    async def close(self) -> None:
        """Close it."""
        await self.inner.close()


@pytest.mark.parametrize("how", ["none", "same"])
def test_a_cursor_that_never_ends_is_given_up_and_named(how: str, scratch: Path) -> None:
    endless: list[Endless] = []

    def wrap(transport: Transport) -> Transport:
        endless.append(Endless(transport, how))
        return endless[-1]

    world = World("keap", scratch, include=("contacts", "notes"), wrap=wrap)
    result = world.sync()
    assert [one.partition(": ")[0] for one in result.reasons] == ["contacts"]
    assert "does not end" in result.reasons[0] or "came twice" in result.reasons[0]
    assert endless[0].asked < 250
    print(f"a cursor without an end was given up after {endless[0].asked} pages")
