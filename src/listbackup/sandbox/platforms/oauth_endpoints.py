"""The authorization server over HTTP: the page on which a person consents, tokens, revocation.

A platform mounts these where its own are. Source: RFC 6749, sections 4.1, 5 and 6; RFC 7009.
"""

import base64
import binascii
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import msgspec

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.oauth import Authority, Client, OAuthError, Tokens, Wish

_LONGEST_CHALLENGE = 128
_PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}
_HTML = {"content-type": "text/html; charset=utf-8", **_PRIVATE}
_JSON = {"content-type": "application/json;charset=UTF-8", **_PRIVATE}


@dataclass(slots=True)
class Endpoints:
    """The endpoints of one authority. `subjects` names the accounts a person may choose from."""

    authority: Authority
    subjects: Callable[[], list[str]]
    _open: dict[str, Wish] = field(default_factory=dict)

    def authorize(self, call: Call[Any]) -> Response:
        """Show the page on which a person consents."""
        try:
            client, redirect = self._read_client(dict(call.query))
        except OAuthError as error:
            # Nobody knows where an untrusted redirect leads: the person is told, not the client.
            return Response(400, dict(_HTML), _page("Not possible", html.escape(str(error))))
        state = call.first("state")
        try:
            wish = _read_wish(client, redirect, dict(call.query))
        except OAuthError as error:
            return _send_back(
                redirect, state, {"error": error.code, "error_description": str(error)}
            )
        ticket = base64.urlsafe_b64encode(self.authority.entropy(18)).decode()
        self._open[ticket] = wish
        return Response(200, dict(_HTML), _ask(client, wish, ticket, self.subjects(), call.path))

    def decide(self, call: Call[Any]) -> Response:
        """Take the person's answer: `ticket`, `decision` (`approve` or `deny`), `account`."""
        form = read_form(call)
        wish = self._open.pop(form.get("ticket", ""), None)
        if wish is None:
            return Response(400, dict(_HTML), _page("Not possible", "This page is out of date."))
        if form.get("decision") != "approve":
            self.authority.counts.denials += 1
            error = {"error": "access_denied", "error_description": "the person said no"}
            return _send_back(wish.redirect, wish.state, error)
        subject = form.get("account", "")
        if subject not in self.subjects():
            return Response(400, dict(_HTML), _page("Not possible", "No such account."))
        code = self.authority.consent(wish, subject)
        return _send_back(wish.redirect, wish.state, {"code": code})

    def token(self, call: Call[Any]) -> Response:
        """Give tokens for a code or a refresh token."""
        form = read_form(call)
        try:
            client = self._authenticate(call, form)
            tokens = self._grant(client, form)
        except OAuthError as error:
            self.authority.counts.refusals += 1
            return _refuse(error, basic="authorization" in call.headers)
        return Response(200, dict(_JSON), msgspec.json.encode(_describe(tokens)))

    def revoke(self, call: Call[Any]) -> Response:
        """Revoke a token."""
        form = read_form(call)
        try:
            client = self._authenticate(call, form)
            token = _need(form, "token")
        except OAuthError as error:
            return _refuse(error, basic="authorization" in call.headers)
        self.authority.revoke(client, token)
        return Response(200, dict(_JSON), b"{}")

    def _read_client(self, query: Mapping[str, str]) -> tuple[Client, str]:
        client = self.authority.clients.get(query.get("client_id", ""))
        if client is None:
            raise OAuthError("invalid_client", "client_id is not known")
        redirect = query.get("redirect_uri", "")
        if redirect not in client.redirects:
            raise OAuthError("invalid_request", "redirect_uri is not one of this client's")
        return client, redirect

    def _authenticate(self, call: Call[Any], form: Mapping[str, str]) -> Client:
        header = call.headers.get("authorization", "")
        named, secret = form.get("client_id", ""), form.get("client_secret", "")
        if header:
            if secret:
                raise OAuthError("invalid_request", "the client authenticates in two ways")
            named, secret = _read_basic(header)
        client = self.authority.clients.get(named)
        if client is None or client.secret != secret:
            raise OAuthError("invalid_client", "client authentication failed")
        return client

    def _grant(self, client: Client, form: Mapping[str, str]) -> Tokens:
        match _need(form, "grant_type"):
            case "authorization_code":
                code, redirect = _need(form, "code"), _need(form, "redirect_uri")
                verifier = form.get("code_verifier", "")
                return self.authority.exchange(client, code, redirect, verifier)
            case "refresh_token":
                scopes = form.get("scope", "").split()
                return self.authority.refresh(client, _need(form, "refresh_token"), scopes)
            case other:
                raise OAuthError("unsupported_grant_type", f"grant_type {other}")


def read_form(call: Call[Any]) -> dict[str, str]:
    """Read a form; parameters that occur twice are left out, as if they were not there."""
    pairs = parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True)
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _read_wish(client: Client, redirect: str, query: Mapping[str, str]) -> Wish:
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    scopes = tuple(query.get("scope", "").split()) or client.scopes
    if not set(scopes) <= set(client.scopes):
        raise OAuthError("invalid_scope", "a scope is not this client's")
    challenge = query.get("code_challenge", "")
    if challenge and query.get("code_challenge_method", "plain") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if len(challenge) > _LONGEST_CHALLENGE or (not challenge and not client.secret):
        raise OAuthError("invalid_request", "a code_challenge is required")
    return Wish(client, redirect, scopes, query.get("state"), challenge)


def _need(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise OAuthError("invalid_request", f"{name} is missing")
    return form[name]


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, data = header.partition(" ")
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "client authentication failed")
    return unquote_plus(name), unquote_plus(secret)


def _describe(tokens: Tokens) -> dict[str, object]:
    return {
        "access_token": tokens.access,
        "token_type": "bearer",
        "expires_in": tokens.lifetime,
        "refresh_token": tokens.refresh,
        "scope": tokens.scope,
    }


def _refuse(error: OAuthError, *, basic: bool) -> Response:
    failed = error.code == "invalid_client"
    headers = {**_JSON, **({"www-authenticate": "Basic realm=sandbox"} if failed and basic else {})}
    body = {"error": error.code, "error_description": str(error)}
    return Response(401 if failed else 400, headers, msgspec.json.encode(body))


def _send_back(redirect: str, state: str | None, answer: Mapping[str, str]) -> Response:
    pairs = {**answer, **({} if state is None else {"state": state})}
    joint = "&" if urlsplit(redirect).query else "?"
    return Response(302, {"location": f"{redirect}{joint}{urlencode(pairs)}", **_PRIVATE})


def _ask(client: Client, wish: Wish, ticket: str, subjects: list[str], path: str) -> bytes:
    name, scopes = html.escape(client.id), html.escape(", ".join(wish.scopes))
    accounts = [html.escape(subject, quote=True) for subject in subjects]
    options = "".join(f'<option value="{account}">{account}</option>' for account in accounts)
    return _page(
        "May this application read your account?",
        f"<p><b>{name}</b> asks for: {scopes}</p>"
        f'<form method="post" action="{html.escape(path, quote=True)}">'
        f'<input type="hidden" name="ticket" value="{ticket}">'
        f'<p><label>Account <select name="account">{options}</select></label></p>'
        '<p><button name="decision" value="approve">Allow</button> '
        '<button name="decision" value="deny">Deny</button></p></form>',
    )


def _page(title: str, text: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"</head><body><h1>{title}</h1>{text}<p>This is a sandbox.</p></body></html>\n"
    ).encode()
