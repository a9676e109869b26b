"""How a source proves who it is: what a person is asked for, and where it goes in a request."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from listbackup.connectors.rest.models.placeholders import Template
from listbackup.connectors.rest.models.stanza import Name, Span, Stanza


class Place(Stanza):
    """Where a key goes: into a `header`, after `prefix`, or into the parameter `param` of the
    query."""

    header: str = ""
    param: str = ""
    prefix: str = ""

    @model_validator(mode="after")
    def _say_where(self) -> "Place":
        if bool(self.header) == bool(self.param):
            raise ValueError("either `header` or `param` says where the key goes")
        return self


class FurtherKey(Place):
    """Another secret that goes with the key; it is asked for by its `name`."""

    name: Name
    title: str
    hint: str = ""


class ApiKey(Place):
    """A key in a header, or in the query; `also` others that go with it."""

    kind: Literal["api_key"]
    name: Name
    title: str
    hint: str = ""
    also: tuple[FurtherKey, ...] = ()
    budgets: tuple[Name, ...] = ()


class Bearer(Stanza):
    """A token that does not expire by itself, as `Authorization: Bearer`."""

    kind: Literal["bearer"]
    name: Name
    title: str
    hint: str = ""
    budgets: tuple[Name, ...] = ()


class Basic(Stanza):
    """User and password, or a key as user without password (`password: none`)."""

    kind: Literal["basic"]
    name: Name
    title: str
    hint: str = ""
    password: Literal["asked", "none"] = "asked"
    budgets: tuple[Name, ...] = ()


class NoProof(Stanza):
    """Nothing: whoever asks is answered."""

    kind: Literal["none"]
    name: Name
    title: str
    hint: str = ""
    budgets: tuple[Name, ...] = ()


class OAuthCode(Stanza):
    """OAuth 2, authorization code (RFC 6749 4.1), with PKCE (RFC 7636) and refresh tokens.

    `rotates`: each refresh token is good for one use. Access tokens are refreshed `refresh_ahead`
    before they expire; `lifetime` is assumed where the server does not say. `redirect`: where the
    browser comes back to, for platforms that want that registered. `client`: the client's
    id and secret are sent in a basic header or in the body. `parameters` go with the question for
    consent, `token_parameters` with those for tokens.
    """

    kind: Literal["oauth2_code"]
    name: Name
    title: str
    hint: str = ""
    authorize_url: Template
    token_url: Template
    revoke_url: Template | None = None
    scopes: tuple[str, ...] = ()
    redirect: str = ""
    pkce: bool = True
    client: Literal["basic", "body"] = "basic"
    rotates: bool = True
    lifetime: Span = 3600
    refresh_ahead: Span = 300
    parameters: dict[str, Template] = Field(default_factory=dict)
    token_parameters: dict[str, Template] = Field(default_factory=dict)
    budgets: tuple[Name, ...] = ()


class OAuthClient(Stanza):
    """OAuth 2, client credentials (RFC 6749 4.4). `sends`: tokens are asked for by a form, as the
    RFC has it, or by JSON."""

    kind: Literal["oauth2_client"]
    name: Name
    title: str
    hint: str = ""
    token_url: Template
    scopes: tuple[str, ...] = ()
    client: Literal["basic", "body"] = "basic"
    sends: Literal["form", "json"] = "form"
    lifetime: Span = 3600
    refresh_ahead: Span = 300
    parameters: dict[str, Template] = Field(default_factory=dict)
    budgets: tuple[Name, ...] = ()


Authentication = Annotated[
    ApiKey | Bearer | Basic | NoProof | OAuthCode | OAuthClient, Field(discriminator="kind")
]
