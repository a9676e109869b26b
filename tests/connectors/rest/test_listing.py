"""Lists are read to their end, however they are paged and whatever happens to them meanwhile."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from listbackup.connectors.rest.answers import Doubtful
from listbackup.connectors.rest.fetching import Listing
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.listing import list_records
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.pages import Cutter
from listbackup.testing.paces import PlayedPace
from tests.connectors.rest.shelves import PlainAsker, Record, Shelf

SIZED: dict[str, dict[str, Any]] = {
    "cursor": {"kind": "cursor", "token": "next", "param": "cursor", "more": "more"},
    "after_key": {"kind": "after_key", "param": "after", "more": "more"},
    "page_number": {"kind": "page_number", "param": "page"},
    "offset": {"kind": "offset", "param": "offset"},
    "link_header": {"kind": "link_header"},
    "next_url": {"kind": "next_url", "url": "next"},
    "keyset": {"kind": "keyset", "field": "at", "param": "from"},
    "keyset_beyond": {"kind": "keyset", "field": "at", "param": "from", "inclusive": False},
    "search_after": {"kind": "search_after", "field": "sort", "param": "after"},
}


def make_paging(kind: str, size: int, **more: Any) -> Any:
    told = {**SIZED[kind], "size": {"param": "limit", "value": size}, **more}
    return TypeAdapter(Paging).validate_python(told)


def make_listing(shelf: Shelf) -> Listing:
    body: dict[str, Any] | None = {} if shelf.kind == "search_after" else None
    draft = Draft("POST" if body is not None else "GET", "https://shelf.example/list", body=body)
    return Listing(PlainAsker(shelf.answer), PlayedPace(), draft, Cutter(("data",), ("id",)))


def read(shelf: Shelf, paging: Any, place: Any = None) -> tuple[list[Record], str, list[Any]]:
    """Read a list; give what came, why it may not be all, and the places on the way."""
    listing = make_listing(shelf)
    found: list[Record] = []
    places: list[Any] = []

    async def run() -> str:
        try:
            async for batch in list_records(listing, paging, place):
                found.extend(json.loads(one) for one in batch.page.records)
                places.append(batch.place)
        except Doubtful as doubt:
            return str(doubt)
        return listing.notes.reason

    return found, asyncio.run(run()), places


def make_records(count: int, start: int = 1) -> list[Record]:
    return [{"id": n, "at": 1000 + n // 3} for n in range(start, start + count)]


def by_time(record: Record) -> int:
    return int(record["at"])


@pytest.mark.parametrize("kind", SIZED)
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95, 250])
def test_every_way_of_paging_gives_every_record(kind: str, count: int) -> None:
    shelf = Shelf(kind, make_records(count), order=by_time if "keyset" in kind else _by_id)
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert ({one["id"] for one in found}, doubt) == ({one["id"] for one in shelf.records}, "")


def _by_id(record: Record) -> int:
    return int(record["id"])


STABLE = st.sampled_from([kind for kind in SIZED if kind != "one_page"])


@st.composite
def _changes(draw: st.DrawFn) -> dict[int, list[tuple[str, int]]]:
    acts = st.tuples(st.sampled_from(["delete", "insert", "update"]), st.integers(0, 60))
    return draw(st.dictionaries(st.integers(0, 12), st.lists(acts, max_size=4), max_size=8))


@settings(max_examples=300, deadline=None)
@given(STABLE, st.integers(1, 12), st.integers(0, 40), st.booleans(), _changes())
def test_what_was_there_throughout_is_found_whatever_changes_meanwhile(
    kind: str, size: int, count: int, newest_first: bool, changes: dict[int, list[tuple[str, int]]]
) -> None:
    keyset = "keyset" in kind
    # every second id is free, so that records can come in between
    records = [{"id": 2 * n, "at": 1000 + n // 2, "n": 0} for n in range(1, count + 1)]
    shelf = Shelf(kind, records, newest_first=newest_first and not keyset)
    if keyset:
        shelf.order = by_time
    throughout = {one["id"] for one in records}

    def change(number: int) -> None:
        for act, at in changes.get(number, ()):
            present = [one for one in shelf.records if one["id"] == at]
            if act == "delete" and present:
                shelf.records.remove(present[0])
                throughout.discard(at)
            elif act == "insert" and not present:
                shelf.records.append({"id": at, "at": 1000 + at // 4, "n": 0})
            elif act == "update" and present:
                present[0]["n"] += 1

    shelf.before = change
    found, doubt, _ = read(shelf, make_paging(kind, size))
    if kind in ("cursor", "after_key", "link_header", "next_url", "search_after"):
        assert not doubt
    if not doubt:
        assert throughout <= {one["id"] for one in found}
    assert len(shelf.asked) < 400
