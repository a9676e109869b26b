"""Consent: one question, one answer, at one address, by nobody but the platform."""

import base64
import hashlib
import http.client
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from listbackup.connectors.rest.connection import Overrides
from listbackup.connectors.rest.consent import NotOurs, begin_consent, read_answer
from listbackup.connectors.rest.consenting import consent_by_pasting, consent_in_browser
from listbackup.connectors.rest.credentials import Tokens
from listbackup.errors import AuthError, RefusedError, UsageError
from listbackup.sandbox.platforms.oauth import Client, Wish
from listbackup.testing.hosts import SeededEntropy
from tests.connectors.rest.connected import BASE, CLIENT, REDIRECT, World, secrets_of


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_question_names_us_and_hides_what_proves_us() -> None:
    world = World()
    consent = begin_consent(world.connection(), secrets_of(CLIENT), REDIRECT, SeededEntropy(1))
    asked = query_of(consent.url)
    assert consent.url.startswith("https://keap.sandbox.example/app/oauth/authorize?")
    assert asked["client_id"] == CLIENT.id
    assert asked["redirect_uri"] == REDIRECT
    assert (asked["response_type"], asked["scope"]) == ("code", "full")
    assert asked["state"] == consent.state.reveal()
    assert len(asked["state"]) == len(consent.verifier.reveal()) == 43
    digest = hashlib.sha256(consent.verifier.reveal().encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (asked["code_challenge_method"], asked["code_challenge"]) == ("S256", challenge)
    for canary in (CLIENT.secret, consent.verifier.reveal()):
        assert canary not in consent.url + repr(consent)


@pytest.mark.parametrize(
    "answer",
    ["", "code=c", "code=c&state=", "code=c&state=other", "state={state}", "&" * 200]
    + ["code=c&state={state}&state={state}", "error=access_denied&state=other", "%ff%00=1"]
    + ["http://[bad?code=1", "http://a\u2100b/?code=1", "code=c&state=\udcff"],
)
def test_what_is_no_answer_of_ours_is_told_apart(answer: str) -> None:
    world = World()
    connection = world.connection()
    consent = begin_consent(connection, secrets_of(CLIENT), REDIRECT, SeededEntropy(1))
    with pytest.raises(NotOurs):
        read_answer(connection, consent, answer.format(state=consent.state.reveal()))
    good = f"{REDIRECT}?code=c%2Bd&state={consent.state.reveal()}"
    assert read_answer(connection, consent, good).reveal() == "c+d"


def approve(world: World, url: str) -> str:
    """Consent as the sandbox's page would; give the query that is sent back."""
    asked = query_of(url)
    wish = Wish(CLIENT, asked["redirect_uri"], ("full",), asked["state"], asked["code_challenge"])
    code = world.keap.authority.consent(wish, "acme")
    return f"code={quote(code)}&state={asked['state']}"


def test_a_pasted_address_brings_tokens() -> None:
    world = World()
    pasted: list[str] = []

    def paste(url: str) -> str:
        where = query_of(url)["redirect_uri"]
        pasted.append(f" {where}?{approve(world, url)}\n")
        return pasted[-1]

    tokens = consent_by_pasting(
        world.connection(), secrets_of(CLIENT), SeededEntropy(1), paste, REDIRECT
    )
    assert (tokens.expires - tokens.obtained).total_seconds() == 86400
    assert world.counts.exchanges == 1
    with pytest.raises(AuthError, match="not the answer to this question"):
        consent_by_pasting(
            world.connection(),
            secrets_of(CLIENT),
            SeededEntropy(2),
            lambda url: pasted[0],
            REDIRECT,
        )


def test_a_wrong_verifier_or_client_gets_no_tokens() -> None:
    world = World()
    wrong = Client(CLIENT.id, "another secret", CLIENT.redirects)
    with pytest.raises(AuthError, match="could not be exchanged.*invalid_client") as caught:
        consent_by_pasting(
            world.connection(),
            secrets_of(wrong),
            SeededEntropy(1),
            lambda url: approve(world, url),
            REDIRECT,
        )
    assert "another secret" not in caught.value.message


class Browser:
    """Goes to the address where we wait, as often as it is told, from another thread."""

    def __init__(self, visit: Callable[[str, "Browser"], None]) -> None:
        self._visit = visit
        self._thread: threading.Thread | None = None
        self.pages: list[tuple[int, str]] = []
        self.errors: list[BaseException] = []

    def show(self, url: str) -> None:
        self._thread = threading.Thread(target=self._run, args=(url,))
        self._thread.start()

    def _run(self, url: str) -> None:
        try:
            self._visit(url, self)
        except (AssertionError, OSError) as error:
            self.errors.append(error)

    def get(self, url: str, method: str = "GET", host: str | None = None) -> int:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        path = f"{parts.path}?{parts.query}"
        connection.request(method, path, headers={"Host": host or parts.netloc})
        answer = connection.getresponse()
        self.pages.append((answer.status, answer.read().decode()))
        connection.close()
        return answer.status

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join()
        assert not self.errors


def consent_with(world: World, browser: Browser, patience: float = 20.0) -> Tokens:
    try:
        return consent_in_browser(
            world.connection(),
            secrets_of(CLIENT),
            SeededEntropy(3),
            browser.show,
            patience=patience,
        )
    finally:
        browser.join()


def test_only_the_exact_address_is_answered_and_only_with_our_state() -> None:
    world = World()

    def visit(url: str, browser: Browser) -> None:
        where = query_of(url)["redirect_uri"]
        assert urlsplit(where).hostname == "127.0.0.1"
        assert len(urlsplit(where).path) > 20
        good = approve(world, url)
        root = where.removesuffix(urlsplit(where).path)
        assert browser.get(f"{root}/?{good}") == 404
        assert browser.get(f"{where}/x?{good}") == 404
        assert browser.get(f"{where}?{good}", method="POST") == 404
        assert browser.get(f"{where}?{good}", host="evil.example") == 404
        assert browser.get(f"{where}?code=x&state=guess") == 400
        assert browser.get(f"{where}?error=access_denied&state=guess") == 400
        assert browser.get(f"{where}?{good}") == 200

    browser = Browser(visit)
    assert consent_with(world, browser).refresh is not None
    assert "Thank you" in browser.pages[-1][1]
    assert (world.counts.exchanges, world.counts.refusals) == (1, 0)


def test_a_denial_is_shown_as_a_page_and_told_as_an_error() -> None:
    world = World()

    def visit(url: str, browser: Browser) -> None:
        asked = query_of(url)
        words = "error=access_denied&error_description=%3Cb%3Eno"
        assert browser.get(f"{asked['redirect_uri']}?{words}&state={asked['state']}") == 200

    browser = Browser(visit)
    with pytest.raises(AuthError, match="access_denied <b>no") as caught:
        consent_with(world, browser)
    assert caught.value.risk == "Nothing was kept."
    (page,) = browser.pages
    assert "Not connected" in page[1]
    assert "&lt;b&gt;no" in page[1]


def test_waiting_has_an_end() -> None:
    browser = Browser(lambda url, browser: None)
    with pytest.raises(AuthError, match="Nobody consented"):
        consent_with(World(), browser, patience=0.05)


def test_a_browser_can_come_back_by_itself_to_this_machine_only() -> None:
    world = World()
    for redirect in (
        *("https://example.com/back", "http://127.0.0.1/", "http://evil.example:80/"),
        *("http://127.0.0.1:99999/cb", "http://[::1/cb", "http://127.0.0.1:abc/"),
    ):
        with pytest.raises(UsageError, match="cannot come back"):
            consent_in_browser(
                world.connection(),
                secrets_of(CLIENT),
                SeededEntropy(1),
                lambda url: None,
                redirect,
            )


def test_an_endless_request_is_given_up() -> None:
    world = World()

    def visit(url: str, browser: Browser) -> None:
        where = urlsplit(query_of(url)["redirect_uri"])
        connection = http.client.HTTPConnection(where.netloc, timeout=20)
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", where.path + "?" + "x" * 100_000)
            connection.getresponse()
        connection.close()
        assert browser.get(f"{query_of(url)['redirect_uri']}?{approve(world, url)}") == 200

    assert consent_with(world, Browser(visit)).access


@pytest.mark.parametrize(
    "url",
    [
        *("file:///usr/bin/thing", "javascript:alert(1)", "--remote", "http://keap.example/a"),
        *("https://169.254.169.254/latest", "https://127.0.0.1/a", "https://u:p@keap.example/a"),
    ],
)
def test_no_browser_is_sent_where_a_source_may_not_go(url: str) -> None:
    world = World()
    shown: list[str] = []
    places = Overrides(f"{BASE}/crm", url, f"{BASE}/token")
    with pytest.raises(RefusedError, match="may not be asked"):
        consent_in_browser(
            world.connection(overrides=places),
            secrets_of(CLIENT),
            SeededEntropy(1),
            shown.append,
            patience=0.05,
        )
    assert shown == []


def test_connections_that_only_stay_open_keep_no_browser_away() -> None:
    world = World()
    opened: list[socket.socket] = []

    def visit(url: str, browser: Browser) -> None:
        where = query_of(url)["redirect_uri"]
        address = (urlsplit(where).hostname, urlsplit(where).port)
        for _ in range(200):
            opened.append(socket.create_connection(address, timeout=20))
            opened[-1].sendall(b"GET /")
        opened[0].settimeout(5)
        with suppress(ConnectionResetError):
            assert opened[0].recv(1) == b""
        assert browser.get(f"{where}?{approve(world, url)}") == 200

    assert consent_with(world, Browser(visit)).access
    for one in opened:
        one.close()
