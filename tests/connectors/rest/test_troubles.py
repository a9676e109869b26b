"""What a platform does wrong while it is read: survived, or said; never a quiet shortfall."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import AuthError
from listbackup.records import Before, Mark
from tests.connectors.rest.hotel import YAML, Copy, Hotel, write
from tests.connectors.rest.shelves import Shelf
from tests.connectors.rest.test_listing import make_paging, make_records, read
from tests.connectors.rest.test_reading import assert_same, make_hotel

Answer = Callable[[Request], Response | None]


def once(path: str, number: int, answer: Response) -> Answer:
    """Break the so-many-th request for a path, once."""
    count = 0

    def broken(request: Request) -> Response | None:
        nonlocal count
        count += request.url.partition("?")[0].endswith(path)
        if count == number:
            count += 1
            return answer
        return None

    return broken


def always(path: str, answer: Response) -> Answer:
    """Break every request for a path."""
    return lambda request: answer if request.url.partition("?")[0].endswith(path) else None


HTML = Response(200, {"content-type": "text/html"}, b"<!DOCTYPE html><html>Just a moment</html>")
CUT = Response(200, {}, b'{"data": [{"id": 1, "upd')
LATIN = Response(200, {}, '{"data": [{"id": 1, "name": "Jürgen"}]}'.encode("latin-1"))
NO_KEY = write({"data": [{"updated": 1, "name": "who?"}], "next": None, "total": 1})


@pytest.mark.parametrize("answer", [HTML, CUT, LATIN, NO_KEY, Response(503)])
def test_a_page_that_comes_wrong_once_is_asked_for_again(answer: Response) -> None:
    copy = Copy(make_hotel())
    copy.hotel.broken = once("/guests", 2, answer)
    closing = copy.sync()
    assert_same(copy)
    assert closing.outcomes["guests"].status == "complete"


@pytest.mark.parametrize("answer", [HTML, CUT, Response(503)])
def test_a_list_that_never_comes_is_carried_and_the_others_are_read(answer: Response) -> None:
    copy = Copy(make_hotel())
    copy.hotel.broken = always("/rooms", answer)
    copy.sync()
    assert list(copy.failed) == ["rooms"]
    assert {one["id"] for one in copy.streams["guests"].values()} == set(copy.hotel.guests)


def test_records_without_a_key_leave_the_stream_in_doubt_and_the_rest_is_kept() -> None:
    copy = Copy(make_hotel())
    page = {"data": [{"id": 1}, {"name": "who?"}, 17], "next": None, "total": 3}
    copy.hotel.broken = always("/guests", write(page))
    closing = copy.sync()
    outcome = closing.outcomes["guests"]
    assert (copy.have("guests"), outcome.status) == ([1], "upserts")
    assert "2 records could not be read" in outcome.reason
    # and next time all is listed, whatever the hour
    copy.hotel.broken = lambda request: None
    assert copy.sync().outcomes["guests"].status == "complete"
    assert_same(copy)


def test_records_of_another_charset_are_no_records() -> None:
    copy = Copy(make_hotel())
    copy.hotel.broken = always("/secrets", LATIN)
    assert "it is no text in UTF-8" in copy.sync().outcomes["secrets"].reason


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


def test_what_the_key_may_not_read_is_said_and_where_it_is_optional_it_is_no_failure() -> None:
    copy = Copy(make_hotel())
    copy.hotel.permitted = False
    closing = copy.sync()
    (declared,) = closing.declared
    assert (declared.what, declared.subject) == ("not permitted", "secrets")
    assert (closing.outcomes["secrets"].status, closing.outcomes["secrets"].reason) == (
        "upserts",
        "",
    )
    copy.hotel.permitted = True
    copy.sync()
    copy.hotel.permitted = False
    copy.sync()
    assert list(copy.failed) == ["secrets"]
    copy.hotel.broken = always("/rooms", Response(403, {}, b"{}"))
    copy.sync()
    assert "the key lacks the permission to read rooms" in copy.failed["rooms"]


def test_credentials_that_end_end_the_sync() -> None:
    copy = Copy(make_hotel())

    def refuse(request: Request) -> Response | None:
        if request.url.partition("?")[0].endswith("/stays"):
            raise AuthError("The token was revoked.")
        return None

    copy.hotel.broken = refuse
    with pytest.raises(AuthError):
        copy.sync()


def test_a_parent_whose_list_fails_leaves_its_children_in_doubt() -> None:
    copy = Copy(make_hotel())
    copy.hotel.broken = always("/12/stays", Response(503))
    outcome = copy.sync().outcomes["stays"]
    assert outcome.status == "upserts"
    assert "the list of 12 could not be read" in outcome.reason
    copy = Copy(make_hotel())
    copy.hotel.broken = always("/guests", HTML)
    outcome = copy.sync().outcomes["stays"]
    assert outcome.reason.startswith("guests, by which it is asked for, was not read whole")


def test_a_child_alone_lists_its_parent_for_the_keys() -> None:
    copy = Copy(make_hotel())
    closing = copy.sync(include=("stays",))
    assert list(closing.outcomes) == ["stays"]
    assert closing.outcomes["stays"].status == "complete"
    assert len(copy.streams["stays"]) == len(copy.hotel.stays)


def test_a_single_record_that_cannot_be_read_is_set_aside_and_asked_for_again() -> None:
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.pass_time(hours=2)
    copy.hotel.put_room("room_001", beds=77)
    copy.hotel.put_room("room_002", beds=78)
    copy.hotel.broken = always("/room_001", Response(500))
    outcome = copy.sync().outcomes["rooms"]
    assert [one.key for one in outcome.set_aside] == [b'["room_001"]']
    copy.hotel.pass_time(hours=2)
    copy.hotel.broken = lambda request: None
    outcome = copy.sync().outcomes["rooms"]
    assert outcome.set_aside == ()
    assert_same(copy)


def test_events_that_cannot_be_read_or_have_a_gap_mean_a_full_listing() -> None:
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.put_room("room_001", beds=5)
    copy.sync()
    copy.hotel.drop_room("room_001")
    copy.hotel.broken = always("/events", Response(403))
    assert copy.sync().outcomes["rooms"].status == "complete"
    copy.hotel.broken = lambda request: None
    copy.hotel.put_room("room_002", beds=5)
    copy.sync()
    copy.hotel.drop_room("room_003")
    copy.hotel.events[:] = copy.hotel.events[:-2]
    assert copy.sync().outcomes["rooms"].status == "complete"
    assert_same(copy)


def test_a_platform_that_does_not_say_its_time_is_believed_by_its_records() -> None:
    copy = Copy(make_hotel())
    copy.hotel.dated = False
    copy.sync()
    copy.hotel.pass_time(hours=3)
    copy.hotel.put_guest(5, name="later")
    copy.hotel.asked.clear()
    outcome = copy.sync().outcomes["guests"]
    assert outcome.status == "upserts"
    assert_same(copy)


def stop_after(copy: Copy, stream: str, chunks: int) -> Any:
    """Read a stream until it is killed; give the last mark, and what came before it."""
    reading = copy.open()
    try:
        reading.go_on(copy.before)
        parts = {one.name: reading.parts(one)[0] for one in reading.streams}
        given: list[bytes] = []
        kept: list[bytes] = []
        place = None
        for one in reading.read_on(parts[stream]):
            if isinstance(one, Mark):
                place, kept = one.place, list(given)
                chunks -= 1
                if not chunks:
                    break
            else:
                given.append(one)
    finally:
        reading.close()
    return place, b"".join(kept)


def make_big_hotel() -> Hotel:
    hotel = Hotel()
    for number in range(1, 400):
        hotel.put_room(f"room_{number:04d}", text="x" * 5000)
    hotel.pass_time(days=1)
    return hotel


def test_a_reading_goes_on_at_the_page_where_another_one_was_killed() -> None:
    copy = Copy(make_big_hotel())
    place, kept = stop_after(copy, "rooms", 3)
    before = {json.loads(line)["id"] for line in kept.splitlines()}
    assert 100 < len(before) < 300
    copy.before["rooms"] = Before(None, place)
    copy.hotel.asked.clear()
    closing = copy.sync(include=("rooms",))
    assert closing.outcomes["rooms"].status == "complete"
    assert None not in copy.marks["rooms"]
    assert before | set(copy.have("rooms")) == set(copy.hotel.rooms)
    assert len(copy.hotel.asked) < 32


@pytest.mark.parametrize("why", ["too old", "unknown to the platform", "not ours", "another"])
def test_a_place_that_is_no_good_any_more_is_said_first_and_all_is_read(why: str) -> None:
    copy = Copy(make_big_hotel())
    place, _ = stop_after(copy, "rooms", 2)
    if why == "too old":
        copy.hotel.pass_time(hours=7)
    elif why == "not ours":
        place = {"some": "thing"}
    elif why == "another":
        # one of a listing of what changed: the records before it were never asked for
        place = {**place, "full": False, "since": place["at"]}
    else:
        place["walk"]["parameters"]["after"] = "room_9999"
    copy.before["rooms"] = Before(None, place)
    copy.sync(include=("rooms",))
    assert copy.marks["rooms"][0] is None
    assert set(copy.have("rooms")) == set(copy.hotel.rooms)


def test_children_go_on_behind_the_parents_that_were_asked_if_they_are_the_same() -> None:
    hotel = make_hotel()
    copy = Copy(hotel)
    for key in hotel.stays:
        hotel.stays[key]["text"] = "y" * 6000
    reading = copy.open()
    place = None
    try:
        parts = {one.name: reading.parts(one)[0] for one in reading.streams}
        list(reading.read_on(parts["guests"]))
        for one in reading.read_on(parts["stays"]):
            if isinstance(one, Mark):
                place = one.place
                break
    finally:
        reading.close()
    assert place is not None
    asked = place["walk"]["asked"]
    assert 5 < asked < 35
    copy.before["stays"] = Before(None, place)
    hotel.asked.clear()
    closing = copy.sync()
    assert closing.outcomes["stays"].status == "complete"
    guests = {one.split("/")[2] for one in hotel.asked if one.endswith("/stays")}
    assert len(guests) == 35 - asked
    assert None not in copy.marks["stays"]
    # another first parent, so the place is of another listing
    hotel.drop_guest(1)
    hotel.asked.clear()
    copy.streams.clear()
    copy.before = {"stays": Before(None, place)}
    copy.sync()
    assert copy.marks["stays"][0] is None
    assert_same(copy)


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
