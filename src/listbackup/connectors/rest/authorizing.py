"""Who we are, put into requests: keys, users and tokens.

An authorizer serves one event loop. What a person gave is opened when the first request needs it.
"""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote_plus

from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import read_credential, write_credential
from listbackup.connectors.rest.filling import set_parameter
from listbackup.connectors.rest.models.authentication import ApiKey, Basic, Bearer, NoProof, Place
from listbackup.connectors.rest.refreshing import TokenAuthorizer
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.errors import BusyError, FailedError
from listbackup.events import ConsentEnded, Emit
from listbackup.log import Secret


class Authorizer(Protocol):
    """Proves who we are."""

    async def authorize(self, request: Request) -> Request:
        """Give the request with what proves it. Raises AuthError where nothing does any more."""
        ...

    async def refused(self, response: Response, asked: Request) -> bool:
        """Be told that the platform did not accept the proof of a request (401), as `authorize`
        gave it. Gives whether there is another one by now, so that the request is worth sending
        once more; raises AuthError where it is certain that only a person can help."""
        ...


def make_authorizer(connection: Connection, transport: Transport, emit: Emit) -> Authorizer:
    """Make the authorizer of a source; `transport` is what tokens are asked for over."""
    if isinstance(connection.way, ApiKey | Bearer | Basic | NoProof):
        return FixedAuthorizer(connection, emit)
    return TokenAuthorizer(connection, transport, emit)


class FixedAuthorizer:
    """Puts the same words into every request."""

    def __init__(self, connection: Connection, emit: Emit) -> None:
        self._connection = connection
        self._emit = emit
        self._proofs: list[Proof] | None = None
        self._secrets: Mapping[str, Secret] = {}
        self._told = False

    async def authorize(self, request: Request) -> Request:
        """Put the key in. Raises AuthError where there is none."""
        if self._proofs is None:
            known = self._connection.credential()
            self._secrets, self._proofs = known.secrets, write_proofs(self._connection)
            if known.ended:
                self._note("")
        headers, url = dict(request.headers), request.url
        for one in self._proofs:
            if one.in_query:
                url = set_parameter(url, one.name, one.value.reveal())
            else:
                headers[one.name] = one.value.reveal()
        return replace(request, headers=headers, url=url)

    async def refused(self, response: Response, asked: Request) -> bool:
        """There is no other key: say so, once."""
        if not self._told:
            self._told = True
            title = self._connection.platform.title
            why = f"status {response.status}"
            self._emit(ConsentEnded(self._connection.name, title, why))
            self._note(f"{title} did not accept it when it was last tried ({why})")
        return False

    def _note(self, ended: str) -> None:
        """Write down whether the platform lets us in, unless the source was connected anew or
        forgotten meanwhile. Nothing depends on it but what `source list` says."""
        keeper = self._connection.keeper
        with suppress(BusyError, FailedError), keeper.lease():
            data = keeper.read()
            known = read_credential(data) if data is not None else None
            if known is not None and known.ended != ended and known.secrets == self._secrets:
                keeper.write(write_credential(replace(known, ended=ended)))


@dataclass(frozen=True, slots=True)
class Proof:
    """A header, or a parameter of the query, that proves who we are."""

    name: str
    value: Secret
    in_query: bool = False


def write_proofs(connection: Connection) -> list[Proof]:
    """Give what proves who we are. Raises AuthError."""
    secrets = connection.credential().secrets
    match connection.way:
        case ApiKey() as way:
            return [
                _write_key(connection, place, secrets[name].reveal())
                for name, place in (("key", way), *((one.name, one) for one in way.also))
            ]
        case NoProof():
            return []
        case Bearer():
            return [Proof("Authorization", Secret(f"Bearer {secrets['token'].reveal()}"))]
        case _:
            password = secrets["password"].reveal() if "password" in secrets else ""
            pair = f"{secrets['user'].reveal()}:{password}"
            encoded = base64.b64encode(pair.encode()).decode("ascii")
            connection.learn(encoded)
            return [Proof("Authorization", Secret(f"Basic {encoded}"))]


def _write_key(connection: Connection, place: Place, key: str) -> Proof:
    value = place.prefix + key
    if place.param:
        connection.learn(quote_plus(value))
    return Proof(place.header or place.param, Secret(value), bool(place.param))
