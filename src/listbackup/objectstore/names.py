"""Which keys, prefixes and ranges a store accepts.

The rule is one for all stores, so that a key that is accepted somewhere is accepted everywhere
and never leaves the place it belongs to.
"""

import re
from functools import lru_cache

from listbackup.errors import RefusedError

TEMPORARY = ".tmp-"
"""What the names of unpublished local files begin with; no component of a key may."""

MOST_KEY_BYTES = 900
MOST_COMPONENT_BYTES = 200

_COMPONENT = re.compile(r"[A-Za-z0-9_.=+@-]+")


def check_key(key: str) -> None:
    """Raise RefusedError unless the key is relative, `/`-separated, of plain characters only
    (letters, digits, `_ . = + @ -`), without empty, `.`, `..` or `.tmp-` components."""
    components = key.split("/")
    if len(key) > MOST_KEY_BYTES or not all(_is_plain(component) for component in components):
        raise RefusedError(
            "a key that no store may hold was refused",
            subject=repr(key[:120]),
            hint="Keys are made of letters, digits and `_ . = + @ -`; whatever asked for this one "
            "does not come from this program.",
        )


def check_prefix(prefix: str) -> None:
    """Raise RefusedError unless some key could start with this prefix."""
    folder, _, start = prefix.rpartition("/")
    if folder:
        check_key(folder)
    if prefix.startswith("/") or (start and not _COMPONENT.fullmatch(start)):
        check_key(prefix)


def check_range(start: int, length: int | None) -> None:
    """Raise ValueError for a range that counts from the end or runs backwards."""
    if start < 0 or (length is not None and length < 0):
        raise ValueError(f"no such range: start {start}, length {length}")


@lru_cache(1024)
def _is_plain(component: str) -> bool:
    return (
        _COMPONENT.fullmatch(component) is not None
        and len(component) <= MOST_COMPONENT_BYTES
        and component not in (".", "..")
        and not component.startswith(TEMPORARY)
    )
