"""A small platform of a hotel: guests by cursor, their stays by page, rooms with a feed of events.

It changes when told, keeps its own time, and can be broken by request.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.loop import Loop
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.reading import RestReading
from listbackup.connectors.rest.transport import Request, Response
from listbackup.records import Before, Closing, Identity, Mark
from listbackup.testing.paces import PlayedPace
from tests.connectors.rest.shelves import PlainAsker

Record = dict[str, Any]
Answer = Callable[[Request], Response | None]
START = datetime(2026, 11, 1, 12, tzinfo=UTC)

YAML = """
platform: hotel
title: Hotel
version: "1"
base_url: https://hotel.example
authentication: [{kind: bearer, name: token, title: Token}]
resume_within: 6h
paging:
  cursor: {kind: cursor, token: next, param: cursor, size: {param: limit, value: 10}}
  pages: {kind: page_number, param: page, size: {param: limit, value: 10}}
  after: {kind: after_key, param: after, more: has_more, size: {param: limit, value: 10}}
streams:
  - name: guests
    request: {path: /guests}
    records: data
    paging: cursor
    since: {param: updated_since, field: updated, written: unix, lookback: 10m}
    total: {path: total}
    deleted: {request: {path: /guests/deleted}, records: data, paging: cursor}
    restore: {kind: archive_only, why: a test}
  - name: stays
    request: {path: "/guests/{parent.id}/stays"}
    records: data
    key: [guest, id]
    paging: pages
    parent: {stream: guests, when: changed}
    adds: {guest: "{parent.id}"}
    restore: {kind: archive_only, why: a test}
  - name: rooms
    request: {path: /rooms}
    records: data
    paging: after
    since: {param: created_from, field: created, written: unix, sees: created, lookback: 10m}
    one: {path: "/rooms/{record.id}"}
    restore: {kind: archive_only, why: a test}
  - name: secrets
    request: {path: /secrets}
    records: data
    optional: true
    restore: {kind: archive_only, why: a test}
feeds:
  - name: events
    request: {path: /events}
    records: data
    paging: after
    since: {param: created_from, field: created, written: unix, sees: created, lookback: 10m}
    keeps: 20d
    type: type
    object: object
    id: about
    deleted: [.deleted]
    streams: [{stream: rooms, object: room}]
"""


@dataclass
class Hotel:
    """The platform. `broken` answers a request in its place, or not (None)."""

    guests: dict[int, Record] = field(default_factory=dict)
    stays: dict[tuple[int, int], Record] = field(default_factory=dict)
    rooms: dict[str, Record] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    deleted: dict[int, Record] = field(default_factory=dict)
    permitted: bool = True
    dated: bool = True
    pace: PlayedPace = field(default_factory=lambda: PlayedPace(START))
    broken: Answer = lambda request: None
    asked: list[str] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Its time."""
        return int(self.pace.now().timestamp())

    def pass_time(self, **span: int) -> None:
        """Let time pass."""
        self.pace.set_wall(self.pace.now() + timedelta(**span))

    def put_guest(self, id_: int, **more: Any) -> None:
        """Create or change a guest."""
        self.guests[id_] = {"id": id_, "updated": self.now, **more}

    def put_room(self, id_: str, **more: Any) -> None:
        """Create or change a room; an event tells it."""
        created = self.rooms.get(id_, {"created": self.now})["created"]
        kind = "updated" if id_ in self.rooms else "created"
        self.rooms[id_] = {"id": id_, "created": created, **more}
        self._tell(id_, kind)

    def drop_room(self, id_: str) -> None:
        """Delete a room; an event tells it."""
        del self.rooms[id_]
        self._tell(id_, "deleted")

    def drop_guest(self, id_: int) -> None:
        """Delete a guest; it goes to the deleted ones."""
        self.deleted[id_] = self.guests.pop(id_)
        for key in [one for one in self.stays if one[0] == id_]:
            del self.stays[key]

    def _tell(self, id_: str, kind: str) -> None:
        number = f"evt_{len(self.events):06d}"
        event = {"id": number, "created": self.now, "type": f"room.{kind}", "object": "room"}
        self.events.append({**event, "about": id_})

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(urlsplit(request.url).path)
        response = self.broken(request) or self.answer_honestly(request)
        if self.dated:
            date = {"date": format_datetime(self.pace.now(), usegmt=True)}
            return Response(response.status, {**date, **response.headers}, response.body)
        return response

    def answer_honestly(self, request: Request) -> Response:
        """Answer as if nothing was broken."""
        parts = urlsplit(request.url)
        return self._answer(parts.path, dict(parse_qsl(parts.query)))

    def _answer(self, path: str, query: dict[str, str]) -> Response:
        match path.strip("/").split("/"):
            case ["guests"]:
                least = int(query.get("updated_since", 0))
                found = [one for one in self.guests.values() if one["updated"] >= least]
                return self._by_cursor(found, query)
            case ["guests", "deleted"]:
                return self._by_cursor(list(self.deleted.values()), query)
            case ["guests", number, "stays"]:
                if int(number) not in self.guests:
                    return Response(404, {}, b"{}")
                found = [one for key, one in sorted(self.stays.items()) if key[0] == int(number)]
                size = int(query["limit"])
                at = (int(query["page"]) - 1) * size
                return write({"data": found[at : at + size]})
            case ["rooms"]:
                return self._after(self._newest(self.rooms.values(), query), query)
            case ["rooms", id_] if id_ in self.rooms:
                return write(self.rooms[id_])
            case ["events"]:
                return self._after(self._newest(self.events, query), query)
            case ["secrets"]:
                return write({"data": [{"id": 1}]}) if self.permitted else Response(403, {}, b"{}")
        return Response(404, {}, b"{}")

    def _by_cursor(self, found: list[Record], query: dict[str, str]) -> Response:
        size, last = int(query["limit"]), int(query.get("cursor", 0))
        left = sorted((one for one in found if one["id"] > last), key=lambda one: one["id"])
        token = left[size - 1]["id"] if len(left) > size else None
        return write({"data": left[:size], "next": token, "total": len(found)})

    def _newest(self, records: Any, query: dict[str, str]) -> list[Record]:
        least = int(query.get("created_from", 0))
        found = [one for one in records if one["created"] >= least]
        return sorted(found, key=lambda one: (one["created"], one["id"]), reverse=True)

    def _after(self, found: list[Record], query: dict[str, str]) -> Response:
        if "after" in query:
            ids = [one["id"] for one in found]
            if query["after"] not in ids:
                return Response(400, {}, b"{}")
            found = found[ids.index(query["after"]) + 1 :]
        size = int(query["limit"])
        return write({"data": found[:size], "has_more": len(found) > size})


def write(page: Any) -> Response:
    """Write an answer."""
    return Response(200, {"content-type": "application/json"}, json.dumps(page).encode())


@dataclass
class Copy:
    """What a vault would have of a hotel: each stream's records by key, and what it is told."""

    hotel: Hotel
    platform: Platform = field(default_factory=lambda: parse_platform(YAML.encode(), "hotel.yaml"))
    streams: dict[str, dict[bytes, Record]] = field(default_factory=dict)
    before: dict[str, Before] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    marks: dict[str, list[Any]] = field(default_factory=dict)

    def open(self, **options: Any) -> RestReading:
        """Open a reading."""
        hotel = self.hotel
        ground = Ground(
            self.platform,
            "https://hotel.example",
            {},
            PlainAsker(hotel.answer),
            hotel.pace,
            hotel.pace.now(),
            hotel.pace.now(),
        )
        identity = Identity("hotel", "hotel.example", "1", "1")
        return RestReading(ground, identity, Loop(), ReadOptions(**options), patience=5.0)

    def sync(self, **options: Any) -> Closing:
        """Read everything, by one thread, and take it as a vault does."""
        from listbackup.errors import SourceError

        reading = self.open(**options)
        self.failed, given = {}, {}
        try:
            reading.go_on(self.before)
            streams = list(reading.streams)
            for stream in streams:
                (part,) = reading.parts(stream)
                try:
                    given[stream.name] = self._read(reading, part, stream.key)
                except SourceError as error:
                    self.failed[stream.name] = error.message
            closing = reading.finish()
        finally:
            reading.close()
        for name, records in given.items():
            outcome = closing.outcomes[name]
            state = self.streams.get(name, {})
            if outcome.status == "complete":
                aside = {one.key for one in outcome.set_aside}
                state = {key: one for key, one in state.items() if key in aside}
            state = {**state, **records}
            for key in outcome.deleted:
                state.pop(key, None)
            self.streams[name] = state
            self.before[name] = Before(outcome.checkpoint, None, len(state), 0)
        return closing

    def _read(self, reading: RestReading, part: Any, key: tuple[str, ...]) -> dict[bytes, Record]:
        found: dict[bytes, Record] = {}
        marks = self.marks[part.stream] = []
        for given in reading.read_on(part):
            if isinstance(given, Mark):
                marks.append(given.place)
                continue
            assert given.endswith(b"\n")
            for line in given.split(b"\n")[:-1]:
                record = json.loads(line)
                names = [record[name] for name in key]
                found[json.dumps(names, separators=(",", ":")).encode()] = record
        return found

    def have(self, stream: str) -> list[Any]:
        """Give the ids that the copy has of a stream."""
        return sorted(one["id"] for one in self.streams[stream].values())


def make_hotel() -> Hotel:
    """Make a hotel that has something in every list, of a day ago."""
    hotel = Hotel()
    for number in range(1, 36):
        hotel.put_guest(number, name=f"guest {number}")
        hotel.put_room(f"room_{number:03d}", beds=number % 3)
        for stay in range(number % 13):
            hotel.stays[number, stay] = {"id": stay, "nights": stay + 1}
    hotel.pass_time(days=1)
    return hotel


def assert_same(copy: Copy) -> None:
    """See that the copy has what the hotel has."""
    hotel = copy.hotel
    assert {one["id"]: one for one in copy.streams["guests"].values()} == hotel.guests
    assert {one["id"]: one for one in copy.streams["rooms"].values()} == hotel.rooms
    stays = {(one["guest"], one["id"]): one for one in copy.streams["stays"].values()}
    assert stays == {key: {"guest": key[0], **one} for key, one in hotel.stays.items()}


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
