"""What a platform's operations take, and a transport that holds each request against it.

Facts stand in text files: an operation a line (`GET /v1/charges`), below it, indented, its
parameters: name (`!`: has to be there), kind, and what the kind allows:

    integer 1..100    whole numbers      one a b    one of these     string, object, time
    words a b         names, joined by commas or repeated; without names any
    filter a b        `a==1;b==2`        order a b  `a asc`, `b desc`

Knows no engine.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from listbackup.connectors.rest.transport import Request, Response, Transport

_TERM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(==|!=|<=|>=|<|>)(.+)")
_PLACE = re.compile(r"\{[^{}]+\}")
_TIMES = re.compile(r"(.*)\[(?:gt|gte|lt|lte)\]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query: its kind, what that allows, and whether it has to be there."""

    name: str
    kind: str
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `GET /v1/charges/{charge}`, and what its query may say."""

    name: str
    parameters: Mapping[str, Parameter]

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.name.partition(" ")[0]

    @property
    def path(self) -> str:
        """Its path, with places in braces."""
        return self.name.partition(" ")[2]


class Contract:
    """The operations of a platform. Raises ValueError for facts that cannot be read."""

    def __init__(self, facts: str) -> None:
        self.operations = {one.name: one for one in _read(facts)}
        self._patterns = sorted(
            ((_compile(one.path), one) for one in self.operations.values()),
            key=lambda pair: (len(_PLACE.findall(pair[1].path)), pair[1].path),
        )

    def find(self, method: str, path: str) -> Operation | None:
        """Find the operation of a path; one that says more of it literally comes first."""
        for pattern, one in self._patterns:
            if one.method == method and pattern.fullmatch(path):
                return one
        return None

    def judge(self, request: Request, base_url: str) -> tuple[str, tuple[str, ...]]:
        """Give the operation's name (empty: there is none) and what is wrong with a request."""
        base, asked = urlsplit(base_url), urlsplit(request.url)
        path = asked.path.removeprefix(base.path.rstrip("/"))
        if asked.netloc != base.netloc or not asked.path.startswith(base.path.rstrip("/")):
            return "", (f"{request.method} {asked.path}: not below {base_url}",)
        operation = self.find(request.method, path)
        if operation is None:
            return "", (f"{request.method} {path}: there is no such operation",)
        query = parse_qsl(asked.query, keep_blank_values=True)
        return operation.name, tuple(f"{operation.name}: {one}" for one in _fault(operation, query))


def _read(facts: str) -> list[Operation]:
    found: list[tuple[str, dict[str, Parameter]]] = []
    for line in facts.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            found.append((line.strip(), {}))
            continue
        name, kind, *allowed = line.split()
        if kind not in _CHECKS or not found:
            raise ValueError(f"this is no parameter: {line}")
        plain = name.removesuffix("!")
        found[-1][1][plain] = Parameter(plain, kind, tuple(allowed), name != plain)
    return [Operation(name, parameters) for name, parameters in found]


def _compile(path: str) -> re.Pattern[str]:
    pieces = _PLACE.split(path)
    return re.compile("[^/:]+".join(re.escape(piece) for piece in pieces))


def _fault(operation: Operation, query: Sequence[tuple[str, str]]) -> list[str]:
    found = []
    seen = Counter(_find_name(operation, name) for name, _ in query)
    for name, value in query:
        known = operation.parameters.get(_find_name(operation, name))
        if known is None:
            found.append(f"no parameter is named {name}")
        elif said := _CHECKS[known.kind](known, value):
            found.append(f"{name}={value}: {said}")
    for one in operation.parameters.values():
        if one.required and not seen[one.name]:
            found.append(f"{one.name} is missing")
        if seen[one.name] > 1 and one.kind not in ("words", "time", "object"):
            found.append(f"{one.name} stands {seen[one.name]} times")
    return found


def _find_name(operation: Operation, name: str) -> str:
    """Give a parameter's name without the part of it that is asked for: `created[gte]`."""
    if name in operation.parameters:
        return name
    timed, whole = _TIMES.fullmatch(name), name.partition("[")[0]
    parameter = operation.parameters.get(timed[1] if timed else whole)
    if parameter is None or parameter.kind not in ("time", "object"):
        return name
    inner = name[len(parameter.name) + 1 : -1]
    if parameter.kind == "object" and parameter.allowed and inner not in parameter.allowed:
        return name
    return parameter.name if timed or parameter.kind == "object" else name


def _check_integer(one: Parameter, value: str) -> str:
    if not re.fullmatch(r"-?[0-9]+", value):
        return "not a whole number"
    low, _, high = (one.allowed[0] if one.allowed else "..").partition("..")
    if (low and int(value) < int(low)) or (high and int(value) > int(high)):
        return f"not within {low}..{high}"
    return ""


def _check_one(one: Parameter, value: str) -> str:
    return "" if value in one.allowed else f"not one of {', '.join(one.allowed)}"


def _check_words(one: Parameter, value: str) -> str:
    words = value.split(",")
    strange = [word for word in words if not word or (one.allowed and word not in one.allowed)]
    return f"not known: {', '.join(strange)}" if strange else ""


def _check_filter(one: Parameter, value: str) -> str:
    for term in value.split(";"):
        found = _TERM.fullmatch(term)
        if found is None:
            return f"{term!r} is no comparison"
        if one.allowed and found[1] not in one.allowed:
            return f"no filter is named {found[1]}"
    return ""


def _check_order(one: Parameter, value: str) -> str:
    name, _, direction = value.partition(" ")
    if one.allowed and name not in one.allowed:
        return f"no order by {name}"
    return "" if direction in ("asc", "desc") else f"no direction: {direction!r}"


def _check_time(_: Parameter, value: str) -> str:
    return "" if re.fullmatch(r"[0-9]{1,12}", value) else "not a Unix time in seconds"


def _accept(_: Parameter, value: str) -> str:
    return "" if value else "empty"


_CHECKS: Mapping[str, Callable[[Parameter, str], str]] = {
    "integer": _check_integer,
    "one": _check_one,
    "words": _check_words,
    "filter": _check_filter,
    "order": _check_order,
    "time": _check_time,
    "string": _accept,
    "object": _accept,
}


@dataclass
class Validating:
    """A transport that judges each request before the one below sends it.

    `counts`: requests by operation; `violations`: what was wrong, in order. Requests to URLs that
    begin with one of `besides` (a server of tokens) are let through unjudged.
    """

    below: Transport
    contract: Contract
    base_url: str
    besides: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        """Judge it, count it, and send it. Raises what the transport below does."""
        if not request.url.startswith(self.besides or ("\0",)):
            name, wrong = self.contract.judge(request, self.base_url)
            self.counts[name] += 1
            self.violations += wrong
        return await self.below.send(request)

    async def close(self) -> None:
        """Close the transport below."""
        await self.below.close()
