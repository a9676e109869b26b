"""How a list goes on after its first page.

Every kind says where the next page is asked for; `size` names the parameter for records a page
and the number to ask for (the most that the platform gives). Parameters go into the query, or into
the JSON body where the stream's request has one. `most`: so many records one search reaches; `all`
says that there is no such limit, so that exactly 10,000 records are not taken for one.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from listbackup.connectors.rest.models.placeholders import Template
from listbackup.connectors.rest.models.stanza import Name, Path, Stanza


class PageSize(Stanza):
    """How many records a page is asked to have; without a `param` it has so many, always."""

    param: str = ""
    value: PositiveInt


Most = PositiveInt | Literal["all"]


class OnePage(Stanza):
    """There is only one page."""

    kind: Literal["one_page"]


class Cursor(Stanza):
    """The page tells a token for the next one, at `token` of its body or in a `header`; absent,
    null, empty or one of `ends` at the end. `more`, where given, is a field of the page that is
    true while there is more: both have to agree. `also`: where a place takes several values,
    further parameters with the paths of theirs."""

    kind: Literal["cursor"]
    token: Path = ()
    header: str = ""
    param: str
    also: dict[str, Path] = Field(default_factory=dict)
    ends: tuple[str, ...] = ()
    more: Path = ()
    size: PageSize | None = None
    most: Most | None = None

    @model_validator(mode="after")
    def _say_where(self) -> "Cursor":
        if bool(self.token) == bool(self.header):
            raise ValueError("either `token` or `header` says where the token is")
        return self


class AfterKey(Stanza):
    """The next page begins after the last record's key, and `more` tells whether there is one."""

    kind: Literal["after_key"]
    param: str
    field: Path = ("id",)
    more: Path
    size: PageSize | None = None
    most: Most | None = None


class PageNumber(Stanza):
    """Pages have numbers. It ends with a page that is empty or, where `short_ends` (only where
    the platform fills its pages), shorter than asked for. `most` records can be reached."""

    kind: Literal["page_number"]
    param: str
    first: int = 1
    size: PageSize
    short_ends: bool = False
    most: Most | None = None


class Offset(Stanza):
    """The next page begins after so many records. Ends as `page_number`."""

    kind: Literal["offset"]
    param: str
    size: PageSize
    short_ends: bool = False
    most: Most | None = None


class LinkHeader(Stanza):
    """The header `Link` names the next page with `rel="next"` (RFC 8288)."""

    kind: Literal["link_header"]
    size: PageSize | None = None
    most: Most | None = None


class NextUrl(Stanza):
    """The page has the next one's URL, absolute or relative, at a path."""

    kind: Literal["next_url"]
    url: Path
    size: PageSize | None = None
    most: Most | None = None


class Keyset(Stanza):
    """Search-after: records come ordered by a field, the greatest first where `descending`, and
    the next page asks for those with a value from the last one on. `param` is the parameter;
    where the comparison includes the value itself (`inclusive`), records come twice and are told
    apart by key."""

    kind: Literal["keyset"]
    field: Path
    param: str
    written: Template | None = None
    inclusive: bool = True
    descending: bool = False
    order: dict[str, Template] = Field(default_factory=dict)
    size: PageSize


class SearchAfter(Stanza):
    """The last record tells at `field` an array of values that the next page is asked to begin
    after, in the parameter `param` of the body."""

    kind: Literal["search_after"]
    field: Path
    param: str
    size: PageSize
    most: Most | None = None


Paging = Annotated[
    OnePage | Cursor | AfterKey | PageNumber | Offset | LinkHeader | NextUrl | Keyset | SearchAfter,
    Field(discriminator="kind"),
]


def _tell_apart(value: Any) -> str:
    return "(name)" if isinstance(value, str) else "(kind)"


def find_reach(paging: Paging) -> int | None:
    """Give how many records one search reaches at all; None where no limit is known."""
    most = getattr(paging, "most", None)
    return most if isinstance(most, int) else None


PagingOrName = Annotated[
    Annotated[Paging, Tag("(kind)")] | Annotated[Name, Tag("(name)")], Discriminator(_tell_apart)
]
"""A way of paging, or the name of one that the platform declares under `paging`."""
