"""Stripe's events: one for every change that has one, as it was then, for thirty days."""

from typing import Any

import pytest

from listbackup.sandbox.platforms.stripe.books import Books
from tests.sandbox.platforms.asking import Asker


def types(stripe: Asker) -> list[str]:
    """Give the types of all events, oldest first."""
    return [one["type"] for one in stripe.pages("/v1/events")][::-1]


def test_every_change_is_told_with_the_object_as_it_was_then(stripe: Asker) -> None:
    id = stripe.post("/v1/customers", {"name": "Ada"}, idempotency_key="k").body["id"]
    changed = stripe.post(f"/v1/customers/{id}", {"name": "Bea"})
    stripe.post(f"/v1/customers/{id}", {"name": "Bea"})
    stripe.delete(f"/v1/customers/{id}")
    deleted, updated, created = stripe.get("/v1/events").body["data"]
    assert types(stripe) == ["customer.created", "customer.updated", "customer.deleted"]
    assert created["data"]["object"]["name"] == "Ada"
    assert created["request"]["idempotency_key"] == "k"
    assert updated["data"]["object"] == changed.body
    assert updated["data"]["previous_attributes"] == {"name": "Ada"}
    assert updated["request"]["id"] == changed.headers["request-id"]
    assert deleted["data"]["object"]["name"] == "Bea"
    assert stripe.get(f"/v1/events/{created['id']}").body == created


def test_events_are_gone_after_thirty_days(stripe: Asker, books: Books) -> None:
    books.make("customers")
    old = stripe.get("/v1/events").ids[0]
    stripe.clock.advance(29.9 * 86400)
    books.make("products", name="A")
    assert types(stripe) == ["customer.created", "product.created"]
    stripe.clock.advance(0.2 * 86400)
    assert types(stripe) == ["product.created"]
    assert stripe.get(f"/v1/events/{old}").status == 404


def test_events_are_chosen_by_type_and_time(stripe: Asker, books: Books) -> None:
    customer = books.make("customers")["id"]
    stripe.clock.advance(100)
    later = int(stripe.stripe.now)
    books.change("customers", customer, name="Ada")
    books.make("products", name="A")

    def found(query: str) -> list[str]:
        return [one["type"] for one in stripe.get(f"/v1/events?{query}").body["data"]]

    assert found("type=customer.*") == ["customer.updated", "customer.created"]
    assert found("types[]=product.created&types[]=customer.created") == [
        "product.created",
        "customer.created",
    ]
    assert found(f"created[gte]={later}") == ["product.created", "customer.updated"]
    many = "&".join(f"types[]=a.b{number}" for number in range(21))
    assert stripe.get(f"/v1/events?{many}").status == 400


def change(stripe: Asker, collection: str, before: dict[str, Any], **after: Any) -> list[str]:
    books = stripe.stripe.books()
    id = books.make(collection, told=False, **before)["id"]
    books.change(collection, id, **after)
    return types(stripe)


@pytest.mark.parametrize(
    ("collection", "before", "after", "told"),
    [
        ("charges", {}, {"description": "x"}, ["charge.updated"]),
        ("charges", {}, {"amount_refunded": 5}, ["charge.refunded", "charge.updated"]),
        ("payment_intents", {}, {"status": "succeeded"}, ["payment_intent.succeeded"]),
        ("invoices", {}, {"status": "open"}, ["invoice.updated", "invoice.finalized"]),
        ("invoices", {}, {"description": "x"}, ["invoice.updated"]),
        ("subscriptions", {}, {"status": "past_due"}, ["customer.subscription.updated"]),
        ("subscriptions", {}, {"status": "canceled"}, ["customer.subscription.deleted"]),
        ("disputes", {}, {"status": "won"}, ["charge.dispute.updated", "charge.dispute.closed"]),
        ("payment_methods", {"customer": "cus_1"}, {"customer": None}, ["payment_method.detached"]),
        ("payment_methods", {}, {"customer": "cus_1"}, ["payment_method.attached"]),
        (
            "payouts",
            {"status": "in_transit"},
            {"status": "paid"},
            ["payout.updated", "payout.paid"],
        ),
        ("checkout/sessions", {}, {"status": "complete"}, ["checkout.session.completed"]),
        ("transfers", {}, {"amount_reversed": 5}, ["transfer.reversed", "transfer.updated"]),
        ("reviews", {}, {"open": False}, ["review.closed"]),
    ],
)
def test_what_happened_is_told_by_its_own_name(
    stripe: Asker, collection: str, before: dict[str, Any], after: dict[str, Any], told: list[str]
) -> None:
    assert change(stripe, collection, before, **after) == told


@pytest.mark.parametrize(
    ("collection", "after"),
    [
        ("payment_intents", {"description": "x"}),
        ("setup_intents", {"description": "x"}),
        ("invoiceitems", {"description": "x"}),
        ("quotes", {"description": "x"}),
        ("webhook_endpoints", {"description": "x"}),
        ("shipping_rates", {"active": False}),
        ("balance_transactions", {"description": "x"}),
    ],
)
def test_some_changes_have_no_event(stripe: Asker, collection: str, after: dict[str, Any]) -> None:
    assert change(stripe, collection, {}, **after) == []


def test_a_new_subscription_is_told_with_its_items_and_an_item_as_its_update(
    stripe: Asker, books: Books
) -> None:
    customer = books.make("customers", told=False)["id"]
    product = books.make("products", told=False, name="A")["id"]
    recurring = {"interval": "month", "interval_count": 1}
    price = books.make(
        "prices", told=False, product=product, recurring=recurring, type="recurring"
    )["id"]
    form = {"customer": customer, "items[0][price]": price, "trial_period_days": 3}
    made = stripe.post("/v1/subscriptions", form).body
    (event,) = stripe.get("/v1/events").body["data"]
    assert event["type"] == "customer.subscription.created"
    assert event["data"]["object"] == made
    books.change("subscription_items", made["items"]["data"][0]["id"], quantity=9)
    event = stripe.get("/v1/events").body["data"][0]
    assert event["type"] == "customer.subscription.updated"
    assert event["data"]["object"]["items"]["data"][0]["quantity"] == 9


def test_between_two_requests_anything_may_happen(stripe: Asker, books: Books) -> None:
    first = books.make("customers", name="first")["id"]
    made = [books.make("customers")["id"] for _ in range(5)]
    stripe.stripe.after_requests(1, lambda: books.delete("customers", first))
    page = stripe.get("/v1/customers?limit=3")
    assert page.ids == made[::-1][:3]
    rest = stripe.get(f"/v1/customers?limit=3&starting_after={page.ids[-1]}")
    assert (rest.ids, rest.body["has_more"]) == (made[::-1][3:], False)
    assert stripe.get("/v1/customers").ids == made[::-1]
