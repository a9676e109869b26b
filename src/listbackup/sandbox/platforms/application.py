"""What a platform is to those who ask it: requests in, responses out, over a state.

Synchronous and without a network. A platform derives from `Application`: it answers, and it says
what its pages and its refusals look like, so that faults can be performed in its own words.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any, Generic, TypeVar

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.calls import Call, Hook, Logged, Router
from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.faults import Dial, Fault
from listbackup.sandbox.platforms.state import Watch

_H = TypeVar("_H")
SANDBOX_HEADER = "x-listbackup-sandbox"


class Application(ABC, Generic[_H]):
    """One platform. `hooks` are called before each request, `log` has what was answered (where
    `logging` is not switched off), `answered` how many there were, `dial` the faults."""

    def __init__(
        self, name: str, watch: Watch, seed: int, routes: Iterable[tuple[str, str, _H]]
    ) -> None:
        self.name = name
        self.watch = watch
        self.seed = seed
        self.dice = Dice(seed, name)
        self.dial = Dial(watch, seed)
        self.router: Router[_H] = Router(routes)
        self.hooks: list[Hook] = []
        self.log: list[Logged] = []
        self.logging = True
        self.answered = 0
        self._lock = threading.RLock()

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.watch.now().timestamp()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep requests waiting while the state is changed from another thread."""
        with self._lock:
            yield

    def handle(self, request: Request) -> Response:
        """Answer honestly, whatever the dial says."""
        with self._lock:
            call = self.begin(request)
            return self.end(call, self.serve(call), None)

    def begin(self, request: Request) -> Call[_H]:
        """Call the hooks, then take the request apart."""
        for hook in tuple(self.hooks):
            hook(request)
        return self.router.open(request)

    def serve(self, call: Call[_H]) -> Response:
        """Answer honestly, without a trace in the log."""
        return self.sign(self.respond(call))

    def sign(self, response: Response) -> Response:
        """Say in headers that this is a sandbox, and what time it is here."""
        date = format_datetime(self.watch.now(), usegmt=True)
        headers = {"date": date, **response.headers, SANDBOX_HEADER: self.name}
        return Response(response.status, headers, response.body)

    def end(self, call: Call[_H], response: Response, fault: Fault | None) -> Response:
        """Count the request, and write it into the log."""
        self.answered += 1
        if self.logging:
            entry = Logged(
                len(self.log) + 1,
                self.now,
                call.method,
                call.path,
                call.operation,
                call.query,
                call.headers,
                response.status,
                fault,
            )
            self.log.append(entry)
        return response

    def after_requests(self, count: int, act: Callable[[], None]) -> None:
        """Do something once, before the request that follows the next `count` ones."""
        left = count

        def hook(request: Request) -> None:
            nonlocal left
            if left == 0:
                act()
            left -= 1

        self.hooks.append(hook)

    @abstractmethod
    def respond(self, call: Call[_H]) -> Response:
        """Answer a request: authentication, limits, and what it asks for."""

    @abstractmethod
    def throttle(self, call: Call[_H], retry_after: str | None) -> Response:
        """Refuse a request as one too many, in the platform's words."""

    @abstractmethod
    def fail(self, call: Call[_H], status: int) -> Response:
        """Answer with an error of the server: 500, 502, 503 or 504."""

    @abstractmethod
    def spoil(self, call: Call[_H], fault: Fault) -> bool:
        """Let the credentials of a request expire, be revoked, or lose the right to this
        operation, really and lastingly; say whether there were any."""

    @abstractmethod
    def items(self, call: Call[_H], response: Response) -> list[dict[str, Any]] | None:
        """Give the records of a page, or None where it is no page of a list."""

    @abstractmethod
    def replace(self, call: Call[_H], response: Response, items: list[dict[str, Any]]) -> Response:
        """Give the same page with other records; what leads to the next page stays."""

    @abstractmethod
    def following(self, call: Call[_H], response: Response) -> Request | None:
        """Give the request for the page after this one, or None after the last."""

    @abstractmethod
    def first_page(self, call: Call[_H]) -> Request:
        """Give the request for the first page of the same list."""

    @abstractmethod
    def lose(self, call: Call[_H], response: Response) -> bool:
        """Delete the record that a reader of this page is about to build on; say whether there
        was one."""

    def reader(self, call: Call[_H]) -> str:
        """Name who reads, so that nobody is given pages of another."""
        return call.headers.get("authorization", "")

    def boast(self, call: Call[_H], response: Response) -> Response:
        """Let the headers of the rate limits say that everything is free."""
        return response

    def field_for(self, fault: Fault, item: Mapping[str, Any]) -> str | None:
        """Choose the field that a fault removes or gives another type, where none is named."""
        names = [name for name, value in item.items() if isinstance(value, str) and name != "id"]
        return names[-1] if names else None
