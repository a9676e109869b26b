"""The exchanges of OAuth 2 with a platform's token endpoint (RFC 6749, 7009): data in, data out.

Sends each request once and judges the answer; knows neither where tokens are kept nor when they
are due. Nothing that is raised here quotes a secret.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import Tokens
from listbackup.connectors.rest.models.authentication import OAuthClient, OAuthCode
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.connectors.rest.verdicts import shorten
from listbackup.log import Redactor, Secret

_LONGEST_LIFE = 10 * 366 * 86400
_CONSENT = frozenset({"invalid_grant", "access_denied"})
_WORDS = 200
_MOST = 2000


class NotGiven(Exception):
    """The platform gave no token. `final`: it said a clear no, and asking again is in vain;
    `consent`: because what a person agreed to has ended. `wait` is what it asked to wait, in
    seconds, None where it asked nothing. `doubted` is set where an earlier answer to the same
    question may have been lost."""

    def __init__(
        self, why: str, *, final: bool = False, consent: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.final = final
        self.consent = consent
        self.wait = wait
        self.doubted = False


async def ask_for_tokens(
    connection: Connection,
    transport: Transport,
    secrets: Mapping[str, Secret],
    grant: Mapping[str, str],
) -> Tokens:
    """Exchange a grant for tokens. Raises NotGiven, TransportError."""
    way = connection.way
    assert isinstance(way, OAuthCode | OAuthClient)
    texts = way.parameters if isinstance(way, OAuthClient) else way.token_parameters
    form = {name: connection.fill(text) for name, text in texts.items()} | dict(grant)
    now = connection.pace.now()
    request = write_request(connection, connection.token_url, secrets, form, "tokens")
    response = await transport.send(request)
    value = _read(connection, response, [*secrets.values(), *map(Secret, grant.values())])
    return _take(connection, value, way.lifetime, now)


async def give_back(
    connection: Connection,
    transport: Transport,
    credential_secrets: Mapping[str, Secret],
    token: Secret,
) -> bool:
    """Revoke a token (RFC 7009). Gives whether the platform agreed. Raises TransportError."""
    form = {"token": token.reveal()}
    request = write_request(connection, connection.revoke_url, credential_secrets, form, "revoke")
    return (await transport.send(request)).status == 200


def write_request(
    connection: Connection,
    url: str,
    secrets: Mapping[str, Secret],
    form: Mapping[str, str],
    operation: str,
) -> Request:
    """Write a form to an authorization server, with the client's id and secret where the
    platform wants them."""
    way = connection.way
    client = secrets["client_id"].reveal(), secrets["client_secret"].reveal()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if isinstance(way, OAuthCode | OAuthClient) and way.client == "basic":
        pair = ":".join(map(quote_plus, client))
        encoded = base64.b64encode(pair.encode()).decode("ascii")
        connection.learn(encoded)
        headers["Authorization"] = f"Basic {encoded}"
        fields = dict(form)
    else:
        fields = {**form, "client_id": client[0], "client_secret": client[1]}
    body = urlencode(fields)
    if isinstance(way, OAuthClient) and way.sends == "json":
        headers["Content-Type"] = "application/json"
        body = json.dumps(fields)
    return Request("POST", url, headers, body.encode("ascii"), operation)


def _read(connection: Connection, response: Response, secrets: list[Secret]) -> Mapping[str, Any]:
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        value = None
    if response.status in (200, 201) and isinstance(value, dict) and _is_token(value):
        return value
    title = connection.platform.title
    if response.status == 429 or response.status >= 500:
        wait = response.headers.get("retry-after", "")
        seconds = float(wait) if wait.isdecimal() else None
        raise NotGiven(f"{title} answered {response.status} when asked for a token", wait=seconds)
    error = _text(value, "error") if isinstance(value, dict) else ""
    if 400 <= response.status < 500 and error:
        words = ": ".join(filter(None, (error, _text(value, "error_description"))))
        clean = Redactor(one.reveal() for one in secrets).clean
        words = shorten(connection.clean(clean(shorten(words, _MOST))), _WORDS)
        raise NotGiven(f"{title} says {words}", final=True, consent=error in _CONSENT)
    raise NotGiven(f"{title} answered {response.status} without a token when asked for one")


def _is_token(value: Mapping[str, Any]) -> bool:
    """Whether there is an access token that can be sent, and no refresh token that cannot."""
    token = _text(value, "access_token")
    both = token + _text(value, "refresh_token")
    return bool(token) and both.isascii() and both.isprintable()


def _text(value: Any, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _take(connection: Connection, value: Mapping[str, Any], usual: int, now: datetime) -> Tokens:
    access, refresh = _text(value, "access_token"), _text(value, "refresh_token")
    for secret in filter(None, (access, refresh)):
        connection.learn(secret)
    try:
        life = min(max(0, int(value.get("expires_in") or usual)), _LONGEST_LIFE)
    except (TypeError, ValueError, OverflowError):
        life = usual
    expires = now + timedelta(seconds=life)
    return Tokens(Secret(access), Secret(refresh) if refresh else None, now, expires)
