"""A request as an application sees it: taken apart, and matched with a route.

Knows no platform.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from listbackup.connectors.rest.transport import Request

_H = TypeVar("_H")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Route(Generic[_H]):
    """One operation: `GET`, `/v1/customers/{id}`, and what a platform keeps for it."""

    method: str
    template: str
    target: _H

    @property
    def operation(self) -> str:
        """Name it: `GET /v1/customers/{id}`."""
        return f"{self.method} {self.template}"


@dataclass(slots=True)
class Call(Generic[_H]):
    """A request taken apart: path still quoted, query in order, names of headers in lower case,
    parts of the path unquoted. `route` is None where nothing answers; `allowed` then names the
    methods that would."""

    request: Request
    path: str
    query: Pairs
    headers: dict[str, str]
    route: Route[_H] | None
    parts: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The verb."""
        return self.request.method

    @property
    def operation(self) -> str:
        """The name of the operation by its route; where there is none, method and path."""
        return self.route.operation if self.route else f"{self.method} {self.path}"

    def first(self, name: str) -> str | None:
        """Give the first value of that name in the query."""
        return next((value for key, value in self.query if key == name), None)


class Router(Generic[_H]):
    """Finds the route of a request. Fixed words go before `{names}`; a name stands for one part
    of a path, or for the end of one (`/contacts/{id}:link`)."""

    def __init__(self, routes: Iterable[tuple[str, str, _H]]) -> None:
        self.routes = [Route(method, template, target) for method, template, target in routes]
        self._fixed: dict[str, dict[str, Route[_H]]] = {}
        self._shaped: dict[int, list[tuple[list[str], Route[_H]]]] = {}
        for route in self.routes:
            if "{" in route.template:
                parts = route.template.split("/")
                self._shaped.setdefault(len(parts), []).append((parts, route))
            else:
                self._fixed.setdefault(route.template, {})[route.method] = route
        for shaped in self._shaped.values():
            shaped.sort(key=lambda one: [("{" in part) - (":" in part) for part in one[0]])

    def open(self, request: Request) -> Call[_H]:
        """Take a request apart and find its route."""
        split = urlsplit(request.url)
        query = tuple(parse_qsl(split.query, keep_blank_values=True)) if split.query else ()
        headers = {name.lower(): value for name, value in request.headers.items()}
        fixed = self._fixed.get(split.path)
        if fixed is not None and request.method in fixed:
            return Call(request, split.path, query, headers, fixed[request.method])
        allowed = list(fixed or ())
        given = split.path.split("/")
        for parts, route in self._shaped.get(len(given), ()):
            found = match(parts, given)
            if found is not None and route.method == request.method:
                return Call(request, split.path, query, headers, route, found)
            if found is not None:
                allowed.append(route.method)
        return Call(request, split.path, query, headers, None, {}, tuple(allowed))


def match(template: Iterable[str], given: Iterable[str]) -> dict[str, str] | None:
    """Compare a template with a path of as many parts; give what its names stand for."""
    found: dict[str, str] = {}
    for part, value in zip(template, given, strict=True):
        before, brace, rest = part.partition("{")
        if not brace:
            if part != value:
                return None
            continue
        name, _, after = rest.partition("}")
        long_enough = len(value) > len(before) + len(after)
        if not (long_enough and value.startswith(before) and value.endswith(after)):
            return None
        found[name] = unquote(value[len(before) : len(value) - len(after)])
    return found


Hook = Callable[[Request], None]
"""Called before a request is looked at: tests change the state in it."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was answered: when (seconds since 1970), as what, with what, how.

    `fault` names what was broken on purpose, if anything.
    """

    number: int
    at: float
    method: str
    path: str
    operation: str
    query: Pairs
    headers: Mapping[str, str]
    status: int
    fault: str | None
