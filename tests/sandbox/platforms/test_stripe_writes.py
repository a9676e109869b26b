"""Stripe's writes: what is needed, what is refused, what becomes of it, and once only by key."""

from typing import Any

import pytest

from listbackup.sandbox.platforms.stripe.books import Books
from tests.sandbox.platforms.asking import Asker


@pytest.fixture
def monthly(stripe: Asker) -> str:
    """A recurring price of 20 dollars."""
    form = {"currency": "usd", "unit_amount": 2000, "product_data[name]": "Pro"}
    answer = stripe.post("/v1/prices", {**form, "recurring[interval]": "month"})
    assert answer.status == 200, answer.raw
    return str(answer.body["id"])


@pytest.fixture
def customer(stripe: Asker) -> str:
    return str(stripe.post("/v1/customers", {"name": "Ada", "email": "ada@x.example"}).body["id"])


def test_a_customer_is_created_changed_and_deleted(stripe: Asker) -> None:
    form = {"name": "Ada", "metadata[crm]": "7", "address[city]": "Wien", "balance": "-500"}
    made = stripe.post("/v1/customers", form)
    assert made.status == 200
    assert made.body["id"].startswith("cus_")
    assert (made.body["name"], made.body["balance"]) == ("Ada", -500)
    assert (made.body["metadata"], made.body["address"]["city"]) == ({"crm": "7"}, "Wien")
    path = f"/v1/customers/{made.body['id']}"
    changed = stripe.post(path, {"name": "", "metadata[crm]": "", "metadata[tier]": "a"})
    assert (changed.body["name"], changed.body["metadata"]) == (None, {"tier": "a"})
    assert stripe.post(path, {"metadata": ""}).body["metadata"] == {}
    stub = {"id": made.body["id"], "object": "customer", "deleted": True}
    assert stripe.delete(path).body == stub
    assert stripe.get(path).body == stub
    assert stripe.get("/v1/customers").ids == []
    assert stripe.delete(path).error["code"] == "resource_missing"
    assert stripe.post(path, {"name": "Bea"}).status == 404


def test_with_a_customer_go_its_subscriptions_and_cards_but_not_its_charges(shop: Asker) -> None:
    one = shop.get("/v1/subscriptions?limit=1").body["data"][0]
    charges = shop.pages(f"/v1/charges?customer={one['customer']}")
    shop.delete(f"/v1/customers/{one['customer']}")
    ended = shop.get(f"/v1/subscriptions/{one['id']}").body
    assert (ended["status"], ended["ended_at"]) == ("canceled", int(shop.stripe.now))
    assert shop.get(f"/v1/payment_methods?customer={one['customer']}").ids == []
    assert shop.get(f"/v1/customers/{one['customer']}/payment_methods").status == 404
    assert charges
    assert shop.get(f"/v1/charges/{charges[0]['id']}").body == charges[0]


def test_products_plans_and_coupons_take_an_id_of_ones_own_once(stripe: Asker) -> None:
    forms: dict[str, dict[str, Any]] = {
        "products": {"id": "shirt", "name": "Shirt"},
        "plans": {"id": "gold", "currency": "usd", "interval": "month", "amount": 900,
                  "product": "shirt"},
        "coupons": {"id": "TEN", "percent_off": "10"},
    }  # fmt: skip
    for name, form in forms.items():
        assert stripe.post(f"/v1/{name}", form).body["id"] == form["id"]
        assert stripe.get(f"/v1/{name}/{form['id']}").status == 200
        assert stripe.post(f"/v1/{name}", form).error["code"] == "resource_already_exists"


REFUSED = [
    ("customers", {"email": "nobody"}, "email_invalid", "email"),
    ("customers", {"colour": "red"}, "parameter_unknown", "colour"),
    ("customers", {"address[planet]": "Mars"}, "parameter_unknown", "address[planet]"),
    ("customers", {"balance": "much"}, "parameter_invalid_integer", "balance"),
    ("customers", {"name": "x" * 5001}, None, "name"),
    ("customers", {"metadata[a]": "x" * 501}, None, "metadata[a]"),
    ("customers", {"tax_exempt": "maybe"}, None, "tax_exempt"),
    ("products", {}, "parameter_missing", "name"),
    ("products", {"name": "A", "active": "perhaps"}, None, "active"),
    ("prices", {"unit_amount": 5}, "parameter_missing", "currency"),
    ("prices", {"currency": "usd", "unit_amount": 5}, "parameter_missing", "product"),
    ("prices", {"currency": "usd", "unit_amount": 5, "product": "no"}, "resource_missing",
     "product"),
    ("prices", {"currency": "dollars", "unit_amount": 5}, None, "currency"),
    ("prices", {"currency": "usd", "product_data[name]": "A"}, "parameter_missing", "unit_amount"),
    ("plans", {"currency": "usd", "product": "no", "interval": "eon"}, None, "interval"),
    ("coupons", {}, None, "percent_off"),
    ("coupons", {"percent_off": "120"}, None, "percent_off"),
    ("coupons", {"amount_off": 5}, "parameter_missing", "currency"),
    ("coupons", {"percent_off": 5, "duration": "repeating"}, None, "duration_in_months"),
    ("promotion_codes", {"promotion[coupon]": "no"}, "resource_missing", "promotion[coupon]"),
    ("tax_rates", {"display_name": "VAT"}, "parameter_missing", "inclusive"),
    ("webhook_endpoints", {"url": "https://x"}, "parameter_missing", "enabled_events"),
    ("invoices", {}, "parameter_missing", "customer"),
    ("invoices", {"customer": "cus_no"}, "resource_missing", "customer"),
    ("invoiceitems", {"customer": "cus_no", "amount": 5}, "resource_missing", "customer"),
    ("subscriptions", {"customer": "cus_no"}, "parameter_missing", "items"),
    ("payment_links", {"line_items[0][price]": "no"}, "resource_missing", "line_items[0][price]"),
    ("refunds", {}, "parameter_missing", "charge"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "code", "param"), REFUSED)
def test_what_is_wrong_is_refused_by_name_and_changes_nothing(
    stripe: Asker, books: Books, name: str, form: dict[str, Any], code: str | None, param: str
) -> None:
    answer = stripe.post(f"/v1/{name}", form)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert (answer.error.get("code"), answer.error["param"]) == (code, param)
    assert len(books.account[name]) == 0
    assert len(books.account["events"]) == 0


def test_a_recurring_price_is_a_plan_as_well_and_the_other_way_round(
    stripe: Asker, monthly: str
) -> None:
    assert stripe.get(f"/v1/plans/{monthly}").body["amount"] == 2000
    product = stripe.get(f"/v1/prices/{monthly}").body["product"]
    form = {"currency": "usd", "interval": "year", "amount": 90, "product": product}
    plan = stripe.post("/v1/plans", form).body["id"]
    assert stripe.get(f"/v1/prices/{plan}").body["recurring"]["interval"] == "year"
    assert stripe.delete(f"/v1/plans/{plan}").body["deleted"] is True
    assert stripe.get(f"/v1/prices/{plan}").status == 404
    assert stripe.delete(f"/v1/prices/{monthly}").status == 404
    assert "user-created prices" in stripe.delete(f"/v1/products/{product}").error["message"]


def test_a_lookup_key_belongs_to_one_price(stripe: Asker, monthly: str) -> None:
    stripe.post(f"/v1/prices/{monthly}", {"lookup_key": "gold"})
    form = {"currency": "usd", "unit_amount": 1, "product_data[name]": "A", "lookup_key": "gold"}
    assert stripe.post("/v1/prices", form).error["param"] == "lookup_key"
    moved = stripe.post("/v1/prices", {**form, "transfer_lookup_key": "true"}).body["id"]
    assert stripe.get("/v1/prices?lookup_keys[]=gold&lookup_keys[]=other").ids == [moved]


def test_a_promotion_code_is_of_a_coupon_and_unique_while_active(stripe: Asker) -> None:
    stripe.post("/v1/coupons", {"id": "TEN", "percent_off": 10})
    form = {"promotion[type]": "coupon", "promotion[coupon]": "TEN", "code": "FALL"}
    made = stripe.post("/v1/promotion_codes", form).body
    assert (made["code"], made["promotion"]["coupon"]) == ("FALL", "TEN")
    assert stripe.post("/v1/promotion_codes", form).error["param"] == "code"
    stripe.post(f"/v1/promotion_codes/{made['id']}", {"active": "false"})
    assert stripe.post("/v1/promotion_codes", form).status == 200


def test_an_invoice_adds_up_its_items_and_cannot_be_edited_once_it_is_final(
    stripe: Asker, customer: str
) -> None:
    form = {"customer": customer, "collection_method": "send_invoice"}
    assert stripe.post("/v1/invoices", form).error["param"] == "days_until_due"
    invoice = stripe.post("/v1/invoices", {**form, "days_until_due": 14}).body
    path = f"/v1/invoices/{invoice['id']}"
    assert (invoice["status"], invoice["due_date"]) == ("draft", invoice["created"] + 14 * 86400)
    for amount in (700, -200):
        item = {"customer": customer, "invoice": invoice["id"], "amount": amount}
        assert stripe.post("/v1/invoiceitems", item).status == 200
    final = stripe.post(f"{path}/finalize").body
    assert (final["total"], final["status"], len(final["lines"]["data"])) == (500, "open", 2)
    assert stripe.delete(path).error["code"] == "invoice_not_editable"
    assert stripe.post(path, {"description": "Late"}).error["code"] == "invoice_not_editable"
    assert stripe.post(path, {"metadata[a]": "b"}).body["metadata"] == {"a": "b"}
    paid = stripe.post(f"{path}/pay").body
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 500, 0)
    draft = stripe.post("/v1/invoices", {"customer": customer}).body["id"]
    assert stripe.delete(f"/v1/invoices/{draft}").body["deleted"] is True
    assert stripe.get(f"/v1/invoices/{draft}").status == 404


def test_a_subscription_needs_a_way_to_be_paid(stripe: Asker, customer: str, monthly: str) -> None:
    form = {"customer": customer, "items[0][price]": monthly, "items[0][quantity]": 3}
    assert "payment method" in stripe.post("/v1/subscriptions", form).error["message"]
    made = stripe.post("/v1/subscriptions", {**form, "trial_period_days": 7}).body
    assert made["status"] == "trialing"
    (item,) = made["items"]["data"]
    assert (item["price"]["id"], item["plan"]["id"], item["quantity"]) == (monthly, monthly, 3)
    path = f"/v1/subscriptions/{made['id']}"
    changed = stripe.post(path, {"items[0][id]": item["id"], "items[0][quantity]": 5}).body
    assert changed["items"]["data"][0]["quantity"] == 5
    assert stripe.delete(path).body["status"] == "canceled"
    assert stripe.delete(path).status == 404
    assert stripe.get("/v1/subscriptions").ids == []
    assert stripe.get("/v1/subscriptions?status=all").ids == [made["id"]]
    assert "canceled" in stripe.post(path, {"description": "x"}).error["message"]


def test_a_refund_gives_back_no_more_than_was_paid(shop: Asker) -> None:
    charges = shop.pages("/v1/charges")
    charge = next(one for one in charges if not one["refunded"])
    form = {"charge": charge["id"], "amount": charge["amount"] + 1}
    assert shop.post("/v1/refunds", form).error["param"] == "amount"
    shop.post("/v1/refunds", {"charge": charge["id"], "amount": 1})
    again = shop.get(f"/v1/charges/{charge['id']}").body
    assert (again["amount_refunded"], again["refunded"]) == (1, False)
    rest = shop.post("/v1/refunds", {"payment_intent": charge["payment_intent"]}).body
    assert rest["amount"] == charge["amount"] - 1
    assert shop.post("/v1/refunds", {"charge": charge["id"]}).error["code"] == (
        "charge_already_refunded"
    )
    assert len(shop.get(f"/v1/charges/{charge['id']}/refunds").ids) == 2


def test_what_hangs_on_a_customer_is_written_below_it(stripe: Asker, customer: str) -> None:
    path = f"/v1/customers/{customer}"
    made = stripe.post(f"{path}/tax_ids", {"type": "eu_vat", "value": "DE123456789"}).body
    assert (made["country"], made["customer"]) == ("DE", customer)
    assert stripe.get(f"{path}/tax_ids/{made['id']}").body == made
    stripe.post(f"{path}/balance_transactions", {"amount": -300, "currency": "usd"})
    assert stripe.get(path).body["balance"] == -300
    assert stripe.post("/v1/customers/cus_no/tax_ids", {"type": "eu_vat"}).status == 404


def test_a_payment_link_has_its_lines(stripe: Asker, monthly: str) -> None:
    form = {"line_items[0][price]": monthly, "line_items[0][quantity]": 2}
    link = stripe.post("/v1/payment_links", form).body
    (line,) = stripe.get(f"/v1/payment_links/{link['id']}/line_items").body["data"]
    assert (line["price"]["id"], line["amount_total"]) == (monthly, 4000)
    assert stripe.post(f"/v1/payment_links/{link['id']}", {"active": "false"}).status == 200


def test_payments_take_new_metadata_and_nothing_else(shop: Asker) -> None:
    charge = shop.get("/v1/charges?limit=1").ids[0]
    path = f"/v1/charges/{charge}"
    assert shop.post(path, {"metadata[a]": "b"}).body["metadata"] == {"a": "b"}
    assert shop.post(path, {"amount": 1}).error["code"] == "parameter_unknown"
    assert shop.delete(path).status == 404
    assert shop.post("/v1/balance_transactions", {}).status == 404


def test_a_write_can_expand_what_it_gives_back(shop: Asker) -> None:
    charge = shop.get("/v1/charges?limit=1").ids[0]
    form = {"metadata[a]": "b", "expand[]": "customer"}
    assert shop.post(f"/v1/charges/{charge}", form).body["customer"]["object"] == "customer"


# ---------------------------------------------------------------------------------- once by key


def test_a_key_lets_a_write_happen_once_whatever_is_repeated(stripe: Asker) -> None:
    first = stripe.post("/v1/customers", {"name": "Ada"}, idempotency_key="k1")
    again = stripe.post("/v1/customers", {"name": "Ada"}, idempotency_key="k1")
    assert again.raw == first.raw
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert len(stripe.get("/v1/customers").ids) == 1
    other = stripe.post("/v1/customers", {"name": "Bea"}, idempotency_key="k1")
    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    assert stripe.post("/v1/customers", {"name": "Ada"}, idempotency_key="k2").raw != first.raw
    stripe.clock.advance(86400)
    assert stripe.post("/v1/customers", {"name": "Bea"}, idempotency_key="k1").status == 200


def test_a_write_that_was_refused_may_be_repeated_with_its_key(stripe: Asker) -> None:
    assert stripe.post("/v1/products", {}, idempotency_key="k").status == 400
    assert stripe.post("/v1/products", {"name": "A"}, idempotency_key="k").status == 200
