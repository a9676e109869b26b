"""Where lists go on: which keys were read last, and whether tokens and addresses of pages count.

A chain of pages is sound where each names a record or a moment to go on from. Where it names a
number of pages or records instead, what is deleted in front moves all others up, and the next page
leaves some out. Sends nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from listbackup.connectors.rest.pages import fields_of

Json = Any
COUNTING = re.compile(
    r"\W*(page|p|pg|paged|page_?(no|num|number|index)|current_?page|offset|skip|start|start_?(at|index)"
    r"|first_?(result|record)|from)\W*|page\W+number\W*|page\W+offset\W*",
    re.IGNORECASE,
)
"""Names of parameters that say how many pages or records come before."""
FIRST = frozenset(("1", "2"))
DIGITS = 7
"""Longer numbers are moments."""
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

    def look(self, walk: Json, read: int) -> None:
        """See where the next page is asked for, after so many records: `count` is true from then
        on where that is a position."""
        if not isinstance(walk, Mapping):
            return
        url = walk.get("url")
        if url:
            pairs = parse_qsl(urlsplit(str(url)).query)
            self.count = self.count or any(
                value.isdecimal() and len(value) <= DIGITS and COUNTING.fullmatch(name)
                for name, value in pairs
            )
            return
        values = [str(one) for one in dict(walk.get("parameters") or {}).values()]
        token = values[0] if len(values) == 1 else ""
        if token.isdecimal():
            follows = self._last.isdecimal() and int(token) == int(self._last) + 1
            self.count = (
                self.count or follows or token == str(read) or (not self._last and token in FIRST)
            )
        self._last = token or "none"
