"""Pages of lists: `limit`, `starting_after`, `ending_before`, filters, time ranges, `expand[]`.

Newest first. A parameter that a list does not have is refused, as Stripe does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from listbackup.sandbox.platforms.calls import Pairs
from listbackup.sandbox.platforms.state import Listing, Place, Record
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.drawing import draw_body, draw_list
from listbackup.sandbox.platforms.stripe.expanding import expand
from listbackup.sandbox.platforms.stripe.kinds import Resource
from listbackup.sandbox.platforms.stripe.refusals import (
    absent,
    invalid,
    missing,
    unknown_parameter,
)
from listbackup.sandbox.platforms.stripe.resources import EXPANDABLE, INDEXED, RESOURCES

MOST = 100
USUAL = 10
MOST_TYPES = 20
_OPERATORS = ("gt", "gte", "lt", "lte")
_ENDED = frozenset({"canceled", "incomplete_expired"})
_SEVERAL = {"products": {"ids[]": "id"}, "prices": {"lookup_keys[]": "lookup_key"}}
_FAR = 2**53

Test = Callable[[Record], bool]


@dataclass(slots=True)
class Wanted:
    """What a request wants of a list. `since` and `until` bound the creation time in seconds,
    `until` itself left out."""

    limit: int = USUAL
    after: str | None = None
    before: str | None = None
    since: int = 0
    until: int = _FAR
    paths: list[str] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    equal: dict[str, str] = field(default_factory=dict)
    several: dict[str, set[str]] = field(default_factory=dict)


def list_resource(books: Books, resource: Resource, query: Pairs) -> bytes:
    """Answer `GET /v1/{collection}`. Raises Refusal."""
    wanted = read_query(resource, query)
    for name in resource.required:
        if name not in wanted.equal:
            raise absent(name)
    if resource.collection == "events":
        books.forget_old_events()
    _test_as_usual(books, resource.collection, wanted)
    listing = _choose_listing(books, resource, wanted)
    return write_page(books, resource, wanted, listing, f"/v1/{resource.collection}")


def list_below(books: Books, resource: Resource, query: Pairs, within: Listing, url: str) -> bytes:
    """Answer a list below an object. Raises Refusal."""
    wanted = read_query(resource, query, below=True)
    for name, value in wanted.equal.items():
        wanted.tests.append(_equals(resource.filters[name], value))
    return write_page(books, resource, wanted, within, url)


def write_page(
    books: Books, resource: Resource, wanted: Wanted, listing: Listing, url: str
) -> bytes:
    """Write the page that is wanted. Raises Refusal."""
    found = list(islice(_walk(books, resource, wanted, listing), wanted.limit + 1))
    has_more = len(found) > wanted.limit
    del found[wanted.limit :]
    if wanted.before is not None:
        found.reverse()
    if not wanted.paths:
        return draw_list(books.draw(resource.collection, found), has_more, url)
    data = [books.compose(resource.collection, record.value) for record in found]
    page = {"object": "list", "data": data, "has_more": has_more, "url": url}
    return draw_body(expand(books, page, wanted.paths))


def read_query(resource: Resource, query: Pairs, *, below: bool = False) -> Wanted:
    """Understand the parameters of a list. Raises Refusal."""
    wanted = Wanted()
    several = _SEVERAL.get(resource.collection, {})
    for name, value in query:
        stem, _, operator = name.rstrip("]").partition("[")
        if name == "limit":
            wanted.limit = _read_limit(value)
        elif name == "starting_after":
            wanted.after = value
        elif name == "ending_before":
            wanted.before = value
        elif stem == "expand":
            wanted.paths.append(value)
        elif below and name not in resource.filters:
            raise unknown_parameter(stem)
        elif stem in resource.times and (operator in _OPERATORS or name == stem):
            _bound(wanted, stem, operator, _read_moment(name, value))
        elif name in resource.filters:
            wanted.equal[name] = value
        elif name in several:
            wanted.several.setdefault(several[name], set()).add(value)
        elif not _special(resource.collection, wanted, name, value):
            raise unknown_parameter(stem)
    if wanted.after is not None and wanted.before is not None:
        raise invalid(
            "You may only specify one of these parameters: starting_after, ending_before.",
            "ending_before",
        )
    return wanted


def _read_limit(value: str) -> int:
    if not value.lstrip("-").isdecimal():
        raise invalid(f"Invalid integer: {value[:40]}", "limit", "parameter_invalid_integer")
    if int(value) < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer"
        )
    if int(value) > MOST:
        raise invalid(
            f"This value must be less than or equal to {MOST} (it currently is '{value[:40]}').",
            "limit",
            "parameter_invalid_integer",
        )
    return int(value)


def _read_moment(name: str, value: str) -> int:
    if not value.isdecimal() or len(value) > 12:
        raise invalid(f"Invalid timestamp: {value[:40]}; must be Unix seconds.", name)
    return int(value)


def _bound(wanted: Wanted, name: str, operator: str, moment: int) -> None:
    low = {"gt": moment + 1, "gte": moment, "": moment}.get(operator, 0)
    high = {"lt": moment, "lte": moment + 1, "": moment + 1}.get(operator, _FAR)
    if name == "created":
        wanted.since = max(wanted.since, low)
        wanted.until = min(wanted.until, high)
    else:
        wanted.tests.append(
            lambda record: record.value.get(name) is not None and low <= record.value[name] < high
        )


def _special(collection: str, wanted: Wanted, name: str, value: str) -> bool:
    match collection, name:
        case "subscriptions", "status" | "price" | "plan":
            wanted.equal[name] = value
        case "events", "type" | "types[]":
            types = wanted.several.setdefault(name, set())
            types.add(value)
            if len(types) > MOST_TYPES:
                raise invalid(f"Only {MOST_TYPES} types may be given.", "types")
        case "tax/registrations", "status":
            wanted.equal[name] = value
        case "invoiceitems", "pending":
            wanted.tests.append(
                lambda record: (record.value["invoice"] is None) == (value == "true")
            )
        case _:
            return False
    return True


def _test_as_usual(books: Books, collection: str, wanted: Wanted) -> None:
    if collection == "subscriptions":
        _test_subscriptions(books, wanted)
    if collection == "events":
        types = [*wanted.several.pop("type", ()), *wanted.several.pop("types[]", ())]
        if types:
            wanted.tests.append(
                lambda record: any(fnmatchcase(record.value["type"], one) for one in types)
            )
        if wanted.equal.pop("delivery_success", "true") != "true":
            wanted.tests.append(lambda record: False)
    if collection == "tax/registrations":
        status = wanted.equal.pop("status", "active")
        if status != "all":
            wanted.tests.append(_equals("status", status))
    if collection == "accounts":
        wanted.tests.append(lambda record: record.id != books.id)
    if collection == "tax_ids":
        wanted.tests.append(lambda record: record.value["customer"] is None)
    for name, values in wanted.several.items():
        wanted.tests.append(_among(name, values))


def _test_subscriptions(books: Books, wanted: Wanted) -> None:
    status = wanted.equal.pop("status", None)
    if status == "ended":
        wanted.tests.append(lambda record: record.value["status"] in _ENDED)
    elif status is None:
        wanted.tests.append(lambda record: record.value["status"] != "canceled")
    elif status != "all":
        wanted.tests.append(lambda record: record.value["status"] == status)
    for name in ("price", "plan"):
        price = wanted.equal.pop(name, None)
        if price is not None:
            wanted.tests.append(_has_price(books, price))


def _has_price(books: Books, price: str) -> Test:
    def test(record: Record) -> bool:
        items = books.account["subscription_items"].where("subscription", record.id)
        return any(item.value["price"] == price for item in items.newest_first())

    return test


def _among(name: str, values: set[str]) -> Test:
    return lambda record: record.value.get(name) in values


def _equals(path: str, value: str) -> Test:
    parts = path.split(".")

    def test(record: Record) -> bool:
        found: Any = record.value
        for part in parts:
            found = found.get(part) if isinstance(found, dict) else None
        return _say(found) == value

    return test


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _choose_listing(books: Books, resource: Resource, wanted: Wanted) -> Listing:
    """Take the shortest way to what is wanted; what stays is tested record by record."""
    collection = books.account[resource.collection]
    chosen: Listing | None = None
    for name, value in wanted.equal.items():
        path = resource.filters[name]
        home = EXPANDABLE.get(name)
        if home in RESOURCES and not _was_ever(books, home, value):
            raise missing(RESOURCES[home].kind, value, name, 400)
        if chosen is None and path in INDEXED.get(resource.collection, ()):
            chosen = collection.where(path, value)
        else:
            wanted.tests.append(_equals(path, value))
    return collection.all if chosen is None else chosen


def _was_ever(books: Books, collection: str, id: str) -> bool:
    found = books.account[collection]
    return id in found or id in found.tombstones


def _walk(books: Books, resource: Resource, wanted: Wanted, listing: Listing) -> Iterator[Record]:
    low: Place = (float(wanted.since), 0)
    high: Place = (float(wanted.until), 0)
    if wanted.before is not None:
        place = _place(books, resource, wanted.before, "ending_before")
        walk = listing.oldest_first(max(place, (low[0], -1)), high)
    else:
        if wanted.after is not None:
            high = min(high, _place(books, resource, wanted.after, "starting_after"))
        walk = listing.newest_first(high, low)
    if not wanted.tests:
        yield from walk
        return
    for record in walk:
        if all(test(record) for test in wanted.tests):
            yield record


def _place(books: Books, resource: Resource, id: str, param: str) -> Place:
    record = books.account[resource.collection].get(id)
    if record is None:
        raise missing(resource.kind, id, param, 400)
    return record.place
