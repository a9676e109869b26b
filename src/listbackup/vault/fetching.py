"""Many small reads of one kind: one after the other from a store that is near, several at once from
one that is far away. Starting threads costs more than asking a disk."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from listbackup.clock import Clock

T = TypeVar("T")
U = TypeVar("U")

_AT_ONCE = 8
_TRIED = 3
_NEAR = 0.003


def fetch_all(fetch: Callable[[T], U], wanted: Sequence[T], clock: Clock) -> Iterator[U]:
    """Fetch all, in order. The first few tell how far away the store is; the very first may have
    to open keys, and tells nothing. Raises what `fetch` raises."""
    quickest = _NEAR
    for place, one in enumerate(wanted):
        if place == _TRIED and quickest >= _NEAR:
            with ThreadPoolExecutor(_AT_ONCE, "listbackup-fetch") as pool:
                yield from pool.map(fetch, wanted[place:])
            return
        began = clock.monotonic()
        found = fetch(one)
        if place < _TRIED:
            quickest = min(quickest, clock.monotonic() - began)
        yield found
