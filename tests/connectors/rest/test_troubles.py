"""Answers that a platform gives wrong or not at all: survived, or said; never a quiet shortfall."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import AuthError
from tests.connectors.rest.hotel import Copy, always, assert_same, make_hotel, once, write

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
