"""The lists of a platform: how each is asked for, what changes are seen, what its fields are."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from listbackup.connectors.rest.models.pagination import PagingOrName
from listbackup.connectors.rest.models.placeholders import Body, Template, Wrapped
from listbackup.connectors.rest.models.stanza import Name, Path, Span, Stanza, StreamName, find_zone
from listbackup.connectors.rest.models.writing import Restore

TimeFormat = Literal[
    "unix", "unix_ms", "iso", "iso_ms", "iso_offset", "local", "local_space", "rfc2822", "date"
]


class Request(Stanza):
    """One request. A query parameter whose text has a placeholder without value is left out.
    `body` is JSON, or a form where `form` is true; texts in it may have placeholders."""

    method: Literal["GET", "POST"] = "GET"
    path: Template
    query: dict[str, Template | tuple[Template, ...]] = Field(default_factory=dict)
    headers: dict[str, Template] = Field(default_factory=dict)
    body: Body | None = None
    form: bool = False


class Since(Stanza):
    """A filter that gives only what was changed since a moment.

    `field` is where a record says its own time. `sees: created` filters see new records only;
    changes have to come from a feed, or from full listings. What changed in the `lookback` before
    the last sync is asked for again, because indexes lag and clocks differ. `until`, where given,
    closes the span, and `slices` cuts a listing into spans that have at most so many records.
    `wrapped`: what the parameter says where the moment alone is not it; `{record.FIELD}`, of the
    field above, is the moment (`start_time=={record.updated}`), or an object or list for a body of
    JSON; `until_wrapped` the same for `until`. `zone`: where `local` times (without a zone, in
    texts and records) and dates are told, such as `Europe/Berlin`. A parameter that says something
    already has both, with `joined` between them.
    """

    param: str
    until: str = ""
    field: Path
    written: TimeFormat = "iso"
    zone: str = "UTC"
    wrapped: Wrapped | None = None
    until_wrapped: Wrapped | None = None
    joined: str = ";"
    sees: Literal["changed", "created"] = "changed"
    lookback: Span = 3600

    @field_validator("zone")
    @classmethod
    def _know_zone(cls, value: str) -> str:
        find_zone(value)
        return value


class Slices(Stanza):
    """A listing is cut into spans of time by `since` (which has to have an `until`), each with at
    most `most` records, because the platform gives no more of one search."""

    most: PositiveInt = 10_000
    begins: str = "2000-01-01T00:00:00Z"


class Parent(Stanza):
    """The list is asked for once for each record of another stream, whose fields `fields` stand
    as `{parent.FIELD}` in the request. `when: changed` asks in an incremental sync only for
    records that came. `where`: a field of the parent's record; the list is asked for only where
    it is true (`lines.has_more`: the record itself holds a list's beginning, and says that there
    is more)."""

    stream: StreamName
    fields: tuple[Path, ...] = (("id",),)
    when: Literal["all", "changed"] = "all"
    where: Path = ()


class Properties(Stanza):
    """Fields have to be asked for by name: `names` are always, and those that a request lists, at
    `name` of each of its `records`, too."""

    param: str
    joined: str = ","
    names: tuple[str, ...] = ()
    request: Request | None = None
    records: Path = ()
    name: Path = ("name",)
    prefix: str = ""


class Total(Stanza):
    """What the platform says of how many there are: at a path of each page or in a `header`, or
    in an answer to a request of its own. `exact: false` is for progress only."""

    path: Path = ()
    header: str = ""
    request: Request | None = None
    exact: bool = True

    @model_validator(mode="after")
    def _say_where(self) -> "Total":
        if bool(self.path) == bool(self.header):
            raise ValueError("either `path` or `header` says where the count is")
        return self


class Deleted(Stanza):
    """A list of what was deleted: the same request with other parameters, or one of its own."""

    request: Request
    paging: PagingOrName | None = None
    records: Path = ()
    key: tuple[Path, ...] = (("id",),)
    since: Since | None = None


class FieldFact(Stanza):
    """What is known of a field of a stream's records."""

    read_only: bool = False
    refers_to: StreamName | None = None
    secret: bool = False
    personal: bool = False
    returns: bool = True


class Stream(Stanza):
    """One list.

    `records`: where in a page they are, `records_as` how: a `list`, a `map` (an object with the
    records by their keys, which go into the field `map_key`), or `one` (a single record where there
    is only one). `absent: empty`: where there is null, or nothing, there are none. `adds`: fields
    put in front of each record, for lists whose records do not say whose they are. `since`:
    incremental; without it each sync lists all. `full_every`: so often all is listed although there
    is a filter or a feed, to see what was deleted. `one`: the request for a single record, by
    `{record.FIELD}`. `concurrent`: so many requests at once where they do not depend on each other
    (children, slices, single records).
    `gone`: a field that is true where the answer to `one` tells of a record that is no more, for
    platforms that do not answer 404. `twice`: a whole listing is read again until nothing new
    comes: for lists that one does not trust, of which the platform says no count.
    """

    name: StreamName
    title: str = ""
    request: Request
    records: Path = ()
    records_as: Literal["list", "map", "one"] = "list"
    map_key: str = ""
    absent: Literal["failure", "empty"] = "failure"
    key: tuple[Path, ...] = (("id",),)
    paging: PagingOrName | None = None
    parent: Parent | None = None
    adds: dict[Name, Template] = Field(default_factory=dict)
    since: Since | None = None
    slices: Slices | None = None
    full_every: Span = 7 * 86400
    properties: Properties | None = None
    total: Total | None = None
    deleted: Deleted | None = None
    one: Request | None = None
    gone: Path = ("deleted",)
    concurrent: PositiveInt = 4
    twice: bool = False
    optional: bool = False
    fields: dict[str, FieldFact] = Field(default_factory=dict)
    restore: Restore
    covers: tuple[str, ...] = ()


class FeedStream(Stanza):
    """Which events speak of a stream: `object` is the kind of object that they name. `id`, where
    given: the event names the stream's record there (a record that has the object inside)."""

    stream: StreamName
    object: str
    id: Path = ()


class Feed(Stanza):
    """A list of events that say what changed and what was deleted. What changed is read again by
    the stream's `one` request: an event's own rendering is old, and of another version.

    Events are kept for `keeps`: a sync after a longer while lists all. `type`, `object`, `id`:
    where an event says what happened, to which kind of object, and to which. `deleted`: ends of
    the types that say that it is gone.
    """

    name: Name
    request: Request
    records: Path = ()
    key: Path = ("id",)
    paging: PagingOrName | None = None
    since: Since
    keeps: Span
    type: Path
    object: Path
    id: Path
    deleted: tuple[str, ...] = ()
    streams: Annotated[tuple[FeedStream, ...], Field(min_length=1)]
