"""Sources are added, connected anew and forgotten while other processes do the same."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from listbackup.app import App, Reach
from listbackup.connectors.rest.authorizing import make_authorizer
from listbackup.connectors.rest.credentials import Credential, read_credential
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.errors import AuthError, RefusedError
from listbackup.events import Event, Waited, ignore
from listbackup.operations.connections import (
    AddWishes,
    SourceRemoved,
    add_source,
    reconnect_source,
    remove_source,
)
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.secrets import Given
from listbackup.operations.sources import list_sources
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.oauth import Client, Wish
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.testing.paces import PlayedPace

CLIENT = Client("app", "secret of the app", ("http://127.0.0.1:1/",))
MEANT = Reach(volatile=True)
GIVEN = Given(headless=True, redirect=CLIENT.redirects[0])
WHO = "https://api.keap.com/crm/rest/v2/oauth/connect/userinfo"


class Machine:
    """A machine, and a Keap that its processes reach."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            "HOME": str(home),
            "LISTBACKUP_CONFIG_DIR": str(home / "config"),
            "LISTBACKUP_STATE_DIR": str(home / "state"),
            "LISTBACKUP_VAULT": str(home / "vault"),
            "LISTBACKUP_SECRET_CLIENT_ID": CLIENT.id,
            "LISTBACKUP_SECRET_CLIENT_SECRET": CLIENT.secret,
        }
        self.pace = PlayedPace()
        self.keap = Keap(self.pace)
        for name in ("acme", "zenith"):
            self.keap.add_tenant(name)
        self.keap.authority.admit(CLIENT)
        self.transport: Transport = SandboxTransport(self.keap, self.pace)
        initialise(self.process(), MEANT, InitWishes())

    def process(self, emit: Callable[[Event], None] = ignore) -> App:
        """Start another process, as far as files and locks can tell."""
        connect = lambda urls, private: self.transport  # noqa: E731
        return App(self.environment, emit, connect=connect, pace=self.pace)

    def kept(self) -> Credential | None:
        """What is kept of the source."""
        data = self.process().credentials(MEANT, "keap").read()
        return read_credential(data) if data is not None else None


class Visitor:
    """A person who consents for an account, after something else happened."""

    there = True

    def __init__(
        self, keap: Keap, account: str = "acme", before: Callable[[], object] = lambda: None
    ) -> None:
        self._keap = keap
        self._account = account
        self._before = before

    def ask(self, title: str, hint: str, *, secret: bool) -> str:
        """All is given already."""
        raise AssertionError(title)

    def choose(self, title: str, ways: Sequence[str]) -> int:
        """All is given already."""
        raise AssertionError(title)

    def show(self, url: str) -> None:
        """There is no browser."""
        raise AssertionError(url)

    def paste(self, url: str) -> str:
        """Consent."""
        self._before()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        redirect, state = asked["redirect_uri"], asked["state"]
        wish = Wish(CLIENT, redirect, ("full",), state, asked["code_challenge"])
        code = self._keap.authority.consent(wish, self._account)
        return f"{redirect}?code={code}&state={state}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def add(machine: Machine, person: Visitor) -> None:
    add_source(machine.process(), MEANT, AddWishes("keap", auth="oauth", given=GIVEN), person)


def test_who_adds_a_source_second_takes_nothing_from_who_was_first(machine: Machine) -> None:
    def be_first() -> None:
        add(machine, Visitor(machine.keap, "acme"))

    with pytest.raises(RefusedError, match="by somebody else meanwhile"):
        add(machine, Visitor(machine.keap, "zenith", be_first))
    kept = machine.kept()
    assert kept is not None
    assert kept.account == "acme"


def test_a_consent_is_kept_when_a_backup_has_renewed_its_token(machine: Machine) -> None:
    add(machine, Visitor(machine.keap))
    first = machine.kept()
    events: list[Event] = []
    told = threading.Event()

    def hear(event: Event) -> None:
        events.append(event)
        if isinstance(event, Waited):
            told.set()

    def connect_anew() -> None:
        reconnect_source(machine.process(hear), MEANT, "keap", GIVEN, Visitor(machine.keap))

    with machine.process().credentials(MEANT, "keap").lease():
        thread = threading.Thread(target=connect_anew)
        thread.start()
        assert told.wait(10)
    thread.join(10)
    kept = machine.kept()
    assert kept is not None
    assert first is not None
    assert kept.tokens != first.tokens
    assert [event.reason for event in events if isinstance(event, Waited)] == [
        "another process that is using what opens keap, at most so long"
    ]


class RemovedMeanwhile:
    """A transport during whose answer about tokens the source is removed by another process."""

    def __init__(self, machine: Machine, inner: Transport) -> None:
        self._machine = machine
        self._inner = inner
        self.removed: list[SourceRemoved] = []
        self.waiting = threading.Event()
        self.thread = threading.Thread(target=self._remove)

    async def send(self, request: Request) -> Response:
        """Send it, and begin to remove the source when tokens came."""
        response = await self._inner.send(request)
        if request.url.endswith("/token"):
            self.thread.start()
            assert self.waiting.wait(10)
        return response

    async def close(self) -> None:
        """Close it."""
        await self._inner.close()

    def _remove(self) -> None:
        app = self._machine.process(lambda event: self.waiting.set())
        self.removed.append(remove_source(app, MEANT, "keap"))
        self.waiting.set()


def test_what_is_renewed_while_a_source_is_removed_is_not_kept(machine: Machine) -> None:
    add(machine, Visitor(machine.keap))
    kept = machine.kept()
    assert kept is not None
    assert kept.tokens is not None
    machine.keap.authority.expire(kept.tokens.access.reveal())
    transport = RemovedMeanwhile(machine, machine.transport)
    machine.transport = transport
    connection = machine.process().named_endpoint(MEANT, "keap").address

    async def renew() -> None:
        authorizer = make_authorizer(connection, transport, ignore)
        asked = await authorizer.authorize(Request("GET", WHO))
        assert await authorizer.refused(await transport.send(asked), asked)

    asyncio.run(renew())
    transport.thread.join(10)
    assert [one.forgotten for one in transport.removed] == [True]
    assert machine.kept() is None
    assert list_sources(machine.process(), MEANT) == []


def test_why_a_consent_ended_is_told_without_the_token_that_the_platform_repeated(
    machine: Machine,
) -> None:
    add(machine, Visitor(machine.keap))
    kept = machine.kept()
    assert kept is not None
    assert kept.tokens is not None
    access = kept.tokens.access.reveal()
    said = {"error": "invalid_grant", "error_description": f"{access} has ended"}

    class Repeating:
        """A token server that repeats the access token."""

        async def send(self, request: Request) -> Response:
            return Response(
                400 if request.url.endswith("/token") else 401, body=json.dumps(said).encode()
            )

        async def close(self) -> None:
            return None

    machine.transport = Repeating()
    app = machine.process()
    connection = app.named_endpoint(MEANT, "keap").address

    async def renew() -> None:
        authorizer = make_authorizer(connection, machine.transport, ignore)
        asked = await authorizer.authorize(Request("GET", WHO))
        await authorizer.refused(Response(401), asked)

    with pytest.raises(AuthError, match=r"\*\*\* has ended"):
        asyncio.run(renew())
    (line,) = list_sources(machine.process(), MEANT)
    assert line.standing == "ended"
    assert "*** has ended" in line.reason
