"""An OAuth 2 authorization server, as strict as the strictest: codes that serve once, PKCE, and
refresh tokens that are replaced at every use.

Knows who asked and was granted what; what HTTP makes of it stands in `oauth_endpoints`.
Sources: RFC 6749, 7636 (PKCE), 7009 (revocation), 9700 (best practice).
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from listbackup.ids import Entropy
from listbackup.sandbox.platforms.state import Watch


class OAuthError(Exception):
    """A request that is refused: the RFC's code, and why in words."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """An application that may ask. Without a secret it is public, and must use PKCE."""

    id: str
    secret: str
    redirects: tuple[str, ...]
    scopes: tuple[str, ...] = ("full",)


@dataclass(frozen=True, slots=True)
class Terms:
    """Lifetimes in seconds; `scope_form` is how a platform writes what was granted, with
    `{scopes}` and `{subject}`."""

    code: float = 60.0
    access: float = 86400.0
    refresh: float = 45 * 86400.0
    scope_form: str = "{scopes}"


@dataclass(slots=True)
class Counts:
    """What happened, for whoever tests a client."""

    consents: int = 0
    denials: int = 0
    exchanges: int = 0
    refreshes: int = 0
    reuses: int = 0
    revocations: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks a person for."""

    client: Client
    redirect: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str


@dataclass(slots=True)
class Grant:
    """What a person granted: all tokens that come of one consent. `latest` is the refresh token
    that is good; every other one of this grant is a reuse."""

    number: int
    client: str
    subject: str
    scopes: tuple[str, ...]
    latest: str = ""
    latest_until: float = 0.0
    revoked: bool = False


@dataclass(slots=True)
class Access:
    """An access token that was given out; times in seconds since 1970."""

    token: str
    grant: Grant
    scopes: tuple[str, ...]
    until: float


class Standing(Enum):
    """What became of an access token."""

    GOOD = "good"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(slots=True)
class _Code:
    wish: Wish
    grant: Grant
    until: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets; `lifetime` of the access token in seconds."""

    access: str
    refresh: str
    lifetime: int
    scope: str


@dataclass(slots=True)
class Authority:
    """Clients, grants, codes and tokens."""

    watch: Watch
    entropy: Entropy
    terms: Terms = field(default_factory=Terms)
    counts: Counts = field(default_factory=Counts)
    clients: dict[str, Client] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _accesses: dict[str, Access] = field(default_factory=dict)
    _refreshes: dict[str, Grant] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.watch.now().timestamp()

    def admit(self, client: Client) -> Client:
        """Let an application ask."""
        self.clients[client.id] = client
        return client

    def consent(self, wish: Wish, subject: str) -> str:
        """Grant a wish for a subject (an account of the platform); give the code."""
        self.counts.consents += 1
        grant = Grant(len(self.grants) + 1, wish.client.id, subject, wish.scopes)
        self.grants.append(grant)
        code = self._make_secret()
        self._codes[code] = _Code(wish, grant, self.now + self.terms.code)
        return code

    def exchange(self, client: Client, code: str, redirect: str, verifier: str) -> Tokens:
        """Give tokens for a code. A code that comes a second time revokes what the first gave.

        Raises OAuthError.
        """
        known = self._codes.get(code)
        if known is None or known.wish.client.id != client.id:
            raise OAuthError("invalid_grant", "the code is not known")
        if known.used:
            self.revoke_grant(known.grant)
            raise OAuthError("invalid_grant", "the code was used before")
        known.used = True
        if self.now > known.until:
            raise OAuthError("invalid_grant", "the code has expired")
        if redirect != known.wish.redirect:
            raise OAuthError("invalid_grant", "redirect_uri is not the one the code was sent to")
        check_verifier(known.wish.challenge, verifier)
        self.counts.exchanges += 1
        return self._give(known.grant, known.grant.scopes)

    def refresh(self, client: Client, token: str, scopes: Iterable[str] = ()) -> Tokens:
        """Replace a refresh token. One that was replaced already revokes the whole grant.

        Raises OAuthError.
        """
        grant = self._refreshes.get(token)
        if grant is None or grant.client != client.id:
            raise OAuthError("invalid_grant", "the refresh token is not known")
        if grant.revoked:
            raise OAuthError("invalid_grant", "the grant was revoked")
        if token != grant.latest:
            self.counts.reuses += 1
            self.revoke_grant(grant)
            raise OAuthError("invalid_grant", "the refresh token was used before")
        if self.now > grant.latest_until:
            raise OAuthError("invalid_grant", "the refresh token has expired")
        wanted = tuple(scopes) or grant.scopes
        if not set(wanted) <= set(grant.scopes):
            raise OAuthError("invalid_scope", "more was asked for than was granted")
        self.counts.refreshes += 1
        return self._give(grant, wanted)

    def revoke(self, client: Client, token: str) -> None:
        """Revoke what a token belongs to; of an unknown one nothing is said (RFC 7009)."""
        access = self._accesses.get(token)
        grant = self._refreshes.get(token) or (access.grant if access else None)
        if grant is not None and grant.client == client.id:
            self.revoke_grant(grant)

    def revoke_grant(self, grant: Grant) -> None:
        """Take back what was granted, with all its tokens."""
        if not grant.revoked:
            self.counts.revocations += 1
        grant.revoked = True

    def look(self, token: str) -> tuple[Standing, Access | None]:
        """Say what an access token is good for."""
        access = self._accesses.get(token)
        if access is None:
            return Standing.UNKNOWN, None
        if access.grant.revoked:
            return Standing.REVOKED, access
        return (Standing.EXPIRED if self.now >= access.until else Standing.GOOD), access

    def expire(self, token: str) -> bool:
        """Let an access token expire now; say whether it was good."""
        standing, access = self.look(token)
        if access is not None and standing is Standing.GOOD:
            access.until = self.now
        return standing is Standing.GOOD

    def _give(self, grant: Grant, scopes: tuple[str, ...]) -> Tokens:
        access, refresh = self._make_secret(), self._make_secret()
        self._accesses[access] = Access(access, grant, scopes, self.now + self.terms.access)
        self._refreshes[refresh] = grant
        grant.latest, grant.latest_until = refresh, self.now + self.terms.refresh
        scope = self.terms.scope_form.format(scopes=" ".join(scopes), subject=grant.subject)
        return Tokens(access, refresh, int(self.terms.access), scope)

    def _make_secret(self) -> str:
        return base64.urlsafe_b64encode(self.entropy(24)).decode()


def check_verifier(challenge: str, verifier: str) -> None:
    """Hold a PKCE verifier against its S256 challenge. Raises OAuthError."""
    if not challenge and not verifier:
        return
    if not challenge:
        raise OAuthError("invalid_grant", "code_verifier without a code_challenge")
    if not verifier:
        raise OAuthError("invalid_grant", "code_verifier is missing")
    if make_challenge(verifier) != challenge:
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")


def make_challenge(verifier: str) -> str:
    """Make the S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
