"""Events that tell what changed: a record that they name is asked for, and one answer alone does
not make it gone.
"""

from collections.abc import Callable

import pytest

from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.hotel import YAML, Copy, always, assert_same, make_hotel, once
from tests.connectors.rest.lands import Land, Record, make_things, query, write

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


FEED = """streams:
  - name: things
    request: {path: /things}
    records: data
    one: {path: "/things/{record.id}"}
    restore: {kind: archive_only, why: a test}
feeds:
  - name: events
    request: {path: /events}
    records: data
    since: {param: from, field: created}
    keeps: 30d
    type: type
    object: object
    id: thing
    deleted: [.deleted]
    streams: [{stream: things, object: thing}]
"""


class Told:
    """A hundred and fifty things and a feed that gives what `show` leaves of its events."""

    def __init__(self, show: Callable[[list[Record]], list[Record]] = lambda events: events):
        self.show = show
        self.things = {one["id"]: one for one in make_things(150)}
        self.events: list[Record] = []
        self.land = Land(FEED, self.answer)

    def answer(self, request: Request) -> Response:
        path = request.url.partition("?")[0].split("/")[3:]
        if path == ["things"]:
            return write({"data": list(self.things.values())})
        if path == ["events"]:
            least = query(request)["from"]
            return write({"data": self.show([one for one in self.events if one["at"] >= least])})
        found = self.things.get(int(path[1]))
        return write(found) if found else write({}, 404)

    def tell(self, id_: int, kind: str = "updated", created: str = "", name: str = "thing") -> None:
        """Have an event of now."""
        now = self.land.pace.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"id": f"e{len(self.events)}", "type": f"thing.{kind}", "object": name}
        self.events.append({**event, "thing": id_, "created": created or now, "at": now})

    def change(self, *ids: int) -> None:
        """Change some, a minute each."""
        for id_ in ids:
            self.land.pass_time(minutes=1)
            self.things[id_] = {"id": id_, "name": f"changed at {self.land.pace.now()}"}
            self.tell(id_)

    def sync(self) -> int:
        """See that a sync has all; give how many requests it took."""
        self.land.pass_time(minutes=1)
        found = self.land.sync()
        assert sorted(found, key=lambda one: one["id"]) == [*self.things.values()]
        assert set(self.land.said.values()) == {""}
        return len(self.land.asked)


@pytest.mark.parametrize(
    ("deleted", "restored"),
    [
        ("2026-11-01T13:00:00Z", "2026-11-01T13:00:00.500Z"),
        ("2026-11-01T15:00:00+02:00", "2026-11-01T13:20:00+00:00"),
        ("Sun, 01 Nov 2026 13:00:00 GMT", "Mon, 02 Nov 2026 09:00:00 GMT"),
        ("first of November", "at noon"),
    ],
)
def test_what_is_deleted_and_restored_lives_however_events_write_their_times(
    deleted: str, restored: str
) -> None:
    told = Told()
    told.sync()
    told.land.pass_time(hours=1)
    told.tell(9, "deleted", deleted)
    told.tell(9, "restored", restored)
    assert told.sync() == 2


def test_an_object_whose_case_differs_is_the_same() -> None:
    told = Told()
    told.sync()
    told.change(9)
    told.events[-1]["object"] = "Thing"
    assert told.sync() == 2


@pytest.mark.parametrize("show", [lambda events: events[-50:], lambda events: events[:50]])
def test_a_feed_that_gives_so_many_events_at_most_has_a_gap(
    show: Callable[[list[Record]], list[Record]],
) -> None:
    told = Told(show)
    told.sync()
    told.land.pass_time(hours=5)
    told.change(*range(1, 91))
    told.sync()
    told.land.pass_time(hours=5)
    told.change(7)
    assert told.sync() == 2


def test_the_newest_event_at_a_full_listing_has_to_come_again() -> None:
    told = Told()
    told.change(3)
    told.sync()
    told.land.pass_time(days=2)
    told.change(4)
    assert told.sync() == 3
    told.land.pass_time(days=2)
    # by then it keeps them for less than it says
    told.change(5)
    told.land.pass_time(days=2)
    told.change(6)
    told.show = lambda events: events[-1:]
    assert told.sync() == 2
    assert any(one.url.endswith("/things") for one in told.land.asked)


def test_a_quiet_feed_is_looked_at_and_costs_one_request_a_sync() -> None:
    told = Told()
    told.change(3)
    told.land.pass_time(days=5)
    told.sync()
    for _ in range(3):
        told.land.pass_time(days=1)
        assert told.sync() == 1
