"""A reading goes on at the page where another one was killed, as long as that place is good."""

import json
from typing import Any

import pytest

from listbackup.records import Before, Mark
from tests.connectors.rest.hotel import Copy, Hotel, assert_same, make_hotel


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
