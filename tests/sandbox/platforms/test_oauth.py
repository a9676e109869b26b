"""The authorization server: consent, codes, PKCE, refresh tokens that are replaced at each use."""

import base64
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.keap import AUTHORIZE, REVOKE, TOKEN, Keap
from listbackup.sandbox.platforms.oauth import Client, Standing, make_challenge
from listbackup.sandbox.platforms.server import serve
from tests.sandbox.platforms.keaps import BASE, StandingWatch

REDIRECT = "http://127.0.0.1:8123/callback"
SITE = "https://accounts.infusionsoft.com"
VERIFIER = "a-verifier-of-more-than-forty-three-characters"
BASIC = {"Authorization": "Basic " + base64.b64encode(b"app:s%3Acret").decode()}


@dataclass
class Visitor:
    """A client with a person before the browser."""

    watch: StandingWatch = field(default_factory=StandingWatch)
    keap: Keap = field(init=False)

    def __post_init__(self) -> None:
        self.keap = Keap(self.watch, 7)
        self.keap.add_tenant("acme")
        self.keap.add_tenant("other")
        self.keap.authority.admit(Client("app", "s:cret", (REDIRECT,), ("full", "mail")))
        self.keap.authority.admit(Client("public", "", (REDIRECT,)))

    def open_page(self, **changes: str | None) -> Response:
        wish: dict[str, str | None] = {
            "client_id": "app",
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "state": "a b&c",
            "code_challenge": make_challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        given = {name: text for name, text in (wish | changes).items() if text is not None}
        return self.keap.handle(Request("GET", f"{SITE}{AUTHORIZE}?{urlencode(given)}"))

    def press(self, page: Response, decision: str = "approve", account: str = "acme") -> Response:
        found = re.search(r'name="ticket" value="([^"]+)"', page.body.decode())
        assert found is not None
        form = {"ticket": found[1], "decision": decision, "account": account}
        return self.keap.handle(Request("POST", f"{SITE}{AUTHORIZE}", {}, urlencode(form).encode()))

    def get_code(self, **changes: str | None) -> str:
        return answers(self.press(self.open_page(**changes)))["code"]

    def ask_token(
        self, form: Mapping[str, str], headers: Mapping[str, str] = BASIC
    ) -> tuple[int, Any]:
        body = urlencode(form).encode()
        response = self.keap.handle(Request("POST", f"{SITE}{TOKEN}", headers, body))
        return response.status, json.loads(response.body)

    def exchange(self, code: str, **changes: str) -> tuple[int, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self.ask_token(form | changes)

    def refresh(self, token: str, **changes: str) -> tuple[int, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.ask_token(form | changes)

    def use(self, access: str) -> int:
        headers = {"Authorization": f"Bearer {access}"}
        return self.keap.handle(Request("GET", f"{BASE}/users", headers)).status


def answers(response: Response) -> dict[str, str]:
    """What the redirect brings back."""
    assert response.status == 302
    assert response.headers["location"].startswith(REDIRECT + "?")
    query = urlsplit(response.headers["location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def test_a_person_consents_and_the_client_reads_the_account_it_was_given(visitor: Visitor) -> None:
    page = visitor.open_page()
    assert page.status == 200
    assert b'<option value="acme">' in page.body
    back = answers(visitor.press(page, account="other"))
    assert back["state"] == "a b&c"
    status, tokens = visitor.exchange(back["code"])
    assert status == 200
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 86400
    assert tokens["scope"] == "full mail|other.infusionsoft.com"
    assert visitor.use(tokens["access_token"]) == 200
    counts = visitor.keap.authority.counts
    assert (counts.consents, counts.exchanges, counts.refusals) == (1, 1, 0)


def test_a_person_says_no(visitor: Visitor) -> None:
    back = answers(visitor.press(visitor.open_page(), "deny"))
    assert back["error"] == "access_denied"
    assert back["state"] == "a b&c"
    assert visitor.keap.authority.counts.denials == 1


def test_a_page_serves_once(visitor: Visitor) -> None:
    page = visitor.open_page()
    visitor.press(page)
    assert visitor.press(page).status == 400
    assert visitor.press(visitor.open_page(), account="nobody").status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "stranger"},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
    ],
)
def test_nobody_is_sent_where_the_client_did_not_say(
    visitor: Visitor, changes: dict[str, str | None]
) -> None:
    answer = visitor.open_page(**changes)
    assert answer.status == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "full everything"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"client_id": "public", "code_challenge": None}, "invalid_request"),
    ],
)
def test_a_wish_that_cannot_be_is_told_to_the_client(
    visitor: Visitor, changes: dict[str, str | None], error: str
) -> None:
    back = answers(visitor.open_page(**changes))
    assert (back["error"], back["state"]) == (error, "a b&c")


@pytest.mark.parametrize("verifier", ["", "another-verifier-of-more-than-43-characters-too"])
def test_a_code_is_worth_nothing_without_its_verifier(visitor: Visitor, verifier: str) -> None:
    status, answer = visitor.exchange(visitor.get_code(), code_verifier=verifier)
    assert (status, answer["error"]) == (400, "invalid_grant")


def test_a_verifier_nobody_announced_is_refused(visitor: Visitor) -> None:
    code = visitor.get_code(code_challenge=None, code_challenge_method=None)
    assert visitor.exchange(code)[1]["error"] == "invalid_grant"
    code = visitor.get_code(code_challenge=None, code_challenge_method=None)
    assert visitor.exchange(code, code_verifier="")[0] == 200


def test_a_public_client_needs_no_secret_but_its_verifier(visitor: Visitor) -> None:
    code = visitor.get_code(client_id="public")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    form |= {"client_id": "public", "code_verifier": VERIFIER}
    answer = visitor.ask_token(form, {})
    assert answer[0] == 200


def test_a_code_lasts_a_minute(visitor: Visitor) -> None:
    code = visitor.get_code()
    visitor.watch.go_on(60)
    assert visitor.exchange(code)[0] == 200
    code = visitor.get_code()
    visitor.watch.go_on(60.1)
    assert visitor.exchange(code)[1]["error"] == "invalid_grant"


def test_a_code_that_comes_twice_takes_back_what_it_gave(visitor: Visitor) -> None:
    code = visitor.get_code()
    _, tokens = visitor.exchange(code)
    assert visitor.exchange(code)[1]["error"] == "invalid_grant"
    assert visitor.use(tokens["access_token"]) == 401


def test_a_code_goes_back_to_where_it_was_sent_only(visitor: Visitor) -> None:
    answer = visitor.exchange(visitor.get_code(), redirect_uri=REDIRECT + "?x")
    assert answer[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"client_id": "app", "client_secret": "guess"}),
        ({"Authorization": "Basic YXBwOmd1ZXNz"}, {}),
        ({"Authorization": "Basic ???"}, {}),
        ({"Authorization": "Bearer x"}, {}),
    ],
)
def test_a_client_that_does_not_prove_itself_is_refused(
    visitor: Visitor, headers: dict[str, str], form: dict[str, str]
) -> None:
    asked = {"grant_type": "refresh_token", "refresh_token": "x"} | form
    status, answer = visitor.ask_token(asked, headers)
    assert (status, answer["error"]) == (401, "invalid_client")


def test_a_client_proves_itself_in_the_body_as_well_but_not_twice(visitor: Visitor) -> None:
    secret = {"client_id": "app", "client_secret": "s:cret"}
    _, tokens = visitor.exchange(visitor.get_code())
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert visitor.ask_token(form | secret)[1]["error"] == "invalid_request"
    assert visitor.ask_token(form | secret, {})[0] == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_request"),
    ],
)
def test_what_is_not_a_request_for_tokens_is_refused(
    visitor: Visitor, form: dict[str, str], error: str
) -> None:
    status, answer = visitor.ask_token(form)
    assert (status, answer["error"]) == (400, error)
    assert answer["error_description"]


def test_each_refresh_replaces_the_refresh_token(visitor: Visitor) -> None:
    _, tokens = visitor.exchange(visitor.get_code())
    seen = {tokens["refresh_token"]}
    for _ in range(3):
        status, tokens = visitor.refresh(tokens["refresh_token"])
        assert status == 200
        assert tokens["refresh_token"] not in seen
        seen.add(tokens["refresh_token"])
        assert visitor.use(tokens["access_token"]) == 200
    assert visitor.keap.authority.counts.refreshes == 3


def test_an_old_refresh_token_logs_everybody_out(visitor: Visitor) -> None:
    _, first = visitor.exchange(visitor.get_code())
    _, second = visitor.refresh(first["refresh_token"])
    assert visitor.refresh(first["refresh_token"])[1]["error"] == "invalid_grant"
    assert visitor.use(first["access_token"]) == 401
    assert visitor.use(second["access_token"]) == 401
    assert visitor.refresh(second["refresh_token"])[1]["error"] == "invalid_grant"
    counts = visitor.keap.authority.counts
    assert (counts.refreshes, counts.reuses, counts.revocations) == (1, 1, 1)


def test_another_consent_is_not_touched_by_a_reuse(visitor: Visitor) -> None:
    _, mine = visitor.exchange(visitor.get_code())
    _, other = visitor.exchange(visitor.get_code())
    visitor.refresh(mine["refresh_token"])
    visitor.refresh(mine["refresh_token"])
    assert visitor.use(other["access_token"]) == 200


def test_tokens_end_with_their_time(visitor: Visitor) -> None:
    _, tokens = visitor.exchange(visitor.get_code())
    visitor.watch.go_on(86399)
    assert visitor.use(tokens["access_token"]) == 200
    visitor.watch.go_on(1)
    assert visitor.use(tokens["access_token"]) == 401
    visitor.watch.go_on(44 * 86400)
    _, tokens = visitor.refresh(tokens["refresh_token"])
    assert visitor.use(tokens["access_token"]) == 200
    visitor.watch.go_on(46 * 86400)
    assert visitor.refresh(tokens["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_refresh_may_ask_for_less_and_never_for_more(visitor: Visitor) -> None:
    _, tokens = visitor.exchange(visitor.get_code(scope="full"))
    more = visitor.refresh(tokens["refresh_token"], scope="full mail")
    assert more[1]["error"] == "invalid_scope"
    _, tokens = visitor.exchange(visitor.get_code())
    _, less = visitor.refresh(tokens["refresh_token"], scope="mail")
    assert less["scope"].startswith("mail|")
    assert visitor.use(less["access_token"]) == 403
    _, again = visitor.refresh(less["refresh_token"])
    assert visitor.use(again["access_token"]) == 200


def test_revoking_a_token_ends_the_grant_and_says_nothing_of_others(visitor: Visitor) -> None:
    _, tokens = visitor.exchange(visitor.get_code())
    for token, standing in (("unknown", Standing.GOOD), ("refresh", Standing.REVOKED)):
        given = tokens["refresh_token"] if token == "refresh" else token
        body = urlencode({"token": given}).encode()
        response = visitor.keap.handle(Request("POST", f"{SITE}{REVOKE}", BASIC, body))
        assert response.status == 200
        assert visitor.keap.authority.look(tokens["access_token"])[0] is standing
    assert visitor.use(tokens["access_token"]) == 401


def test_answers_with_tokens_are_kept_by_nobody(visitor: Visitor) -> None:
    body = urlencode({"grant_type": "refresh_token", "refresh_token": "x"}).encode()
    response = visitor.keap.handle(Request("POST", f"{SITE}{TOKEN}", BASIC, body))
    assert response.headers["cache-control"] == "no-store"
    assert "no-store" in visitor.open_page().headers["cache-control"]


def test_a_browser_consents_over_http() -> None:
    visitor = Visitor()
    with serve(visitor.keap) as serving:
        link = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=10)
        wish = {"client_id": "app", "redirect_uri": REDIRECT, "response_type": "code"}
        link.request("GET", f"{AUTHORIZE}?{urlencode(wish)}")
        answer = link.getresponse()
        page = Response(answer.status, {}, answer.read())
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.body.decode())
        assert ticket is not None
        form = {"ticket": ticket[1], "decision": "approve", "account": "acme"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        link.request("POST", AUTHORIZE, urlencode(form), headers)
        answer = link.getresponse()
        answer.read()
        back = answers(Response(answer.status, {"location": answer.headers["location"]}))
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, **back}
        link.request("POST", TOKEN, urlencode(form), {**headers, **BASIC})
        tokens = json.loads(link.getresponse().read())
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        link.request("GET", "/crm/rest/v2/oauth/connect/userinfo", headers=bearer)
        assert json.loads(link.getresponse().read())["tenant_id"] == "acme"
        link.close()
