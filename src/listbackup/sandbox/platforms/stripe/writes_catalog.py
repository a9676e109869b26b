"""What is taken to write customers and what is sold: products, prices, plans, coupons, rates."""

from collections.abc import Mapping
from typing import Any

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.parameters import (
    address,
    count,
    currency,
    decimal,
    email,
    flag,
    listed,
    metadata,
    one_of,
    table,
    text,
    whole,
)
from listbackup.sandbox.platforms.stripe.refusals import Refusal, absent, invalid
from listbackup.sandbox.platforms.stripe.shaping import Object
from listbackup.sandbox.platforms.stripe.writes import Write, need

INTERVAL = one_of("day", "week", "month", "year")
_PLAIN = {"active": flag, "metadata": metadata}
_CUSTOMER = {
    "address": address,
    "balance": whole,
    "description": text,
    "email": email,
    "invoice_prefix": text,
    "invoice_settings": table,
    "metadata": metadata,
    "name": text,
    "next_invoice_sequence": count,
    "phone": text,
    "preferred_locales": listed,
    "shipping": table,
    "tax_exempt": one_of("none", "exempt", "reverse"),
}
_PRODUCT = {
    **_PLAIN,
    "default_price": text,
    "description": text,
    "images": listed,
    "marketing_features": listed,
    "name": text,
    "package_dimensions": table,
    "shippable": flag,
    "statement_descriptor": text,
    "tax_code": text,
    "unit_label": text,
    "url": text,
}
_TAX = {
    **_PLAIN,
    "country": text,
    "description": text,
    "display_name": text,
    "jurisdiction": text,
    "state": text,
    "tax_type": text,
}


def _finish_customer(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    prefix = given.get("invoice_prefix") or books.dice.word(8).upper()
    given["invoice_prefix"] = prefix
    return given


def _finish_product(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    given["updated"] = int(books.account.now)
    return given


def _keep_priced(books: Books, value: Mapping[str, Any]) -> None:
    if len(books.account["prices"].where("product", value["id"])):
        raise Refusal(
            400, "This product cannot be deleted because it has one or more user-created prices."
        )


def _finish_price(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    data = given.pop("product_data", None)
    if (data is None) == (given.get("product") is None):
        raise absent("product")
    if given.get("recurring") is not None:
        given["recurring"] = _finish_recurring(given["recurring"])
        given["type"] = "recurring"
    _set_amount(given, "unit_amount")
    _take_lookup_key(books, given)
    given["product"] = _find_product(books, given.get("product") or data, "product_data")
    return given


def _find_product(books: Books, given: Any, param: str) -> str:
    """Give the id of a product that is named, or of one that is made on the way."""
    if not isinstance(given, dict):
        return str(need(books, "products", given, "product")["id"])
    if not given.get("name"):
        raise absent(f"{param}[name]")
    made = books.make("products", name=given["name"], updated=int(books.account.now))
    return str(made["id"])


def _finish_recurring(given: Mapping[str, Any]) -> Object:
    if "interval" not in given:
        raise absent("recurring[interval]")
    return {
        "interval": INTERVAL("recurring[interval]", given["interval"]),
        "interval_count": whole("recurring[interval_count]", given.get("interval_count", "1")),
        "meter": given.get("meter"),
        "trial_period_days": None,
        "usage_type": given.get("usage_type", "licensed"),
    }


def _set_amount(given: dict[str, Any], name: str) -> None:
    exact = given.get(f"{name}_decimal")
    amount = given.get(name)
    if amount is None and exact is None:
        raise absent(name)
    if amount is not None and exact is not None:
        raise invalid(f"You may only specify one of these parameters: {name}.", name)
    if exact is not None:
        given[name] = int(exact) if exact == int(exact) else None
        given[f"{name}_decimal"] = f"{exact:g}"
    else:
        given[f"{name}_decimal"] = str(amount)


def _take_lookup_key(books: Books, given: dict[str, Any]) -> None:
    transfer = given.pop("transfer_lookup_key", False)
    key = given.get("lookup_key")
    if key is None:
        return
    for record in list(books.account["prices"].all.newest_first()):
        if record.value["lookup_key"] == key and transfer:
            books.change("prices", record.id, lookup_key=None)
        elif record.value["lookup_key"] == key:
            raise invalid(f"A price (`{record.id}`) already uses that lookup key.", "lookup_key")


def mirror_price(books: Books, made: Object, given: dict[str, Any]) -> None:
    """A recurring price is a plan as well, of the same id."""
    if made["recurring"] is None or made["id"] in books.account["plans"]:
        return
    recurring = made["recurring"]
    books.make(
        "plans",
        id=made["id"],
        created=made["created"],
        amount=made["unit_amount"],
        amount_decimal=made["unit_amount_decimal"],
        currency=made["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        nickname=made["nickname"],
        product=made["product"],
    )


def _finish_plan(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    _set_amount(given, "amount")
    given["product"] = _find_product(books, given["product"], "product")
    return given


def _mirror_plan(books: Books, made: Object, given: dict[str, Any]) -> None:
    books.make(
        "prices",
        id=made["id"],
        created=made["created"],
        currency=made["currency"],
        nickname=made["nickname"],
        product=made["product"],
        recurring=_finish_recurring({"interval": made["interval"]})
        | {"interval_count": made["interval_count"]},
        type="recurring",
        unit_amount=made["amount"],
        unit_amount_decimal=made["amount_decimal"],
    )


def _delete_twin(books: Books, value: Mapping[str, Any]) -> None:
    if value["id"] in books.account["prices"]:
        books.delete("prices", value["id"])


def _finish_coupon(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    if (given.get("percent_off") is None) == (given.get("amount_off") is None):
        raise invalid("You must pass either percent_off or amount_off.", "percent_off")
    if given.get("amount_off") is not None and not given.get("currency"):
        raise absent("currency")
    percent = given.get("percent_off")
    if percent is not None and not 0 < percent <= 100:
        raise invalid("percent_off must be greater than 0 and at most 100.", "percent_off")
    if (given.get("duration") == "repeating") != (given.get("duration_in_months") is not None):
        raise invalid("duration_in_months goes with a repeating duration.", "duration_in_months")
    return given


def _finish_promotion(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    promotion = given["promotion"] or {}
    coupon = need(books, "coupons", promotion.get("coupon"), "promotion[coupon]")
    given["promotion"] = {"coupon": coupon["id"], "type": "coupon"}
    given["code"] = given.get("code") or books.dice.word(8).upper()
    if given.get("customer") is not None:
        need(books, "customers", given["customer"], "customer")
    for record in books.account["promotion_codes"].all.newest_first():
        if record.value["active"] and record.value["code"].lower() == given["code"].lower():
            raise invalid("An active promotion code with this code already exists.", "code")
    return given


def _finish_shipping(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    amount = given.get("fixed_amount")
    if amount is not None:
        given["fixed_amount"] = {
            "amount": count("fixed_amount[amount]", amount.get("amount")),
            "currency": currency("fixed_amount[currency]", amount.get("currency")),
        }
    return given


def _finish_tax_id(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    customer = given.get("customer")
    given["country"] = str(given["value"])[:2].upper()
    given["owner"] = {"type": "customer", "customer": customer} if customer else {"type": "self"}
    return given


WRITES = (
    Write(
        "customers",
        create=_CUSTOMER,
        finish=_finish_customer,
        change=_CUSTOMER,
        deletable=True,
    ),
    Write(
        "products",
        create={**_PRODUCT, "id": text, "type": one_of("good", "service")},
        needed=("name",),
        finish=_finish_product,
        change=_PRODUCT,
        deletable=True,
        may_delete=_keep_priced,
    ),
    Write(
        "prices",
        create={
            **_PLAIN,
            "billing_scheme": one_of("per_unit"),
            "currency": currency,
            "lookup_key": text,
            "nickname": text,
            "product": text,
            "product_data": table,
            "recurring": table,
            "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
            "transfer_lookup_key": flag,
            "unit_amount": count,
            "unit_amount_decimal": decimal,
        },
        needed=("currency",),
        finish=_finish_price,
        follow=mirror_price,
        change={**_PLAIN, "lookup_key": text, "nickname": text},
    ),
    Write(
        "plans",
        create={
            **_PLAIN,
            "amount": count,
            "amount_decimal": decimal,
            "currency": currency,
            "id": text,
            "interval": INTERVAL,
            "interval_count": count,
            "nickname": text,
            "product": lambda name, value: value,
            "trial_period_days": count,
            "usage_type": one_of("licensed", "metered"),
        },
        needed=("currency", "interval", "product"),
        finish=_finish_plan,
        follow=_mirror_plan,
        change={**_PLAIN, "nickname": text, "trial_period_days": count},
        deletable=True,
        may_delete=_delete_twin,
    ),
    Write(
        "coupons",
        create={
            "amount_off": count,
            "currency": currency,
            "duration": one_of("once", "repeating", "forever"),
            "duration_in_months": count,
            "id": text,
            "max_redemptions": count,
            "metadata": metadata,
            "name": text,
            "percent_off": decimal,
            "redeem_by": count,
        },
        finish=_finish_coupon,
        change={"metadata": metadata, "name": text},
        deletable=True,
    ),
    Write(
        "promotion_codes",
        create={
            **_PLAIN,
            "code": text,
            "customer": text,
            "expires_at": count,
            "max_redemptions": count,
            "promotion": table,
            "restrictions": table,
        },
        needed=("promotion",),
        finish=_finish_promotion,
        change={**_PLAIN, "restrictions": table},
    ),
    Write(
        "tax_rates",
        create={**_TAX, "inclusive": flag, "percentage": decimal},
        needed=("display_name", "inclusive", "percentage"),
        change=_TAX,
    ),
    Write(
        "shipping_rates",
        create={
            **_PLAIN,
            "delivery_estimate": table,
            "display_name": text,
            "fixed_amount": table,
            "tax_behavior": text,
            "tax_code": text,
            "type": one_of("fixed_amount"),
        },
        needed=("display_name",),
        finish=_finish_shipping,
        change={**_PLAIN, "tax_behavior": text},
    ),
    Write(
        "webhook_endpoints",
        create={
            "api_version": text,
            "description": text,
            "enabled_events": listed,
            "metadata": metadata,
            "url": text,
        },
        needed=("enabled_events", "url"),
        change={
            "description": text,
            "enabled_events": listed,
            "metadata": metadata,
            "url": text,
        },
        deletable=True,
    ),
    Write(
        "tax_ids",
        create={"type": text, "value": text, "customer": text},
        needed=("type", "value"),
        finish=_finish_tax_id,
        deletable=True,
    ),
)
