"""A business whose customers stand in Keap and whose money in Stripe, to try backups on: it is
filled, lives a day, and one of its records is altered behind everybody's back.

Knows the platforms' state, not how anybody reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from listbackup.connectors.rest.models.streams import Stream
from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap import truth as keap_truth
from listbackup.sandbox.platforms.keap.filling import Amounts
from listbackup.sandbox.platforms.keap.filling import fill as fill_keap
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.keap.tables import Record
from listbackup.sandbox.platforms.state import Watch
from listbackup.sandbox.platforms.stripe import truth as stripe_truth
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.filling import fill as fill_stripe

TENANT = "acme"
FEWEST = 50
"""So many contacts a business has at least: a day needs some to change."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day brought. Of contacts in Keap: so many were changed, added, and `gone` are the ids
    of those that were deleted; so many customers in Stripe changed, added and deleted."""

    changed: int
    added: int
    gone: tuple[str, ...]
    customers_changed: int
    customers_added: int
    customers_gone: int


@dataclass(frozen=True, slots=True)
class Alteration:
    """One field of one record of Keap that was altered without a trace."""

    stream: str
    key: str
    field: str
    before: str
    after: str


class Business:
    """The two platforms of one business, with `contacts` contacts in Keap."""

    def __init__(self, watch: Watch, contacts: int, seed: int = 0) -> None:
        self._dice = Dice(seed, "business")
        self.keap = Keap(watch, seed)
        self.stripe = StripeSandbox(watch, seed)
        self.keap.logging = self.stripe.logging = False
        self.tenant = self.keap.add_tenant(TENANT)
        self.books = self.stripe.books()
        amounts = Amounts(
            contacts, companies=contacts // 50, tags=14, products=10, subscriptions=20, others=3
        )
        fill_keap(self.tenant, seed, amounts)
        fill_stripe(self.books, max(20, contacts // 250), seed)

    def tell(self, platform: str, stream: Stream) -> Iterator[bytes] | None:
        """Give the records of a stream, straight from the platform's state; None where that does
        not hold them as one."""
        if platform == "keap":
            return keap_truth.tell_records(self.tenant, stream)
        return stripe_truth.tell_records(self.books, stream)

    def add_up_orders(self) -> tuple[int, int]:
        """Count the orders in Keap, and add up what they come to, in cents."""
        orders = [int(one["total"]["amount"]) for one in self.tenant.records("orders")]
        return len(orders), sum(orders)

    def live_a_day(self) -> Day:
        """Let a day of work go by on both platforms."""
        with self.keap.changing():
            changed, added, gone = self._live_in_keap()
        with self.stripe.changing():
            customers = self._live_in_stripe()
        return Day(changed, added, gone, *customers)

    def alter_one(self) -> Alteration:
        """Alter one contact as no interface would: its time of change stays as it was."""
        with self.keap.changing():
            contact = next(self.tenant.records("contacts"))
            before, after = str(contact["family_name"]), f"{contact['family_name']}e"
            self.tenant.change("contacts", {**contact, "family_name": after}, quietly=True)
        return Alteration("contacts", str(contact["id"]), "family_name", before, after)

    def _live_in_keap(self) -> tuple[int, int, tuple[str, ...]]:
        tenant, dice = self.tenant, self._dice
        ids = [str(row.number) for row in tenant["contacts"].rows()]
        count = max(3, len(ids) // 500)
        begins = 1 + dice.below(len(ids) // 4)
        changed = ids[begins : begins + count]
        for one in changed:
            contact = tenant.find("contacts", one) or {}
            tenant.change("contacts", {**contact, "job_title": "Head of Purchasing"})
        new = [self._add_contact(number) for number in range(max(2, count // 4))]
        products = list(tenant.records("products"))
        for number, one in enumerate((*changed[: count // 2], *new)):
            self._add_order(one, products[number % len(products)])
        gone = tuple(ids[-1 - 3 * number] for number in range(3))
        for one in gone:
            tenant.remove("contacts", one)
        return len(changed), len(new), gone

    def _add_contact(self, number: int) -> str:
        email = {"email": f"new.{number}@mail.example", "field": "EMAIL1", "is_opt_in": True}
        names = {"given_name": "Nora", "family_name": f"New {number}"}
        made = self.tenant.add("contacts", {**names, "email_addresses": [email], "tag_ids": []})
        self.tenant.add("notes", {"contact_id": made["id"], "title": "Asked for an offer"})
        return str(made["id"])

    def _add_order(self, contact: str, product: Record) -> None:
        price = product["price"]
        fields = {"title": "Order of today", "status": "SENT", "total": price, "total_due": price}
        self.tenant.add("orders", {**fields, "contact": {"id": contact}, "order_items": []})

    def _live_in_stripe(self) -> tuple[int, int, int]:
        books, ids = self.books, list(self.books.account["customers"].records)
        for one in ids[:5]:
            books.change("customers", one, phone="+15550001111")
        for number in range(3):
            books.make("customers", name=f"Nora New {number}", email=f"new{number}@mail.example")
        books.delete("customers", ids[-1])
        return 5, 3, 1
