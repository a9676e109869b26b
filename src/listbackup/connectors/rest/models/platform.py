"""A whole platform, as one YAML file describes it."""

from typing import Annotated

from pydantic import Field, PositiveInt

from listbackup.connectors.rest.models.authentication import Authentication
from listbackup.connectors.rest.models.budgets import Budget, Failures
from listbackup.connectors.rest.models.pagination import Paging
from listbackup.connectors.rest.models.placeholders import Template
from listbackup.connectors.rest.models.stanza import Name, Path, Span, Stanza
from listbackup.connectors.rest.models.streams import Feed, Request, Stream


class Setting(Stanza):
    """Something that a source is told once: `{setting.NAME}`. Empty where it may be left out and
    was: what has the placeholder (a header, a parameter) is left out with it."""

    name: Name
    title: str
    hint: str = ""
    default: str | None = None
    pattern: str = ""
    required: bool = False


class Who(Stanza):
    """Which account of the platform this is: a request, and where its answer says so. A sync that
    meets another account under a known name is refused."""

    request: Request
    id: Path
    title: Path = ()


class Excluded(Stanza):
    """A list of the platform that is no stream, and why. `operation` is `METHOD /path`."""

    operation: str
    why: str


class Platform(Stanza):
    """A platform. `version` names the API's version, for people and manifests; `headers` go with
    every request; `concurrent` requests run at once over all streams; a page that a dead sync was
    told to go on with is used up to `resume_within` later."""

    platform: Name
    title: str
    version: str
    about: str = ""
    base_url: Template
    headers: dict[str, Template] = Field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    authentication: Annotated[tuple[Authentication, ...], Field(min_length=1)]
    budgets: tuple[Budget, ...] = ()
    concurrent: PositiveInt = 8
    resume_within: Span = 6 * 3600
    paging: dict[Name, Paging] = Field(default_factory=dict)
    failures: Failures = Failures()
    who: Who | None = None
    streams: Annotated[tuple[Stream, ...], Field(min_length=1)]
    feeds: tuple[Feed, ...] = ()
    excluded: tuple[Excluded, ...] = ()
