"""Where lists go on: which keys were read last, and whether tokens and addresses of pages count.

A chain of pages is sound where each names a record or a moment to go on from. Where it names a
number of pages or records instead, what is deleted in front moves all others up, and the next page
leaves some out. Sends nothing.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from listbackup.connectors.rest.filling import write_plain
from listbackup.connectors.rest.pages import Page, fields_of

Json = Any
Places = dict[tuple[str, ...], int]
"""Numbers that tell where a page is, by where each of them stands."""
COUNTING = re.compile(
    r"\W*(page|p|pg|paged|page_?(no|num|number|index)|current_?page|offset|skip|start|start_?(at|index)"
    r"|first_?(result|record)|from|o|pos|position|result_?offset|record_?offset"
    r"|start_?(row|record|element)|i_?display_?start)\W*|page\W+number\W*|page\W+offset\W*",
    re.IGNORECASE,
)
"""Names of parameters that say how many pages or records come before."""
SIZING = re.compile(r"limit|size|count|per|max|rows|take|top|num|length|version", re.IGNORECASE)
"""Names of parameters whose numbers are no places."""
FIRST = frozenset(("1", "2"))
DIGITS = 7
"""Longer numbers are moments."""
LEAST = 10
"""A smaller number in some token is as many as were read by chance."""
MANY = 4
"""A text with more numbers is a name of some kind, not one that was made of a number."""
_NUMBER = re.compile(rf"(?<![^\W_])([^\W\d_]*)(\d{{1,{DIGITS}}})(?![^\W_])")
_NAMED = re.compile(rf"([A-Za-z_$]+)\W+(\d{{1,{DIGITS}}})(?![^\W_])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")
ANCHORS = 5
"""So many records at the end of what was read are named in a place."""


def add_anchors(walk: Mapping[str, Json], keys: Sequence[bytes]) -> Mapping[str, Json]:
    """Say in a place which records were read last, so that whoever goes on there knows them when
    they come again."""
    if "anchors" in walk:
        return walk
    last = dict.fromkeys(keys[-ANCHORS:])
    return {**walk, "anchors": [one.decode() for one in last]}


def read_anchors(walk: Mapping[str, Json]) -> list[bytes]:
    """Read what `add_anchors` added."""
    return [str(one).encode() for one in walk.get("anchors", ())]


class Falling:
    """Looks whether the records of a list come ordered by a field, the greatest first: then one
    that is changed jumps to pages that were read already."""

    def __init__(self, field: Sequence[str]) -> None:
        self._field = tuple(field)
        self._last: Json = None
        self._ordered = True
        self._fell = False

    @property
    def seen(self) -> bool:
        """Whether all came in that order, and more than one value."""
        return self._ordered and self._fell

    def look(self, records: Sequence[bytes]) -> None:
        """See the records of the next page."""
        if not self._ordered or not records:
            return
        values = fields_of(records, self._field)
        values = values if self._last is None else [self._last, *values]
        try:
            pairs = list(zip(values, values[1:], strict=False))
            self._ordered = all(one >= other for one, other in pairs)
            self._fell = self._fell or any(one > other for one, other in pairs)
        except TypeError:
            self._ordered = False
        self._last = values[-1]


class Positions:
    """Looks at where the pages of one list go on, in order."""

    def __init__(self) -> None:
        self.count = False
        self._last = ""
        self._before: Places = {}
        self._steps: dict[tuple[str, ...], int] = {}
        self._torn = frozenset[int]()

    def look(self, walk: Json, read: int, page: Page, origin: str) -> None:
        """See where the page after this one is asked for, after so many records: `count` is true
        from then on where that is a position. `origin` is where the first page was asked for."""
        if self.count:
            return
        if self._torn and page.keys:
            # what was taken for the last record's number, and is not followed by the next one
            firsts = {number + more for number in self._torn for more in (0, 1)}
            self.count = not firsts & _read_key(page.keys[0])
        self._torn = frozenset()
        if not isinstance(walk, Mapping):
            return
        key = _read_key(page.keys[-1]) if page.keys else set()
        named = {number + more for number in key for more in (0, 1)}
        url = str(walk.get("url") or "")
        told = dict(walk.get("parameters") or {})
        texts = list(_read_url(url, origin)) if url else list(told.items())
        if url:
            self.count = self.count or any(
                value.isdecimal() and len(value) <= DIGITS and COUNTING.fullmatch(name)
                for name, value in parse_qsl(urlsplit(url).query)
            )
        self._look_at_token(texts, read, named)
        if page.keys:
            # where the page before named the first record of this one
            first = _read_key(page.keys[0])
            self._before = {at: one for at, one in self._before.items() if one not in first}
        self._look_at_places(_read_places(texts), read, len(page.records), named)

    def _look_at_token(self, texts: Sequence[tuple[str, Json]], read: int, named: set[int]) -> None:
        values = [write_plain(one) for _, one in texts]
        token = values[0] if len(values) == 1 else ""
        if token.isdecimal() and int(token) not in named:
            follows = self._last.isdecimal() and int(token) == int(self._last) + 1
            first = not self._last and token in FIRST
            self.count = self.count or follows or token == str(read) or first
        self._last = token or "none"

    def _look_at_places(self, places: Places, read: int, count: int, named: set[int]) -> None:
        """Compare numbers with those of the page before: one that says how many were read, or
        that grows evenly, or with each page by its records, counts."""
        steps: dict[tuple[str, ...], int] = {}
        torn: set[int] = set()
        for where, number in places.items():
            if number in named:
                # it names the last record, for all we know
                torn |= {number} if number == read else set()
                continue
            worded = COUNTING.fullmatch(where[-1]) is not None
            agrees = where[0] != "path" and number >= LEAST and abs(number - read) <= 1
            grown = number - self._before[where] if where in self._before else 0
            before = self._steps.get(where, 0)
            even = before > 0 and grown in (before, count)
            self.count = self.count or worded or agrees or even
            steps[where] = grown if grown in (1, count) or even or grown >= count > 0 else 0
        self._before, self._steps, self._torn = places, steps, frozenset(torn)


def _read_key(key: bytes) -> set[int]:
    return {int(one) for one in re.findall(rb"\d+", key) if len(one) <= DIGITS}


def _read_url(url: str, origin: str) -> Iterator[tuple[str, Json]]:
    """Give what a URL has that the first one had not: values of its query, and steps of its path
    (named `path`, each together with the one before it)."""
    there, here = urlsplit(url), urlsplit(origin)
    known = set(parse_qsl(here.query))
    for name, value in parse_qsl(there.query):
        if (name, value) not in known and not SIZING.search(name):
            yield name, value
    steps, before = unquote(there.path).split("/"), unquote(here.path).split("/")
    for at, step in enumerate(steps):
        if before[at : at + 1] != [step]:
            yield "path", f"{steps[at - 1] if at else ''} {step}"


def _read_places(texts: Sequence[tuple[str, Json]]) -> Places:
    """Read the numbers out of texts, as they are and as what they are in base64; each stands
    among other letters, and behind a word."""
    found: Places = {}
    for name, value in texts:
        for form, text in enumerate(decode(write_plain(value))):
            if _DAY.search(text) or len(re.findall(r"\d+", text)) > MANY:
                continue
            rest = re.sub(r"\d+", "0", text)
            words = {one.start(2): one[1] for one in _NAMED.finditer(text)}
            for at, one in enumerate(_NUMBER.finditer(text)):
                word = one[1] or words.get(one.start(2), "")
                if not SIZING.search(word):
                    found[(name, str(form), rest, str(at), word)] = int(one[2])
    return found


def decode(text: str) -> Iterator[str]:
    """Give a text, and what it is in base64, where that is a text as well."""
    yield text
    if _CODED.fullmatch(text) is None:
        return
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    if decoded.isprintable():
        yield decoded
