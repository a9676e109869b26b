"""A description is tried: what came of each list is said, and what speaks against it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.connectors.rest.trying import TriedList, try_lists
from listbackup.errors import AuthError
from listbackup.events import Event, ignore
from listbackup.host import Host
from tests.connectors.rest.connected import World
from tests.connectors.rest.lands import KEPT, Land, describe

TOKENS = "{kind: cursor, token: next, param: after, size: {param: limit, value: 2}}"
CHILDREN = f"""
streams:
  - name: things
    request: {{path: /things}}
    records: data
    {KEPT}
  - name: things.parts
    parent: {{stream: things}}
    request: {{path: "/things/{{parent.id}}/parts"}}
    records: data
    key: [uid]
    {KEPT}
"""


def answer(value: Any, status: int = 200) -> Callable[[Request], Response]:
    body = json.dumps(value).encode()
    return lambda request: Response(status, {"content-type": "application/json"}, body)


def attempt(land: Land) -> list[TriedList]:
    return asyncio.run(try_lists(land.connection, Host(), ignore))


def test_a_list_that_comes_as_described_is_read_once() -> None:
    page = {"data": [{"id": 1}, {"id": 2}], "next": "x"}
    land = Land(describe(TOKENS), answer(page))
    assert attempt(land) == [TriedList("things", "GET /things", "read", 2, ("id",), True, ())]
    assert [one.url.partition("?")[2] for one in land.asked] == ["limit=2"]
    land = Land(describe(TOKENS), answer({"data": [{"id": 1}]}))
    (tried,) = attempt(land)
    assert (tried.standing, tried.records, tried.more) == ("read", 1, False)
    (tried,) = attempt(Land(describe(TOKENS), answer({"data": []})))
    assert (tried.standing, tried.records) == ("empty", 0)


def test_records_elsewhere_are_told_with_what_the_answer_has() -> None:
    (tried,) = attempt(Land(describe(TOKENS), answer({"items": [{"id": 1}], "paging": {}})))
    assert tried.standing == "failed"
    assert "the answer has: items, paging" in tried.problems[-1]


def test_a_key_that_is_not_there_is_told_with_what_a_record_has() -> None:
    (tried,) = attempt(Land(describe(TOKENS), answer({"data": [{"uid": 1, "name": "a"}]})))
    assert (tried.standing, tried.records) == ("failed", 0)
    assert "it has no key (id)" in tried.problems[0]
    assert tried.problems[1] == "a record has: uid, name"


def test_a_next_page_that_the_description_does_not_see_is_told() -> None:
    page = {"data": [{"id": 1}], "next_cursor": "abc"}
    (tried,) = attempt(Land(describe(TOKENS), answer(page)))
    assert not tried.more
    assert "next_cursor" in tried.problems[0]


@pytest.mark.parametrize(
    ("status", "standing", "more"),
    [(403, "failed", ""), (403, "not permitted", "optional: true"), (404, "failed", "")],
)
def test_what_may_not_be_read_is_told(status: int, standing: str, more: str) -> None:
    land = Land(describe(TOKENS, more), answer({}, status))
    (tried,) = attempt(land)
    assert tried.standing == standing
    assert f"status {status}" in tried.problems[0]
    assert len(tried.problems) == 1


def test_children_are_tried_with_records_of_their_parents() -> None:
    def give(request: Request) -> Response:
        path = request.url.partition("example")[2].partition("?")[0]
        of_things = {"data": [{"id": one} for one in (1, 2, 3)]}
        parts: dict[str, Any] = {"/things/2/parts": {"data": [{"uid": "a"}]}}
        return answer(of_things if path == "/things" else parts.get(path, {"data": []}))(request)

    things, parts = attempt(Land(CHILDREN, give))
    assert (things.standing, parts.standing, parts.records) == ("read", "read", 1)
    _, parts = attempt(Land(CHILDREN, answer({"data": []})))
    assert (parts.standing, parts.problems) == (
        "skipped",
        ("things has no record to ask for it with",),
    )


def test_a_server_that_is_down_is_not_waited_for_long() -> None:
    land = Land(describe(TOKENS), answer({}, 503))
    began = land.pace.monotonic()
    (tried,) = attempt(land)
    assert tried.standing == "failed"
    assert land.pace.monotonic() - began < 60


def test_all_lists_of_a_platform_can_be_tried() -> None:
    world = World()
    world.consent()
    tenant = world.keap.tenants["acme"]
    for number in range(3):
        tenant.add("contacts", {"given_name": str(number), "email_addresses": []})
    events: list[Event] = []
    tried = asyncio.run(try_lists(world.connection(), Host(), events.append))
    assert [one.name for one in tried] == [one.name for one in world.connection().platform.streams]
    found = {one.name: one for one in tried}
    assert (found["contacts"].standing, found["contacts"].records) == ("read", 3)
    assert {one.standing for one in tried} <= {"read", "empty", "skipped"}
    assert [one for one in tried if one.problems and one.standing != "skipped"] == []


def test_a_consent_that_ended_ends_the_trial() -> None:
    world = World()
    world.consent()
    world.keap.authority.revoke_grant(world.keap.authority.grants[0])
    with pytest.raises(AuthError):
        asyncio.run(try_lists(world.connection(), Host(), ignore))
