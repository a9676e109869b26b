"""Each fault that is made of requests and responses is performed on a Stripe list, and noted."""

import json
from collections.abc import Callable

import pytest

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.faults import WIRE, Fault, Rule
from tests.sandbox.platforms.asking import Asked, Asker

PAGE = "/v1/customers?limit=3"


def ids(response: Response) -> list[str]:
    return Asked(response).ids


def break_with(shop: Asker, fault: Fault, path: str = PAGE, **options: object) -> Response:
    """Break one request, and see that it was noted."""
    shop.stripe.dial.set(Rule(fault, times=1, options=tuple(options.items())))
    answer = shop.broken(path)
    assert shop.stripe.dial.performed == {fault: 1}
    assert shop.stripe.log[-1].fault == fault
    assert answer.response.headers["x-listbackup-sandbox"] == "stripe"
    return answer.response


def test_throttling_comes_with_a_hint_or_without(shop: Asker) -> None:
    response = break_with(shop, Fault.THROTTLED)
    assert response.status == 429
    assert "retry-after" not in response.headers
    assert json.loads(response.body)["error"]["code"] == "rate_limit"
    shop.stripe.dial.set(Rule(Fault.THROTTLED_WITH_HINT, times=1))
    assert shop.broken(PAGE).response.headers["retry-after"] == "7"
    assert shop.broken(PAGE).response.status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_the_server_fails(shop: Asker, status: int) -> None:
    response = break_with(shop, Fault(f"error_{status}"))
    assert response.status == status
    html = "html" in response.headers["content-type"]
    assert html == (status in (502, 504))


def test_a_body_is_cut_in_the_middle(shop: Asker) -> None:
    response = break_with(shop, Fault.TRUNCATED)
    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)


def test_a_web_page_comes_with_200(shop: Asker) -> None:
    response = break_with(shop, Fault.HTML)
    assert (response.status, response.headers["content-type"][:9]) == (200, "text/html")
    assert response.body.startswith(b"<!DOCTYPE html>")


def test_a_body_is_in_another_encoding_than_it_says(shop: Asker) -> None:
    response = break_with(shop, Fault.CHARSET)
    with pytest.raises(UnicodeDecodeError):
        response.body.decode("utf-8")
    assert json.loads(response.body.decode("utf-16"))["object"] == "list"


def test_a_redirect_leads_where_nobody_should_go(shop: Asker) -> None:
    response = break_with(shop, Fault.REDIRECT)
    assert response.status == 302
    assert response.headers["location"].startswith("http://169.254.169.254/")


def second_page(shop: Asker) -> tuple[list[str], str]:
    """Give what the first page has, and the path of the second."""
    shop.stripe.dial.set(Rule(Fault.HTML, "never"))
    first = ids(shop.broken(PAGE).response)
    return first, f"{PAGE}&starting_after={first[-1]}"


def test_a_page_comes_twice(shop: Asker) -> None:
    first, path = second_page(shop)
    assert ids(break_with(shop, Fault.DUPLICATE_PAGE, path)) == first
    assert ids(shop.broken(path).response) != first


def test_a_page_is_left_out(shop: Asker) -> None:
    _, path = second_page(shop)
    whole = [one["id"] for one in shop.pages("/v1/customers")]
    assert ids(break_with(shop, Fault.SKIPPED_PAGE, path)) == whole[6:9]


def test_a_cursor_leads_back_to_the_beginning(shop: Asker) -> None:
    first, path = second_page(shop)
    assert ids(break_with(shop, Fault.CURSOR_LOOP, path)) == first


def test_the_first_page_cannot_be_repeated_nor_looped(shop: Asker) -> None:
    for fault in (Fault.DUPLICATE_PAGE, Fault.CURSOR_LOOP):
        shop.stripe.dial.set(Rule(fault))
        assert shop.broken(PAGE).response.status == 200
        assert shop.broken("/v1/customers/none").response.status == 404
        assert shop.stripe.dial.performed == {}


def test_a_page_is_in_another_order(shop: Asker) -> None:
    whole = shop.get("/v1/customers?limit=20").ids
    mixed = ids(break_with(shop, Fault.REORDERED, "/v1/customers?limit=20"))
    assert mixed != whole
    assert sorted(mixed) == sorted(whole)


RESHAPED: dict[Fault, Callable[[dict[str, object]], bool]] = {
    Fault.FIELD_ADDED: lambda one: one["loyalty"] == {"tier": "gold", "points": [1, 2, 3]},
    Fault.FIELD_REMOVED: lambda one: "created" not in one,
    Fault.FIELD_RETYPED: lambda one: isinstance(one["created"], dict),
}


@pytest.mark.parametrize("fault", RESHAPED)
def test_fields_come_go_and_change_their_type(shop: Asker, fault: Fault) -> None:
    named = {} if fault is Fault.FIELD_ADDED else {"field": "created"}
    response = break_with(shop, fault, PAGE, **named)
    assert all(RESHAPED[fault](one) for one in json.loads(response.body)["data"])
    assert not any(RESHAPED[fault]({"loyalty": None, **one}) for one in shop.get(PAGE).body["data"])


def test_without_a_name_some_field_of_text_is_taken(shop: Asker) -> None:
    before = shop.get(PAGE).body["data"][0]
    after = json.loads(break_with(shop, Fault.FIELD_REMOVED).body)["data"][0]
    assert len(before.keys() - after.keys()) == 1
    assert "id" in after


def test_the_record_that_the_next_page_builds_on_is_deleted(shop: Asker) -> None:
    last = ids(break_with(shop, Fault.DELETED_MEANWHILE))[-1]
    assert shop.get(f"/v1/customers/{last}").body["deleted"] is True
    refused = shop.get(f"{PAGE}&starting_after={last}")
    assert (refused.status, refused.error["param"]) == (400, "starting_after")


def test_what_nobody_can_delete_is_not_deleted(shop: Asker) -> None:
    shop.stripe.dial.set(Rule(Fault.DELETED_MEANWHILE))
    assert shop.broken("/v1/charges").response.status == 200
    assert shop.stripe.dial.performed == {}


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.EXPIRED, "api_key_expired"), (Fault.REVOKED, None)]
)
def test_a_key_ends_for_good(shop: Asker, fault: Fault, code: str | None) -> None:
    response = break_with(shop, fault)
    assert response.status == 401
    assert json.loads(response.body)["error"].get("code") == code
    assert shop.broken(PAGE).response.status == 401


def test_a_key_loses_one_right_and_keeps_the_others(shop: Asker) -> None:
    response = break_with(shop, Fault.SCOPE_CUT)
    assert response.status == 403
    assert "rak_customer_read" in json.loads(response.body)["error"]["message"]
    assert shop.broken(PAGE).response.status == 403
    assert shop.broken("/v1/charges").response.status == 200


def test_a_limit_refuses_for_seconds_though_it_says_that_it_is_free(shop: Asker) -> None:
    response = break_with(shop, Fault.HEADER_LIES)
    assert (response.status, response.headers["retry-after"]) == (429, "0")
    assert shop.broken(PAGE).response.status == 429
    shop.clock.advance(5)
    assert shop.broken(PAGE).response.status == 200


def test_every_fault_of_the_wire_is_named_and_the_request_was_served(shop: Asker) -> None:
    for fault in WIRE:
        shop.stripe.dial.set(Rule(fault, times=1))
        answer = shop.broken(PAGE)
        assert (answer.wire, answer.response.status) == (fault, 200)


def test_an_honest_answer_is_not_broken(shop: Asker) -> None:
    answer = shop.broken(PAGE)
    assert (answer.wire, answer.response.body) == (None, shop.get(PAGE).raw)
    assert shop.stripe.log[-1].fault is None
