"""Fills an account with a business of any size: the same for the same seed and moment.

Customers with cards, payments, subscriptions and invoices that fit together, over three years.
Leaves no events: all of it was there before anybody looked.
"""

from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.filling_catalog import MONTH, Shelf, fill_catalog
from listbackup.sandbox.platforms.stripe.filling_settings import fill_settings
from listbackup.sandbox.platforms.stripe.people import CARD

YEARS = 3 * 365 * 86400
NAMES = ("Anna Ågren", "Bob O'Neill", 'Çelik "Çiço" Öz', "李小龍", "Ève Dubois", "مريم", "Otto 🙂")
CITIES = ("Vienna", "Zürich", "São Paulo", "Kraków", "Lyon", "Austin")
BRANDS = ("visa", "mastercard", "amex")


class _Life:
    """One customer's life: what it is made of, and when."""

    def __init__(self, books: Books, dice: Dice, shelf: Shelf, number: int, now: int) -> None:
        self.books = books
        self.dice = dice
        self.shelf = shelf
        self.now = now
        self.born = now - YEARS + int(dice.below(YEARS - 86400))
        self.number = number
        self.customer = self.load("customers", "cus_", self.born, **self._describe())
        self.card = self.load(
            "payment_methods",
            "pm_",
            self.born + 60,
            customer=self.customer,
            card={**CARD, "brand": dice.pick(BRANDS), "last4": f"{dice.below(10000):04}"},
        )

    def load(self, collection: str, prefix: str, created: int, **fields: Any) -> str:
        """Add an object with an id of these dice."""
        length = 14 if prefix in ("cus_", "si_") else 24
        id = prefix + self.dice.word(length)
        return self.books.load(collection, id, min(created, self.now), **fields)

    def later(self) -> int:
        """Give a moment between the customer's beginning and now."""
        return self.born + 120 + self.dice.below(max(1, self.now - self.born - 120))

    def _describe(self) -> dict[str, Any]:
        dice = self.dice
        return {
            "name": f"{dice.pick(NAMES)} {self.number}",
            "email": f"customer{self.number}@shop{self.number % 97}.example",
            "phone": f"+1555{dice.below(10**7):07}" if dice.chance(0.5) else None,
            "description": f"Came by campaign {dice.below(40)}" if dice.chance(0.3) else None,
            "currency": "usd",
            "invoice_prefix": dice.word(8).upper(),
            "metadata": {"crm": str(self.number), "tier": dice.pick(("a", "b", "c"))},
            "address": {
                "city": dice.pick(CITIES),
                "country": "US",
                "line1": f"{dice.between(1, 999)} Main Street",
                "line2": None,
                "postal_code": f"{dice.below(100000):05}",
                "state": None,
            },
        }

    def pay(self, amount: int, moment: int, **fields: Any) -> tuple[str, str]:
        """A payment: intent, charge and what it does to the balance; gives charge and intent."""
        dice = self.dice
        intent, charge = "pi_" + dice.word(24), "ch_" + dice.word(24)
        fee = amount * 29 // 1000 + 30
        balance = self.load(
            "balance_transactions",
            "txn_",
            moment,
            amount=amount,
            available_on=moment + 2 * 86400,
            fee=fee,
            net=amount - fee,
            source=charge,
        )
        common = {"amount": amount, "customer": self.customer, "payment_method": self.card}
        self.books.load(
            "payment_intents",
            intent,
            moment,
            **common,
            amount_received=amount,
            client_secret=f"{intent}_secret_{dice.word(25)}",
            latest_charge=charge,
            status="succeeded",
        )
        self.books.load(
            "charges",
            charge,
            moment,
            **common,
            amount_captured=amount,
            balance_transaction=balance,
            payment_intent=intent,
            receipt_url=f"https://pay.stripe.example/receipts/{charge}",
            **fields,
        )
        return charge, intent

    def shop(self) -> None:
        """Single purchases, of which a few come back."""
        for _ in range(self.dice.below(3)):
            amount, moment = self.dice.between(500, 20000), self.later()
            refunded = self.dice.chance(0.05)
            returned = {"amount_refunded": amount, "refunded": True} if refunded else {}
            charge, intent = self.pay(amount, moment, **returned)
            about = {"amount": amount, "charge": charge, "payment_intent": intent}
            if refunded:
                self.load("refunds", "re_", moment + 3600, **about)
            elif self.dice.chance(0.02):
                self.load("disputes", "dp_", moment + 86400, **about)
                warning = {"charge": charge, "payment_intent": intent}
                self.load("radar/early_fraud_warnings", "issfr_", moment + 3600, **warning)
                self.load("reviews", "prv_", moment + 60, **warning)

    def subscribe(self) -> None:
        """A subscription with its first invoice."""
        dice, start = self.dice, self.later()
        price = dice.pick(self.shelf.monthly)
        ended = dice.chance(0.15)
        subscription = self.load(
            "subscriptions",
            "sub_",
            start,
            billing_cycle_anchor=start,
            customer=self.customer,
            default_payment_method=self.card,
            start_date=start,
            **({"status": "canceled", "ended_at": start + MONTH} if ended else {}),
        )
        for _ in range(1 + dice.below(2)):
            self.load(
                "subscription_items",
                "si_",
                start,
                current_period_end=start + MONTH,
                current_period_start=start,
                price=price.id,
                quantity=dice.between(1, 5),
                subscription=subscription,
            )
        details = {"subscription_details": {"metadata": {}, "subscription": subscription}}
        parent = {**details, "quote_details": None, "type": "subscription_details"}
        if dice.chance(0.05):
            about = {"customer": self.customer, "subscription": subscription}
            self.load("subscription_schedules", "sub_sched_", start, status="active", **about)
        invoice = self.bill(start, parent, 12 if dice.chance(0.02) else dice.between(1, 3))
        value = self.books.account["subscriptions"][subscription].value
        self.books.account.put(
            "subscriptions", subscription, {**value, "latest_invoice": invoice}, told=False
        )

    def bill(self, moment: int, parent: dict[str, Any] | None, lines: int) -> str:
        """An invoice that was paid, with its lines."""
        invoice = "in_" + self.dice.word(24)
        total = 0
        for _ in range(lines):
            price = self.dice.pick(self.shelf.monthly)
            total += price.amount
            self.load(
                "line_items",
                "il_",
                moment,
                amount=price.amount,
                description=f"1 × {price.name}",
                invoice=invoice,
                period={"end": moment + MONTH, "start": moment},
                pricing={
                    "price_details": {"price": price.id, "product": price.product},
                    "type": "price_details",
                    "unit_amount_decimal": str(price.amount),
                },
                subtotal=price.amount,
            )
        _, intent = self.pay(total, moment)
        self.load(
            "invoice_payments",
            "inpay_",
            moment,
            amount_paid=total,
            amount_requested=total,
            invoice=invoice,
            payment={"payment_intent": intent, "type": "payment_intent"},
        )
        sums = ("amount_due", "amount_paid", "subtotal", "subtotal_excluding_tax", "total")
        return self.books.load(
            "invoices",
            invoice,
            moment,
            **dict.fromkeys(sums, total),
            attempted=True,
            attempt_count=1,
            billing_reason="subscription_create" if parent else "manual",
            customer=self.customer,
            customer_email=f"customer{self.number}@shop{self.number % 97}.example",
            number=f"INV-{self.number:06}-{self.dice.word(4).upper()}",
            parent=parent,
            period_end=moment,
            period_start=moment,
            status="paid",
            total_excluding_tax=total,
        )

    def add_lines(self, parent: str, count: int) -> None:
        """Lines of a quote or a session."""
        for _ in range(count):
            price = self.dice.pick(self.shelf.once)
            sums = {"amount_subtotal": price.amount, "amount_total": price.amount}
            self.load("items", "li_", self.now, price=price.id, _of=parent, **sums)

    def do_rare_things(self) -> None:
        """What few customers have."""
        dice = self.dice
        if dice.chance(0.1):
            value = f"DE{dice.below(10**9):09}"
            owner = {"customer": self.customer, "type": "customer"}
            self.load(
                "tax_ids",
                "txi_",
                self.later(),
                country="DE",
                customer=self.customer,
                owner=owner,
                value=value,
            )
        if dice.chance(0.1):
            moment = self.later()
            about = {"currency": "usd", "customer": self.customer}
            self.load("invoiceitems", "ii_", moment, amount=1500, date=moment, **about)
            self.load("balances", "cbtxn_", moment, amount=-500, ending_balance=-500, **about)
        if dice.chance(0.1):
            about = {"customer": self.customer, "payment_method": self.card}
            self.load("setup_intents", "seti_", self.later(), status="succeeded", **about)
            self.add_lines(self.load("quotes", "qt_", self.later(), customer=self.customer), 2)
        if dice.chance(0.1):
            mode = "cs_live_" if self.books.live else "cs_test_"
            about = {"customer": self.customer, "status": "complete", "payment_status": "paid"}
            session = self.load("checkout/sessions", mode, self.later(), **about)
            self.add_lines(session, 14 if dice.chance(0.1) else 1)
        if dice.chance(0.05):
            self.load("sources", "card_", self.later(), customer=self.customer)
            about = {"customer": self.customer, "name": "Welcome"}
            grant = self.load("billing/credit_grants", "credgr_", self.later(), **about)
            moved = {"credit_grant": grant, "type": "credit"}
            self.load("billing/credit_balance_transactions", "cbtxn_", self.later(), **moved)
        if dice.chance(0.03):
            invoice = self.bill(self.later(), None, 1)
            about = {"customer": self.customer, "invoice": invoice}
            note = self.load("credit_notes", "cn_", self.later(), amount=100, total=100, **about)
            self.load("credit_note_lines", "cnli_", self.later(), amount=100, _of=note)


def fill(books: Books, customers: int = 100, seed: int = 0) -> None:
    """Fill books; about ten objects for each customer."""
    dice = Dice(seed, "fill")
    now = int(books.account.now)
    shelf = fill_catalog(books, dice, now, max(3, customers // 200))
    fill_settings(books, dice, now - YEARS, shelf.once[0].product)
    for number in range(1, customers + 1):
        life = _Life(books, dice, shelf, number, now)
        life.shop()
        if dice.chance(0.6):
            life.subscribe()
        life.do_rare_things()
