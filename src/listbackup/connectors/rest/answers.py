"""What comes back from a platform, and the ways in which it can say no.

`Asker` is what everything that reads stands on: it has patience, budgets and authorisation.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import SourceError

Check = Callable[[Response], None]
"""Looks whether a response is the answer that was asked for. Raises `bodies.Unreadable`."""
Meaning = Literal["forbidden", "missing", "invalid", "expired_page", "transient", "too_large"]


class Refused(SourceError):
    """A platform's no to one request, or its silence after all patience; `means` says which."""

    def __init__(self, means: Meaning, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.means = means
        self.status = status


class Asker(Protocol):
    """Asks a platform, as often as is needed and allowed."""

    async def ask(self, request: Request, check: Check = ...) -> Response:
        """Give a response that the platform meant as an answer (2xx) and that passes the check
        (without one: it is JSON). Raises Refused, AuthError, RateLimited."""
        ...


class Doubtful(Exception):
    """A listing cannot go on, and what came of it is true but may not be all."""


class WindowFull(Doubtful):
    """There are more records than the platform shows of one search."""
