"""One HTTP exchange: what is asked, what came, what can go wrong, and how much is let in.

Everything that reaches a platform goes through a `Transport`: the real client, a sandbox in the
same process, and wrappers that record, validate or break. A transport sends once: patience, rate
budgets and authorisation stand above it. Knows no platform and no HTTP library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from urllib.parse import urlsplit


class Kind(Enum):
    """Why there is no response."""

    TIMEOUT = "timeout"
    TOO_SLOW = "too slow"
    RESET = "connection reset"
    REFUSED = "connection refused"
    UNRESOLVED = "name not resolved"
    CERTIFICATE = "certificate not accepted"
    TOO_LARGE = "response too large"
    WRONG_LENGTH = "response cut short"
    MALFORMED = "not HTTP as it should be"
    FORBIDDEN_HOST = "host not allowed"
    REDIRECT = "redirect not followed"


class TransportError(Exception):
    """No whole response came; `kind` says why, `detail` in words without secrets.

    `maybe_done` is false only where the request certainly never reached the platform.
    """

    def __init__(self, kind: Kind, detail: str = "", *, maybe_done: bool = True) -> None:
        super().__init__(f"{kind.value}: {detail}" if detail else kind.value)
        self.kind = kind
        self.detail = detail
        self.maybe_done = maybe_done


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: an absolute URL with its query, and the platform's operation as its
    specification writes it (`GET /v2/contacts/{id}`), by which budgets, recordings and messages
    know it. `once`: its failure is not waited out, and says nothing of the platform.

    Its repr shows neither headers, nor the body, nor the values of the query.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    operation: str = ""
    once: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method} {conceal(self.url)}, operation={self.operation!r})"


@dataclass(frozen=True, slots=True)
class Response:
    """What came, whole: names of headers in lower case (repeated ones joined by `, `), the body
    decompressed. `nothing`: it was understood as a platform's way to say that a list is empty.
    Its repr shows neither headers nor body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    nothing: bool = False

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} B)"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a response may take, and how much of it is let in.

    Times in seconds: until connected, between two pieces of a body, in all. A body that runs for
    longer than `grace` has to have come at `slowest` bytes a second or more. Sizes in bytes:
    `largest_body` counts what is decompressed. Of redirects so many are followed.
    """

    connect: float = 15.0
    read: float = 60.0
    total: float = 300.0
    grace: float = 20.0
    slowest: int = 1024
    largest_body: int = 32 * 2**20
    largest_headers: int = 64 * 2**10
    most_redirects: int = 5


class Transport(Protocol):
    """Sends one request."""

    async def send(self, request: Request) -> Response:
        """Send it once, and give the whole response, whatever its status.

        Raises TransportError when none came.
        """
        ...

    async def close(self) -> None:
        """Give up all connections; may be called twice."""
        ...


def conceal(url: str) -> str:
    """Write a URL for messages: without user, password, fragment and the values of its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a URL that cannot be read"
    names = [piece.partition("=")[0] for piece in parts.query.split("&") if piece]
    query = "?" + "&".join(f"{name}=…" for name in names) if names else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
