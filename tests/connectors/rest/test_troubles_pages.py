"""Pages that come twice, in a circle, without an end or not at all: made up for, or said."""

import json
from typing import Any

import pytest

from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.hotel import YAML, Copy, assert_same, make_hotel, once, write
from tests.connectors.rest.shelves import Shelf, make_paging, make_records, read


def test_a_count_that_does_not_agree_is_looked_at_again_and_then_doubted() -> None:
    copy = Copy(make_hotel())
    hotel = copy.hotel
    kept = dict(hotel.guests)

    def lose_one(request: Request) -> Response | None:
        if request.url.partition("?")[0].endswith("/guests"):
            del hotel.guests[20]
            response = hotel.answer_honestly(request)
            hotel.guests = dict(sorted(kept.items()))
            page = json.loads(response.body)
            return write({**page, "total": 35})
        return None

    hotel.broken = lose_one
    outcome = copy.sync().outcomes["guests"]
    assert outcome.status == "upserts"
    assert "says that there are 35 records, and gave 34" in outcome.reason
    assert outcome.checkpoint["full"] is None


@pytest.mark.parametrize("kind", ["cursor", "after_key", "page_number", "offset", "search_after"])
def test_a_page_that_comes_twice_is_asked_for_again(kind: str) -> None:
    shelf = Shelf(kind, make_records(95))
    pages: list[Response] = []

    def repeat(number: int, request: Request, answer: Response) -> Response:
        pages.append(answer)
        return pages[2] if number == 4 else answer

    shelf.spoil = repeat
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert ({one["id"] for one in found}, doubt) == (set(range(1, 96)), "")


@pytest.mark.parametrize("kind", ["cursor", "after_key", "page_number", "offset", "next_url"])
def test_pages_that_lead_in_a_circle_end_in_doubt(kind: str) -> None:
    shelf = Shelf(kind, make_records(95))
    pages: list[Response] = []

    def circle(number: int, request: Request, answer: Response) -> Response:
        pages.append(answer)
        return pages[2 + number % 3] if number > 5 else answer

    shelf.spoil = circle
    _, doubt, _ = read(shelf, make_paging(kind, 10))
    assert doubt
    assert len(shelf.asked) < 2000


@pytest.mark.parametrize("kind", ["cursor", "next_url", "link_header"])
def test_a_list_of_ever_new_cursors_and_no_records_ends_in_doubt(kind: str) -> None:
    shelf = Shelf(kind, make_records(5))

    def endless(number: int, request: Request, answer: Response) -> Response:
        url = f"https://shelf.example/list?cursor=[{number}]"
        headers = {"link": f'<{url}>; rel="next"'} if kind == "link_header" else {}
        page = {"data": [], "next": f"[{number}]" if kind == "cursor" else url, "more": True}
        return Response(200, headers, json.dumps(page).encode())

    shelf.spoil = endless
    _, doubt, _ = read(shelf, make_paging(kind, 10))
    assert "does not end" in doubt
    assert len(shelf.asked) < 200


OVERLAPPING = [("page_number", 1), ("offset", 1)]
OVERLAPPING += [
    (kind, n) for kind in ("after_key", "page_number", "offset", "keyset") for n in (2, 5)
]


@pytest.mark.parametrize(("kind", "skipped"), OVERLAPPING)
def test_a_page_that_is_left_out_shows_where_pages_overlap(kind: str, skipped: int) -> None:
    shelf = Shelf(kind, make_records(195))
    if kind == "keyset":
        shelf.order = lambda record: record["at"]
    broken = False

    def skip(number: int, request: Request, answer: Response) -> Response:
        nonlocal broken
        if number != skipped - 1 or broken:
            return answer
        broken = True
        records = json.loads(answer.body)["data"]
        left = [one for one in shelf.listed() if one["id"] > records[-1]["id"]]
        page = {"data": left[:10], "more": True, "total": 195}
        return Response(200, {}, json.dumps(page).encode())

    shelf.spoil = skip
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert broken
    if not doubt:
        assert {one["id"] for one in found} == set(range(1, 196))
    assert kind == "keyset" or not doubt


@pytest.mark.parametrize("kind", ["cursor", "after_key", "keyset"])
def test_a_page_that_says_there_is_more_and_not_where_is_no_end(kind: str) -> None:
    shelf = Shelf(kind, make_records(35))
    if kind == "keyset":
        shelf.order = lambda record: record["at"]

    def contradict(number: int, request: Request, answer: Response) -> Response:
        page = json.loads(answer.body)
        if number >= 2:
            page.pop("next", None)
            page["more"] = True if kind == "cursor" else "yes"
            page["data"] = page["data"][::-1] if kind == "keyset" else page["data"]
        return Response(200, {}, json.dumps(page).encode())

    shelf.spoil = contradict
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert doubt
    assert len(found) >= 20


@pytest.mark.parametrize("number", [1, 2])
def test_a_first_page_that_is_left_out_shows_when_it_is_asked_for_again(number: int) -> None:
    copy = Copy(make_hotel())
    found = copy.hotel.answer_honestly(Request("GET", "https://hotel.example/rooms?limit=10"))
    last = json.loads(found.body)["data"][-1]["id"]
    second = Request("GET", f"https://hotel.example/rooms?limit=10&after={last}")
    copy.hotel.broken = once("/rooms", number, copy.hotel.answer_honestly(second))
    assert copy.sync().outcomes["rooms"].status == "complete"
    assert_same(copy)


def test_a_page_that_is_too_much_for_the_platform_is_asked_for_in_pieces() -> None:
    shelf = Shelf("cursor", make_records(95))

    def choke(number: int, request: Request, answer: Response) -> Response:
        records = json.loads(answer.body)["data"]
        heavy = any(one["id"] == 44 for one in records) and len(records) > 3
        return Response(500) if heavy else answer

    shelf.spoil = choke
    found, doubt, _ = read(shelf, make_paging("cursor", 10))
    assert ([one["id"] for one in found], doubt) == (list(range(1, 96)), "")


@pytest.mark.parametrize("kind", ["offset", "page_number"])
def test_a_record_that_never_comes_is_gone_around_and_named_by_its_position(kind: str) -> None:
    shelf = Shelf(kind, make_records(60))

    def choke(number: int, request: Request, answer: Response) -> Response:
        records = json.loads(answer.body)["data"]
        return Response(500) if any(one["id"] == 44 for one in records) else answer

    shelf.spoil = choke
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert {one["id"] for one in found} == set(range(1, 61)) - {44}
    assert "1 record could not be read: at position 44" in doubt


def left_out(copy: Copy) -> None:
    """Let the platform leave out the second page of guests, once."""
    hotel = copy.hotel
    broken = False

    def skip(request: Request) -> Response | None:
        nonlocal broken
        if not broken and "/guests?" in request.url and "cursor=10" in request.url:
            broken = True
            page = json.loads(hotel.answer_honestly(request).body)
            request = Request("GET", request.url.replace("cursor=10", f"cursor={page['next']}"))
            return hotel.answer_honestly(request)
        return None

    hotel.broken = skip


def without_total(**changes: Any) -> Platform:
    platform = parse_platform(YAML.encode(), "hotel.yaml")
    guests = platform.streams[0].model_copy(update={"total": None, **changes})
    return platform.model_copy(update={"streams": (guests, *platform.streams[1:])})


def test_a_list_that_has_shrunk_by_half_a_page_is_read_again_before_that_is_believed() -> None:
    copy = Copy(make_hotel(), without_total())
    copy.sync()
    left_out(copy)
    outcome = copy.sync(full=True).outcomes["guests"]
    assert (outcome.status, outcome.reason) == ("complete", "")
    assert_same(copy)
    for number in range(1, 20):
        copy.hotel.drop_guest(number)
    copy.sync(full=True)
    assert copy.have("guests") == sorted(copy.hotel.guests)


def test_a_list_that_is_not_trusted_is_read_until_nothing_new_comes() -> None:
    copy = Copy(make_hotel(), without_total(twice=True))
    left_out(copy)
    assert copy.sync().outcomes["guests"].status == "complete"
    assert_same(copy)
