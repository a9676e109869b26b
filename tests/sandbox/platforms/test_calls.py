"""Requests find their routes: fixed words first, names for parts of paths and their ends."""

import pytest

from listbackup.connectors.rest.transport import Request
from listbackup.sandbox.platforms.calls import Router

ROUTES = (
    ("GET", "/v1/customers", "list"),
    ("GET", "/v1/customers/{id}", "one"),
    ("GET", "/v1/customers/search", "search"),
    ("POST", "/v1/contacts/{id}:link", "link"),
    ("POST", "/v1/contacts/{id}", "change"),
)


@pytest.mark.parametrize(
    ("method", "path", "target", "parts"),
    [
        ("GET", "/v1/customers?limit=3", "list", {}),
        ("GET", "/v1/customers/cus%5F1", "one", {"id": "cus_1"}),
        ("GET", "/v1/customers/search", "search", {}),
        ("POST", "/v1/contacts/7:link", "link", {"id": "7"}),
        ("POST", "/v1/contacts/7", "change", {"id": "7"}),
    ],
)
def test_a_request_finds_its_route(
    method: str, path: str, target: str, parts: dict[str, str]
) -> None:
    call = Router(ROUTES).open(Request(method, f"https://x{path}"))
    assert call.route is not None
    assert (call.route.target, call.parts) == (target, parts)


def test_what_has_no_route_has_none_and_the_methods_that_would_are_named() -> None:
    router = Router(ROUTES)
    assert router.open(Request("GET", "https://x/v2/customers")).route is None
    wrong = router.open(Request("DELETE", "https://x/v1/customers/cus_1"))
    assert (wrong.route, wrong.allowed) == (None, ("GET",))
    assert wrong.operation == "DELETE /v1/customers/cus_1"


def test_query_and_headers_are_read() -> None:
    request = Request("GET", "https://x/v1/customers?a=1&a=2&b=%20&c", {"X-One": "1"})
    call = Router(ROUTES).open(request)
    assert call.query == (("a", "1"), ("a", "2"), ("b", " "), ("c", ""))
    assert (call.first("a"), call.first("z"), call.headers) == ("1", None, {"x-one": "1"})
    assert call.operation == "GET /v1/customers"
