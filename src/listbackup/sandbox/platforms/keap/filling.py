"""Fills a Keap account with records: any number, the same for the same seed, thousands a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap.accompanying import accompany
from listbackup.sandbox.platforms.keap.furnishing import furnish
from listbackup.sandbox.platforms.keap.tables import Table
from listbackup.sandbox.platforms.keap.tenants import Tenant
from listbackup.sandbox.platforms.keap.views import make_money

_YEARS = 5 * 365 * 86400
_GIVEN = "Ada Ben Cleo Dario Elif Finn Greta Hugo Ines Jonas Kira Lars Mina Noor Otto Pia".split()
_FAMILY = "Ahmed Braun Cruz Diaz Evans Fischer Gruber Huang Ito Jensen Kaya Lopez Meyer".split()
_CITIES = (("Phoenix", "Arizona", "US-AZ"), ("Denver", "Colorado", "US-CO"))
_KINDS = ("Call", "Email", "Letter", "Other")
_COLOURS = ("Red", "Green", "Blue")
_PRIORITIES = ("CRITICAL", "ESSENTIAL", "NONESSENTIAL")


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many records of each kind; per contact where it says so. `others`: partners, cards,
    mail, files, links and the like."""

    contacts: int = 100
    companies: int = 10
    tags: int = 20
    tags_per_contact: float = 2.0
    notes_per_contact: float = 1.0
    tasks_per_contact: float = 0.5
    orders_per_contact: float = 0.5
    products: int = 20
    subscriptions: int = 10
    opportunities: int = 20
    users: int = 3
    others: int = 5


class _Filling:
    """One filling: dice, the span of time, and what was made so far."""

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.tenant = tenant
        self.dice = Dice(seed, "keap", tenant.name)
        self.now = int(tenant.seconds)
        self.changed = float(self.now)
        self.users = tenant["users"]

    def moment(self, place: int, count: int) -> tuple[str, str]:
        """When the record at a place was made and changed: over five years, in order."""
        back = _YEARS - _YEARS * place // max(1, count)
        made = self.now - back - 1
        return write_time(made), write_time(made + back * self.dice.below(1000) // 1000)

    def write(self, table: Table, record: dict[str, Any]) -> None:
        """Keep a record that has its number as its id."""
        table.write(table.take_number(), record, self.changed)

    def user(self) -> str:
        """Choose a user."""
        return str(self.dice.between(1, max(1, len(self.users))))


def write_time(seconds: int) -> str:
    """Write seconds since 1970 as Keap does."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}Z"


def fill(tenant: Tenant, seed: int = 0, amounts: Amounts | None = None) -> None:
    """Fill an account that was just opened."""
    wanted = amounts or Amounts()
    work = _Filling(tenant, seed)
    furnish(tenant, work.dice, tags=wanted.tags, products=wanted.products, users=wanted.users)
    _fill_companies(work, wanted.companies)
    contacts = _fill_contacts(work, wanted)
    if not contacts:
        return
    _fill_notes(work, contacts, round(wanted.contacts * wanted.notes_per_contact))
    _fill_tasks(work, contacts, round(wanted.contacts * wanted.tasks_per_contact))
    _fill_orders(work, contacts, round(wanted.contacts * wanted.orders_per_contact))
    _fill_subscriptions(work, contacts, wanted.subscriptions)
    _fill_opportunities(work, contacts, wanted.opportunities)
    accompany(tenant, work.dice, contacts, wanted.others)


def _fill_companies(work: _Filling, count: int) -> None:
    table = work.tenant["companies"]
    for place in range(count):
        made, changed = work.moment(place, count)
        id_, name = str(table.next_number), f"{work.dice.pick(_FAMILY)} Ltd. {place + 1}"
        company = {
            "id": id_,
            "company_name": name,
            "website": f"https://company{id_}.example",
            "notes": f"Notes about {name}",
            "email_address": {"email": f"info@company{id_}.example", "field": "EMAIL1"},
            "phone_number": {"number": f"480555{place % 10000:04d}", "field": "PHONE1"},
            "address": _make_address(work.dice, "BILLING"),
            "custom_fields": [{"id": "4", "content": work.dice.pick(_COLOURS)}],
            "create_time": made,
            "update_time": changed,
        }
        work.write(table, company)


def _make_address(dice: Dice, field: str) -> dict[str, Any]:
    throw = dice.throw()
    city, region, code = _CITIES[throw & 1]
    return {
        "line1": f"{1 + (throw >> 8) % 999} Main Street",
        "locality": city,
        "region": region,
        "region_code": code,
        "country": "United States",
        "country_code": "USA",
        "postal_code": str(80000 + (throw >> 20) % 10000),
        "field": field,
    }


def _fill_contacts(work: _Filling, wanted: Amounts) -> list[dict[str, Any]]:
    table, count, dice = work.tenant["contacts"], wanted.contacts, work.dice
    companies = list(work.tenant.records("companies"))
    tags = [row.number for row in work.tenant["tags"].rows()]
    known: list[dict[str, Any]] = []
    for place in range(count):
        throw, id_ = dice.throw(), str(table.next_number)
        made, changed = work.moment(place, count)
        given, family = _GIVEN[throw & 15], _FAMILY[(throw >> 4) % 13]
        email = f"{given}.{family}.{id_}@mail.example".lower()
        held = _choose_tags(throw, tags, wanted.tags_per_contact)
        contact: dict[str, Any] = {
            "id": id_,
            "given_name": given,
            "family_name": family,
            "email_addresses": [_make_email(email)],
            "phone_numbers": [{"number": f"602{throw % 10**7:07d}", "field": "PHONE1"}],
            "addresses": [_make_address(dice, "BILLING")],
            "job_title": ("Owner", "Manager", "Assistant")[(throw >> 12) % 3],
            "contact_type": ("Customer", "Prospect")[throw >> 14 & 1],
            "owner_id": work.user(),
            "leadsource_id": str(1 + (throw >> 16) % 5),
            "source_type": ("WEBFORM", "IMPORT", "MANUAL", "API")[throw >> 20 & 3],
            "custom_fields": [
                {"id": "1", "content": _COLOURS[(throw >> 22) % 3]},
                {"id": "2", "content": 36 + (throw >> 24) % 12},
            ],
            "tag_ids": held,
            "score_value": str((throw >> 28) % 100),
            "create_time": made,
            "update_time": changed,
        }
        if companies and throw >> 30 & 3 == 0:
            company = companies[(throw >> 32) % len(companies)]
            names = {"id": company["id"], "company_name": company["company_name"]}
            contact["company"] = names
        work.write(table, contact)
        known.append({"id": id_, "email": email, "given_name": given, "family_name": family})
        _note_address(work, email, made)
        _apply(work, id_, held, changed)
    return known


def _make_email(email: str) -> dict[str, Any]:
    state = {"is_opt_in": True, "email_opt_status": "SINGLE_OPT_IN"}
    return {"email": email, "field": "EMAIL1", **state}


def _choose_tags(throw: int, tags: list[int], each: float) -> list[str]:
    if not tags:
        return []
    whole = int(each) + ((throw >> 40) % 1000 < (each % 1) * 1000)
    start = (throw >> 44) % len(tags)
    return [str(tags[(start + 7 * n) % len(tags)]) for n in range(min(whole, len(tags) // 7))]


def _note_address(work: _Filling, email: str, made: str) -> None:
    table = work.tenant["email_addresses"]
    fields = {"opted_in": True, "status": "SINGLE_OPT_IN", "create_time": made}
    table.write(table.take_number(), {"email": email, **fields}, work.changed)


def _apply(work: _Filling, contact: str, tags: list[str], moment: str) -> None:
    table = work.tenant["applied_tags"]
    for tag in tags:
        applied = {"tag_id": tag, "contact_id": contact, "applied_time": moment}
        table.write(table.take_number(), applied, work.changed)


def _fill_notes(work: _Filling, contacts: Sequence[dict[str, Any]], count: int) -> None:
    table = work.tenant["notes"]
    for place in range(count):
        made, changed = work.moment(place, count)
        user = work.user()
        note = {
            "id": str(table.next_number),
            "title": f"Note {place + 1}",
            "text": f"Spoke about offer {work.dice.below(9999)}; will come back to it.",
            "type": work.dice.pick(_KINDS),
            "contact_id": work.dice.pick(contacts)["id"],
            "assigned_to_user": {"id": user, "given_name": f"User{user}"},
            "created_by_user_id": user,
            "last_updated_by_user_id": user,
            "create_time": made,
            "update_time": changed,
        }
        work.write(table, note)


def _fill_tasks(work: _Filling, contacts: Sequence[dict[str, Any]], count: int) -> None:
    table = work.tenant["tasks"]
    for place in range(count):
        made, changed = work.moment(place, count)
        done = work.dice.chance(0.5)
        task: dict[str, Any] = {
            "id": str(table.next_number),
            "title": f"Task {place + 1}",
            "type": "CALL",
            "priority": work.dice.pick(_PRIORITIES),
            "completed": done,
            "assigned_to_user_id": work.user(),
            "contact_id": work.dice.pick(contacts)["id"],
            "accepted": True,
            "due_time": changed,
            "create_time": made,
            "modification_time": changed,
        }
        if done:
            task["completion_time"] = changed
        work.write(table, task)


def _fill_orders(work: _Filling, contacts: Sequence[dict[str, Any]], count: int) -> None:
    table, products = work.tenant["orders"], list(work.tenant.records("products"))
    for place in range(count if products else 0):
        made, changed = work.moment(place, count)
        id_ = str(table.next_number)
        items = [_make_item(work, work.dice.pick(products)) for _ in range(work.dice.between(1, 3))]
        total = sum(item["quantity"] * item["price_per_unit"]["amount"] for item in items)
        paid = total if work.dice.chance(0.7) else 0
        order = {
            "id": id_,
            "title": f"Order {id_}",
            "status": "PAID" if paid else "SENT",
            "contact": work.dice.pick(contacts),
            "order_type": "ONLINE",
            "source_type": "CHECKOUT_FORM",
            "creation_time": made,
            "modification_time": changed,
            "order_time": made,
            "total": make_money(total),
            "total_paid": make_money(paid),
            "total_due": make_money(total - paid),
            "order_items": items,
            "invoice_id": id_,
            "custom_fields": [],
        }
        work.write(table, order)
        if paid:
            _pay(work, order, paid, changed)


def _make_item(work: _Filling, product: dict[str, Any]) -> dict[str, Any]:
    shown = {name: product[name] for name in ("id", "name", "sku")}
    return {
        "id": str(work.tenant.take_item()),
        "name": product["name"],
        "item_type": "PRODUCT",
        "quantity": work.dice.between(1, 4),
        "price_per_unit": product["price"],
        "product": shown,
    }


def _pay(work: _Filling, order: dict[str, Any], cents: int, moment: str) -> None:
    tenant, contact = work.tenant, order["contact"]
    payments = tenant["payments"]
    id_ = str(payments.next_number)
    shared = {"amount": cents / 100, "contact_id": contact["id"], "order_ids": [order["id"]]}
    state = {"status": "COMPLETED", "type": "Credit Card", "payment_time": moment}
    work.write(payments, {"id": id_, **shared, **state, "update_time": moment})
    method = {"status": "APPROVED", "transaction_method": "CAPTURE", "is_successful": True}
    transaction = {**shared, **method, "transaction_time": moment, "payment_id": id_}
    work.write(tenant["transactions"], {**transaction, "contact": contact})
    parts = tenant["order_payments"]
    part = {"amount": cents, "pay_time": moment, "pay_status": "APPROVED", "payment_id": id_}
    place = {"id": str(parts.next_number), "order_id": order["id"], "invoice_id": order["id"]}
    work.write(parts, {**place, **part, "last_updated_time": moment, "skip_commission": False})


def _fill_subscriptions(work: _Filling, contacts: Sequence[dict[str, Any]], count: int) -> None:
    table, plans = work.tenant["subscriptions"], list(work.tenant.records("plans"))
    for place in range(count if plans else 0):
        made, changed = work.moment(place, count)
        plan = work.dice.pick(plans)
        subscription = {
            "id": str(table.next_number),
            "quantity": 1,
            "active": work.dice.chance(0.8),
            "contact_id": work.dice.pick(contacts)["id"],
            "product_id": plan["product_id"],
            "subscription_plan_id": plan["id"],
            "billing_amount": plan["plan_price"]["amount"],
            "auto_charge": True,
            "billing_frequency": 1,
            "billing_cycle": "MONTH",
            "start_date": made[:10],
            "next_bill_date": changed[:10],
            "modification_time": changed,
        }
        work.write(table, subscription)


def _fill_opportunities(work: _Filling, contacts: Sequence[dict[str, Any]], count: int) -> None:
    table, stages = work.tenant["opportunities"], list(work.tenant.records("stages"))
    for place in range(count):
        made, changed = work.moment(place, count)
        stage, contact = work.dice.pick(stages), work.dice.pick(contacts)
        names = {"first_name": contact["given_name"], "last_name": contact["family_name"]}
        opportunity = {
            "id": str(table.next_number),
            "opportunity_title": f"Deal {place + 1}",
            "contact": {"id": contact["id"], "email": contact["email"], **names},
            "stage": {"id": stage["id"], "name": stage["name"]},
            "user": {"id": work.user()},
            "projected_revenue_low": 100.0 * work.dice.between(1, 50),
            "projected_revenue_high": 100.0 * work.dice.between(51, 100),
            "include_in_forecast": True,
            "custom_fields": [],
            "created_time": made,
            "last_updated_time": changed,
        }
        work.write(table, opportunity)
