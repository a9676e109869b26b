"""What is taken to write subscriptions, and the items in them."""

from collections.abc import Mapping
from typing import Any

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.parameters import (
    count,
    currency,
    flag,
    listed,
    metadata,
    one_of,
    text,
)
from listbackup.sandbox.platforms.stripe.refusals import Refusal, absent, invalid
from listbackup.sandbox.platforms.stripe.shaping import Object
from listbackup.sandbox.platforms.stripe.writes import Write, need

MONTH = 30 * 86400
_SUBSCRIPTION = {
    "description": text,
    "metadata": metadata,
    "billing_cycle_anchor": count,
    "cancel_at": count,
    "cancel_at_period_end": flag,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "days_until_due": count,
    "default_payment_method": text,
    "items": listed,
    "trial_end": count,
}


def _finish_subscription(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    customer = need(books, "customers", given["customer"], "customer")
    now = int(books.account.now)
    items = given.pop("items")
    if not items:
        raise absent("items")
    prices = [_need_recurring(books, item, at) for at, item in enumerate(items)]
    days = given.pop("trial_period_days", None)
    if days:
        given["trial_end"] = now + days * 86400
    trial = bool(given.get("trial_end"))
    sent = given.get("collection_method") == "send_invoice"
    if sent and given.get("days_until_due") is None:
        raise absent("days_until_due")
    settled = given.get("default_payment_method") or (customer["invoice_settings"] or {}).get(
        "default_payment_method"
    )
    if not (settled or sent or trial):
        raise Refusal(
            400,
            "This customer has no attached payment source or default payment method.",
            code="resource_missing",
        )
    start = given.pop("backdate_start_date", None) or now
    return {
        "billing_cycle_anchor": now,
        **given,
        "currency": prices[0]["currency"],
        "start_date": start,
        "trial_start": now if trial else None,
        "status": "trialing" if trial else "active",
    }


def _need_recurring(books: Books, item: Any, at: int) -> Object:
    name = f"items[{at}][price]"
    price = need(books, "prices", item.get("price") if isinstance(item, dict) else None, name)
    count(f"items[{at}][quantity]", item.get("quantity", "1"))
    if price["type"] != "recurring":
        raise invalid("The price specified is of type one_time, not recurring.", name)
    return price


def _add_items(books: Books, made: Object, given: dict[str, Any]) -> None:
    now = int(books.account.now)
    for item in given["items"]:
        books.make(
            "subscription_items",
            told=False,
            current_period_end=made["trial_end"] or now + MONTH,
            current_period_start=now,
            price=item["price"],
            quantity=count("items[quantity]", item.get("quantity", "1")),
            subscription=made["id"],
        )


def _adapt_subscription(
    books: Books, value: Mapping[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    if value["status"] == "canceled":
        raise Refusal(400, "A canceled subscription can only update its metadata.")
    for at, item in enumerate(given.pop("items", ())):
        _change_item(books, value["id"], item, at)
    return given


def _change_item(books: Books, subscription: str, item: Mapping[str, Any], at: int) -> None:
    if "id" not in item:
        _need_recurring(books, item, at)
        _add_items(books, books.show("subscriptions", subscription), {"items": [item]})
        return
    known = need(books, "subscription_items", item["id"], f"items[{at}][id]")
    if item.get("deleted") == "true":
        books.delete("subscription_items", known["id"])
        return
    changes: dict[str, Any] = {}
    if "price" in item:
        changes["price"] = _need_recurring(books, item, at)["id"]
    if "quantity" in item:
        changes["quantity"] = count(f"items[{at}][quantity]", item["quantity"])
    books.change("subscription_items", known["id"], **changes)


WRITES = (
    Write(
        "subscriptions",
        create={
            **_SUBSCRIPTION,
            "backdate_start_date": count,
            "currency": currency,
            "customer": text,
            "trial_period_days": count,
        },
        needed=("customer", "items"),
        finish=_finish_subscription,
        follow=_add_items,
        change=_SUBSCRIPTION,
        adapt=_adapt_subscription,
    ),
)
