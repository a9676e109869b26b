"""What Stripe's operations do, one function each, and the table of their paths.

A target gets the books, the parts of the path, the query and the form; it gives a body. Knows
neither keys nor limits.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from listbackup.sandbox.platforms.calls import Pairs
from listbackup.sandbox.platforms.stripe import (
    writes_billing,
    writes_catalog,
    writes_subscriptions,
)
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.drawing import draw_body
from listbackup.sandbox.platforms.stripe.expanding import expand, stub
from listbackup.sandbox.platforms.stripe.kinds import Child, Resource
from listbackup.sandbox.platforms.stripe.listing import list_below, list_resource
from listbackup.sandbox.platforms.stripe.refusals import (
    Refusal,
    missing,
    unknown_parameter,
)
from listbackup.sandbox.platforms.stripe.resources import (
    CHILDREN,
    RESOURCES,
    STUBBED,
)
from listbackup.sandbox.platforms.stripe.searches import SEARCHED, search
from listbackup.sandbox.platforms.stripe.writes import Write, run_change, run_create, run_delete

WRITES: dict[str, Write] = {
    write.collection: write
    for module in (writes_catalog, writes_billing, writes_subscriptions)
    for write in module.WRITES
}


@dataclass(slots=True)
class Asked:
    """What a target works on."""

    books: Books
    parts: dict[str, str]
    query: Pairs
    form: dict[str, Any] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """One operation: what runs, which right it needs, whether it writes, which collection it is
    about. `limited` names an own rate limit."""

    run: Callable[[Asked], bytes]
    right: str
    writing: bool = False
    collection: str = ""
    limited: str = ""


def make_routes() -> Iterator[tuple[str, str, Target]]:
    """Give method, path template and target of every operation."""
    for resource in RESOURCES.values():
        yield from _read_routes(resource)
    for child in CHILDREN:
        if not child.hidden_url:
            yield from _child_routes(child)
    for write in WRITES.values():
        if RESOURCES[write.collection].retrieved:
            yield from _write_routes(write)
    for name in ("tax_ids", "balances"):
        path = f"/v1/customers/{{id}}/{'balance_transactions' if name == 'balances' else name}"
        made = Target(partial(_create_below, WRITES[name]), "customer", True, name)
        yield "POST", path, made
    for action, status in (("finalize", "open"), ("void", "void"), ("pay", "paid")):
        target = Target(partial(_turn_invoice, status), "invoice", True, "invoices")
        yield "POST", f"/v1/invoices/{{id}}/{action}", target
    canceling = Target(_cancel, "subscription", True, "subscriptions")
    yield "DELETE", "/v1/subscriptions/{id}", canceling
    detaching = Target(_detach, "payment_method", True, "payment_methods")
    yield "POST", "/v1/payment_methods/{id}/detach", detaching


def _read_routes(resource: Resource) -> Iterator[tuple[str, str, Target]]:
    path = f"/v1/{resource.collection}"
    limited = "files" if resource.collection.startswith("file") else ""
    about = {"right": resource.right, "collection": resource.collection, "limited": limited}
    if resource.listed:
        yield "GET", path, Target(partial(_list, resource), **about)  # type: ignore[arg-type]
    if resource.retrieved:
        one = Target(partial(_retrieve, resource), **about)  # type: ignore[arg-type]
        yield "GET", f"{path}/{{id}}", one
    if resource.collection in SEARCHED:
        found = Target(
            partial(_search, resource), resource.right, False, resource.collection, "search"
        )
        yield "GET", f"{path}/search", found


def _child_routes(child: Child) -> Iterator[tuple[str, str, Target]]:
    resource = RESOURCES[child.collection]
    path = f"/v1/{child.parent}/{{id}}/{child.name}"
    right = RESOURCES[child.parent].right
    yield "GET", path, Target(partial(_list_below, child), right, False, child.collection)
    if child.retrieved:
        one = Target(partial(_retrieve_below, child, resource), right, False, child.collection)
        yield "GET", f"{path}/{{child}}", one


def _write_routes(write: Write) -> Iterator[tuple[str, str, Target]]:
    path, right = f"/v1/{write.collection}", RESOURCES[write.collection].right
    if write.create is not None:
        yield "POST", path, Target(partial(_create, write), right, True, write.collection)
    if write.change is not None:
        changing = Target(partial(_change, write), right, True, write.collection)
        yield "POST", f"{path}/{{id}}", changing
    if write.deletable:
        deleting = Target(partial(_delete, write), right, True, write.collection)
        yield "DELETE", f"{path}/{{id}}", deleting


def _list(resource: Resource, asked: Asked) -> bytes:
    return list_resource(asked.books, resource, asked.query)


def _search(resource: Resource, asked: Asked) -> bytes:
    return search(asked.books, resource, asked.query)


def _retrieve(resource: Resource, asked: Asked) -> bytes:
    id = asked.parts["id"]
    if resource.collection == "events":
        asked.books.forget_old_events()
    held = asked.books.account[resource.collection]
    if id in held.tombstones and resource.collection in STUBBED:
        return draw_body(stub(resource.collection, id))
    if id not in held:
        raise missing(resource.kind, id, "id")
    return _show(asked, asked.books.show(resource.collection, id))


def _retrieve_below(child: Child, resource: Resource, asked: Asked) -> bytes:
    record = asked.books.account[child.collection].get(asked.parts["child"])
    if record is None or record.value.get(child.field) != asked.parts["id"]:
        raise missing(resource.kind, asked.parts["child"], "id")
    return _show(asked, asked.books.show(child.collection, record.id))


def _list_below(child: Child, asked: Asked) -> bytes:
    parent = asked.parts["id"]
    if parent not in asked.books.account[child.parent]:
        raise missing(RESOURCES[child.parent].kind, parent, "id")
    within = asked.books.account[child.collection].where(child.field, parent)
    url = f"/v1/{child.parent}/{parent}/{child.name}"
    return list_below(asked.books, RESOURCES[child.collection], asked.query, within, url)


def _create(write: Write, asked: Asked) -> bytes:
    return _show(asked, run_create(asked.books, write, asked.form))


def _create_below(write: Write, asked: Asked) -> bytes:
    if asked.parts["id"] not in asked.books.account["customers"]:
        raise missing("customer", asked.parts["id"], "id")
    if "customer" in asked.form:
        raise unknown_parameter("customer")
    given = {**asked.form, "customer": asked.parts["id"]}
    needing = Write(
        write.collection, {**(write.create or {})}, write.needed, write.finish, write.follow
    )
    return _show(asked, run_create(asked.books, needing, given))


def _change(write: Write, asked: Asked) -> bytes:
    return _show(asked, run_change(asked.books, write, asked.parts["id"], asked.form))


def _delete(write: Write, asked: Asked) -> bytes:
    return draw_body(run_delete(asked.books, write, asked.parts["id"]))


def _cancel(asked: Asked) -> bytes:
    record = asked.books.account["subscriptions"].get(asked.parts["id"])
    if record is None or record.value["status"] == "canceled":
        raise missing("subscription", asked.parts["id"], "id")
    return _show(asked, asked.books.cancel(record.id))


def _detach(asked: Asked) -> bytes:
    record = asked.books.account["payment_methods"].get(asked.parts["id"])
    if record is None:
        raise missing("payment_method", asked.parts["id"], "id")
    if record.value["customer"] is None:
        raise Refusal(400, "The payment method is not attached to a customer.")
    return _show(asked, asked.books.change("payment_methods", record.id, customer=None))


def _turn_invoice(status: str, asked: Asked) -> bytes:
    record = asked.books.account["invoices"].get(asked.parts["id"])
    if record is None:
        raise missing("invoice", asked.parts["id"], "id")
    value, now = record.value, int(asked.books.account.now)
    allowed = {"open": ("draft",), "void": ("open",), "paid": ("draft", "open")}[status]
    if value["status"] not in allowed:
        raise Refusal(
            400, f"This invoice is already {value['status']}.", code="invoice_not_editable"
        )
    moment = {"open": "finalized_at", "void": "voided_at", "paid": "paid_at"}[status]
    paid = value["total"] if status == "paid" else 0
    made = asked.books.change(
        "invoices",
        record.id,
        status=status,
        number=value["number"] or f"{asked.books.dice.word(8).upper()}-0001",
        amount_paid=paid,
        amount_remaining=value["total"] - paid,
        status_transitions={**value["status_transitions"], moment: now},
    )
    return _show(asked, made)


def _show(asked: Asked, shown: Any) -> bytes:
    return draw_body(expand(asked.books, shown, asked.paths))
