"""Lists whose pages hang together as a chain: where the next page is asked for, and where it ends.

Each kind says it from the page before; what contradicts itself is no end. Pages by number are
elsewhere (`numbered`). Sends nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never
from urllib.parse import parse_qsl, urlsplit

from listbackup.connectors.rest.filling import Draft, fill, write_plain
from listbackup.connectors.rest.models.pagination import (
    AfterKey,
    Cursor,
    Keyset,
    LinkHeader,
    NextUrl,
    OnePage,
    Paging,
    SearchAfter,
)
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.orders import find_tie, is_ordered
from listbackup.connectors.rest.pages import Page, field_of, fields_of, look
from listbackup.connectors.rest.positions import decode

Chained = OnePage | Cursor | AfterKey | LinkHeader | NextUrl | Keyset | SearchAfter
Json = Any

OVERLAP_FROM = 10
"""Pages of so many records or more overlap by one record, where the platform lets us choose after
which record a page begins: a page that is left out shows."""

_VALUE = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s;,\"']*)"
_LINK = re.compile(rf"<([^<>]*)>((?:\s*;?\s*[^\s;,=\"'<>]+\s*(?:=\s*{_VALUE})?\s*)*;?)")
_PART = re.compile(rf"([^\s;,=\"']+)\s*(?:=\s*({_VALUE}))?")
_NEXT = re.compile(r"\bnext\b", re.IGNORECASE)


_WORDS = dict.fromkeys(("true", "1", "yes", "y"), True) | dict.fromkeys(
    ("false", "0", "no", "n"), False
)


class Contradiction(Exception):
    """A page says two things that cannot both be."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a page is asked for: parameters, or a whole URL.

    `expects` is the key of a record that the page should have; where it has not, `closer` are
    parameters that tell whether that record is gone or a page was left out. `others` are values
    for the same parameter that would do as well, best first, None to begin again. `final`: the
    page before said that it was the last. `doubt`: what is wrong if anything new comes there, but
    for a page that begins with a record that has this value in this field (`meets`).
    """

    parameters: Mapping[str, Json] = field(default_factory=dict)
    url: str = ""
    expects: bytes = b""
    closer: Mapping[str, Json] = field(default_factory=dict)
    others: tuple[Json, ...] = ()
    final: bool = False
    doubt: str = ""
    meets: tuple[tuple[str, ...], Json] | None = None

    def apply(self, draft: Draft) -> Draft:
        """Ask there."""
        return draft.go_to(self.url) if self.url else draft.tell(self.parameters)

    def instead(self, value: Json) -> "Step":
        """Ask with another value, or (None) for the first page."""
        return Step() if value is None else Step(dict.fromkeys(self.parameters, value))

    def judge(self, page: Page) -> str:
        """Say what is wrong where its page came with anything new."""
        if self.meets is None or not page.records:
            return self.doubt
        path, value = self.meets
        return "" if field_of(page.records[0], path) == value else self.doubt

    def write(self) -> Json:
        """Write it down for a later sync."""
        return {"url": self.url} if self.url else {"parameters": dict(self.parameters)}


def read_step(place: Mapping[str, Json]) -> Step:
    """Read what `Step.write` wrote."""
    return Step(dict(place.get("parameters", {})), str(place.get("url", "")))


def name_signs(paging: Paging) -> list[str] | None:
    """Name the fields by which a way of paging sees whether there is more; None where it sees it
    by such a one for certain."""
    match paging:
        case AfterKey():
            return None
        case Cursor():
            return None if paging.more else [*paging.token[-1:], *paging.also]
        case NextUrl():
            return [*paging.url[-1:]]
        case LinkHeader():
            return ["link"]
        case _:
            return []


def begin(paging: Chained) -> Step:
    """Say where the first page is asked for."""
    if isinstance(paging, Keyset):
        order = {name: fill(text, {}) for name, text in paging.order.items()}
        return Step({name: text for name, text in order.items() if text is not None})
    return Step()


def counts_pages(paging: Paging, step: Step, before: Step | None) -> bool:
    """Say whether a step tells the number of its page, so that all pages need the same size;
    `before` is the step before it, where that is known. (No place is kept in lists that count.)"""
    if not isinstance(paging, Cursor) or before is None:
        return False
    number = _read_number(step.parameters.get(paging.param))
    if number is None:
        return False
    last = _read_number(before.parameters.get(paging.param))
    return number in (1, 2) if last is None else number == last + 1


def _read_number(value: Json) -> int | None:
    plain = write_plain(value) if isinstance(value, str | int) else ""
    return int(plain) if plain.isdecimal() and plain.isascii() and len(plain) < 10 else None


def follow(
    paging: Chained, step: Step, page: Page, fresh: int, key: Sequence[str], size: int
) -> Step | None:
    """Say where the page after this one is asked for; None at the end.

    `fresh` of its records are new, `key` are the fields of the key, `size` records were asked
    for (0: unknown). Raises Contradiction.
    """
    match paging:
        case OnePage():
            return None
        case Cursor():
            return _see_ties(_follow_token(paging, step, page, fresh), page, key)
        case AfterKey():
            return _follow_key(paging, page)
        case LinkHeader():
            following = _follow_url(step, read_link(page.headers.get("link", "")))
            return _see_ties(following, page, key)
        case NextUrl():
            return _see_ties(_follow_url(step, look(page, paging.url)), page, key)
        case Keyset():
            return _follow_value(paging, step, page, fresh, key, size)
        case SearchAfter():
            return _follow_sort(paging, step, page)
        case _:
            assert_never(paging)


def _follow_token(paging: Cursor, step: Step, page: Page, fresh: int) -> Step | None:
    token: Any = page.headers.get(paging.header.lower(), "").strip() if paging.header else None
    if paging.token:
        token = look(page, paging.token)
    more = read_more(page, paging.more) if paging.more else None
    if token in (None, "", False, [], {}) or write_plain(token) in paging.ends:
        if more is True:
            raise Contradiction("a page says that there is more, and does not say where")
        return None
    if paging.more and more is None:
        raise Contradiction(f"a page does not say whether there is more ({'.'.join(paging.more)})")
    if step.final and not fresh:
        return None
    told = {paging.param: token}
    for name, path in paging.also.items():
        told[name] = look(page, path)
        if told[name] is None:
            raise Contradiction(f"a page does not say where to go on ({'.'.join(path)})")
    if dict(step.parameters) == told:
        raise Contradiction("a page names itself as the next one")
    return Step(told, final=more is False)


def read_more(page: Page, path: Sequence[str]) -> bool | None:
    """Read whether a page says that there is more; None where it does not say it."""
    found = look(page, tuple(path))
    if isinstance(found, bool):
        return found
    return _WORDS.get(str(found).strip().lower())


def _follow_key(paging: AfterKey, page: Page) -> Step | None:
    if not page.rest:
        return None
    more = read_more(page, paging.more)
    if more is None:
        raise Contradiction(f"a page does not say whether there is more ({'.'.join(paging.more)})")
    if not more:
        return None
    if not page.records:
        raise Contradiction("an empty page says that there is more")
    values = fields_of(page.records, paging.field)
    if any(value is None for value in values):
        raise Contradiction(f"a record has no {'.'.join(paging.field)} to go on from")
    back = values[::-1]
    if len(back) < OVERLAP_FROM:
        return Step({paging.param: back[0]}, others=(*back[1:], None))
    others = (back[0], *back[2:], None)
    closer = {paging.param: back[0]}
    return Step({paging.param: back[1]}, "", page.keys[-1], closer, others)


def _follow_url(step: Step, url: Any) -> Step | None:
    if url in (None, "", False):
        return None
    if not isinstance(url, str):
        raise Contradiction("a page names something as the next one that is no URL")
    if url == step.url:
        raise Contradiction("a page names itself as the next one")
    return Step(url=url)


def _see_ties(step: Step | None, page: Page, key: Sequence[str]) -> Step | None:
    """Doubt a step that names the last record by a value that others have as well, where the page
    after it does not begin with those."""
    if step is None:
        return step
    told = [value for _, value in parse_qsl(urlsplit(step.url).query)]
    told += [write_plain(one) for one in step.parameters.values()]
    # a plus that is not escaped is read as a space
    texts = {text for one in told for text in (*decode(one), one.replace(" ", "+"))}
    tie = find_tie(page.records, texts, key)
    if tie is None:
        return step
    doubt = (
        f"pages go on after a {'.'.join(tie[0])} that several records have, so one may be left "
        "out where pages meet: sort by the key"
    )
    return replace(step, doubt=doubt, meets=tie)


def read_link(header: str) -> str:
    """Give the URL with `rel="next"` of a `Link` header (RFC 8288); empty where there is none.
    Raises Contradiction where what cannot be read may be one."""
    for found in _LINK.finditer(header):
        rels = [value for name, value in _PART.findall(found[2]) if name.lower() == "rel"]
        words = " ".join(one.strip("\"'") for one in rels).lower().split()
        # a relation may be named by a URI of the platform's own
        if any(re.split("[/#]", one)[-1] == "next" for one in words):
            return found[1]
    rest = _LINK.sub("", header)
    if _NEXT.search(rest):
        raise Contradiction("the header Link names a next page in a way that cannot be read")
    return ""


def _follow_value(
    paging: Keyset, step: Step, page: Page, fresh: int, key: Sequence[str], size: int
) -> Step | None:
    if not page.records:
        _see_nothing(page)
        return None
    name = ".".join(paging.field)
    values = fields_of(page.records, paging.field)
    if not is_ordered(values, up=not paging.descending):
        raise Contradiction(f"records did not come ordered by {name}")
    full = bool(size) and len(page.records) + len(page.lacking) >= size
    top = values[-1]
    if full and not fresh:
        raise Contradiction(f"nothing new follows {name} {top}, and yet the page is full")
    if paging.inclusive or tuple(key) == (name,):
        if paging.inclusive and full and values[0] == top and len(values) > 1:
            raise Contradiction(f"more than {size - 1} records have the same {name}, {top}")
        if not fresh:
            return None
        told = {**step.parameters, paging.param: _write(paging, top)}
        if not paging.inclusive:
            return Step(told)
        lower = [one for one in values if one != top]
        closer = {**told, paging.param: _write(paging, lower[-1])} if lower else {}
        return Step(told, "", page.keys[-1], closer)
    # the value before the last one
    below = next((one for one in reversed(values) if one != top), None)
    if not fresh:
        return None
    if below is None and full:
        raise Contradiction(f"more than {size - 1} records have the same {name}, {top}")
    # a platform that leaves the value itself out would leave out its other records as well
    told = {**step.parameters, paging.param: _write(paging, top if below is None else below)}
    crowd = "" if below is not None else f"all records of a page have the same {name}, {top}"
    return Step(told, doubt=f"{crowd}, and there may be more of them" if crowd else "")


def _see_nothing(page: Page) -> None:
    if page.aside or page.lacking:
        raise Contradiction("no record of a page could be read, so nothing tells where it goes on")


def _write(paging: Keyset, value: Any) -> str:
    plain = write_plain(value)
    if paging.written is None:
        return plain
    return fill(paging.written, {Placeholder("record", ".".join(paging.field)): plain}) or plain


def _follow_sort(paging: SearchAfter, step: Step, page: Page) -> Step | None:
    if not page.records:
        _see_nothing(page)
        return None
    value = field_of(page.records[-1], paging.field)
    if not isinstance(value, list) or not value:
        raise Contradiction(f"a record has no {'.'.join(paging.field)} to go on from")
    if step.parameters.get(paging.param) == value:
        raise Contradiction("a page names itself as the next one")
    values = fields_of(page.records, paging.field)
    tied = any(one == other for one, other in zip(values, values[1:], strict=False))
    name = ".".join(paging.field)
    doubt = (
        f"records have the same {name}, so one may be left out where pages meet: sort by the key"
    )
    return Step({paging.param: value}, doubt=doubt if tied else "")
