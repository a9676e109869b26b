"""Stripe's lists: newest first, cursors, limits, filters, time ranges, expansion."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.resources import RESOURCES
from tests.sandbox.platforms.asking import Asker


def test_a_list_has_ten_of_its_newest_and_says_whether_there_are_more(shop: Asker) -> None:
    page = shop.get("/v1/customers").body
    created = [one["created"] for one in page["data"]]
    assert (len(created), page["has_more"], page["url"]) == (10, True, "/v1/customers")
    assert created == sorted(created, reverse=True)


def test_bodies_are_pretty_printed_in_utf8(shop: Asker) -> None:
    raw = shop.get("/v1/customers?limit=2").raw
    assert raw.startswith(b'{\n  "object": "list",\n  "data": [\n    {\n      "id": "cus_')
    again = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    assert raw.decode() == again + "\n"


@pytest.mark.parametrize("limit", [1, 7, 39, 40, 100])
def test_cursors_lead_through_all_of_it_in_both_directions(shop: Asker, limit: int) -> None:
    whole = [one["id"] for one in shop.pages("/v1/customers", limit)]
    assert len(whole) == len(set(whole)) == 40
    middle = shop.get(f"/v1/customers?limit=5&starting_after={whole[19]}").ids
    assert middle == whole[20:25]
    assert shop.get(f"/v1/customers?limit=5&ending_before={whole[20]}").ids == whole[15:20]
    back = shop.get(f"/v1/customers?limit=100&ending_before={whole[3]}").body
    assert ([one["id"] for one in back["data"]], back["has_more"]) == (whole[:3], False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("starting_after=cus_none", "starting_after"),
        ("starting_after=a&ending_before=b", "ending_before"),
        ("created[gte]=yesterday", "created[gte]"),
        ("created[about]=5", "created"),
        ("updated[gte]=5", "updated"),
        ("colour=red", "colour"),
    ],
)
def test_what_a_list_does_not_understand_it_refuses(shop: Asker, query: str, param: str) -> None:
    answer = shop.get(f"/v1/customers?{query}")
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert answer.error["param"] == param


def test_lists_without_a_creation_filter_refuse_it(shop: Asker) -> None:
    without = "payment_links quotes webhook_endpoints entitlements/features".split()
    for name in without:
        answer = shop.get(f"/v1/{name}?created[gte]=1")
        assert answer.error["code"] == "parameter_unknown", name
    for name in "customers charges events invoices checkout/sessions files".split():
        assert shop.get(f"/v1/{name}?created[gte]=1").status == 200, name


def test_creation_times_bound_a_list(shop: Asker) -> None:
    whole = shop.pages("/v1/customers")
    middle = whole[20]["created"]

    def matching(condition: str) -> list[str]:
        return [one["id"] for one in shop.pages(f"/v1/customers?{condition}")]

    tests: dict[str, Callable[[int], bool]] = {
        "gt": lambda at: at > middle,
        "gte": lambda at: at >= middle,
        "lt": lambda at: at < middle,
        "lte": lambda at: at <= middle,
    }
    for operator, test in tests.items():
        expected = [one["id"] for one in whole if test(one["created"])]
        assert matching(f"created[{operator}]={middle}") == expected
    assert whole[20]["id"] in matching(f"created={middle}")
    assert matching(f"created[gte]={middle}&created[lt]={middle}") == []


def test_objects_of_one_second_are_neither_lost_nor_repeated(stripe: Asker, books: Books) -> None:
    made = [books.make("customers")["id"] for _ in range(25)]
    assert [one["id"] for one in stripe.pages("/v1/customers", 4)] == made[::-1]


def test_canceled_subscriptions_are_left_out_unless_all_are_asked_for(shop: Asker) -> None:
    usual = shop.pages("/v1/subscriptions")
    everything = shop.pages("/v1/subscriptions?status=all")
    ended = shop.pages("/v1/subscriptions?status=canceled")
    assert {one["status"] for one in usual} == {"active"}
    assert ended
    assert len(everything) == len(usual) + len(ended)
    assert shop.pages("/v1/subscriptions?status=ended") == ended


def test_filters_choose_and_an_unknown_object_in_one_is_refused(shop: Asker) -> None:
    charge = shop.get("/v1/charges?limit=1").body["data"][0]
    own = shop.pages(f"/v1/charges?customer={charge['customer']}")
    assert charge in own
    assert {one["customer"] for one in own} == {charge["customer"]}
    assert shop.get("/v1/charges?customer=cus_none").error["code"] == "resource_missing"
    assert {one["active"] for one in shop.pages("/v1/prices?active=true")} == {True}
    assert shop.pages("/v1/prices?active=false") == []
    assert {one["type"] for one in shop.pages("/v1/prices?type=recurring")} == {"recurring"}


def test_payment_methods_are_asked_for_by_customer(shop: Asker) -> None:
    assert shop.get("/v1/payment_methods").error["param"] == "customer"
    customer = shop.get("/v1/customers?limit=1").ids[0]
    (method,) = shop.pages(f"/v1/payment_methods?customer={customer}")
    assert shop.pages(f"/v1/customers/{customer}/payment_methods") == [method]


RARE = set(
    "disputes tax_ids reviews radar/early_fraud_warnings accounts terminal/configurations "
    "subscription_schedules credit_notes refunds billing/credit_grants "
    "billing/credit_balance_transactions".split()
)
"""What so small a business may lack."""


def test_every_list_gives_objects_that_can_be_retrieved_one_by_one(shop: Asker) -> None:
    empty = []
    for name, resource in RESOURCES.items():
        if not resource.listed or resource.required or name == "events":
            continue
        page = shop.get(f"/v1/{name}?limit=3")
        assert page.status == 200, (name, page.raw)
        if not page.ids:
            empty.append(name)
        for one in page.body["data"]:
            assert one["object"] == resource.kind
            assert shop.get(f"/v1/{name}/{one['id']}").body == one, name
    assert set(empty) <= RARE


def test_lists_in_objects_show_their_beginning_and_where_the_rest_is(
    stripe: Asker, books: Books
) -> None:
    customer = books.make("customers")["id"]
    invoice = books.make("invoices", customer=customer)["id"]
    for number in range(12):
        books.make("line_items", invoice=invoice, amount=number)
    lines = stripe.get(f"/v1/invoices/{invoice}").body["lines"]
    assert (len(lines["data"]), lines["has_more"]) == (10, True)
    assert lines["url"] == f"/v1/invoices/{invoice}/lines"
    everything = stripe.pages(lines["url"], 5)
    assert [one["amount"] for one in everything] == list(range(12))[::-1]
    assert everything[:10] == lines["data"]
    assert stripe.get("/v1/invoices/in_none/lines").status == 404
    assert stripe.get(f"{lines['url']}?created[gte]=1").error["code"] == "parameter_unknown"


def test_subscription_items_are_listed_by_subscription(shop: Asker) -> None:
    subscription = shop.get("/v1/subscriptions?limit=1").body["data"][0]
    items = shop.pages(f"/v1/subscription_items?subscription={subscription['id']}")
    assert items == subscription["items"]["data"]
    assert items[0]["price"]["object"] == "price"
    assert shop.get("/v1/subscription_items").error["param"] == "subscription"


def test_a_changed_price_shows_in_the_subscriptions_that_have_it(shop: Asker) -> None:
    def first() -> Any:
        return shop.get("/v1/subscriptions?limit=1").body["data"][0]["items"]["data"][0]["price"]

    shop.post(f"/v1/prices/{first()['id']}", {"nickname": "Now gold"})
    assert first()["nickname"] == "Now gold"


# ------------------------------------------------------------------------------------ expansion


def test_ids_are_expanded_where_it_is_asked_for(shop: Asker) -> None:
    query = "expand[]=data.customer&expand[]=data.latest_invoice.customer"
    one = shop.get(f"/v1/subscriptions?limit=1&{query}").body["data"][0]
    assert one["customer"]["object"] == "customer"
    assert one["latest_invoice"]["customer"] == one["customer"]
    plain = shop.get("/v1/subscriptions?limit=1").body["data"][0]
    assert plain["customer"] == one["customer"]["id"]
    alone = shop.get(f"/v1/subscriptions/{one['id']}?expand[]=customer").body
    assert alone["customer"] == one["customer"]


def test_some_lists_stand_in_their_object_only_when_expanded(shop: Asker) -> None:
    link = shop.get("/v1/payment_links").body["data"][0]
    assert "line_items" not in link
    expanded = shop.get("/v1/payment_links?expand[]=data.line_items").body["data"][0]
    assert expanded["line_items"]["data"][0]["object"] == "item"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v1/charges?expand[]=customer", "data.customer"),
        ("/v1/charges?expand[]=data.colour", "cannot be expanded"),
        ("/v1/charges?expand[]=data.amount", "cannot be expanded"),
        ("/v1/invoices?expand[]=data.payments.data.payment.charge", "more than 4 levels"),
    ],
)
def test_what_cannot_be_expanded_is_refused(shop: Asker, path: str, says: str) -> None:
    answer = shop.get(path)
    assert answer.status == 400
    assert says in answer.error["message"]


def test_a_deleted_object_expands_to_its_stub(shop: Asker) -> None:
    charge = shop.get("/v1/charges?limit=1").body["data"][0]
    shop.delete(f"/v1/customers/{charge['customer']}")
    expanded = shop.get(f"/v1/charges/{charge['id']}?expand[]=customer").body
    stub = {"id": charge["customer"], "object": "customer", "deleted": True}
    assert expanded["customer"] == stub


# --------------------------------------------------------------------------------------- search


def test_a_search_finds_by_clauses_and_pages_by_token(shop: Asker) -> None:
    whole = [one for one in shop.pages("/v1/customers") if one["metadata"]["tier"] == "a"]
    query = "/v1/customers/search?query=metadata%5B'tier'%5D:'a'&limit=20"
    found, token = [], ""
    while True:
        page = shop.get(query + token).body
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        token = f"&page={page['next_page']}"
    assert sorted(found) == sorted(one["id"] for one in whole)
    both = "email~'customer2' AND -metadata['tier']:'a'".replace(" ", "%20")
    expected = [
        one["id"]
        for one in shop.pages("/v1/customers")
        if "customer2" in one["email"] and one["metadata"]["tier"] != "a"
    ]
    assert sorted(shop.get(f"/v1/customers/search?query={both}").ids) == sorted(expected)


def test_a_search_sees_changes_a_minute_late(stripe: Asker, books: Books) -> None:
    def found(name: str) -> int:
        return len(stripe.get(f"/v1/customers/search?query=name:'{name}'").ids)

    id = books.make("customers", name="Ada")["id"]
    assert found("Ada") == 0
    stripe.clock.advance(60)
    assert found("Ada") == 1
    books.change("customers", id, name="Bea")
    assert (found("Ada"), found("Bea")) == (1, 0)
    stripe.clock.advance(60)
    assert (found("Ada"), found("Bea")) == (0, 1)
    books.delete("customers", id)
    assert found("Bea") == 1
    stripe.clock.advance(60)
    assert found("Bea") == 0


@pytest.mark.parametrize(
    "query", ["", "?query=colour:'red'", "?query=name", "?query=name>'a'", "?query=a:1&limit=0"]
)
def test_a_search_that_is_not_understood_is_refused(stripe: Asker, query: str) -> None:
    assert stripe.get(f"/v1/customers/search{query}").status == 400
