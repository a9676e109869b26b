"""How records go back: what a restore may create, what it gets a new id for, what never returns.

Parsed and checked together with the reading side; the requests are made by restores.
"""

from typing import Annotated, Literal

from pydantic import Field

from listbackup.connectors.rest.models.placeholders import Body, Template
from listbackup.connectors.rest.models.stanza import Path, Stanza, StreamName


class WriteRequest(Stanza):
    """A request that writes. `body: record` sends the record without what is `left_out`; other
    texts name single fields."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: Template
    query: dict[str, Template] = Field(default_factory=dict)
    encoding: Literal["json", "form"] = "json"
    fields: Body = Field(default_factory=dict)
    idempotency_header: str = ""


class ArchiveOnly(Stanza):
    """It is kept to be looked at, exported and migrated; the platform takes none back."""

    kind: Literal["archive_only"]
    why: str


class Recreate(Stanza):
    """A restore creates it. `id: new` records get a new id, `kept` ones the old one (at
    `chosen_by` of the create request).

    `after`: streams whose records must be there before. `left_out`: fields that are never sent.
    `never_back`: what a restore cannot bring back, for people. `matches`: fields by which a record
    that is still there is recognised. `remembers`: where the old id is noted.
    """

    kind: Literal["create"]
    id: Literal["new", "kept"] = "new"
    chosen_by: str = ""
    create: WriteRequest
    update: WriteRequest | None = None
    delete: WriteRequest | None = None
    after: tuple[StreamName, ...] = ()
    left_out: tuple[Path, ...] = ()
    never_back: tuple[str, ...] = ()
    matches: tuple[Path, ...] = ()
    remembers: str = ""
    caution: str = ""


Restore = Annotated[ArchiveOnly | Recreate, Field(discriminator="kind")]
