"""The judge of requests lets good ones through and names what is wrong with others."""

import asyncio

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.testing.contracts import Contract, Validating

FACTS = """
# facts
GET /v1/charges
  created time
  customer! string
  expand[] words
  limit integer 1..100
  owner object type
GET /v1/charges/{charge}
  expand[] words data.customer data.invoice
GET /v1/charges/search
  query string
GET /v1/tags/{tag}/contacts
  fields words id name
  filter filter name since
  order_by order name
  status one all open
GET /v1/partners/{partner}:commissions
"""
BASE = "https://api.test/crm"


def judge(rest: str, method: str = "GET", base: str = BASE) -> tuple[str, ...]:
    return Contract(FACTS).judge(Request(method, base + rest), BASE)[1]


@pytest.mark.parametrize(
    "rest",
    [
        "/v1/charges?customer=c&limit=100&created[gte]=1700000000&created%5Blt%5D=1800000000",
        "/v1/charges?customer=c&expand[]=data.a&expand[]=data.b&owner[type]=self",
        "/v1/charges/ch_1?expand[]=data.customer",
        "/v1/charges/search?query=a",
        "/v1/tags/7/contacts?fields=id,name&filter=name%3D%3DA%20B%3Bsince%3E%3D2026-01-01T00:00:00Z",
        "/v1/tags/7/contacts?order_by=name%20asc&status=all",
        "/v1/partners/7:commissions",
    ],
)
def test_a_request_as_the_operation_takes_it_is_let_through(rest: str) -> None:
    assert judge(rest) == ()


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("/v1/refunds", "there is no such operation"),
        ("/v1/charges/a/b", "there is no such operation"),
        ("/v1/charges", "customer is missing"),
        ("/v1/charges?customer=c&limit=101", "not within 1..100"),
        ("/v1/charges?customer=c&limit=ten", "not a whole number"),
        ("/v1/charges?customer=c&limit=1&limit=2", "limit stands 2 times"),
        ("/v1/charges?customer=", "empty"),
        ("/v1/charges?customer=c&colour=red", "no parameter is named colour"),
        ("/v1/charges?customer=c&created[from]=1", "no parameter is named created[from]"),
        ("/v1/charges?customer=c&created[gte]=2026-01-01", "not a Unix time"),
        ("/v1/charges?customer=c&owner[name]=me", "no parameter is named owner[name]"),
        ("/v1/charges/ch_1?expand[]=data.card", "not known: data.card"),
        ("/v1/tags/7/contacts?fields=id,colour", "not known: colour"),
        ("/v1/tags/7/contacts?filter=name=A", "is no comparison"),
        ("/v1/tags/7/contacts?filter=colour==red", "no filter is named colour"),
        ("/v1/tags/7/contacts?order_by=name", "no direction"),
        ("/v1/tags/7/contacts?order_by=colour asc", "no order by colour"),
        ("/v1/tags/7/contacts?status=closed", "not one of all, open"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(rest: str, said: str) -> None:
    (wrong,) = judge(rest)
    assert said in wrong


def test_another_method_is_another_operation() -> None:
    assert judge("/v1/charges?customer=c", "POST")


@pytest.mark.parametrize(
    "base", ["https://api.test", "https://else.test/crm", "https://api.test/crmx"]
)
def test_a_request_to_elsewhere_is_refused(base: str) -> None:
    assert judge("/v1/charges?customer=c", base=base)


@pytest.mark.parametrize("facts", ["  limit integer", "GET /a\n  limit colour", "GET /a\n  limit"])
def test_facts_that_say_nothing_are_refused(facts: str) -> None:
    with pytest.raises(ValueError):
        Contract(facts)


class Answering:
    """A platform that answers everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = False

    async def send(self, request: Request) -> Response:
        self.sent.append(request.url)
        return Response(200)

    async def close(self) -> None:
        self.closed = True


def test_requests_are_counted_by_operation_and_sent_whatever_is_wrong_with_them() -> None:
    below = Answering()
    transport = Validating(below, Contract(FACTS), BASE, besides=("https://tokens.test/",))
    urls = [f"{BASE}/v1/charges/{name}" for name in ("a", "b")]
    urls += [f"{BASE}/v1/charges?limit=0", "https://tokens.test/token", f"{BASE}/v1/none"]

    async def run() -> None:
        for url in urls:
            assert (await transport.send(Request("GET", url))).status == 200
        await transport.close()

    asyncio.run(run())
    assert below.sent == urls
    assert below.closed
    assert transport.counts == {"GET /v1/charges/{charge}": 2, "GET /v1/charges": 1, "": 1}
    assert [one.partition(": ")[0] for one in transport.violations] == [
        "GET /v1/charges",
        "GET /v1/charges",
        "GET /v1/none",
    ]
