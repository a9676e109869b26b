"""A source of the sandbox's Keap, connected in memory, with time that is played."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from listbackup.connectors.rest.authorizing import Authorizer, make_authorizer
from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.connection import Connection, Overrides, choose_way
from listbackup.connectors.rest.credentials import (
    Credential,
    Keeper,
    MemoryKeeper,
    Tokens,
    write_credential,
)
from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.models.authentication import OAuthCode
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.events import Event
from listbackup.log import Secret
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.oauth import Client, Wish
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.paces import PlayedPace

REDIRECT = "http://127.0.0.1:9999/back"
CLIENT = Client("keap-app-id", "canary-of-the-client-5d1e", (REDIRECT,))
BASE = "https://keap.sandbox.example"
Send = Callable[[Request], Awaitable[Response]]


@cache
def load_keap() -> Platform:
    """Load the description, once."""
    return load_platform("keap")


@dataclass
class World:
    """A Keap, its time, and one source that a person consented to."""

    pace: PlayedPace = field(default_factory=PlayedPace)
    events: list[Event] = field(default_factory=list)
    keeper: Keeper = field(default_factory=MemoryKeeper)

    def __post_init__(self) -> None:
        self.keap = Keap(self.pace)
        self.keap.add_tenant("acme")
        self.keap.authority.admit(CLIENT)
        self.asked = Request("GET", BASE)
        self.transport: Transport = SandboxTransport(self.keap, self.pace)

    @property
    def counts(self) -> Any:
        """What the authorization server counted."""
        return self.keap.authority.counts

    def connection(self, **changes: Any) -> Connection:
        """The source."""
        platform = load_keap()
        made = Connection(
            name="keap",
            platform=platform,
            way=choose_way(platform, None),
            settings={},
            overrides=Overrides(
                f"{BASE}/crm",
                f"{BASE}/app/oauth/authorize",
                f"{BASE}/token",
                f"{BASE}/token/revoke",
            ),
            allow_private_hosts=False,
            keeper=self.keeper,
            connect=lambda urls, private: self.transport,
            pace=self.pace,
            budgets=Budgets(self.pace, SeededEntropy(1)),
        )
        return replace(made, **changes)

    def consent(self, account: str = "acme") -> Credential:
        """Let a person consent, and keep what comes of it."""
        wish = Wish(CLIENT, REDIRECT, ("full",), None, "")
        code = self.keap.authority.consent(wish, account)
        given = self.keap.authority.exchange(CLIENT, code, REDIRECT, "")
        now = self.pace.now()
        tokens = Tokens(
            Secret(given.access),
            Secret(given.refresh),
            now,
            now + timedelta(seconds=given.lifetime),
        )
        credential = Credential("keap", "oauth", secrets_of(CLIENT), now, account, account, tokens)
        self.keeper.write(write_credential(credential))
        return credential

    def authorizer(self, **changes: Any) -> Authorizer:
        """What proves who the source is."""
        connection = self.connection(**changes)
        return make_authorizer(connection, self.transport, self.events.append)

    async def ask(self, authorizer: Authorizer) -> Response:
        """Ask the platform whose account this is, once."""
        url = f"{BASE}/crm/rest/v2/oauth/connect/userinfo"
        self.asked = await authorizer.authorize(Request("GET", url))
        return await self.transport.send(self.asked)

    def let_expire(self, credential: Credential) -> None:
        """Let the platform's access token end before its time."""
        assert credential.tokens is not None
        self.keap.authority.expire(credential.tokens.access.reveal())


def secrets_of(client: Client) -> Mapping[str, Secret]:
    """What a person gave for an application."""
    return {"client_id": Secret(client.id), "client_secret": Secret(client.secret)}


def ahead(connection: Connection) -> float:
    """So many seconds before its end a token is renewed."""
    assert isinstance(connection.way, OAuthCode)
    return float(connection.way.refresh_ahead)


@dataclass
class Between:
    """A transport with something between: `act` is given each request and how it is sent on."""

    inner: Any
    act: Callable[[Request, Send], Awaitable[Response]]

    async def send(self, request: Request) -> Response:
        return await self.act(request, self.inner.send)

    async def close(self) -> None:
        await self.inner.close()


def is_token(request: Request) -> bool:
    """Tell whether a request is for tokens."""
    return request.url.endswith("/token")


async def renew(world: World, **changes: Any) -> bool:
    """Ask once, and take whatever comes for a refusal of the token."""
    authorizer = world.authorizer(**changes)
    return await authorizer.refused(await world.ask(authorizer), world.asked)
