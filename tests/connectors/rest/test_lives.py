"""A platform that changes while it is read, sync after sync: the copy arrives at the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.hotel import Copy, Hotel

ACTS = ("put_guest", "drop_guest", "put_room", "drop_room", "stay")
Change = tuple[str, int]
CHANGES = st.dictionaries(
    st.integers(0, 60),
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 30)), max_size=3),
    max_size=12,
)


def change(hotel: Hotel, act: str, number: int) -> None:
    room = f"room_{number:03d}"
    match act:
        case "put_guest":
            hotel.deleted.pop(number, None)
            hotel.put_guest(number, turn=len(hotel.asked))
        case "drop_guest" if number in hotel.guests:
            hotel.drop_guest(number)
        case "put_room":
            hotel.put_room(room, turn=len(hotel.asked))
        case "drop_room" if room in hotel.rooms:
            hotel.drop_room(room)
        case "stay" if number in hotel.guests:
            hotel.stays[number, len(hotel.asked)] = {"id": len(hotel.asked)}
            hotel.put_guest(number, turn=len(hotel.asked))


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=4), st.booleans())
def test_whatever_happens_meanwhile_the_next_quiet_sync_is_right(
    rounds: list[dict[int, list[Change]]], dated: bool
) -> None:
    hotel = Hotel(dated=dated)
    for number in range(1, 26):
        hotel.put_guest(number)
        hotel.put_room(f"room_{number:03d}")
    hotel.pass_time(days=1)
    copy = Copy(hotel)
    for changes in rounds:
        begun, present = len(hotel.asked), set(hotel.guests) | set(hotel.rooms)

        def act(request: Request, changes: dict[int, list[Change]] = changes) -> Response | None:
            nonlocal present
            for one in changes.get(len(hotel.asked) - 1 - begun, ()):  # noqa: B023
                change(hotel, *one)
                present &= set(hotel.guests) | set(hotel.rooms)
            return None

        hotel.broken = act
        closing = copy.sync()
        assert copy.failed == {}
        for stream in ("guests", "rooms"):
            if not closing.outcomes[stream].reason:
                there = present & {*(hotel.guests if stream == "guests" else hotel.rooms)}
                assert there <= set(copy.have(stream)), stream
        hotel.broken = lambda request: None
        hotel.pass_time(hours=2)
    copy.sync()
    assert {one["id"]: one for one in copy.streams["guests"].values()} == hotel.guests
    assert {one["id"]: one for one in copy.streams["rooms"].values()} == hotel.rooms
    stays = {(one["guest"], one["id"]) for one in copy.streams["stays"].values()}
    assert set(hotel.stays) <= stays
