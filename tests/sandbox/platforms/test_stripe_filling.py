"""The generator makes the same business from the same seed, of any size, that fits together."""

import pytest

from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.filling import fill
from listbackup.sandbox.platforms.stripe.resources import RESOURCES
from tests.sandbox.platforms.asking import Asker, Clock


def draw(clock: Clock, seed: int, customers: int = 20) -> dict[str, list[bytes]]:
    books = StripeSandbox(clock, 1).books()
    fill(books, customers, seed)
    own = {"accounts"}
    return {
        name: books.draw(name, books.account[name].all.oldest_first())
        for name in sorted(set(RESOURCES) - own)
    }


def test_a_seed_gives_the_same_and_another_seed_gives_others(clock: Clock) -> None:
    assert draw(clock, 1) == draw(clock, 1)
    assert draw(clock, 1)["customers"] != draw(clock, 2)["customers"]


@pytest.mark.parametrize("customers", [0, 1, 50])
def test_a_business_has_the_size_that_was_wanted_and_no_events(
    clock: Clock, customers: int
) -> None:
    books = StripeSandbox(clock, 1).books()
    fill(books, customers)
    assert len(books.account["customers"]) == customers
    assert len(books.account["events"]) == 0
    assert books.account.changes == []


def test_what_belongs_together_is_there(shop: Asker, books: Books) -> None:
    held = {name: books.account[name] for name in RESOURCES}
    for record in held["charges"].all.oldest_first():
        value = record.value
        assert value["customer"] in held["customers"]
        assert held["payment_intents"][value["payment_intent"]].value["latest_charge"] == record.id
        assert held["balance_transactions"][value["balance_transaction"]].value["source"] == (
            record.id
        )
    for record in held["subscriptions"].all.oldest_first():
        assert record.value["latest_invoice"] in held["invoices"]
        assert len(held["subscription_items"].where("subscription", record.id)) > 0
    for record in held["invoices"].all.oldest_first():
        lines = held["line_items"].where("invoice", record.id).oldest_first()
        assert sum(line.value["amount"] for line in lines) == record.value["total"]


def test_a_name_that_is_no_field_is_a_mistake(books: Books) -> None:
    with pytest.raises(LookupError, match="colour"):
        books.make("customers", colour="red")
