"""Keap's REST v2: tenants behind OAuth applications and keys, with their different budgets.

The interface stands at `/crm/rest/v2`, authorization at `/app/oauth/authorize`, tokens at
`/token`. Source: Keap REST v2 specification and developer.infusionsoft.com.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.faults import Fault
from listbackup.sandbox.platforms.keap.errors import RefusedError, refuse
from listbackup.sandbox.platforms.keap.limits import Budgets, pretend_free, throttle
from listbackup.sandbox.platforms.keap.listings import LISTINGS
from listbackup.sandbox.platforms.keap.routes import PREFIX, make_routes
from listbackup.sandbox.platforms.keap.tenants import Tenant
from listbackup.sandbox.platforms.keap.visits import Handler, Visit
from listbackup.sandbox.platforms.oauth import Authority, Standing, Terms
from listbackup.sandbox.platforms.oauth_endpoints import Endpoints
from listbackup.sandbox.platforms.state import Watch

Answer = Callable[[Call[Any]], Response]

AUTHORIZE, TOKEN, REVOKE = "/app/oauth/authorize", "/token", "/token/revoke"
KEY_HEADER = "x-keap-api-key"
_LISTS = {f"GET {PREFIX}{listing.path}": listing for listing in LISTINGS}


class Keap(Application[Answer]):
    """The platform: `tenants` by name, `authority` for OAuth, `budgets`, and keys."""

    def __init__(self, watch: Watch, seed: int = 0) -> None:
        routes: list[tuple[str, str, Answer]] = [
            (method, path, partial(self._serve, handler)) for method, path, handler in make_routes()
        ]
        self.tenants: dict[str, Tenant] = {}
        terms = Terms(scope_form="{scopes}|{subject}.infusionsoft.com")
        self.budgets = Budgets()
        self._keys: dict[str, str] = {}
        self._denied: set[tuple[str, str]] = set()
        super().__init__("keap", watch, seed, [])
        self.authority = Authority(watch, self.dice.bytes, terms)
        endpoints = Endpoints(self.authority, lambda: sorted(self.tenants))
        routes += [
            ("GET", AUTHORIZE, endpoints.authorize),
            ("POST", AUTHORIZE, endpoints.decide),
            ("POST", TOKEN, endpoints.token),
            ("POST", REVOKE, endpoints.revoke),
        ]
        self.router = type(self.router)(routes)

    def add_tenant(self, name: str) -> Tenant:
        """Open an account, empty but for its first user."""
        tenant = self.tenants[name] = Tenant(name, self.watch)
        owner = {"given_name": "Olivia", "family_name": "Owner", "status": "ACTIVE", "admin": True}
        emails = [{"email": f"owner@{name}.example", "field": "EMAIL1"}]
        tenant.add("users", {**owner, "email_addresses": emails})
        return tenant

    def issue_key(self, tenant: str) -> str:
        """Make a key (personal access token or service account key) for a tenant."""
        key = f"KeapAK-{self.dice.bytes(20).hex()}"
        self._keys[key] = tenant
        return key

    def revoke_key(self, key: str) -> None:
        """Take a key back."""
        self._keys.pop(key, None)

    def respond(self, call: Call[Answer]) -> Response:
        """Answer a request: authentication, limits, and what it asks for."""
        if call.route is not None:
            return call.route.target(call)
        if call.allowed:
            response = refuse(405, f"Method {call.method} is not allowed")
            allowed = ", ".join(sorted(set(call.allowed)))
            return Response(405, {**response.headers, "allow": allowed}, response.body)
        return refuse(404, f"No such resource: {call.path}")

    def _serve(self, handler: Handler, call: Call[Any]) -> Response:
        try:
            tenant, client, credential = self._recognise(call)
        except RefusedError as error:
            return error.respond()
        if client is None:
            passes, headers = self.budgets.take_for_key(tenant.name, credential, self.now)
        else:
            passes, headers = self.budgets.take_for_client(client, self.now)
        if not passes:
            response = throttle()
        elif (credential, call.operation) in self._denied:
            response = refuse(403, "The token does not have the scope for this operation")
        else:
            try:
                response = handler(Visit(tenant, call))
            except RefusedError as error:
                response = error.respond()
        return Response(response.status, {**response.headers, **headers}, response.body)

    def _recognise(self, call: Call[Any]) -> tuple[Tenant, str | None, str]:
        """Say whose data is asked for, by which application, if any, and by which credential."""
        if (key := call.headers.get(KEY_HEADER)) is not None:
            if (name := self._keys.get(key)) is None:
                raise RefusedError(401, "Invalid API key")
            return self.tenants[name], None, f"key:{key}"
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise RefusedError(401, "Authentication is required")
        standing, access = self.authority.look(token)
        if access is None or standing is not Standing.GOOD:
            raise RefusedError(401, f"Invalid access token: {standing.value}")
        if "full" not in access.scopes:
            raise RefusedError(403, "The token does not have the scope 'full'")
        grant = access.grant
        return self.tenants[grant.subject], grant.client, f"grant:{grant.number}"

    def throttle(self, call: Call[Answer], retry_after: str | None) -> Response:
        """Refuse a request as one too many, in Keap's words."""
        return throttle(retry_after)

    def boast(self, call: Call[Answer], response: Response) -> Response:
        """Let the headers of the rate limits say that everything is free."""
        return Response(response.status, pretend_free(dict(response.headers)), response.body)

    def fail(self, call: Call[Answer], status: int) -> Response:
        """Answer with an error of the server."""
        return refuse(status, "The server could not answer")

    def spoil(self, call: Call[Answer], fault: Fault) -> bool:
        """Let the credentials of a request expire, be revoked, or lose the right to this
        operation; a key that expires is gone for good."""
        try:
            _, _, credential = self._recognise(call)
        except RefusedError:
            return False
        if fault is Fault.SCOPE_CUT:
            self._denied.add((credential, call.operation))
        elif credential.startswith("key:"):
            self.revoke_key(credential.removeprefix("key:"))
        else:
            token = call.headers["authorization"].partition(" ")[2]
            if fault is Fault.EXPIRED:
                return self.authority.expire(token)
            _, access = self.authority.look(token)
            if access is not None:
                self.authority.revoke_grant(access.grant)
        return True

    def reader(self, call: Call[Answer]) -> str:
        """Name who reads, so that nobody is given pages of another."""
        return call.headers.get(KEY_HEADER) or call.headers.get("authorization", "")

    def items(self, call: Call[Answer], response: Response) -> list[dict[str, Any]] | None:
        """Give the records of a page, or None where it is no page of a list."""
        listing = _LISTS.get(call.operation)
        if listing is None or response.status != 200:
            return None
        found = msgspec.json.decode(response.body).get(listing.within)
        whole = isinstance(found, list) and all(isinstance(item, dict) for item in found)
        return found if whole else None

    def replace(
        self, call: Call[Answer], response: Response, items: list[dict[str, Any]]
    ) -> Response:
        """Give the same page with other records."""
        body = msgspec.json.decode(response.body)
        body[_LISTS[call.operation].within] = items
        return Response(response.status, response.headers, msgspec.json.encode(body))

    def following(self, call: Call[Answer], response: Response) -> Request | None:
        """Give the request for the page after this one, or None after the last."""
        if self.items(call, response) is None:
            return None
        token = msgspec.json.decode(response.body).get("next_page_token")
        return _with_token(call.request, token) if token else None

    def first_page(self, call: Call[Answer]) -> Request:
        """Give the request for the first page of the same list."""
        return _with_token(call.request, None)

    def lose(self, call: Call[Answer], response: Response) -> bool:
        """Delete the last record of the page."""
        items, listing = self.items(call, response), _LISTS.get(call.operation)
        if not items or listing is None or listing.view:
            return False
        tenant, _, _ = self._recognise(call)
        name = tenant[listing.table].plan.name
        if not name or tenant.find(listing.table, items[-1].get(name)) is None:
            return False
        tenant.remove(listing.table, items[-1][name])
        return True


def _with_token(request: Request, token: str | None) -> Request:
    parts = urlsplit(request.url)
    pairs = [pair for pair in parse_qsl(parts.query) if pair[0] != "page_token"]
    if token is not None:
        pairs.append(("page_token", token))
    url = urlunsplit(parts._replace(query=urlencode(pairs)))
    return Request(request.method, url, request.headers, request.body, request.operation)
