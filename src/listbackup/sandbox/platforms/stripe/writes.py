"""Creating, changing and deleting: what each resource takes, and what it does with it.

Which parameters there are stands in `writes_catalog` and `writes_billing`; here is how a write
runs. Events follow from the books.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.parameters import Specs, merge_metadata, read
from listbackup.sandbox.platforms.stripe.refusals import Refusal, missing
from listbackup.sandbox.platforms.stripe.resources import RESOURCES
from listbackup.sandbox.platforms.stripe.shaping import Object

Finish = Callable[[Books, dict[str, Any]], dict[str, Any]]
"""Makes the fields of a new object out of the parameters, or of the changes out of them."""
Check = Callable[[Books, Mapping[str, Any]], None]
Follow = Callable[[Books, Object, dict[str, Any]], None]


def as_given(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    """Keep the parameters as they are."""
    return given


def allow(books: Books, value: Mapping[str, Any]) -> None:
    """Refuse nothing."""


def nothing_more(books: Books, made: Object, given: dict[str, Any]) -> None:
    """Do nothing else."""


@dataclass(frozen=True, slots=True)
class Write:
    """What may be written of one resource.

    `needed` has to be given to create. `finish` makes the fields, `follow` what comes with a new
    object; `may_change` and `may_delete` refuse. None for `create` or `change`: there is none.
    """

    collection: str
    create: Specs | None = None
    needed: tuple[str, ...] = ()
    finish: Finish = as_given
    follow: Follow = nothing_more
    change: Specs | None = None
    adapt: Callable[[Books, Mapping[str, Any], dict[str, Any]], dict[str, Any]] | None = None
    may_change: Check = allow
    deletable: bool = False
    may_delete: Check = allow


def run_create(books: Books, write: Write, given: Mapping[str, Any]) -> Object:
    """Create an object. Raises Refusal."""
    fields = read(given, write.create or {}, write.needed)
    raw = dict(fields)
    if "metadata" in fields:
        fields["metadata"] = merge_metadata({}, fields["metadata"])
    id = fields.pop("id", None)
    if id is not None and id in books.account[write.collection]:
        kind = RESOURCES[write.collection].kind.capitalize()
        raise Refusal(400, f"{kind} already exists.", code="resource_already_exists", param="id")
    fields = write.finish(books, fields)
    made = books.make(write.collection, id=id, told=False, **fields)
    write.follow(books, made, raw)
    books.account.announce(write.collection, made["id"])
    return books.show(write.collection, made["id"])


def run_change(books: Books, write: Write, id: str, given: Mapping[str, Any]) -> Object:
    """Change an object. Raises Refusal."""
    record = books.account[write.collection].get(id)
    if record is None:
        raise missing(RESOURCES[write.collection].kind, id, "id")
    fields = read(given, write.change or {})
    write.may_change(books, record.value)
    if "metadata" in fields:
        fields["metadata"] = merge_metadata(record.value["metadata"], fields["metadata"])
    if write.adapt is not None:
        fields = write.adapt(books, record.value, fields)
    if any(record.value.get(name) != value for name, value in fields.items()):
        return books.change(write.collection, id, **fields)
    return books.show(write.collection, id)


def run_delete(books: Books, write: Write, id: str) -> Object:
    """Delete an object; gives its stub. Raises Refusal."""
    record = books.account[write.collection].get(id)
    if record is None:
        raise missing(RESOURCES[write.collection].kind, id, "id")
    write.may_delete(books, record.value)
    books.delete(write.collection, id)
    return {"id": id, "object": RESOURCES[write.collection].kind, "deleted": True}


def need(books: Books, collection: str, id: Any, param: str) -> Object:
    """Give an object that a parameter names. Raises Refusal."""
    if not isinstance(id, str) or id not in books.account[collection]:
        raise missing(RESOURCES[collection].kind, str(id), param, 400)
    return books.show(collection, id)
