"""Who may ask a Keap, how much, and what it says when it was too much."""

import json

from listbackup.connectors.rest.transport import Request
from listbackup.sandbox.platforms.breaking import Breaker
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.keap import Keap
from listbackup.sandbox.platforms.keap.filling import fill
from listbackup.sandbox.platforms.keap.limits import KEYS, OAUTH
from listbackup.sandbox.platforms.oauth import Client, Wish
from listbackup.sandbox.platforms.quotas import Quota, Window
from tests.sandbox.platforms.keaps import BASE, SMALL, Desk, StandingWatch, open_desk


def grant(keap: Keap, client: Client, tenant: str) -> str:
    wish = Wish(client, client.redirects[0], ("full",), None, "")
    code = keap.authority.consent(wish, tenant)
    return keap.authority.exchange(client, code, client.redirects[0], "").access


def ask(keap: Keap, headers: dict[str, str], path: str = "/users") -> tuple[int, dict[str, str]]:
    response = keap.handle(Request("GET", f"{BASE}{path}", headers))
    return response.status, dict(response.headers)


def test_without_good_credentials_nothing_is_told() -> None:
    desk = open_desk(None)
    for headers in ({}, {"X-Keap-API-Key": "x"}, {"Authorization": "Bearer x"}):
        status, told = ask(desk.keap, headers)
        assert status == 401
        assert "x-keap-product-quota-used" not in told
    desk.keap.revoke_key(desk.headers["X-Keap-API-Key"])
    assert desk.refused("GET", "/users").startswith("401 ")


def test_headers_tell_how_the_day_and_the_minute_stand() -> None:
    desk = open_desk(None)
    desk.get("/users")
    _, told = ask(desk.keap, desk.headers)
    start = "x-keap-product-"
    found = {name.removeprefix(start): told[name] for name in told if name.startswith(start)}
    midnight = 1793577600000
    assert found == {
        "quota-limit": "30000",
        "quota-time-unit": "day",
        "quota-interval": "1",
        "quota-available": "29998",
        "quota-used": "2",
        "quota-expiry-time": str(midnight),
        "throttle-limit": "240",
        "throttle-time-unit": "minute",
        "throttle-interval": "1",
        "throttle-available": "238",
        "throttle-used": "2",
    }
    assert told["x-listbackup-sandbox"] == "keap"


def count(desk: Desk, headers: dict[str, str], tries: int, per_second: int) -> int:
    """How many of so many requests pass, at an even pace."""
    passed = 0
    for _ in range(tries):
        status, _ = ask(desk.keap, headers)
        passed += status == 200
        desk.watch.go_on(1 / per_second)
    return passed


def test_a_key_has_ten_a_second_and_240_a_minute() -> None:
    desk = open_desk(None)
    statuses = [ask(desk.keap, desk.headers)[0] for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    desk.watch.go_on(60)
    assert count(desk, desk.headers, 250, 8) == 240
    desk.watch.go_on(60 - 250 / 8 + 0.01)
    assert ask(desk.keap, desk.headers)[0] == 200, "the minute rolls: the first ones are over"
    assert ask(desk.keap, desk.headers)[0] == 429


def test_keys_of_a_tenant_share_minute_and_day_but_not_the_second() -> None:
    desk = open_desk(None)
    other = {"X-Keap-API-Key": desk.keap.issue_key("acme")}
    for headers in (desk.headers, other):
        assert [ask(desk.keap, headers)[0] for _ in range(11)] == [200] * 10 + [429]
    desk.watch.go_on(1)
    assert ask(desk.keap, other)[1]["x-keap-product-throttle-used"] == "21"


def test_too_much_is_refused_in_keaps_words_and_the_day_ends_at_midnight() -> None:
    desk = open_desk(None)
    day = Window("day", 3, 86400.0)
    desk.keap.budgets.keys = Quota((KEYS[0], day))
    assert [desk.send("GET", "/users").status for _ in range(4)] == [200, 200, 200, 429]
    refused = desk.send("GET", "/users")
    assert json.loads(refused.body) == {
        "code": "429",
        "message": "Quota Exceeded",
        "status": "Request Throttled",
        "details": None,
    }
    assert refused.headers["x-keap-product-quota-available"] == "0"
    desk.watch.go_on(11.9 * 3600)
    assert desk.send("GET", "/users").status == 429
    desk.watch.go_on(0.1 * 3600)
    assert desk.send("GET", "/users").status == 200


def test_an_application_shares_its_budget_over_all_tenants_and_keys_do_not() -> None:
    desk = open_desk(None)
    desk.keap.add_tenant("other")
    client = desk.keap.authority.admit(Client("app", "secret", ("http://localhost/",)))
    tokens = [grant(desk.keap, client, name) for name in ("acme", "other")]
    headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    for who in headers:
        for _ in range(12):
            assert ask(desk.keap, who)[0] == 200
    _, told = ask(desk.keap, headers[0])
    assert told["x-keap-product-quota-limit"] == "150000"
    assert told["x-keap-product-quota-used"] == "25"
    assert ask(desk.keap, headers[1])[0] == 429, "25 a second, whoever asks"
    key = {"X-Keap-API-Key": desk.keap.issue_key("other")}
    assert ask(desk.keap, key)[1]["x-keap-product-quota-used"] == "1"
    assert told["x-keap-product-throttle-limit"] == "1500"
    desk.keap.budgets.oauth = Quota((OAUTH[0], Window("minute", 40, 60.0), OAUTH[2]))
    assert count(desk, headers[0], 30, 20) + count(desk, headers[1], 30, 20) == 40


def test_tenants_see_their_own_records_alone() -> None:
    desk = open_desk()
    other = desk.keap.add_tenant("other")
    other.add("contacts", {"given_name": "Zoe"})
    key = {"X-Keap-API-Key": desk.keap.issue_key("other")}
    response = desk.keap.handle(Request("GET", f"{BASE}/contacts", key))
    assert [one["given_name"] for one in json.loads(response.body)["contacts"]] == ["Zoe"]


def test_expired_revoked_and_cut_credentials_stay_so() -> None:
    keap = Keap(StandingWatch(), 1)
    keap.add_tenant("acme")
    client = keap.authority.admit(Client("app", "secret", ("http://localhost/",)))
    for fault, status in ((Fault.EXPIRED, 401), (Fault.REVOKED, 401), (Fault.SCOPE_CUT, 403)):
        headers = {"Authorization": f"Bearer {grant(keap, client, 'acme')}"}
        call = keap.begin(Request("GET", f"{BASE}/users", headers))
        assert keap.spoil(call, fault)
        assert ask(keap, headers)[0] == status
        assert ask(keap, headers, "/tags")[0] == (200 if status == 403 else 401)


def test_the_dial_repeats_skips_and_loops_pages_as_asked() -> None:
    desk = open_desk()
    breaker = Breaker(desk.keap)

    def page(token: str = "") -> tuple[list[str], str]:
        desk.watch.go_on(1)
        query = f"?page_size=20&page_token={token}" if token else "?page_size=20"
        request = Request("GET", f"{BASE}/contacts{query}", desk.headers)
        body = json.loads(breaker.answer(request).response.body)
        return [one["id"] for one in body["contacts"]], body["next_page_token"]

    desk.keap.dial.set(Rule(Fault.SKIPPED_PAGE, first=2, times=1))
    first, token = page()
    skipped, _ = page(token)
    assert skipped[0] == "1041"
    desk.keap.dial.set(Rule(Fault.CURSOR_LOOP, times=1))
    assert page(token)[0] == first
    desk.keap.dial.set(Rule(Fault.DELETED_MEANWHILE, times=1))
    seen, _ = page()
    assert desk.tenant.find("contacts", seen[-1]) is None


def test_a_page_that_comes_twice_is_never_one_of_another_tenant() -> None:
    desk = open_desk()
    fill(desk.keap.add_tenant("other"), 2, SMALL)
    breaker = Breaker(desk.keap)
    other = {"X-Keap-API-Key": desk.keap.issue_key("other")}
    desk.keap.dial.set(Rule(Fault.DUPLICATE_PAGE, first=3, times=1))
    seen: list[bytes] = []
    for headers in (other, desk.headers, desk.headers):
        token = json.loads(seen[-1])["next_page_token"] if len(seen) == 2 else ""
        url = f"{BASE}/contacts?page_size=5" + (f"&page_token={token}" if token else "")
        seen.append(breaker.answer(Request("GET", url, headers)).response.body)
    assert desk.keap.dial.performed == {Fault.DUPLICATE_PAGE: 1}
    assert seen[2] == seen[1] != seen[0]
