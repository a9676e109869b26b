"""What stands in a page besides its records, by plain names: letters only, all of them small.

Arrays are not looked into. Knows no meaning of any name.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

Json = Any

NESTS = frozenset({"meta", "metadata", "pagination", "paging", "page", "links", "link", "pageinfo"})
"""Objects that speak of pages."""
DEEPEST = 3
"""So deep is looked, and deeper within objects that speak of pages."""
_LINKS = frozenset({"links", "link"})
_COUNT = re.compile(r"[0-9]{1,18}")
_YES = frozenset({"true", "1", "yes"})
_NO = frozenset({"false", "0", "no"})


def read_fields(rest: bytes) -> Mapping[str, Json]:
    """Read the fields of an object, inner ones too; of an array only whether it has anything.
    Nothing where it is no object."""
    body = rest.removeprefix(codecs.BOM_UTF8).strip()
    if not body.startswith(b"{"):
        return {}
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return {
        name: _read_links(bytes(raw)) if plain(name) in _LINKS else _read_value(bytes(raw))
        for name, raw in fields.items()
    }


def walk(
    fields: Mapping[str, Json], blind: frozenset[str] = frozenset(), above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Json, tuple[str, ...]]]:
    """Give all fields: name, value, and the plain names of the objects it stands in. What stands
    in objects of these names (`blind`) is left out."""
    for name, value in fields.items():
        yield name, value, above
        if not isinstance(value, Mapping):
            continue
        inside = (*above, plain(name))
        if inside[-1] not in blind and (len(inside) < DEEPEST or is_of_pages(inside)):
            yield from walk(value, blind, inside)


def is_of_pages(above: tuple[str, ...]) -> bool:
    """Whether what stands in these objects, or at the top, speaks of the page as a whole."""
    return NESTS.issuperset(above)


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """Write a name as all its spellings are."""
    return re.sub(r"[^a-z]", "", name.lower())


def read_count(value: Json) -> int | None:
    """Read a number that may be written as text; None for anything else."""
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_flag(value: Json) -> bool | None:
    """Read a yes or no; None for anything else."""
    said = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    return True if said in _YES else False if said in _NO else None


def _read_links(raw: bytes) -> Json:
    """Read links as a list of objects as if they were told by their names."""
    try:
        links = msgspec.json.decode(raw, type=list[dict[str, Json]])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_value(raw)
    return {_name_link(one): one.get("href") or one.get("url") or one.get("uri") for one in links}


def _name_link(link: Mapping[str, Json]) -> str:
    rel = link.get("rel")
    return " ".join(map(str, rel)) if isinstance(rel, list) else str(rel)


def _read_value(raw: bytes) -> Json:
    if raw.startswith(b"["):
        return [] if not raw[1:-1].strip() else [True]
    if raw.startswith(b"{"):
        return read_fields(raw)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
