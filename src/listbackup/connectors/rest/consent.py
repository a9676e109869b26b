"""A person's consent by OAuth 2 (RFC 6749 4.1, PKCE of RFC 7636, loopback redirects of RFC 8252).

A consent is begun with a URL for a browser and ended with the URL to which that sends the browser
back; what it brings is exchanged for tokens at once. Knows no browser, no terminal and no socket.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import Tokens
from listbackup.connectors.rest.models.authentication import OAuthCode
from listbackup.connectors.rest.tokens import NotGiven, ask_for_tokens
from listbackup.connectors.rest.transport import TransportError
from listbackup.errors import AuthError
from listbackup.ids import Entropy
from listbackup.log import Secret

_WORDS = 200


class NotOurs(Exception):
    """What came back belongs to no consent that was begun here."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One that was begun: the URL to open, where the browser will be sent, and what only we
    know."""

    url: str
    redirect: str
    state: Secret = field(repr=False)
    verifier: Secret = field(repr=False)


def begin_consent(
    connection: Connection, secrets: Mapping[str, Secret], redirect: str, entropy: Entropy
) -> Consent:
    """Begin one; `redirect` is where the browser is to come back to. Raises RefusedError where a
    browser may not be sent to the platform's URL."""
    way = connection.way
    assert isinstance(way, OAuthCode)
    state, verifier = (Secret(_write(entropy(32))) for _ in range(2))
    query = {
        "response_type": "code",
        "client_id": secrets["client_id"].reveal(),
        "redirect_uri": redirect,
        "state": state.reveal(),
    }
    if way.scopes:
        query["scope"] = " ".join(way.scopes)
    if way.pkce:
        digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
        query |= {"code_challenge": _write(digest), "code_challenge_method": "S256"}
    query |= {name: connection.fill(text) for name, text in way.parameters.items()}
    place = connection.judge_authorize_url()
    url = f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"
    return Consent(url, redirect, state, verifier)


def read_answer(connection: Connection, consent: Consent, url: str) -> Secret:
    """Read the code out of the URL, or the query alone, to which the browser was sent. Raises
    NotOurs, AuthError where the platform or the person said no."""
    text = url.strip()
    try:
        query = urlsplit(text).query if "?" in text else text
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise NotOurs("it cannot be read") from None
    said = {name: values[0] for name, values in fields.items() if len(values) == 1}
    expected = consent.state.reveal().encode()
    if not hmac.compare_digest(said.get("state", "").encode("utf-8", "replace"), expected):
        raise NotOurs("its state is not the one that was sent")
    if said.get("error"):
        words = " ".join(f"{said['error']} {said.get('error_description', '')}".split())[:_WORDS]
        raise AuthError(
            f"{connection.platform.title} says that there was no consent: {words}.",
            subject=connection.name,
            risk="Nothing was kept.",
            hint="Run the command again, and consent.",
        )
    if not said.get("code"):
        raise NotOurs("it has no code")
    return Secret(said["code"])


async def finish_consent(
    connection: Connection, secrets: Mapping[str, Secret], consent: Consent, code: Secret
) -> Tokens:
    """Exchange the code for tokens. Raises AuthError."""
    way = connection.way
    assert isinstance(way, OAuthCode)
    grant = {
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": consent.redirect,
    }
    if way.pkce:
        grant["code_verifier"] = consent.verifier.reveal()
    transport = connection.open_transport()
    try:
        return await ask_for_tokens(connection, transport, secrets, grant)
    except (NotGiven, TransportError) as error:
        raise AuthError(
            f"The consent could not be exchanged for a token: {error}.",
            subject=connection.name,
            risk="Nothing was kept.",
            hint="Look whether client id, client secret and redirect URL are those of the "
            "platform's application; then run the command again.",
        ) from None
    finally:
        await transport.close()


def _write(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
