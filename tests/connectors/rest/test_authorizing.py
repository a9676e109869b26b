"""A request proves who the source is by what a person gave; where no proof is wanted, by none."""

import asyncio
from dataclasses import replace

import pytest

from listbackup.connectors.rest.authorizing import write_proofs
from listbackup.connectors.rest.connection import choose_way
from listbackup.connectors.rest.credentials import (
    MemoryKeeper,
    list_wanted,
    read_credential,
    write_credential,
)
from listbackup.connectors.rest.models.authentication import (
    ApiKey,
    Authentication,
    Basic,
    Bearer,
    NoProof,
)
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import AuthError
from listbackup.events import ConsentEnded
from listbackup.log import Secret
from tests.connectors.rest.connected import BASE, World

OPEN = NoProof(kind="none", name="open", title="Open to all")
KEY = ApiKey(kind="api_key", name="key", title="Key", header="X-Key")


def test_nothing_is_wanted_and_nothing_is_sent() -> None:
    world = World(keeper=MemoryKeeper())
    assert list_wanted(OPEN) == ()
    assert write_proofs(world.connection(way=OPEN)) == []
    request = Request("GET", "https://open.example/things", {"accept": "application/json"})
    assert asyncio.run(world.authorizer(way=OPEN).authorize(request)) == request


def test_any_other_way_needs_to_be_connected_first() -> None:
    with pytest.raises(AuthError, match="no credentials"):
        World(keeper=MemoryKeeper()).connection(way=KEY).credential()


@pytest.mark.parametrize(
    ("way", "secrets", "header"),
    [
        (Bearer(kind="bearer", name="w", title="W"), {"token": "t"}, "Bearer t"),
        (
            Basic(kind="basic", name="w", title="W"),
            {"user": "u", "password": "p:é"},
            "Basic dTpwOsOp",
        ),
        (Basic(kind="basic", name="w", title="W", password="none"), {"user": "u"}, "Basic dTo="),
        (
            ApiKey(kind="api_key", name="w", title="W", header="Authorization", prefix="Token "),
            {"key": "k"},
            "Token k",
        ),
    ],
)
def test_what_a_person_gave_stands_in_the_header(
    way: Authentication, secrets: dict[str, str], header: str
) -> None:
    world = World()
    given = {name: Secret(text) for name, text in secrets.items()}
    assert [one.name for one in list_wanted(way)] == list(secrets)
    credential = replace(world.consent(), way="w", secrets=given, tokens=None)
    world.keeper.write(write_credential(credential))
    asked = asyncio.run(world.authorizer(way=way).authorize(Request("GET", "https://h/")))
    assert asked.headers == {"Authorization": header}


def test_a_key_that_is_refused_is_told_once() -> None:
    world = World()
    way = choose_way(world.connection().platform, "key")
    keys = {"key": Secret("no such key")}
    world.keeper.write(write_credential(replace(world.consent(), way="key", secrets=keys)))

    async def run() -> None:
        authorizer = world.authorizer(way=way)
        asked = await authorizer.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags"))
        assert asked.headers == {"X-Keap-API-Key": "no such key"}
        for _ in range(2):
            assert not await authorizer.refused(await world.transport.send(asked), asked)

    asyncio.run(run())
    assert world.events == [ConsentEnded("keap", "Keap", "status 401")]
    assert "status 401" in read_credential(world.keeper.read() or b"").ended
    again = world.authorizer(way=way)
    asyncio.run(again.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags")))
    assert read_credential(world.keeper.read() or b"").ended == ""


def test_a_key_that_was_refused_is_not_noted_of_the_one_that_came_after_it() -> None:
    world = World()
    way = choose_way(world.connection().platform, "key")
    old, new = ({"key": Secret(text)} for text in ("the old key", "the new key"))
    credential = replace(world.consent(), way="key", secrets=old)
    for after in (write_credential(replace(credential, secrets=new)), None):
        world.keeper.write(write_credential(credential))
        authorizer = world.authorizer(way=way)
        asyncio.run(authorizer.authorize(Request("GET", f"{BASE}/crm/rest/v2/tags")))
        assert isinstance(world.keeper, MemoryKeeper)
        world.keeper.data = after
        assert not asyncio.run(authorizer.refused(Response(401), world.asked))
        assert world.keeper.data == after


def test_a_source_without_credentials_or_with_others_is_told_to_connect() -> None:
    world = World()

    async def ask() -> None:
        await world.authorizer().authorize(Request("GET", "https://h/"))

    with pytest.raises(AuthError, match="not connected"):
        asyncio.run(ask())
    world.keeper.write(write_credential(replace(world.consent(), way="key")))
    with pytest.raises(AuthError, match="connected to keap by key"):
        asyncio.run(ask())
