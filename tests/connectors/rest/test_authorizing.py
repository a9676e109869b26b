"""A platform that wants no proof is asked without one, and needs no credentials."""

import asyncio

import pytest

from listbackup.connectors.rest.authorizing import write_proofs
from listbackup.connectors.rest.credentials import MemoryKeeper, list_wanted
from listbackup.connectors.rest.models.authentication import ApiKey, NoProof
from listbackup.connectors.rest.transport import Request
from listbackup.errors import AuthError
from tests.connectors.rest.connected import World

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
