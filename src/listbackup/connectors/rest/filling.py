"""From what a YAML says of a request to one that can be sent: placeholders, query, body, headers.

A parameter or header whose placeholder has no value is left out. Sends nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urljoin, urlsplit

from listbackup.connectors.rest import transport
from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.streams import Request
from listbackup.errors import SourceError

Values = Mapping[Placeholder, str]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that can still be told parameters: they go into the body where there is one, else
    into the query. `operation` is `METHOD /path` with the placeholders of the path; `hidden` are
    parameters that are secrets: a URL of the platform's that has them is kept without."""

    method: str
    url: str
    query: Query = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    form: bool = False
    operation: str = ""
    hidden: frozenset[str] = frozenset()

    def tell(self, parameters: Mapping[str, Any], joined: str | None = None) -> "Draft":
        """Set parameters; with `joined` a text that is there already stays in front of it."""
        told = self
        for name, value in parameters.items():
            told = told._tell_one(name, value, joined)
        return told

    def _tell_one(self, name: str, value: Any, joined: str | None) -> "Draft":
        if self.body is None:
            before = [one for key, one in self.query if key == name]
            text = value if isinstance(value, str) else json.dumps(value)
            if joined is not None and before:
                text = joined.join([*before, text])
            rest = tuple(pair for pair in self.query if pair[0] != name)
            return replace(self, query=(*rest, (name, text)))
        found = _look(self.body, name.split("."))
        if joined is not None and isinstance(found, str) and isinstance(value, str):
            value = found + joined + value
        elif joined is not None and isinstance(found, list) and isinstance(value, list):
            value = found + value
        return replace(self, body=_put(self.body, name.split("."), value))

    def go_to(self, url: str) -> "Draft":
        """Ask at another URL, absolute or relative to this one, that has its query already. One
        of the same host is never asked less safely than this one."""
        there = urljoin(self.whole_url, url)
        here, goal = urlsplit(self.url), urlsplit(there)
        if (here.scheme, goal.scheme, goal.netloc) == ("https", "http", here.netloc):
            there = goal._replace(scheme="https").geturl()
        return replace(self, url=there, query=())

    def conceal(self, url: str) -> str:
        """Write a URL of the platform's without secrets."""
        for name in self.hidden:
            url = set_parameter(url, name, None)
        return url

    @property
    def whole_url(self) -> str:
        """The URL with its query."""
        if not self.query:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.query)}"

    def finish(self) -> transport.Request:
        """Write it down."""
        headers = dict(self.headers)
        body = b""
        if self.body is not None and self.form:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            body = urlencode(_flatten(self.body)).encode("ascii")
        elif self.body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(self.body, separators=(",", ":")).encode()
        headers.setdefault("Accept", "application/json")
        return transport.Request(self.method, self.whole_url, headers, body, self.operation)


def draft(
    base_url: str, headers: Mapping[str, Text], request: Request, values: Values, subject: str
) -> Draft:
    """Fill a request in. Raises SourceError where its path has a placeholder without a value."""
    try:
        path = request.path.fill(_given(values), lambda one: quote(one, safe=""))
    except KeyError as error:
        name = f"{{{error.args[0].kind}.{error.args[0].name}}}"
        raise SourceError(f"There is no value for {name} in the path.", subject=subject) from error
    query: list[tuple[str, str]] = []
    for name, texts in request.query.items():
        for text in texts if isinstance(texts, tuple) else (texts,):
            filled = fill(text, values)
            if filled is not None:
                query.append((name, filled))
    filled_headers = {
        name: filled
        for name, text in {**headers, **request.headers}.items()
        if (filled := fill(text, values)) is not None
    }
    body = None if request.body is None else _fill_body(request.body, values)
    return Draft(
        request.method,
        base_url.rstrip("/") + path,
        tuple(query),
        tuple(filled_headers.items()),
        body,
        request.form,
        f"{request.method} {request.path.written}",
    )


def fill(text: Text, values: Values) -> str | None:
    """Fill a text in; None where a placeholder has no value."""
    try:
        return text.fill(_given(values))
    except KeyError:
        return None


def _given(values: Values) -> Values:
    return {key: value for key, value in values.items() if value != ""}


def _fill_body(value: Any, values: Values) -> Any:
    if isinstance(value, Text):
        return fill(value, values)
    if isinstance(value, Mapping):
        filled = {name: _fill_body(one, values) for name, one in value.items()}
        return {name: one for name, one in filled.items() if one is not None or value[name] is None}
    if isinstance(value, list):
        return [_fill_body(one, values) for one in value]
    return value


def _look(value: Any, path: list[str]) -> Any:
    for step in path:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def _put(value: Any, path: list[str], given: Any) -> Any:
    if not path:
        return given
    step, rest = path[0], path[1:]
    if isinstance(value, list) and step.isdecimal():
        place = int(step)
        here = value[place] if place < len(value) else None
        return [*value[:place], _put(here, rest, given), *value[place + 1 :]]
    fields = value if isinstance(value, Mapping) else {}
    return {**fields, step: _put(fields.get(step), rest, given)}


def _flatten(body: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        named = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            pairs += _flatten(value, named)
        elif isinstance(value, list):
            pairs += [(f"{named}[]", write_plain(one)) for one in value]
        else:
            pairs.append((named, write_plain(value)))
    return pairs


def set_parameter(url: str, name: str, value: str | None) -> str:
    """Set a parameter of a URL's query, in place of those of its name; None takes it away."""
    head, mark, rest = url.partition("#")
    path, _, query = head.partition("?")
    pieces = [one for one in query.split("&") if one and unquote_plus(one.split("=")[0]) != name]
    if value is not None:
        pieces.append(urlencode({name: value}))
    return path + ("?" + "&".join(pieces) if pieces else "") + mark + rest


def write_plain(value: Any) -> str:
    """Write a JSON value as it stands in a query: texts as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
