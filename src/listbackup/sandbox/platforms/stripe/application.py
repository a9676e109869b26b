"""Stripe as an application: keys, accounts, versions, limits and idempotency around the targets."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.faults import Fault
from listbackup.sandbox.platforms.quotas import Quota, Window
from listbackup.sandbox.platforms.state import Watch
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.drawing import draw_body
from listbackup.sandbox.platforms.stripe.forms import read_form
from listbackup.sandbox.platforms.stripe.keys import Key, Keyring, read_authorization
from listbackup.sandbox.platforms.stripe.refusals import Refusal
from listbackup.sandbox.platforms.stripe.resources import CLOSED, RESOURCES
from listbackup.sandbox.platforms.stripe.targets import WRITES, Asked, Target, make_routes
from listbackup.sandbox.platforms.stripe.versions import KNOWN

JSON = "application/json"
LIVE, TEST, FILES = 100, 25, 20
"""Requests a second: reading, and as many writing, in each mode; of files, and searching."""
KEEPS = 86400.0
"""Seconds for which an idempotency key is remembered."""
GATEWAY = b"<html>\n<head><title>%d</title></head>\n<body><center>nginx</center></body>\n</html>\n"


@dataclass(frozen=True, slots=True)
class _Remembered:
    digest: bytes
    at: float
    response: Response


class StripeSandbox(Application[Target]):
    """Stripe. `account` is the platform's own account, `key` its secret key in live mode,
    `test_key` in test mode. `endpoint` is a limit per operation and second, where there is one."""

    def __init__(self, watch: Watch, seed: int = 0, *, endpoint: int | None = None) -> None:
        super().__init__("stripe", watch, seed, (*make_routes(), *self._own_routes()))
        self.keyring = Keyring()
        self._books: dict[tuple[str, bool], Books] = {}
        self._connected: dict[str, set[str]] = {}
        self._remembered: dict[tuple[str, bool, str], _Remembered] = {}
        self._quotas = {
            live: Quota([Window("global-rate", rate, 1.0, sliding=True)])
            for live, rate in ((True, LIVE), (False, TEST))
        }
        self._narrow = Quota([Window("endpoint-rate", FILES, 1.0, sliding=True)])
        self._endpoint = endpoint and Quota([Window("endpoint-rate", endpoint, 1.0, sliding=True)])
        self.account = self.add_account()
        self.key = self.add_key(live=True)
        self.test_key = self.add_key(live=False)

    # -------------------------------------------------------------------------- for the tests

    def add_account(self, *, of: str | None = None) -> str:
        """Add an account, with nothing in it; `of`: connected to that one. Gives its id."""
        id = "acct_1" + self.dice.word(15)
        for live in (True, False):
            self._books[id, live] = Books(id, live, self.watch, self.seed)
            self._books[id, live].make("accounts", id=id, told=False)
            if of is not None:
                self._books[of, live].make("accounts", id=id, told=False)
        if of is not None:
            self._connected.setdefault(of, set()).add(id)
        return id

    def add_key(
        self,
        account: str | None = None,
        *,
        live: bool = True,
        rights: Iterable[str] | None = None,
    ) -> str:
        """Add a key; with `rights` (`customer_read`) a restricted one. Gives it."""
        kind = "sk" if rights is None else "rk"
        text = f"{kind}_{'live' if live else 'test'}_51{self.dice.word(30)}"
        allowed = None if rights is None else set(rights)
        self.keyring.keys[text] = Key(text, account or self.account, live, allowed)
        return text

    def books(self, account: str | None = None, *, live: bool = True) -> Books:
        """Give what an account has in a mode, to look at and to change. Raises KeyError."""
        return self._books[account or self.account, live]

    # ------------------------------------------------------------------------------ answering

    def respond(self, call: Call[Target]) -> Response:
        """Answer a request."""
        headers = {"content-type": JSON, "request-id": "req_" + self.dice.word(14)}
        try:
            return self._answer(call, headers)
        except Refusal as refusal:
            body = draw_body(refusal.describe())
            return Response(refusal.status, headers, body)

    def _answer(self, call: Call[Target], headers: dict[str, str]) -> Response:
        key = self.keyring.find(call.headers)
        closed = CLOSED.get(call.path.split("/")[2]) if call.path.count("/") > 2 else None
        if closed is not None:
            raise Refusal(400, f"Your account is not set up to use {closed}.")
        if call.route is None:
            raise Refusal(404, f"Unrecognized request URL ({call.method}: {call.path[:200]}).")
        target = call.route.target
        books = self._open_books(call, key)
        books.version = self._read_version(call, books)
        headers["stripe-version"] = books.version
        reason = self._pass_limits(call, target, key, books)
        if reason is not None:
            return self._refuse_for(call, reason)
        if not key.may(target.right, target.writing):
            raise self._not_allowed(target, key, books)
        given = call.headers.get("idempotency-key")
        books.request = {"id": headers["request-id"], "idempotency_key": given}
        try:
            if given is not None and call.method == "POST":
                return self._answer_once(call, books, given, headers)
            return Response(200, headers, self._run(call, books))
        finally:
            books.request = {"id": None, "idempotency_key": None}

    def _run(self, call: Call[Target], books: Books) -> bytes:
        assert call.route is not None
        asked = Asked(books, call.parts, call.query)
        if call.method == "POST":
            asked.form = read_form(call.request.body)
            paths = asked.form.pop("expand", [])
            asked.paths = [str(path) for path in paths] if isinstance(paths, list) else []
        else:
            asked.paths = [one for name, one in call.query if name.startswith("expand[")]
        return call.route.target.run(asked)

    def _answer_once(
        self, call: Call[Target], books: Books, given: str, headers: dict[str, str]
    ) -> Response:
        place = books.id, books.live, given
        said = f"{call.method} {call.path}\n".encode() + call.request.body
        digest = hashlib.sha256(said).digest()
        known = self._remembered.get(place)
        if known is not None and known.at > self.now - KEEPS:
            if known.digest != digest:
                raise Refusal(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters they "
                    f"were first used with. Try using a key other than '{given[:80]}'.",
                    kind="idempotency_error",
                )
            original = known.response.headers["request-id"]
            again = {"idempotent-replayed": "true", "original-request": original}
            return Response(known.response.status, {**headers, **again}, known.response.body)
        headers["idempotency-key"] = given
        response = Response(200, headers, self._run(call, books))
        self._remembered[place] = _Remembered(digest, self.now, response)
        return response

    def _open_books(self, call: Call[Target], key: Key) -> Books:
        wanted = call.headers.get("stripe-account", key.account)
        if wanted != key.account and wanted not in self._connected.get(key.account, ()):
            raise Refusal(
                403,
                f"The provided key '{key.hide()}' does not have access to account "
                f"'{wanted[:40]}' (or that account does not exist).",
                code="account_invalid",
            )
        return self._books[wanted, key.live]

    def _read_version(self, call: Call[Target], books: Books) -> str:
        version = call.headers.get("stripe-version", books.version)
        if version not in KNOWN:
            raise Refusal(400, f"Invalid Stripe API version: {version[:40]}")
        return version

    def _pass_limits(
        self, call: Call[Target], target: Target, key: Key, books: Books
    ) -> str | None:
        """Give the reason why a request may not pass, or None."""
        way = "write" if target.writing else "read"
        who = f"{books.id} {books.live} {way}"
        asked = [(self._quotas[key.live], who)]
        if target.limited:
            asked.append((self._narrow, f"{who} {target.limited}"))
        if self._endpoint:
            asked.append((self._endpoint, f"{who} {call.operation}"))
        for quota, whose in asked:
            verdict = quota.take(whose, self.now)
            if verdict.spent is not None:
                return verdict.spent.window.name
        return None

    def _not_allowed(self, target: Target, key: Key, books: Books) -> Refusal:
        right = f"rak_{target.right}_{'write' if target.writing else 'read'}"
        return Refusal(
            403,
            f"The provided key '{key.hide()}' does not have the required permissions for this "
            f"endpoint on account '{books.id}'. Having the '{right}' permission would allow this "
            "request to continue.",
        )

    def _refuse_for(self, call: Call[Target], reason: str) -> Response:
        error = {
            "code": "rate_limit",
            "doc_url": "https://stripe.com/docs/error-codes/rate-limit",
            "message": "Request rate limit exceeded.",
            "type": "invalid_request_error",
        }
        headers = {
            "content-type": JSON,
            "request-id": "req_" + self.dice.word(14),
            "stripe-rate-limited-reason": reason,
            "stripe-should-retry": "true",
        }
        return Response(429, headers, draw_body({"error": error}))

    def _own_routes(self) -> Iterable[tuple[str, str, Target]]:
        yield "GET", "/v1/account", Target(_show_account, "accounts_kyc_basic")
        yield "GET", "/v1/balance", Target(_show_balance, "balance")

    # --------------------------------------------------------------------------------- faults

    def throttle(self, call: Call[Target], retry_after: str | None) -> Response:
        """Refuse a request as one too many."""
        response = self._refuse_for(call, "global-rate")
        if retry_after is None:
            return response
        headers = {**response.headers, "retry-after": retry_after}
        return Response(response.status, headers, response.body)

    def fail(self, call: Call[Target], status: int) -> Response:
        """Answer with an error of the server; 502 and 504 come from what stands before it."""
        if status in (502, 504):
            return Response(status, {"content-type": "text/html"}, GATEWAY % status)
        refusal = Refusal(status, "An unknown error occurred.", kind="api_error")
        headers = {"content-type": JSON, "request-id": "req_" + self.dice.word(14)}
        return Response(status, headers, draw_body(refusal.describe()))

    def spoil(self, call: Call[Target], fault: Fault) -> bool:
        """Let the key of a request expire, be revoked, or lose a right."""
        text = read_authorization(call.headers.get("authorization", ""))
        key = self.keyring.keys.get(text or "")
        if key is None or call.route is None:
            return False
        if fault is Fault.SCOPE_CUT:
            every = {resource.right for resource in RESOURCES.values()} | {"balance"}
            rights = key.rights or {f"{name}_write" for name in every}
            right = call.route.target.right
            key.rights = rights - {f"{right}_read", f"{right}_write"}
        else:
            key.state = "expired" if fault is Fault.EXPIRED else "revoked"
        return True

    def items(self, call: Call[Target], response: Response) -> list[dict[str, Any]] | None:
        """Give the objects of a list."""
        body = _read_list(call, response)
        return None if body is None else list(body["data"])

    def replace(
        self, call: Call[Target], response: Response, items: list[dict[str, Any]]
    ) -> Response:
        """Give the same page with other objects."""
        body = {**json.loads(response.body), "data": items}
        return Response(response.status, response.headers, draw_body(body))

    def following(self, call: Call[Target], response: Response) -> Request | None:
        """Give the request for the page after this one."""
        body = _read_list(call, response)
        if not body or not body["has_more"] or not body["data"] or call.first("ending_before"):
            return None
        after = [pair for pair in call.query if pair[0] != "starting_after"]
        return _ask_again(call, [*after, ("starting_after", body["data"][-1]["id"])])

    def first_page(self, call: Call[Target]) -> Request:
        """Give the request for the first page."""
        cursors = ("starting_after", "ending_before")
        return _ask_again(call, [pair for pair in call.query if pair[0] not in cursors])

    def lose(self, call: Call[Target], response: Response) -> bool:
        """Delete the last object of a page, on which the cursor of the next one would stand."""
        items = self.items(call, response)
        name = call.route.target.collection if call.route else ""
        deletable = name in WRITES and WRITES[name].deletable
        if not items or not deletable:
            return False
        key = self.keyring.find(call.headers)
        books = self._open_books(call, key)
        if items[-1]["id"] not in books.account[name]:
            return False
        books.delete(name, items[-1]["id"])
        return True


def _read_list(call: Call[Target], response: Response) -> dict[str, Any] | None:
    if call.method != "GET" or response.status != 200 or b'"object": "list"' not in response.body:
        return None
    body = json.loads(response.body)
    return body if body.get("object") == "list" else None


def _ask_again(call: Call[Target], query: list[tuple[str, str]]) -> Request:
    address = call.request.url.partition("?")[0]
    url = f"{address}?{urlencode(query)}" if query else address
    request = call.request
    return Request(request.method, url, request.headers, request.body, request.operation)


def _show_account(asked: Asked) -> bytes:
    return draw_body(asked.books.show("accounts", asked.books.id))


def _show_balance(asked: Asked) -> bytes:
    transactions = asked.books.account["balance_transactions"].all.newest_first()
    amount = sum(one.value["net"] for one in transactions)
    funds = [{"amount": amount, "currency": "usd", "source_types": {"card": amount}}]
    pending = [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
    body = {"object": "balance", "available": funds, "livemode": asked.books.live}
    return draw_body({**body, "pending": pending})
