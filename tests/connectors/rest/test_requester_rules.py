"""What a platform's own rules say of an answer counts, and its words are told without secrets."""

import pytest

from listbackup.connectors.rest.models.budgets import ErrorRule, Failures
from listbackup.connectors.rest.transport import Kind, Response, TransportError
from listbackup.log import Redactor
from tests.connectors.rest.platformtoys import (
    FINE,
    JSON,
    Stand,
    failing,
    is_fine,
    is_refused,
    scripted,
)

RULES = Failures(
    message=("error", "message"),
    rules=(
        ErrorRule(status=(400,), path=("error", "code"), equals=("gone",), means="missing"),
        ErrorRule(status=(403,), header="X-Slow-Down", means="rate_limited"),
        ErrorRule(status=(400,), contains="page_token", means="expired_page"),
        ErrorRule(status=(200,), path=("error", "code"), equals=("17",), means="transient"),
        ErrorRule(status=(402,), means="forbidden", says="this plan has no API"),
    ),
)


def test_a_platforms_rules_come_before_the_status() -> None:
    def means(status: int, body: bytes) -> str:
        stand = Stand()
        return is_refused(stand, scripted(stand, failing(status, body)), failures=RULES).means

    assert means(400, b'{"error": {"code": "gone"}}') == "missing"
    assert means(400, b'{"error": {"code": "odd"}}') == "invalid"
    assert means(400, b'{"message": "Invalid page_token"}') == "expired_page"
    assert means(402, b"no json") == "forbidden"
    stand = Stand()
    transport = scripted(stand, Response(200, JSON, b'{"error": {"code": 17}}'), FINE)
    assert is_fine(stand, transport, failures=RULES) == FINE
    stand = Stand()
    transport = scripted(stand, failing(403, x_slow_down="1", retry_after="30"), FINE)
    assert is_fine(stand, transport, failures=RULES) == FINE
    assert 30 <= transport.times[1] < 40


def test_a_refusal_that_cannot_be_read_is_asked_for_again_where_its_words_matter() -> None:
    rule = ErrorRule(status=(400,), path=("error",), equals=("no",), means="forbidden")
    said = failing(400, b'{"error": "no"}')
    for garbled in (said.body[:-3], said.body.decode().encode("utf-16")):
        stand = Stand()
        transport = scripted(stand, failing(400, garbled), said)
        assert is_refused(stand, transport, failures=Failures(rules=(rule,))).means == "forbidden"
        assert len(transport.calls) == 2


def test_a_platforms_words_are_shown_without_what_could_be_a_secret() -> None:
    stand = Stand()
    said = (
        b'{"error": {"message": "Invalid key sk_live_51HxAbCdEfGh of ann@example.com, account'
        b" 123456789:\\n\\u001b[31m no right to contacts " + b"and so on " * 90 + b'"}}'
    )
    error = is_refused(stand, scripted(stand, failing(403, said)), failures=RULES)
    assert "no right to contacts" in error.message
    for secret in ("sk_live", "ann@", "123456789", "\n", "\x1b"):
        assert secret not in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize("secret", ["hunter2!", "pa$$ w0rd:x"])
def test_a_platform_that_repeats_a_short_secret_is_not_repeated(secret: str) -> None:
    stand = Stand()
    said = f'{{"error": {{"message": "bad password {secret} for you"}}}}'.encode()
    transport = scripted(stand, failing(403, said))
    error = is_refused(stand, transport, failures=RULES, clean=Redactor([secret]).clean)
    assert "bad password *** for you" in error.message
    where = TransportError(Kind.FORBIDDEN_HOST, f"https://{secret}.example is not allowed")
    error = is_refused(stand, scripted(stand, where), clean=Redactor([secret]).clean)
    assert secret not in error.message


@pytest.mark.parametrize("before", range(120, 170, 5))
def test_no_beginning_of_a_secret_is_left_where_words_are_cut(before: int) -> None:
    stand = Stand()
    words = "a " * (before // 2) + "zz-canary-zz" + " b" * before
    said = f'{{"error": {{"message": "{words}"}}}}'.encode()
    error = is_refused(
        stand,
        scripted(stand, failing(403, said)),
        failures=RULES,
        clean=Redactor(["zz-canary-zz"]).clean,
    )
    assert "zz" not in error.message
