"""How many requests a platform allows: windows, who shares them, and what its answers tell."""

from typing import Literal

from pydantic import Field, PositiveInt

from listbackup.connectors.rest.models.stanza import Name, Path, Span, Stanza


class Window(Stanza):
    """So many requests within a span; `aligned: utc` windows begin anew at multiples of their
    span (a day: 00:00 UTC), others slide. `title` is what a waiting person reads."""

    requests: PositiveInt
    within: Span
    aligned: Literal["no", "utc"] = "no"
    title: str = ""


class Told(Stanza):
    """Headers of an answer that speak of a budget. `reset` is a number of seconds from now
    (`seconds`), of milliseconds (`milliseconds`), a Unix time (`unix`, in milliseconds `unix_ms`)
    or a date (`date`)."""

    limit: str = ""
    remaining: str = ""
    reset: str = ""
    reset_in: Literal["seconds", "milliseconds", "unix", "unix_ms", "date"] = "seconds"
    within: Span | None = None


class Budget(Stanza):
    """One budget. `scope` says who shares it: all that use one `client` (an OAuth application
    over all its tenants), one `key`, or one `account` of the platform. `operations` are prefixes
    of `METHOD /path`; none means all."""

    name: Name
    title: str
    scope: Literal["client", "key", "account"] = "key"
    windows: tuple[Window, ...] = ()
    concurrent: PositiveInt | None = None
    operations: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


class ErrorRule(Stanza):
    """What an answer means. All that is given must hold: one of the `status`es, a text at `path`
    of the JSON body that is one of `equals` or has `contains`, a `header` that is there, a request
    of `operations` (beginnings of `METHOD /path`). First match wins; without one the status
    decides. `empty`: it is how the platform says that a list has nothing."""

    status: tuple[int, ...] = ()
    path: Path = ()
    equals: tuple[str, ...] = ()
    contains: str = ""
    header: str = ""
    operations: tuple[str, ...] = ()
    means: Literal[
        "rate_limited",
        "transient",
        "auth",
        "forbidden",
        "missing",
        "invalid",
        "expired_page",
        "empty",
    ]
    says: str = ""


class Failures(Stanza):
    """How a platform says that something went wrong: rules, and where its message stands.
    `signs`: whether a page whose top says `error`, `success: false` and the like is a failure
    although its status is not."""

    rules: tuple[ErrorRule, ...] = Field(default=())
    message: Path = ()
    signs: Literal["heeded", "ignored"] = "heeded"
