"""A list of which one search gives only so many is read in spans of time, and nothing is lost."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
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
from tests.connectors.rest.lands import Answer, Land, Record, make_things, query, write
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
        shown = [{"id": number, "at": base + self.records[number]} for number in found[:MOST]]
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
        sliced = Sliced(make, notes, moments, paging, SINCE, MOST, seen=seen)
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


LIST = """
streams:
  - name: things
    request: {path: /things}
    records: data
    paging: {kind: offset, param: offset, size: {param: limit, value: 100}}
    since: {param: from, until: to, field: at, written: iso}
    slices: {most: 300, begins: "2026-01-01T00:00:00Z"}
    %s
    restore: {kind: archive_only, why: a test}
"""


def search(records: list[Record], *, total: bool, minutes: bool = False) -> Answer:
    """Searches that give at most 300; their filter may cut to minutes and leave both out."""

    def fits(at: str | None, low: str | None, high: str | None) -> bool:
        if at is None:
            return low is None and high is None
        if minutes:
            low, high, at = (one and one[:16] for one in (low, high, at))
        return (low is None or str(at) > low) and (high is None or str(at) < high)

    def answer(request: Request) -> Response:
        asked = query(request)
        found = [one for one in records if fits(one["at"], asked.get("from"), asked.get("to"))]
        shown, at = found[:300], int(asked.get("offset", 0))
        size = int(asked.get("limit", 10))
        said = {"total": len(found)} if total else {}
        return write({"data": shown[at : at + size], **said})

    return answer


def make_timed(count: int, begin: datetime, step: timedelta) -> list[Record]:
    return [
        {**one, "at": (begin + number * step).strftime("%Y-%m-%dT%H:%M:%SZ")}
        for number, one in enumerate(make_things(count))
    ]


def test_a_filter_that_cuts_to_minutes_and_leaves_its_bounds_out_loses_nothing() -> None:
    records = make_timed(900, BEGIN, timedelta(minutes=7, seconds=13))
    land = Land(LIST % "", search(records, total=False, minutes=True))
    assert len(land.sync()) == 900
    assert land.said == {"things": ""}


def test_what_is_older_than_the_first_span_is_found() -> None:
    records = make_timed(50, datetime(1999, 5, 1, tzinfo=UTC), timedelta(hours=5))
    records += make_timed(900, BEGIN, timedelta(hours=3))
    for number, one in enumerate(records):
        one["id"] = number
    land = Land(LIST % "", search(records, total=False))
    assert len(land.sync()) == 950
    assert land.said == {"things": ""}


def test_records_without_a_time_are_missed_by_the_count() -> None:
    records = make_timed(200, BEGIN, timedelta(hours=3))
    for one in records[:3]:
        one["at"] = None
    land = Land(LIST % "", search(records, total=True))
    assert len(land.sync()) == 197
    assert "says that there are 200 records, and 197 have a time (at)" in land.said["things"]
    land = Land(LIST % "total: {path: total}", search(records, total=True))
    land.sync()
    assert "says that there are 200 records, and 197 have a time (at)" in land.said["things"]
    land = Land(LIST % "total: {path: total, exact: false}", search(records, total=True))
    assert (len(land.sync()), land.said["things"]) == (197, "")


def restrict(records: list[Record], ignored: str = "", most: int = 300, cut: int = 20) -> Answer:
    """Searches that give at most so many and may ignore a bound; their filter compares the first
    `cut` characters of times and leaves both bounds out."""

    def answer(request: Request) -> Response:
        asked = {name: one for name, one in query(request).items() if name != ignored}
        low, high = asked.get("from", "")[:cut], asked.get("to", "9999")[:cut]
        found = [one for one in records if low < one["at"][:cut] < high][:most]
        at, size = int(asked.get("offset", 0)), int(asked.get("limit", 10))
        return write({"data": found[at : at + size]})

    return answer


@pytest.mark.parametrize("ignored", ["from", "to"])
def test_a_filter_that_does_not_narrow_is_named_before_long(ignored: str) -> None:
    records = make_timed(900, BEGIN, timedelta(hours=7))
    land = Land(LIST % "", restrict(records, ignored))
    land.sync()
    assert "records of other times come than are asked for" in land.said["things"]
    assert len(land.asked) < 100


@pytest.mark.parametrize("most", [100, 250, 299])
@pytest.mark.parametrize("newest_first", [True, False])
def test_searches_that_show_fewer_than_is_said_lose_nothing(most: int, newest_first: bool) -> None:
    records = make_timed(900, BEGIN, timedelta(hours=7))
    if newest_first:
        records.reverse()
    land = Land(LIST % "", restrict(records, most=most))
    assert len(land.sync()) == 900
    assert land.said == {"things": ""}


def test_only_one_span_of_an_ordinary_search_is_read_twice() -> None:
    few, many = (make_timed(count, BEGIN, timedelta(hours=7)) for count in (90, 280))
    counts = []
    for records in (few, many):
        land = Land(LIST % "", restrict(records))
        assert len(land.sync()) == len(records)
        assert land.said == {"things": ""}
        counts.append(len(land.asked))
    assert counts == [9, 28]


def test_what_is_older_than_computers_is_found() -> None:
    records = make_timed(50, BEGIN, timedelta(hours=7))
    records[0]["at"], records[1]["at"] = "0001-01-01T00:00:00Z", "1960-01-01T00:00:00Z"
    land = Land(LIST % "", restrict(records))
    assert len(land.sync()) == 50
    assert land.said == {"things": ""}


@pytest.mark.parametrize("cut", [10, 13])
def test_a_filter_that_cuts_to_days_or_hours_and_leaves_its_bounds_out_loses_nothing(
    cut: int,
) -> None:
    records = make_timed(900, BEGIN, timedelta(hours=7))
    land = Land(LIST % "", restrict(records, cut=cut))
    assert len(land.sync()) == 900
    assert land.said == {"things": ""}
