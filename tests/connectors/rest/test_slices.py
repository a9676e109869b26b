"""A list of which one search gives only so many is read in spans of time, and nothing is lost."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from listbackup.connectors.rest.fetching import Listing, Moments
from listbackup.connectors.rest.filling import Draft
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.models.streams import Since
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import Cutter
from listbackup.connectors.rest.seen import SeenKeys
from listbackup.connectors.rest.slices import Sliced
from listbackup.connectors.rest.transport import Request, Response
from listbackup.testing.paces import PlayedPace
from tests.connectors.rest.shelves import PlainAsker

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST = 8
SINCE = Since.model_validate(
    {"param": "from", "until": "to", "field": "at", "written": "unix", "lookback": "1h"}
)


class Search:
    """Gives records by time, at most eight of one search, in pages of three; both bounds are in
    it, or neither. It changes before each request."""

    def __init__(self, times: list[int], inclusive: bool, changes: dict[int, int]) -> None:
        self.records = dict(enumerate(times))
        self.inclusive = inclusive
        self.changes = changes
        self.now = max([1000, *times]) + 10
        self.asked = 0

    def answer(self, request: Request) -> Response:
        moved = self.changes.get(self.asked)
        self.asked += 1
        self.now += 1
        if moved is not None and moved in self.records:
            self.records[moved] = self.now
        query = dict(parse_qsl(urlsplit(request.url).query))
        base = int(BEGIN.timestamp())
        low = int(query["from"]) - base
        high = int(query["to"]) - base if "to" in query else 10**9
        edge = 0 if self.inclusive else 1
        found = sorted(
            number for number, at in self.records.items() if low + edge <= at <= high - edge
        )
        at, size = int(query.get("offset", 0)), int(query["limit"])
        shown = [{"id": number, "at": self.records[number]} for number in found[:MOST]]
        return Response(200, {}, json.dumps({"data": shown[at : at + size]}).encode())


def read(search: Search, *, span: int) -> tuple[set[int], str]:
    notes, moments, seen = Notes(), Moments(), SeenKeys()
    paging = TypeAdapter(Paging).validate_python(
        {"kind": "offset", "param": "offset", "size": {"param": "limit", "value": 3}}
    )
    draft = Draft("GET", "https://search.example/list")

    def make() -> Listing:
        cutter = Cutter(("data",), ("id",))
        listing = Listing(PlainAsker(search.answer), PlayedPace(), draft, cutter, notes)
        listing.shared, listing.moments = seen, moments
        return listing

    async def run() -> set[int]:
        sliced = Sliced(make, notes, moments, paging, SINCE, MOST)
        found: set[int] = set()
        async for batch in sliced.read(BEGIN, BEGIN + timedelta(seconds=span)):
            found |= {json.loads(one)["id"] for one in batch.page.records}
        return found

    return asyncio.run(run()), notes.reason


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 1000), max_size=60),
    st.booleans(),
    st.dictionaries(st.integers(0, 40), st.integers(0, 60), max_size=4),
    st.integers(500, 1010),
)
def test_spans_are_split_until_all_is_found(
    times: list[int], inclusive: bool, changes: dict[int, int], span: int
) -> None:
    search = Search(times, inclusive, changes)
    found, doubt = read(search, span=span)
    if not doubt:
        assert found == set(search.records)


def test_records_evenly_spread_are_found_without_a_doubt() -> None:
    search = Search(list(range(0, 1000, 10)), True, {})
    assert read(search, span=1005) == (set(range(100)), "")


def test_too_many_records_of_one_moment_are_named() -> None:
    search = Search([500] * 20 + [100, 900], True, {})
    found, doubt = read(search, span=1005)
    assert {20, 21} <= found
    assert "more than 8 records have the time" in doubt
