"""Who we are, put into requests: keys, users and tokens.

An authorizer serves one event loop. What a person gave is opened when the first request needs it.
"""

import base64
from dataclasses import replace
from typing import Protocol

from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.models.authentication import ApiKey, Basic, Bearer
from listbackup.connectors.rest.refreshing import TokenAuthorizer
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.events import ConsentEnded, Emit
from listbackup.log import Secret


class Authorizer(Protocol):
    """Proves who we are."""

    async def authorize(self, request: Request) -> Request:
        """Give the request with what proves it. Raises AuthError where nothing does any more."""
        ...

    async def refused(self, response: Response) -> bool:
        """Be told that the platform did not accept a proof (401). Gives whether there is another
        one by now, so that the request is worth sending once more; raises AuthError where it is
        certain that only a person can help."""
        ...


def make_authorizer(connection: Connection, transport: Transport, emit: Emit) -> Authorizer:
    """Make the authorizer of a source; `transport` is what tokens are asked for over."""
    if isinstance(connection.way, ApiKey | Bearer | Basic):
        return FixedAuthorizer(connection, emit)
    return TokenAuthorizer(connection, transport, emit)


class FixedAuthorizer:
    """Puts the same words into every request."""

    def __init__(self, connection: Connection, emit: Emit) -> None:
        self._connection = connection
        self._emit = emit
        self._header: tuple[str, Secret] | None = None
        self._told = False

    async def authorize(self, request: Request) -> Request:
        """Put the key in. Raises AuthError where there is none."""
        if self._header is None:
            self._header = write_header(self._connection)
        name, value = self._header
        return replace(request, headers={**request.headers, name: value.reveal()})

    async def refused(self, response: Response) -> bool:
        """There is no other key: say so, once."""
        if not self._told:
            self._told = True
            title = self._connection.platform.title
            why = f"status {response.status}"
            self._emit(ConsentEnded(self._connection.name, title, why))
        return False


def write_header(connection: Connection) -> tuple[str, Secret]:
    """Give name and value of the header that proves who we are. Raises AuthError."""
    secrets = connection.credential().secrets
    match connection.way:
        case ApiKey() as way:
            return way.header, Secret(way.prefix + secrets["key"].reveal())
        case Bearer():
            return "Authorization", Secret(f"Bearer {secrets['token'].reveal()}")
        case _:
            password = secrets["password"].reveal() if "password" in secrets else ""
            pair = f"{secrets['user'].reveal()}:{password}"
            encoded = base64.b64encode(pair.encode()).decode("ascii")
            connection.learn(encoded)
            return "Authorization", Secret(f"Basic {encoded}")
