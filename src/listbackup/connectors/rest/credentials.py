"""What opens a platform: what a person gave, and the tokens that came of it, as one document.

Written and read as bytes through a `Keeper`, which seals them somewhere. Secrets are `Secret`s
from the first byte on. Knows no vault, no file and no HTTP.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from listbackup.clock import format_time, parse_time
from listbackup.connectors.rest.models.authentication import (
    ApiKey,
    Authentication,
    Basic,
    Bearer,
    NoProof,
    OAuthClient,
    OAuthCode,
)
from listbackup.errors import IntegrityError
from listbackup.log import Secret

FORMAT = 1


class Keeper(Protocol):
    """Keeps the document of one source, sealed and durable."""

    def read(self) -> bytes | None:
        """Give what was written last; None where nothing was. Raises WrongKeyError,
        IntegrityError."""
        ...

    def write(self, data: bytes) -> None:
        """Replace it; when this returns it is durable. Raises FailedError."""
        ...

    def lease(self) -> AbstractContextManager[None]:
        """Be the only one over all processes who changes it. Raises BusyError where another
        one is."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret that a way of connecting needs: its name, and how it is asked for."""

    name: str
    title: str
    hint: str = ""


def list_wanted(way: Authentication) -> tuple[Wanted, ...]:
    """Name the secrets that a person has to give."""
    match way:
        case ApiKey():
            further = (Wanted(one.name, one.title, one.hint) for one in way.also)
            return (Wanted("key", way.title, way.hint), *further)
        case Bearer():
            return (Wanted("token", way.title, way.hint),)
        case Basic(password="none"):
            return (Wanted("user", way.title, way.hint),)
        case Basic():
            user = Wanted("user", f"{way.title}: user", way.hint)
            return user, Wanted("password", f"{way.title}: password")
        case NoProof():
            return ()
        case OAuthCode() | OAuthClient():
            return (
                Wanted("client_id", f"{way.title}: client id", way.hint),
                Wanted("client_secret", f"{way.title}: client secret"),
            )


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an authorization server gave, and when; `expires` is by our own clock."""

    access: Secret
    refresh: Secret | None
    obtained: datetime
    expires: datetime

    def due(self, now: datetime, ahead: int) -> bool:
        """Whether the access token ends within `ahead` seconds. Of a short-lived one at least
        half its life is used."""
        life = (self.expires - self.obtained).total_seconds()
        return now >= self.expires - timedelta(seconds=min(ahead, life / 2))


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one source. `way` names how; `account` and `title` say to whose account of the
    platform it belongs, empty where that was not told. `refreshing` stands while a refresh token
    is on its way to the platform: where it is found later, the answer was lost. `ended` says why
    the platform does not accept it any more."""

    platform: str
    way: str
    secrets: Mapping[str, Secret]
    connected: datetime
    account: str = ""
    title: str = ""
    tokens: Tokens | None = None
    refreshing: datetime | None = None
    ended: str = ""

    def every_secret(self) -> list[str]:
        """Give all texts that must be shown nowhere."""
        found = [one.reveal() for one in self.secrets.values()]
        if self.tokens is not None:
            found.append(self.tokens.access.reveal())
            found += [self.tokens.refresh.reveal()] if self.tokens.refresh else []
        return found


def write_credential(credential: Credential) -> bytes:
    """Write it as JSON. The bytes are secret."""
    tokens = credential.tokens
    value: dict[str, Any] = {
        "format": FORMAT,
        "platform": credential.platform,
        "way": credential.way,
        "secrets": {name: one.reveal() for name, one in credential.secrets.items()},
        "connected": format_time(credential.connected),
        "account": credential.account,
        "title": credential.title,
        "refreshing": format_time(credential.refreshing) if credential.refreshing else None,
        "ended": credential.ended,
    }
    if tokens is not None:
        value["tokens"] = {
            "access": tokens.access.reveal(),
            "refresh": tokens.refresh.reveal() if tokens.refresh else None,
            "obtained": format_time(tokens.obtained),
            "expires": format_time(tokens.expires),
        }
    return json.dumps(value).encode("ascii")


def read_credential(data: bytes) -> Credential:
    """Read what `write_credential` wrote. Raises IntegrityError."""
    try:
        value = json.loads(data)
        if value["format"] != FORMAT:
            raise ValueError("another format")
        tokens = value.get("tokens")
        return Credential(
            platform=str(value["platform"]),
            way=str(value["way"]),
            secrets={str(name): Secret(str(one)) for name, one in value["secrets"].items()},
            connected=parse_time(value["connected"]),
            account=str(value["account"]),
            title=str(value["title"]),
            tokens=_read_tokens(tokens) if tokens else None,
            refreshing=parse_time(value["refreshing"]) if value["refreshing"] else None,
            ended=str(value["ended"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # The cause is not kept: it could quote the bytes.
        raise IntegrityError(
            "The stored credentials are of a form that this version does not know.",
            risk="Snapshots are untouched; the source cannot be read until it is connected again.",
            hint="`listbackup source reconnect NAME` asks for them again.",
        ) from None


def _read_tokens(value: Mapping[str, Any]) -> Tokens:
    return Tokens(
        Secret(str(value["access"])),
        Secret(str(value["refresh"])) if value["refresh"] else None,
        parse_time(value["obtained"]),
        parse_time(value["expires"]),
    )


@dataclass(slots=True)
class MemoryKeeper:
    """Keeps it as long as the process lasts: a connection is tried before it is kept."""

    data: bytes | None = None

    def read(self) -> bytes | None:
        """Give what was written last."""
        return self.data

    def write(self, data: bytes) -> None:
        """Replace it."""
        self.data = data

    def lease(self) -> AbstractContextManager[None]:
        """Nobody else is there."""
        return nullcontext()
