"""Before a backup one record of each stream tells what may be read."""

import json

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.inspection import inspect
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import AuthError, SourceError
from listbackup.events import Event, Waited, ignore
from listbackup.host import Host
from tests.connectors.rest.connected import Between, Send, World
from tests.connectors.rest.lands import Land, describe

READ = ReadOptions()


def test_every_stream_is_asked_for_one_record_and_children_for_their_parents_first() -> None:
    world = World()
    world.consent()
    acme = world.keap.tenants["acme"]
    acme.add("contacts", {"given_name": "a", "email_addresses": []})
    acme.add("tags", {"name": "t"})
    found = inspect(
        world.connection(), ReadOptions(include=("tags.contacts", "notes")), Host(), ignore
    )
    assert found.complete
    assert [one.name for one in found.streams] == ["tags.contacts", "notes"]
    assert "contacts" in found.excluded
    assert (found.user, found.identity.engine, found.identity.container) == ("acme", "keap", "acme")
    asked = [one.path.removeprefix("/crm/rest/v2/") for one in world.keap.log]
    assert sorted(asked) == ["notes", "oauth/connect/userinfo", "tags", "tags/1/contacts"]
    sizes = {dict(one.query).get("page_size") for one in world.keap.log[1:]}
    assert sizes == {"1"}


def test_all_of_a_platform_can_be_looked_at() -> None:
    world = World()
    world.consent()
    found = inspect(world.connection(), ReadOptions(), Host(), ignore)
    assert found.complete, found.unread
    assert not found.excluded
    assert {one.status for one in world.keap.log} == {200}


def test_credentials_that_are_not_accepted_end_it() -> None:
    world = World()
    world.consent()
    world.keap.authority.revoke_grant(world.keap.authority.grants[0])
    with pytest.raises(AuthError, match="revoked"):
        inspect(world.connection(), ReadOptions(), Host(), ignore)


def test_what_is_waited_for_is_told() -> None:
    world = World()
    world.consent()
    events: list[Event] = []
    times = [429, 200]

    async def act(request: Request, send: Send) -> Response:
        if request.url.partition("?")[0].endswith("/notes") and times.pop(0) == 429:
            return Response(429, {"retry-after": "7"}, b"{}")
        return await send(request)

    world.transport = Between(world.transport, act)
    options = ReadOptions(include=("notes",))
    assert inspect(world.connection(), options, Host(), events.append).complete
    (waited,) = [event for event in events if isinstance(event, Waited)]
    assert 7 <= waited.seconds < 9


def test_an_account_whose_name_has_no_end_is_no_account() -> None:
    who = "who: {request: {path: /me}, id: id, title: name}\n"
    things = describe("", records="data") + who

    def give(words: str) -> Response:
        body = {"id": words, "name": words * 1000, "data": []}
        return Response(200, {"content-type": "application/json"}, json.dumps(body).encode())

    found = inspect(Land(things, lambda request: give("a")).connection, READ, Host(), ignore)
    assert len(found.user) < 400
    with pytest.raises(SourceError, match="does not say whose account"):
        inspect(Land(things, lambda request: give("a" * 301)).connection, READ, Host(), ignore)
