"""A platform is read whole, then by what changed; what cannot be is said, and never lost."""

import json

from tests.connectors.rest.hotel import Copy, assert_same, make_hotel


def test_the_first_sync_lists_everything_and_says_so() -> None:
    copy = Copy(make_hotel())
    closing = copy.sync()
    assert_same(copy)
    assert {one.status for one in closing.outcomes.values()} == {"complete"}
    assert copy.failed == {}


def test_the_second_sync_asks_for_changes_alone_and_arrives_at_the_same() -> None:
    copy = Copy(make_hotel())
    copy.sync()
    hotel = copy.hotel
    hotel.pass_time(hours=5)
    hotel.put_guest(3, name="renamed")
    hotel.put_guest(99, name="new")
    hotel.stays[99, 1] = {"id": 1, "nights": 2}
    hotel.drop_guest(7)
    hotel.put_room("room_004", beds=9)
    hotel.put_room("room_100", beds=1)
    hotel.drop_room("room_005")
    hotel.asked.clear()
    closing = copy.sync()
    assert copy.failed == {}
    # its stays go with the next full listing
    gone = [key for key in copy.streams["stays"] if json.loads(key)[0] == 7]
    for key in gone:
        del copy.streams["stays"][key]
    assert len(gone) == 7
    assert_same(copy)
    assert {name: (one.status, one.reason) for name, one in closing.outcomes.items()} == {
        "guests": ("upserts", ""),
        "stays": ("upserts", ""),
        "rooms": ("upserts", ""),
        "secrets": ("complete", ""),
    }
    assert closing.outcomes["guests"].deleted[0] == b"[7]"
    assert closing.outcomes["rooms"].deleted == (b'["room_005"]',)
    assert hotel.asked.count("/guests") == 1
    assert sum(one.endswith("/stays") for one in hotel.asked) <= 4


def test_all_is_listed_again_when_its_time_has_come_when_asked_and_when_the_feed_is_too_old() -> (
    None
):
    copy = Copy(make_hotel())
    copy.sync()
    copy.hotel.pass_time(hours=1)
    assert copy.sync(full=True).outcomes["guests"].status == "complete"
    copy.hotel.pass_time(days=6)
    assert copy.sync().outcomes["guests"].status == "upserts"
    copy.hotel.pass_time(days=2)
    assert copy.sync().outcomes["guests"].status == "complete"
    copy.hotel.drop_room("room_001")
    copy.hotel.pass_time(days=25)
    copy.hotel.events.clear()
    copy.sync()
    assert_same(copy)
