"""Keap accounts that are filled: the same for the same seed, of any size, whole in themselves."""

import pytest

from listbackup.sandbox.platforms.keap import Keap, Tenant
from listbackup.sandbox.platforms.keap.filling import Amounts, fill
from tests.sandbox.platforms.keaps import StandingWatch


def make(seed: int, amounts: Amounts) -> Tenant:
    tenant = Keap(StandingWatch(), 1).add_tenant("acme")
    fill(tenant, seed, amounts)
    return tenant


def contents(tenant: Tenant) -> dict[str, list[bytes]]:
    return {name: [row.data for row in tenant[name].rows()] for name in tenant.names()}


def test_a_seed_gives_the_same_account_and_another_one_another() -> None:
    amounts = Amounts(contacts=40)
    assert contents(make(3, amounts)) == contents(make(3, amounts))
    assert contents(make(3, amounts)) != contents(make(4, amounts))


@pytest.mark.parametrize("count", [0, 1, 250])
def test_there_are_as_many_records_as_were_asked_for(count: int) -> None:
    tenant = make(1, Amounts(contacts=count, companies=3, opportunities=4, tags=9))
    assert len(tenant["contacts"]) == count
    assert len(tenant["companies"]) == 3
    assert len(tenant["opportunities"]) == (4 if count else 0)
    assert len(tenant["notes"]) == count
    assert len(tenant["orders"]) == round(count / 2)


def test_everything_that_is_referred_to_is_there() -> None:
    tenant = make(5, Amounts(contacts=80))
    for note in tenant.records("notes"):
        assert tenant.find("contacts", note["contact_id"]) is not None
    for order in tenant.records("orders"):
        assert tenant.find("contacts", order["contact"]["id"]) is not None
        for item in order["order_items"]:
            assert tenant.find("products", item["product"]["id"]) is not None
    applied = {(one["contact_id"], one["tag_id"]) for one in tenant.records("applied_tags")}
    held = {(c["id"], tag) for c in tenant.records("contacts") for tag in c["tag_ids"]}
    assert applied == held != set()
    assert len(tenant["applied_tags"]) == len(applied)


def test_nothing_was_changed_before_it_was_made_or_after_now() -> None:
    tenant = make(6, Amounts(contacts=80))
    for contact in tenant.records("contacts"):
        assert contact["create_time"] <= contact["update_time"] <= tenant.now
