"""Events that tell what changed: a record that they name is asked for, and one answer alone does
not make it gone.
"""

from collections.abc import Callable

import pytest

from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.hotel import YAML, Copy, always, assert_same, make_hotel, once

Broken = Callable[[Request], Response | None]
NONE = Response(404, {}, b"{}")


def first_fails_then_none() -> Broken:
    answers = [Response(500), Response(500), Response(500), NONE]

    def broken(request: Request) -> Response | None:
        asked = request.url.partition("?")[0].endswith("/room_001")
        return answers.pop(0) if asked and answers else None

    return broken


@pytest.mark.parametrize("make", [lambda: once("/room_001", 1, NONE), first_fails_then_none])
def test_a_changed_record_that_is_not_found_once_is_asked_for_again(
    make: Callable[[], Broken],
) -> None:
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.pass_time(hours=2)
    copy.hotel.put_room("room_001", beds=77)
    copy.hotel.put_room("room_002", beds=78)
    copy.hotel.broken = make()
    outcome = copy.sync().outcomes["rooms"]
    assert (outcome.reason, outcome.set_aside, outcome.deleted) == ("", (), ())
    assert_same(copy)


def change_and_hide(copy: Copy) -> None:
    """Change two rooms, of which one is not found."""
    copy.hotel.put_room("room_001", beds=77)
    copy.hotel.put_room("room_002", beds=78)
    copy.hotel.broken = always("/room_001", NONE)
    copy.hotel.asked.clear()


def test_a_changed_record_that_is_not_found_twice_is_gone() -> None:
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.pass_time(hours=2)
    change_and_hide(copy)
    copy.hotel.pass_time(hours=2)
    outcome = copy.sync().outcomes["rooms"]
    assert tuple(outcome.deleted) == (b'["room_001"]',)
    assert copy.hotel.asked.count("/rooms/room_001") == 2
    assert copy.hotel.asked.count("/rooms/room_002") == 1


def test_a_record_that_changed_just_now_and_is_not_found_is_asked_for_by_the_next_sync() -> None:
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.pass_time(hours=2)
    change_and_hide(copy)
    outcome = copy.sync().outcomes["rooms"]
    assert (outcome.reason, outcome.set_aside, outcome.deleted) == ("", (), ())
    copy.hotel.broken = lambda request: None
    copy.hotel.pass_time(hours=2)
    copy.hotel.put_room("room_003", beds=79)
    assert copy.sync().outcomes["rooms"].deleted == ()
    assert_same(copy)


def test_where_no_event_tells_of_deletions_what_is_not_found_is_gone() -> None:
    text = YAML.replace("    deleted: [.deleted]\n", "")
    copy = Copy(make_hotel(), parse_platform(text.encode(), "hotel.yaml"))
    copy.sync()
    copy.hotel.pass_time(hours=2)
    change_and_hide(copy)
    assert tuple(copy.sync().outcomes["rooms"].deleted) == (b'["room_001"]',)


def test_events_that_do_not_say_what_they_are_about_are_not_believed() -> None:
    text = YAML.replace("    object: object\n", "    object: objekt\n")
    copy = Copy(make_hotel(), parse_platform(text.encode(), "hotel.yaml"))
    copy.sync()
    copy.hotel.pass_time(hours=2)
    copy.hotel.put_room("room_001", beds=77)
    copy.hotel.drop_room("room_002")
    copy.hotel.asked.clear()
    assert copy.sync().outcomes["rooms"].status == "complete"
    assert "/rooms" in copy.hotel.asked
    assert_same(copy)
