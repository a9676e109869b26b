"""Access tokens: used as long as they last, renewed ahead of their end, by one process at a time.

A refresh token is often good for one use. Therefore: who renews holds the lease of the credentials
over all processes, reads them again (another one may have renewed them), writes down that the
refresh token is on its way, asks, and writes the new tokens durably before any of them is used.
What remains is a death between the platform's answer and that write: then the old refresh token is
tried once more, since many platforms accept it for a while, and if it is refused a person is told.
"""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

from listbackup.clock import format_time
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import Credential, Tokens, write_credential
from listbackup.connectors.rest.models.authentication import OAuthClient, OAuthCode
from listbackup.connectors.rest.tokens import NotGiven, ask_for_tokens
from listbackup.connectors.rest.transport import Request, Response, Transport, TransportError
from listbackup.errors import AuthError, BusyError, FailedError, SourceError
from listbackup.events import ConsentEnded, Emit, Waited
from listbackup.log import Secret

TRIES = 4
LONGEST_WAIT = 60.0
LEASE_POLL = 0.1
LEASE_PATIENCE = 600.0
KEEPING = (1.0, 5.0, 15.0, 30.0)
"""So many seconds are between the tries to write down tokens that exist nowhere else."""
FRESH = 30.0
"""So many seconds after a renewal ahead of time that failed, it is tried again."""


class TokenAuthorizer:
    """Puts an access token into every request."""

    def __init__(self, connection: Connection, transport: Transport, emit: Emit) -> None:
        assert isinstance(connection.way, OAuthCode | OAuthClient)
        self._connection = connection
        self._way = connection.way
        self._transport = transport
        self._emit = emit
        self._pace = connection.pace
        self._tokens: Tokens | None = None
        self._put_off = 0.0
        self._turn = asyncio.Lock()

    async def authorize(self, request: Request) -> Request:
        """Put the access token in; renew it first where its end is near. Raises AuthError,
        SourceError."""
        tokens = await self._current()
        bearer = _write_bearer(tokens)
        return replace(request, headers={**request.headers, "Authorization": bearer})

    async def refused(self, response: Response, asked: Request) -> bool:
        """Renew the access token, once for all requests that were refused together. Raises
        AuthError, SourceError."""
        async with self._turn:
            tokens = self._tokens
            # a request that went with the token before is only asked again
            if tokens is None or asked.headers.get("Authorization") == _write_bearer(tokens):
                await self._renew(tokens)
        return True

    async def _current(self) -> Tokens:
        tokens = self._tokens
        if tokens is None or self._is_due(tokens):
            async with self._turn:
                tokens = self._tokens or self._connection.credential().tokens
                if tokens is None or self._is_due(tokens):
                    tokens = await self._renew_ahead(tokens)
                self._tokens = tokens
        return tokens

    def _is_due(self, tokens: Tokens) -> bool:
        return tokens.due(self._pace.now(), self._way.refresh_ahead) and (
            self._pace.monotonic() >= self._put_off or self._pace.now() >= tokens.expires
        )

    async def _renew_ahead(self, tokens: Tokens | None) -> Tokens:
        try:
            return await self._renew(None)
        except SourceError:
            if tokens is None or self._pace.now() >= tokens.expires:
                raise
            # It is good for a while yet; there is time to ask again.
            self._put_off = self._pace.monotonic() + FRESH
            return tokens

    async def _renew(self, refused: Tokens | None) -> Tokens:
        with ExitStack() as held:
            await self._take_lease(held)
            credential = self._connection.credential()
            known = credential.tokens
            if known is None or known.access == (refused and refused.access) or self._is_due(known):
                known = await self._exchange(credential)
        self._tokens = known
        return known

    async def _take_lease(self, held: ExitStack) -> None:
        until, told = self._pace.monotonic() + LEASE_PATIENCE, False
        name = self._connection.name
        while True:
            try:
                held.enter_context(self._connection.keeper.lease())
                return
            except BusyError:
                if self._pace.monotonic() > until:
                    raise
            if not told:
                told = True
                doing = f"another process that renews the token of {name}, at most so long"
                self._emit(Waited(doing, LEASE_PATIENCE))
            await self._pace.sleep(LEASE_POLL)

    async def _exchange(self, credential: Credential) -> Tokens:
        connection = self._connection
        refresh = credential.tokens.refresh if credential.tokens else None
        if isinstance(self._way, OAuthCode) and refresh is None:
            raise self._end(credential, "the platform gave no refresh token")
        lost = credential.refreshing
        if refresh is not None and lost is None:
            credential = replace(credential, refreshing=self._pace.now())
            connection.keeper.write(write_credential(credential))
        try:
            fresh = await self._ask(credential, refresh)
        except NotGiven as error:
            doubt = lost or (credential.refreshing if error.doubted else None)
            raise self._explain(replace(credential, refreshing=doubt), error) from None
        if fresh.refresh is None:
            fresh = replace(fresh, refresh=refresh)
        done = replace(credential, tokens=fresh, refreshing=None, ended="")
        await self._keep(done)
        return fresh

    async def _keep(self, credential: Credential) -> None:
        """Write down tokens that exist nowhere else by now; a full disk may be made room on.
        Raises FailedError."""
        name = self._connection.name
        for wait in (*KEEPING, None):
            try:
                self._connection.keeper.write(write_credential(credential))
                return
            except FailedError as error:
                if wait is None:
                    raise FailedError(
                        f"New tokens of {name} came and could not be kept: {error.message}",
                        subject=name,
                        risk="Snapshots are untouched. The platform may not accept the tokens any "
                        "more that were kept before.",
                        hint=f"{error.hint} If it is refused then, run `listbackup source "
                        f"reconnect {name}`.",
                    ) from None
                self._emit(Waited(f"new tokens of {name} to be kept: {error.message}", wait))
            await self._pace.sleep(wait)

    async def _ask(self, credential: Credential, refresh: Secret | None) -> Tokens:
        """Ask until there is an answer that counts. Raises NotGiven, SourceError."""
        grant = {"grant_type": "client_credentials"}
        if isinstance(self._way, OAuthCode):
            grant = {
                "grant_type": "refresh_token",
                "refresh_token": (refresh or Secret("")).reveal(),
            }
        elif self._way.scopes:
            grant["scope"] = " ".join(self._way.scopes)
        secrets, wait, why, doubted = credential.secrets, 1.0, "", False
        for tried in range(TRIES):
            if tried:
                await self._pace.sleep(wait)
            try:
                return await ask_for_tokens(self._connection, self._transport, secrets, grant)
            except TransportError as error:
                why, wait = f"no token came: {error}", 2.0**tried
                doubted = doubted or error.maybe_done
            except NotGiven as error:
                error.doubted = doubted
                if error.final:
                    raise
                doubted = True
                wait = min(error.wait if error.wait is not None else 2.0**tried, LONGEST_WAIT)
                why = error.why
        raise SourceError(
            f"{why[:1].upper()}{why[1:]} ({TRIES} tries).",
            subject=self._connection.name,
            hint="Run the backup again later; nobody has to consent anew.",
        )

    def _explain(self, credential: Credential, error: NotGiven) -> AuthError:
        if error.consent and credential.refreshing is not None:
            moment = format_time(credential.refreshing)
            return self._end(
                credential,
                f"a renewal that began at {moment} was cut off before its answer was stored, and "
                f"the old refresh token is not accepted again ({error.why})",
            )
        return self._end(credential, error.why)

    def _end(self, credential: Credential, why: str) -> AuthError:
        """Note, tell and give the error for a consent that has ended."""
        connection = self._connection
        connection.keeper.write(write_credential(replace(credential, ended=why)))
        title = connection.platform.title
        self._emit(ConsentEnded(connection.name, title, why))
        return connection.refuse(f"{title} does not let {connection.name} in any more: {why}")


def _write_bearer(tokens: Tokens) -> str:
    return f"Bearer {tokens.access.reveal()}"
