"""What is said of a resource of Stripe, and of a list below an object."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object and its list, `GET /v1/{collection}`.

    `right` is the permission of restricted keys (`customer` for `customer_read`). `filters`: name
    of a query parameter -> field that has to be equal. `times`: fields that may be asked for with
    `[gte]` and its like. `event` is how events about it begin, `happens` which ends there are.
    `required`: parameters without which the list is refused. `listed`: whether there is a list.
    """

    collection: str
    kind: str
    prefix: str
    right: str
    filters: Mapping[str, str]
    times: tuple[str, ...]
    event: str
    happens: frozenset[str]
    required: tuple[str, ...] = ()
    listed: bool = True
    retrieved: bool = True


@dataclass(frozen=True, slots=True)
class Child:
    """A list below an object: `GET /v1/{parent}/{id}/{name}` has those of `collection` whose
    `field` is the parent's id. The first `embedded` of them stand in the object itself; with 0
    they stand there only when expanded, and with None never."""

    parent: str
    name: str
    collection: str
    field: str
    embedded: int | None = None
    retrieved: bool = False
    hidden_url: bool = False


def row(
    collection: str,
    kind: str,
    prefix: str,
    filters: str = "",
    *,
    times: str = "created",
    right: str = "",
    event: str = "",
    happens: str = "created updated",
    required: str = "",
    listed: bool = True,
    retrieved: bool = True,
) -> Resource:
    """Describe a resource; words with spaces between, `param:field` where a filter's parameter has
    another name than the field."""
    pairs = (word.partition(":") for word in filters.split())
    return Resource(
        collection,
        kind,
        prefix,
        right or kind.replace(".", "_"),
        {name: field or name for name, _, field in pairs},
        tuple(times.split()),
        event,
        frozenset(happens.split()) if event else frozenset(),
        tuple(required.split()),
        listed,
        retrieved,
    )
