"""What answers say of themselves in other words: of more, of how many, of failures."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import PAGES, assert_all, assert_doubt, give

THINGS = make_things(5)


@pytest.mark.parametrize(
    "sign",
    [
        {"hasMore": "true"},
        {"has_more": 1},
        {"isLast": False},
        {"meta": {"isLastPage": False}},
        {"done": False},
        {"last": False},
        {"nextRecordsUrl": "/q/2"},
        {"next_start": 5},
        {"IsTruncated": True},
        {"links": [{"rel": "self", "href": "/things"}, {"rel": "next", "href": "/things?p=2"}]},
    ],
)
def test_more_is_seen_in_many_words(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": THINGS, **sign})), "says that there is more")


@pytest.mark.parametrize(
    "sign", [{"total": "900"}, {"total": {"value": 900, "relation": "eq"}}, {"@odata.count": 900}]
)
def test_totals_are_seen_in_many_shapes(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": THINGS, **sign})), "says that there are 900")


@pytest.mark.parametrize(
    ("sign", "left"),
    [
        ({"page": 1, "pages": 7}, 6),
        ({"current_page": 1, "last_page": 2}, 1),
        ({"pageIndex": 0, "totalPages": 3}, 2),
        ({"meta": {"pagination": {"page": "1", "page_count": "4"}}}, 3),
        ({"total_pages": 5}, 4),
    ],
)
def test_pages_that_are_left_are_seen(sign: Record, left: int) -> None:
    assert_doubt(Land(describe(""), give({"data": THINGS, **sign})), f"there are {left} pages more")


def test_a_last_page_that_says_so_by_its_number_is_the_last() -> None:
    records = make_things(250)

    def answer(request: Request) -> Response:
        asked = query(request)
        size, page = int(asked["limit"]), int(asked["page"])
        told = {"page": page, "last_page": -(-len(records) // size), "last": page * size >= 250}
        return write({"data": records[(page - 1) * size : page * size], **told})

    assert_all(Land(describe(PAGES.replace("1000", "100")), answer), records)


def test_headers_tell_of_more_and_of_how_many() -> None:
    land = Land(describe(""), lambda _: write({"data": THINGS}, x_next_page="2"))
    assert_doubt(land, "X-Next-Page")
    land = Land(describe(""), lambda _: write({"data": THINGS}, content_range="0-4/900"))
    assert_doubt(land, "says that there are 900")
    land = Land(
        describe(""),
        lambda _: write({"data": THINGS}, x_next_page="", content_range="items 0-4/5"),
    )
    assert_all(land, THINGS)


@pytest.mark.parametrize(
    "sign",
    [
        {"status": 500},
        {"statusCode": 503},
        {"errorMessage": "boom"},
        {"isSuccess": False},
        {"result": "error"},
        {"incomplete_results": True},
        {"timed_out": True},
    ],
)
def test_failures_and_parts_are_seen_in_many_words(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": THINGS, **sign})), "says that something failed")


@pytest.mark.parametrize(
    "sign",
    [
        {"hasMore": "false", "isLast": True, "done": True, "next_start": None},
        {"has_more": 0, "IsTruncated": False, "nextRecordsUrl": None},
        {"total": "5", "@odata.count": 5},
        {"total": {"value": 5}},
        {"links": [{"rel": "self", "href": "/things"}, {"rel": "next", "href": None}]},
        {"status": 200, "statusCode": "200", "result": 1, "errorMessage": None},
        {"status": "active", "result": "success", "isSuccess": True},
        {"page": 1, "pages": 1, "last": True},
        {"pageIndex": 0, "totalPages": 1},
        {"current_page": 1, "last_page": 1, "number": 3},
        {"page": 1, "pages": 0},
        {"incomplete_results": False, "timed_out": False, "errorMessage": ""},
    ],
)
def test_words_that_say_that_all_is_well_are_harmless(sign: Record) -> None:
    assert_all(Land(describe(""), give({"data": THINGS, **sign})), THINGS)
