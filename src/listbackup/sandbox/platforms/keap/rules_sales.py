"""What Keap asks of orders, products, subscriptions, discounts, tags and custom fields."""

from dataclasses import replace

from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.rules import (
    PLAIN,
    Rules,
    check_custom,
    check_there,
    check_unique,
    make_plainly,
    settle,
)
from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.views import make_money
from listbackup.sandbox.platforms.keap.visits import Visit

_CYCLES = {"YEARLY": "YEAR", "MONTHLY": "MONTH", "WEEKLY": "WEEK", "DAILY": "DAY"}


def make_item(visit: Visit, body: Record, number: int) -> Record:
    """Make an order item of a body. Raises RefusedError."""
    kind = str(body.get("item_type") or "PRODUCT")
    item: Record = {"id": str(number), "item_type": kind, "quantity": body["quantity"]}
    price = body.get("price_per_unit")
    if kind in {"PRODUCT", "SUBSCRIPTION"}:
        if body.get("product_id") is None:
            raise RefusedError(400, f"'product_id' is required for {kind}", "product_id")
        check_there(visit, body, product_id="products")
        product = visit.find("products", body["product_id"])
        known = ("id", "name", "sku", "description", "shippable", "taxable")
        item["product"] = {name: product[name] for name in known if name in product}
        item["name"] = product["name"]
        money = product["price"]
        price = money["amount"] / 100 if price is None and isinstance(money, dict) else price
    if kind == "SUBSCRIPTION":
        if body.get("subscription_plan_id") is None:
            message = "'subscription_plan_id' is required for SUBSCRIPTION"
            raise RefusedError(400, message, "subscription_plan_id")
        plan = visit.find("plans", body["subscription_plan_id"])
        item["subscription_plan"] = {n: plan[n] for n in plan if n != "product_id"}
    for name in ("name", "description", "notes"):
        if body.get(name) is not None:
            item[name] = body[name]
    item["price_per_unit"] = make_money(_cents(price))
    item["cost_per_unit"] = make_money(_cents(body.get("cost_per_unit")))
    return item


def sum_order(record: Record) -> None:
    """Count an order's items together."""
    total = 0
    for item in several(record.get("order_items")):
        if isinstance(item, dict):
            total += int(item["quantity"]) * int(item["price_per_unit"]["amount"])
    paid = record.get("total_paid")
    given = int(paid["amount"]) if isinstance(paid, dict) else 0
    record["total"] = make_money(total)
    record["total_paid"] = make_money(given)
    record["total_due"] = make_money(total - given)
    record["status"] = "PAID" if given >= total > 0 else record.get("status", "DRAFT")
    if record["status"] == "PAID" and given < total:
        record["status"] = "SENT"


def _cents(value: object) -> int:
    return round(float(str(value)) * 100) if value is not None else 0


def _make_order(visit: Visit, body: Record) -> Record:
    record = make_plainly(visit, body)
    items = several(record.pop("order_items", None))
    record["order_items"] = [
        make_item(visit, item, visit.tenant.take_item()) for item in items if isinstance(item, dict)
    ]
    record["source_type"] = "API"
    record["invoice_id"] = str(visit.tenant["orders"].next_number)
    return record


def _check_order(visit: Visit, record: Record) -> None:
    check_there(visit, record, contact_id="contacts")
    check_custom(visit, record, "ORDER")
    if (id_ := record.pop("contact_id", None)) is not None:
        contact = visit.find("contacts", id_)
        emails = several(contact.get("email_addresses"))
        shown: Record = {"id": id_}
        shown |= {n: contact[n] for n in ("given_name", "family_name") if n in contact}
        if emails and isinstance(emails[0], dict):
            shown["email"] = emails[0]["email"]
        record["contact"] = shown
    if (title := record.pop("order_title", None)) is not None:
        record["title"] = title
    if codes := several(record.pop("promo_codes", None)):
        record["promo_code"] = codes[0]
    if isinstance(address := record.pop("shipping_address", None), dict):
        record["shipping_information"] = _ship(address)
    sum_order(record)


def _ship(address: Record) -> Record:
    kept = ("line1", "line2", "locality", "region", "country_code", "zip_code", "zip_four")
    shown: Record = {"address": {name: address[name] for name in kept if address.get(name)}}
    others = (("first_name", "given_name"), ("last_name", "family_name"), ("company", "company"))
    shown |= {theirs: address[ours] for ours, theirs in others if address.get(ours)}
    return shown


def _check_unpaid(visit: Visit, record: Record) -> None:
    if visit.tenant["transactions"].owned("order_ids", record["id"]):
        raise RefusedError(409, "The order has transactions and cannot be deleted", "order")


def _check_product(visit: Visit, record: Record) -> None:
    price = record.get("price")
    if isinstance(price, int):
        record["price"] = make_money(price)
    inventory = record.setdefault("inventory", {})
    for name in ("inventory_limit", "out_of_stock_enabled", "email_for_inventory_notifications"):
        if name in record and isinstance(inventory, dict):
            inventory[name] = record.pop(name)
    record.setdefault("active", True)
    record.setdefault("categories", [])


def _check_plan(visit: Visit, record: Record) -> None:
    price = record.get("plan_price")
    if isinstance(price, (int, float)):
        record["plan_price"] = make_money(int(price))
    product = visit.find("products", record["product_id"])
    record["subscription_plan_name"] = f"{product['name']} ({record['cycle_type'].lower()})"
    record.setdefault("active", True)
    record.setdefault("frequency", 1)


def _check_option(visit: Visit, record: Record) -> None:
    for number, item in enumerate(several(record.get("list_items")), 1):
        if isinstance(item, dict):
            item.setdefault("item_id", str(number))


def _make_subscription(visit: Visit, body: Record) -> Record:
    record = make_plainly(visit, body)
    again = record.pop("allow_duplicate", False)
    start = str(record.setdefault("start_date", visit.tenant.now[:10]))
    if start < visit.tenant.now[:10]:
        raise RefusedError(400, "'start_date' must not be in the past", "start_date")
    check_there(visit, record, contact_id="contacts", subscription_plan_id="plans")
    owned = visit.tenant["subscriptions"].owned("contact_id", record["contact_id"])
    known = [visit.tenant["subscriptions"].read(number) for number in owned]
    plan_id = record["subscription_plan_id"]
    if not again and any(s["subscription_plan_id"] == plan_id and s["active"] for s in known):
        raise RefusedError(409, "The contact already has an identical subscription")
    plan = visit.find("plans", plan_id)
    price = plan["plan_price"]
    defaults: Record = {
        "quantity": 1,
        "active": True,
        "billing_amount": price["amount"] if isinstance(price, dict) else 0,
        "auto_charge": True,
        "allow_tax": False,
        "max_charge_attempts": 3,
        "days_between_retries": 3,
        "product_id": plan["product_id"],
        "billing_cycle": _CYCLES[str(plan["cycle_type"])],
        "billing_frequency": plan["frequency"],
        "next_bill_date": start,
        "modification_time": visit.tenant.now,
    }
    return {**defaults, **record}


def _check_subscription(visit: Visit, record: Record) -> None:
    check_there(visit, record, contact_id="contacts", subscription_plan_id="plans")
    check_custom(visit, record, "SUBSCRIPTION")


def _check_tag(visit: Visit, record: Record) -> None:
    check_unique(visit, "tags", "name", record)
    record["name"] = str(record["name"])[:255]
    category = record.get("category")
    if isinstance(category, dict):
        check_there(visit, {"category": category["id"]}, category="tag_categories")


def _clear_category(visit: Visit, record: Record) -> None:
    for tag in list(visit.tenant.records("tags")):
        category = tag.get("category")
        if isinstance(category, dict) and category["id"] == record["id"]:
            del tag["category"]
            visit.tenant.change("tags", tag)


def _number_criteria(visit: Visit, record: Record) -> None:
    for item in several(record.get("criteria")):
        if isinstance(item, dict):
            item.setdefault("criteria_id", str(visit.tenant.take_item()))
    record.setdefault("criteria", [])
    check_there(visit, record, product_id="products", subscription_plan_id="plans")
    if (ids := record.pop("product_category_ids", None)) is not None:
        record["product_categories"] = ids


def _price_expense(visit: Visit, record: Record) -> None:
    amount = record.get("amount")
    if isinstance(amount, int):
        record["amount"] = make_money(amount)


def _check_field(visit: Visit, record: Record) -> None:
    for number, item in enumerate(several(record.get("options")), 1):
        if isinstance(item, dict):
            item.setdefault("id", str(number))
    if record.get("group_id") is None:
        record["group_id"] = "1"
    group = visit.tenant.find("field_groups", record["group_id"])
    record["group_name"] = group["name"] if group else "Custom Fields"
    label = "".join(letter for letter in str(record["label"]) if letter.isalnum())
    number = visit.tenant["fields"].next_number
    record.setdefault("field_name", f"{label[:1].lower()}{label[1:]}{number}")


def _check_group_empty(visit: Visit, record: Record) -> None:
    if any(field["group_id"] == record["id"] for field in visit.tenant.records("fields")):
        raise RefusedError(409, "The group still contains custom fields", "group")


def _check_tab_empty(visit: Visit, record: Record) -> None:
    if any(group.get("tab_id") == record["id"] for group in visit.tenant.records("field_groups")):
        raise RefusedError(409, "The tab still contains groups", "tab")


def _record_email(visit: Visit, record: Record) -> None:
    check_there(visit, record, contact_id="contacts")
    record.setdefault("original_provider", "UNKNOWN")


_DISCOUNT = settle(_number_criteria)
RULES: dict[str, Rules] = {
    "orders": replace(settle(_check_order, _make_order), drop=_check_unpaid),
    "products": settle(_check_product),
    "plans": settle(_check_plan),
    "options": settle(_check_option),
    "subscriptions": settle(_check_subscription, _make_subscription),
    "tags": settle(_check_tag),
    "tag_categories": replace(
        settle(lambda visit, record: check_unique(visit, "tag_categories", "name", record)),
        drop=_clear_category,
    ),
    "lead_source_categories": settle(
        lambda visit, record: check_unique(visit, "lead_source_categories", "name", record)
    ),
    "free_trial_discounts": _DISCOUNT,
    "order_total_discounts": _DISCOUNT,
    "category_discounts": _DISCOUNT,
    "product_discounts": _DISCOUNT,
    "shipping_discounts": _DISCOUNT,
    "expenses": settle(_price_expense),
    "recurring_expenses": settle(_price_expense),
    "fields": settle(_check_field),
    "field_groups": replace(PLAIN, drop=_check_group_empty),
    "field_tabs": replace(PLAIN, drop=_check_tab_empty),
    "emails": settle(_record_email),
}
