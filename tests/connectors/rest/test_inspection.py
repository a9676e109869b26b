"""Before a backup one record of each stream tells what may be read."""

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.inspection import inspect
from listbackup.errors import AuthError
from tests.connectors.rest.connected import World


def test_every_stream_is_asked_for_one_record_and_children_for_their_parents_first() -> None:
    world = World()
    world.consent()
    acme = world.keap.tenants["acme"]
    acme.add("contacts", {"given_name": "a", "email_addresses": []})
    acme.add("tags", {"name": "t"})
    found = inspect(world.connection(), ReadOptions(include=("tags.contacts", "notes")))
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
    found = inspect(world.connection(), ReadOptions())
    assert found.complete, found.unread
    assert not found.excluded
    assert {one.status for one in world.keap.log} == {200}


def test_credentials_that_are_not_accepted_end_it() -> None:
    world = World()
    world.consent()
    world.keap.authority.revoke_grant(world.keap.authority.grants[0])
    with pytest.raises(AuthError, match="revoked"):
        inspect(world.connection(), ReadOptions())
