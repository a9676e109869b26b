"""What one Stripe account has in one mode, live or test, and the events that tell of it.

Tests and the generator change it here: `make`, `change`, `delete`, at any moment. Knows no HTTP.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.state import Account, Change, Record, Watch
from listbackup.sandbox.platforms.stripe import billing, catalog, money, people, various
from listbackup.sandbox.platforms.stripe.drawing import draw
from listbackup.sandbox.platforms.stripe.kinds import Child
from listbackup.sandbox.platforms.stripe.naming import name_events
from listbackup.sandbox.platforms.stripe.resources import BELOW, CHILDREN, INDEXED, RESOURCES
from listbackup.sandbox.platforms.stripe.shaping import Object
from listbackup.sandbox.platforms.stripe.versions import DEFAULT

TEMPLATES: Mapping[str, Object] = {
    template["object"]: template
    for module in (people, catalog, money, billing, various)
    for template in module.TEMPLATES
}
EVENTS_KEPT = 30 * 86400.0
_SHORT = frozenset({"cus_", "prod_", "si_"})
_DEPENDS = {
    "subscriptions": ("subscription_items", "prices"),
    "subscription_items": ("prices",),
    "items": ("prices",),
}
_PRICED = frozenset({"subscription_items", "items"})
OF = "_of"
"""A field that is ours alone: to which object this one belongs, where Stripe does not say."""


class Books:
    """One account in one mode. Events are kept 30 days of the watch."""

    def __init__(self, account: str, live: bool, watch: Watch, seed: int) -> None:
        self.id = account
        self.live = live
        self.account = Account(account, watch, INDEXED)
        self.account.listeners.append(self._tell)
        self.dice = Dice(seed, account, int(live))
        self.request: Object = {"id": None, "idempotency_key": None}
        self.version = DEFAULT

    # ------------------------------------------------------------------------------- changing

    def make(
        self,
        collection: str,
        *,
        id: str | None = None,
        created: int | None = None,
        told: bool = True,
        **fields: Any,
    ) -> Object:
        """Add an object; what is not given is as its template has it. Gives it as a request
        would. Raises LookupError for a name that is no field."""
        value = self._put_new(collection, id, created, told, fields)
        self._tell_parent(collection, value, told)
        return self.show(collection, value["id"])

    def load(self, collection: str, id: str, created: int, **fields: Any) -> str:
        """Add an object without a trace, for filling an account; gives its id. Raises LookupError
        for a name that is no field."""
        self._put_new(collection, id, created, False, fields)
        return id

    def _put_new(
        self,
        collection: str,
        id: str | None,
        created: int | None,
        told: bool,
        fields: Mapping[str, Any],
    ) -> Object:
        resource = RESOURCES[collection]
        shape = TEMPLATES[resource.kind]
        unknown = fields.keys() - shape.keys() - {OF}
        if unknown:
            raise LookupError(f"{resource.kind} has no {', '.join(sorted(unknown))}")
        born = int(self.account.now) if created is None else created
        value = {**shape, **fields, "id": id or self.new_id(resource.prefix)}
        if "created" in shape:
            value["created"] = born
        if "livemode" in shape:
            value["livemode"] = self.live
        self.account.put(collection, value["id"], value, created=float(born), told=told)
        return value

    def change(self, collection: str, id: str, *, told: bool = True, **fields: Any) -> Object:
        """Change fields of an object. Raises KeyError."""
        record = self.account[collection][id]
        value = {**record.value, **fields}
        if collection == "products":
            value["updated"] = int(self.account.now)
        self.account.put(collection, id, value, told=told)
        self._tell_parent(collection, value, told)
        return self.show(collection, id)

    def delete(self, collection: str, id: str, *, told: bool = True) -> None:
        """Delete an object; with a customer go its subscriptions and payment methods. Raises
        KeyError."""
        if collection == "customers":
            for record in list(self.account["subscriptions"].where("customer", id).newest_first()):
                if record.value["status"] != "canceled":
                    self.cancel(record.id)
            for record in list(
                self.account["payment_methods"].where("customer", id).newest_first()
            ):
                self.change("payment_methods", record.id, customer=None)
        value = self.account[collection][id].value
        self.account.drop(collection, id, told=told)
        self._tell_parent(collection, value, told)

    def cancel(self, id: str) -> Object:
        """End a subscription now. Raises KeyError."""
        now = int(self.account.now)
        return self.change("subscriptions", id, status="canceled", canceled_at=now, ended_at=now)

    def new_id(self, prefix: str) -> str:
        """Make an id."""
        if not prefix:
            return self.dice.word(8)
        return prefix + (self.dice.word(14) if prefix in _SHORT else "1" + self.dice.word(23))

    # -------------------------------------------------------------------------------- reading

    def show(self, collection: str, id: str) -> Object:
        """Give an object as it is retrieved. Raises KeyError."""
        return self.compose(collection, self.account[collection][id].value)

    def compose(self, collection: str, value: Mapping[str, Any]) -> Object:
        """Put an object together: with its lists and what is kept elsewhere, as of now."""
        shown = dict(value)
        shown.pop(OF, None)
        if collection in _PRICED:
            self._put_price(shown)
        for child in BELOW[collection]:
            if child.embedded:
                shown[child.name] = self.sublist(child, value["id"], child.embedded)
        return shown

    def sublist(self, child: Child, parent: str, limit: int) -> Object:
        """Give the list below an object, as it stands in it."""
        records = self.below(child, parent)
        url = f"/v1/{child.parent}/{parent}/{child.name}"
        if child.hidden_url:
            url = f"/v1/{child.collection}?{child.field}={parent}"
        return {
            "object": "list",
            "data": [self.compose(child.collection, one.value) for one in records[:limit]],
            "has_more": len(records) > limit,
            "url": url,
        }

    def below(self, child: Child, parent: str) -> list[Record]:
        """Give all records below an object, newest first."""
        return list(self.account[child.collection].where(child.field, parent).newest_first())

    def draw(self, collection: str, records: Iterable[Record]) -> list[bytes]:
        """Write objects at depth 2, as lists have them; each once for as long as it is so."""
        stamp = tuple(self.account[name].version for name in self._depends(collection))
        pieces = []
        for record in records:
            drawn: tuple[tuple[int, ...], bytes] | None = record.drawn
            if drawn is None or drawn[0] != stamp:
                shown = self.compose(collection, record.value)
                record.drawn = drawn = stamp, draw(shown, 2).encode()
            pieces.append(drawn[1])
        return pieces

    def forget_old_events(self) -> None:
        """Drop events that are older than Stripe keeps them."""
        oldest = self.account.now - EVENTS_KEPT
        events = self.account["events"]
        for record in list(self._older(oldest)):
            events.drop(record.id, self.account.now)
            del events.tombstones[record.id]

    def _older(self, oldest: float) -> Iterator[Record]:
        for record in self.account["events"].all.oldest_first():
            if record.created >= oldest:
                return
            yield record

    def _depends(self, collection: str) -> tuple[str, ...]:
        children = (child.collection for child in BELOW[collection] if child.embedded)
        return (*_DEPENDS.get(collection, ()), *children)

    def _put_price(self, shown: Object) -> None:
        price = self._find_price(shown["price"])
        shown["price"] = price
        if "plan" in shown:
            plan = self.account["plans"].get(price["id"]) if price else None
            shown["plan"] = dict(plan.value) if plan else None

    def _find_price(self, id: str | None) -> Object | None:
        prices = self.account["prices"]
        if id is None:
            return None
        found = prices.get(id) or prices.tombstones.get(id)
        return dict(found.value) if found else None

    # --------------------------------------------------------------------------------- events

    def _tell(self, change: Change) -> None:
        for kind in name_events(change.collection, change.before, change.after):
            value = change.after if change.after is not None else change.before
            if value is not None:
                self._add_event(kind, change.collection, value, change.before, change.after)

    def _tell_parent(self, collection: str, value: Mapping[str, Any], told: bool) -> None:
        """What happens to a subscription's item is told as an update of the subscription."""
        if not told or collection != "subscription_items":
            return
        parent = self.account["subscriptions"].get(value["subscription"])
        if parent is not None:
            kind = "customer.subscription.updated"
            self._add_event(kind, "subscriptions", parent.value, None, None)

    def _add_event(
        self,
        kind: str,
        collection: str,
        value: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        data: Object = {"object": self.compose(collection, value)}
        if before is not None and after is not None:
            data["previous_attributes"] = {
                name: before.get(name) for name in after if before.get(name) != after[name]
            }
        now = int(self.account.now)
        event: Object = {
            "id": self.new_id("evt_"),
            "object": "event",
            "api_version": self.version,
            "created": now,
            "data": data,
            "livemode": self.live,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": kind,
        }
        self.account.put("events", event["id"], event, created=float(now), told=False)
        self.forget_old_events()


def child_of(parent: str, name: str) -> Child:
    """Give the list of that name below a resource. Raises LookupError."""
    for child in CHILDREN:
        if (child.parent, child.name) == (parent, name):
            return child
    raise LookupError(f"{parent} has no list {name}")
