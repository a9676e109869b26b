"""Stripe's keys, rights, accounts, versions and limits."""

import base64

import pytest

from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from tests.sandbox.platforms.asking import Asked, Asker, Clock


def test_a_key_comes_as_a_bearer_or_as_the_user_of_basic_authorization(stripe: Asker) -> None:
    basic = base64.b64encode(f"{stripe.key}:".encode()).decode()
    assert stripe.get("/v1/account").status == 200
    assert stripe.get("/v1/account", Authorization=f"Basic {basic}").status == 200


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic !!!", "Digest x", "Bearer sk_live_wrong"])
def test_without_a_good_key_nothing_is_given(stripe: Asker, header: str) -> None:
    answer = stripe.get("/v1/customers", Authorization=header)
    assert (answer.status, answer.error["type"]) == (401, "invalid_request_error")
    assert "sk_live_wrong" not in answer.raw.decode()


def test_live_and_test_mode_have_nothing_in_common(stripe: Asker) -> None:
    stripe.stripe.books(live=False).make("customers", name="Test")
    assert stripe.get("/v1/customers").ids == []
    stripe.key = stripe.stripe.test_key
    (customer,) = stripe.get("/v1/customers").body["data"]
    assert customer["livemode"] is False


def test_a_restricted_key_may_do_what_its_rights_say(stripe: Asker) -> None:
    stripe.key = stripe.stripe.add_key(rights=["customer_read", "product_write"])
    assert stripe.key.startswith("rk_live_")
    assert stripe.get("/v1/customers").status == 200
    assert stripe.post("/v1/products", {"name": "A"}).status == 200
    assert stripe.get("/v1/products").status == 200
    for answer, right in (
        (stripe.get("/v1/charges"), "rak_charge_read"),
        (stripe.post("/v1/customers", {"name": "A"}), "rak_customer_write"),
        (stripe.get("/v1/customers/x/tax_ids"), ""),
    ):
        assert answer.status == (403 if right else 404)
        assert right in answer.error["message"]


def test_a_platform_reaches_the_accounts_that_are_connected_to_it(stripe: Asker) -> None:
    sandbox = stripe.stripe
    connected = sandbox.add_account(of=sandbox.account)
    stranger = sandbox.add_account()
    sandbox.books(connected).make("customers", name="Theirs")
    (own,) = stripe.get("/v1/customers", Stripe_Account=connected).body["data"]
    assert own["name"] == "Theirs"
    assert stripe.get("/v1/customers").ids == []
    assert stripe.get("/v1/account", Stripe_Account=connected).body["id"] == connected
    assert stripe.get("/v1/accounts").ids == [connected]
    refused = stripe.get("/v1/customers", Stripe_Account=stranger)
    assert (refused.status, refused.error["code"]) == (403, "account_invalid")


def test_the_version_is_echoed_and_has_to_be_known(stripe: Asker) -> None:
    assert stripe.get("/v1/account").headers["stripe-version"] == "2026-09-30.endive"
    answer = stripe.get("/v1/account", Stripe_Version="2025-03-31.basil")
    assert answer.headers["stripe-version"] == "2025-03-31.basil"
    assert stripe.get("/v1/account", Stripe_Version="2011-01-01").status == 400


def test_every_request_has_an_id_and_stands_in_the_log(stripe: Asker) -> None:
    first = stripe.get("/v1/customers?limit=2")
    second = stripe.get("/v1/none")
    ids = {first.headers["request-id"], second.headers["request-id"]}
    assert len(ids) == 2
    one, two = stripe.stripe.log
    assert (one.operation, one.query, one.status) == (
        "GET /v1/customers",
        (("limit", "2"),),
        200,
    )
    assert (two.operation, two.status, two.fault) == ("GET /v1/none", 404, None)
    assert stripe.stripe.answered == 2


def test_what_there_is_not_says_so(stripe: Asker) -> None:
    assert "Unrecognized request URL" in stripe.get("/v1/none").error["message"]
    assert "not set up to use Issuing" in stripe.get("/v1/issuing/cards").error["message"]
    assert stripe.get("/v1/charges/ch_none").error["code"] == "resource_missing"


# --------------------------------------------------------------------------------------- limits


def hit(stripe: Asker, path: str, count: int, method: str = "GET") -> list[Asked]:
    """Ask that often in the same moment."""
    requests = [stripe.request(method, path, {"name": "x"}) for _ in range(count)]
    return [Asked(stripe.stripe.handle(request)) for request in requests]


@pytest.mark.parametrize(("live", "limit"), [(True, 100), (False, 25)])
def test_so_many_requests_pass_in_a_second_and_the_next_is_refused(
    stripe: Asker, live: bool, limit: int
) -> None:
    stripe.key = stripe.stripe.key if live else stripe.stripe.test_key
    answers = hit(stripe, "/v1/customers", limit + 2)
    assert [one.status for one in answers] == [200] * limit + [429] * 2
    refused = answers[-1]
    assert refused.headers["stripe-rate-limited-reason"] == "global-rate"
    assert refused.headers["stripe-should-retry"] == "true"
    assert "retry-after" not in refused.headers
    assert refused.error["code"] == "rate_limit"
    assert hit(stripe, "/v1/customers", 1, "POST")[0].status == 200
    stripe.clock.advance(0.99)
    assert hit(stripe, "/v1/customers", 1)[0].status == 429
    stripe.clock.advance(0.01)
    assert hit(stripe, "/v1/customers", 1)[0].status == 200


def test_writing_has_its_own_limit(stripe: Asker) -> None:
    answers = hit(stripe, "/v1/customers", 101, "POST")
    assert [one.status for one in answers].count(429) == 1
    assert hit(stripe, "/v1/customers", 1)[0].status == 200


@pytest.mark.parametrize(
    "path", ["/v1/files", "/v1/file_links", "/v1/customers/search?query=name:'a'"]
)
def test_files_and_searches_have_a_narrow_limit(stripe: Asker, path: str) -> None:
    answers = hit(stripe, path, 21)
    assert [one.status for one in answers] == [200] * 20 + [429]
    assert answers[-1].headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert hit(stripe, "/v1/customers", 1)[0].status == 200


def test_an_account_does_not_use_up_the_limit_of_another(stripe: Asker) -> None:
    other = stripe.stripe.add_account()
    hit(stripe, "/v1/customers", 100)
    assert hit(stripe, "/v1/customers", 1)[0].status == 429
    stripe.key = stripe.stripe.add_key(other)
    assert hit(stripe, "/v1/customers", 1)[0].status == 200


def test_each_operation_may_have_a_limit_of_its_own(clock: Clock) -> None:
    stripe = Asker(clock, StripeSandbox(clock, 1, endpoint=25))
    answers = hit(stripe, "/v1/customers", 26)
    assert answers[-1].headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert hit(stripe, "/v1/products", 1)[0].status == 200
