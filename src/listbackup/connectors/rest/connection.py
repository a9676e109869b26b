"""One source of a platform as it was set up: which platform, with which settings, opened by what.

It is what `Endpoint.address` is for databases. Opens nothing by itself: transport, time and the
place of the credentials come in.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.credentials import Credential, Keeper, read_credential
from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.models.authentication import (
    Authentication,
    NoProof,
    OAuthClient,
    OAuthCode,
)
from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.transport import Transport, TransportError
from listbackup.errors import AuthError, RefusedError, UsageError

Connect = Callable[[Sequence[str], bool], Transport]
"""Makes a transport, within the event loop that uses it, that reaches the origins of these URLs
and no others; the second says whether they may be private."""
Clean = Callable[[str], str]
"""Takes every secret that was learnt out of a text."""
Learn = Callable[[str], None]
"""Is told of each secret that was opened, so that none is ever printed."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """URLs that stand in place of the platform's own; empty where none does."""

    base_url: str = ""
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""


@dataclass(frozen=True)
class Connection:
    """A source. `settings` has a value for each setting of the platform, "" where it was left
    out."""

    name: str
    platform: Platform
    way: Authentication
    settings: Mapping[str, str]
    overrides: Overrides
    allow_private_hosts: bool
    keeper: Keeper = field(repr=False)
    connect: Connect = field(repr=False)
    pace: Pace = field(repr=False)
    budgets: Budgets = field(repr=False)
    learn: Learn = field(repr=False, default=lambda secret: None)
    clean: Clean = field(repr=False, default=str)

    @property
    def base_url(self) -> str:
        """Where the platform is, without a slash at the end."""
        return (self.overrides.base_url or self.fill(self.platform.base_url)).rstrip("/")

    @property
    def token_url(self) -> str:
        """Where tokens are given; empty for ways without tokens."""
        if not isinstance(self.way, OAuthCode | OAuthClient):
            return ""
        return self.overrides.token_url or self.fill(self.way.token_url)

    @property
    def authorize_url(self) -> str:
        """Where a person consents; empty for other ways."""
        if not isinstance(self.way, OAuthCode):
            return ""
        return self.overrides.authorize_url or self.fill(self.way.authorize_url)

    @property
    def revoke_url(self) -> str:
        """Where tokens are given back; empty where the platform has no such place."""
        if not isinstance(self.way, OAuthCode):
            return ""
        own = self.fill(self.way.revoke_url) if self.way.revoke_url else ""
        return self.overrides.revoke_url or own

    @property
    def origins(self) -> tuple[str, ...]:
        """The URLs whose hosts are spoken to."""
        return tuple(filter(None, (self.base_url, self.token_url, self.revoke_url)))

    @property
    def masked(self) -> str:
        """What it is, as it may be shown."""
        return f"{self.platform.platform} at {self.host}"

    @property
    def host(self) -> str:
        """The platform's host."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def port(self) -> int:
        """The platform's port."""
        parts = urlsplit(self.base_url)
        return parts.port or (80 if parts.scheme == "http" else 443)

    @property
    def database(self) -> str:
        """What holds the streams, as far as it is known without asking."""
        return self.name

    @property
    def password_in_url(self) -> bool:
        """Never: a stanza holds no secret."""
        return False

    def fill(self, text: Text) -> str:
        """Put the settings into a text."""
        return text.fill({Placeholder("setting", name): one for name, one in self.settings.items()})

    def open_transport(self) -> Transport:
        """Make a transport that reaches what this source may reach. Raises RefusedError where
        that may not be reached."""
        try:
            return self.connect(self.origins, self.allow_private_hosts)
        except TransportError as error:
            raise self._forbid(error) from None

    def judge_authorize_url(self) -> str:
        """Give the URL that a browser is sent to, judged as those that are asked. Raises
        RefusedError."""
        url = self.authorize_url
        try:
            guard = HostGuard([url], allow_private_hosts=self.allow_private_hosts)
            return guard.judge_url(url).url
        except TransportError as error:
            raise self._forbid(error) from None

    def credential(self) -> Credential:
        """Open what this source is opened with. Raises AuthError where it was never connected or
        in another way, WrongKeyError, IntegrityError."""
        data = self.keeper.read()
        if data is None and isinstance(self.way, NoProof):
            return Credential(self.platform.platform, self.way.name, {}, self.pace.now())
        if data is None:
            raise self.refuse(f"{self.name} is not connected: this vault has no credentials for it")
        found = read_credential(data)
        for secret in found.every_secret():
            self.learn(secret)
        if (found.platform, found.way) != (self.platform.platform, self.way.name):
            raise self.refuse(
                f"{self.name} was connected to {found.platform} by {found.way}, and its stanza "
                f"says {self.platform.platform} by {self.way.name}"
            )
        return found

    def _forbid(self, error: TransportError) -> RefusedError:
        return RefusedError(
            f"{self.name} may not be asked: {error.detail}.",
            subject=self.masked,
            risk="Nothing was sent.",
            hint="Look at its URLs; docs/sources.md tells what they may be.",
        )

    def refuse(self, why: str) -> AuthError:
        """Make the error for a source that cannot be opened until a person connects it again."""
        return AuthError(
            f"{why}.",
            subject=self.name,
            risk="Nothing was written; earlier snapshots are untouched.",
            hint=f"Run `listbackup source reconnect {self.name}`.",
        )


def settle_settings(platform: Platform, given: Mapping[str, str]) -> dict[str, str]:
    """Give each setting of the platform its value: what is given, else its default, else "".
    Raises UsageError for one that is unknown, missing or not of its form."""
    names = [one.name for one in platform.settings]
    strange = next((name for name in given if name not in names), None)
    if strange is not None:
        raise UsageError(
            f"{platform.title} has no setting {strange!r}.",
            hint=f"There are: {', '.join(names) or 'none'}.",
        )
    settled = {}
    for one in platform.settings:
        value = given.get(one.name) or one.default or ""
        hint = f"--setting {one.name}=..., or `settings:` in the stanza."
        if one.required and not value:
            raise UsageError(f"The setting {one.name} is missing: {one.title}.", hint=hint)
        if value and one.pattern and re.fullmatch(one.pattern, value) is None:
            raise UsageError(
                f"The setting {one.name} is not of its form: {one.title}.", hint=one.hint or hint
            )
        settled[one.name] = value
    return settled


def choose_way(platform: Platform, named: str | None) -> Authentication:
    """Choose one of the platform's ways to connect; the first where none is named. Raises
    UsageError."""
    ways = {one.name: one for one in platform.authentication}
    if named is None:
        return platform.authentication[0]
    if named not in ways:
        raise UsageError(
            f"{platform.title} is not connected by {named!r}.",
            hint="There are: " + "; ".join(f"{one.name} ({one.title})" for one in ways.values()),
        )
    return ways[named]
