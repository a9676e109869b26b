"""Records as Keap shows them where that is not as they are kept."""

from collections.abc import Callable, Mapping

from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.tenants import Tenant

View = Callable[[Tenant, Record], object]


def make_money(amount: int) -> Record:
    """Write an amount of cents as Keap does."""
    sign = "-" if amount < 0 else ""
    text = f"{sign}${abs(amount) // 100:,}.{abs(amount) % 100:02d}"
    return {"amount": amount, "currency_code": "USD", "formatted_amount": text}


def _applied_tag(tenant: Tenant, record: Record) -> object:
    tag = tenant.find("tags", record["tag_id"])
    return {"tag": tag, "applied_time": record["applied_time"]}


def _tagged_contact(tenant: Tenant, record: Record) -> object:
    contact = tenant.find("contacts", record["contact_id"]) or {}
    emails = several(contact.get("email_addresses"))
    shown = {
        "id": record["contact_id"],
        "email": emails[0]["email"] if emails and isinstance(emails[0], dict) else None,
        "given_name": contact.get("given_name"),
        "family_name": contact.get("family_name"),
        "applied_time": record["applied_time"],
    }
    return _without_nothing(shown)


def _tagged_company(tenant: Tenant, record: Record) -> object:
    company = tenant.find("companies", record["company_id"])
    return {"company": company, "applied_time": record["applied_time"]}


def _id(tenant: Tenant, record: Record) -> object:
    return record["id"]


def _email(tenant: Tenant, record: Record) -> object:
    hidden = {"plain_content", "html_content", "_created"}
    return {name: value for name, value in record.items() if name not in hidden}


def _whole_email(tenant: Tenant, record: Record) -> object:
    return {name: value for name, value in record.items() if name != "_created"}


def _listed_product(tenant: Tenant, record: Record) -> object:
    shown = _product(tenant, record)
    inventory = shown.get("inventory")
    if isinstance(inventory, dict):
        inventory.pop("inventory_count", None)
    return shown


def _product(tenant: Tenant, record: Record) -> Record:
    plans = [
        tenant["plans"].read(number) for number in tenant["plans"].owned("product_id", record["id"])
    ]
    options = [
        tenant["options"].read(number)
        for number in tenant["options"].owned("product_id", record["id"])
    ]
    shown_plans = [_product_plan(plan) for plan in plans]
    shown_options = [_product_option(option) for option in options]
    return {**record, "options": shown_options, "subscription_plans": shown_plans}


def _product_plan(plan: Mapping[str, object]) -> Record:
    return {
        "id": plan["id"],
        "active": plan.get("active", True),
        "prorate": plan.get("allow_prorating", False),
        "billing_cycle": plan["cycle_type"],
        "billing_frequency": plan.get("frequency", 1),
        "number_of_cycles": plan.get("total_cycles", 0),
        "plan_price": plan["plan_price"],
        "order_index": plan.get("display_order_index", 0),
    }


def _product_option(option: Mapping[str, object]) -> Record:
    items = several(option.get("list_items"))
    fixed = [
        {"value": item["item_label"], "code": item.get("item_code", "")}
        for item in items
        if isinstance(item, dict)
    ]
    return {
        "name": option.get("option_label", ""),
        "type": "FIXED" if option["option_type"] == "LIST" else "VARIABLE",
        "required": option.get("required", False),
        "fixed_options": fixed,
    }


def _assigned(tenant: Tenant, record: Record) -> object:
    return {"product_category_id": record["id"], "product_ids": several(record.get("product_ids"))}


def _category(tenant: Tenant, record: Record) -> object:
    return {name: value for name, value in record.items() if name != "product_ids"}


def _conceal(name: str) -> View:
    """Make a view without the field by which a record is known to belong to another."""

    def view(tenant: Tenant, record: Record) -> object:
        return {field: value for field, value in record.items() if field != name}

    return view


def _template(tenant: Tenant, record: Record) -> object:
    return {**record, "id": int(record["id"])}


def _program(tenant: Tenant, record: Record) -> object:
    return {name: value for name, value in record.items() if not name.endswith("_commissions")}


def _summary(tenant: Tenant, record: Record) -> object:
    commissions = tenant["commissions"]
    earned = sum(
        float(str(commissions.read(number)["amount_earned"]))
        for number in commissions.owned("sales_affiliate_id", record["id"])
    )
    number = int(str(record["id"]))
    return {"affiliateId": number, "clawbacks": 0.0, "balance": earned, "amountEarned": earned}


def _without_nothing(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


VIEWS: Mapping[str, View] = {
    "tag": _applied_tag,
    "tagged contact": _tagged_contact,
    "tagged company": _tagged_company,
    "id": _id,
    "email": _email,
    "whole email": _whole_email,
    "listed product": _listed_product,
    "product": _product,
    "assigned": _assigned,
    "category": _category,
    "campaign's": _conceal("campaign_id"),
    "order's": _conceal("order_id"),
    "affiliate's": _conceal("affiliate_id"),
    "product's": _conceal("product_id"),
    "template": _template,
    "program": _program,
    "summary": _summary,
}
