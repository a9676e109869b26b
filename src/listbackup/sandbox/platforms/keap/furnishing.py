"""What a Keap account has before its first contact: users, tags, products, stages, forms, places.

Deterministic: the same seed gives the same records.
"""

from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap.operations import MODELS
from listbackup.sandbox.platforms.keap.tenants import Tenant
from listbackup.sandbox.platforms.keap.views import make_money

_COUNTRIES = (("USA", "US", "United States"), ("CAN", "CA", "Canada"), ("DEU", "DE", "Germany"))
_PROVINCES = (
    ("US-AZ", "Arizona", "USA"),
    ("US-CO", "Colorado", "USA"),
    ("CA-ON", "Ontario", "CAN"),
)
_CATEGORIES = ("Interests", "Events", "Customers", "Products", "Engagement")
_STAGES = ("New", "Contacted", "Qualified", "Proposal", "Won", "Lost")
_WARES = ("Course", "Workbook", "Consultation", "Membership", "Audit", "Template", "Toolkit")
_GRADES = ("Starter", "Basic", "Plus", "Pro", "Premium")
_FIELDS = (
    ("Favourite colour", "DROPDOWN"),
    ("Shoe size", "WHOLE_NUMBER"),
    ("Remarks", "TEXT_AREA"),
)
_SOURCES = ("Web search", "Trade fair", "Recommendation", "Newsletter", "Webinar")


def furnish(tenant: Tenant, dice: Dice, *, tags: int, products: int, users: int) -> None:
    """Give an account what its records refer to."""
    _furnish_places(tenant)
    for number in range(len(tenant["users"]) + 1, users + 1):
        emails = [{"email": f"user{number}@{tenant.name}.example", "field": "EMAIL1"}]
        names = {"given_name": f"User{number}", "family_name": dice.pick(("Berg", "Lind", "Dahl"))}
        tenant.add("users", {**names, "status": "ACTIVE", "email_addresses": emails})
    tenant.add("user_groups", {"name": "Sales"})
    _furnish_tags(tenant, dice, tags)
    _furnish_products(tenant, dice, products)
    _furnish_fields(tenant)
    _furnish_sales(tenant, dice)
    _furnish_work(tenant, dice)


def _furnish_places(tenant: Tenant) -> None:
    for alpha3, alpha2, name in _COUNTRIES:
        tenant.add("countries", {"codes": {"alpha2": alpha2, "alpha3": alpha3}, "name": name})
    for code, name, country in _PROVINCES:
        tenant.add("provinces", {"code": code, "name": name, "country": country})
    tenant.add("merchants", {"name": "Test merchant", "type": "STRIPE", "is_test": True})
    tenant.add("shipping_methods", {"name": "Parcel", "type": "FLAT_RATE", "status": "ACTIVE"})


def _furnish_tags(tenant: Tenant, dice: Dice, count: int) -> None:
    ids = [
        tenant.add("tag_categories", {"name": name, "description": f"All about {name.lower()}"})[
            "id"
        ]
        for name in _CATEGORIES
    ]
    for number in range(1, count + 1):
        tag: dict[str, Any] = {"name": f"{dice.pick(_CATEGORIES)} {number}", "description": ""}
        if dice.chance(0.8):
            tag["category"] = {"id": dice.pick(ids)}
        tenant.add("tags", tag)


def _furnish_products(tenant: Tenant, dice: Dice, count: int) -> None:
    categories = [
        tenant.add("product_categories", {"name": name, "display_order_index": place})["id"]
        for place, name in enumerate(("Digital", "Printed", "Services"))
    ]
    for number in range(1, count + 1):
        name = f"{dice.pick(_WARES)} {dice.pick(_GRADES)} {number}"
        category, price = dice.pick(categories), dice.between(5, 500) * 100
        product = tenant.add(
            "products",
            {
                "name": name,
                "price": make_money(price),
                "active": True,
                "description": f"<p>{name}</p>",
                "sku": f"SKU-{number:04d}",
                "shippable": dice.chance(0.3),
                "taxable": True,
                "categories": [category],
                "inventory": {"inventory_limit": 10, "inventory_count": dice.between(0, 200)},
                "short_description": name,
                "subscription_only": number % 5 == 0,
            },
        )
        if number % 5 == 0:
            _add_plan(tenant, product, price)
        if number % 4 == 0:
            option = {"option_label": "Size", "option_type": "LIST", "product_id": product["id"]}
            items = [{"item_id": str(n), "item_label": s} for n, s in enumerate("SML", 1)]
            tenant.add("options", {**option, "list_items": items})
    for id_ in categories:
        category_record = tenant.find("product_categories", id_)
        if category_record is not None:
            held = [p["id"] for p in tenant.records("products") if id_ in p["categories"]]
            tenant.change("product_categories", {**category_record, "product_ids": held})


def _add_plan(tenant: Tenant, product: dict[str, Any], price: int) -> None:
    tenant.add(
        "plans",
        {
            "product_id": product["id"],
            "active": True,
            "frequency": 1,
            "cycle_type": "MONTHLY",
            "total_cycles": 12,
            "plan_price": make_money(price // 10),
            "subscription_plan_name": f"{product['name']} (monthly)",
        },
    )


def _furnish_fields(tenant: Tenant) -> None:
    for record_type in dict.fromkeys(MODELS.values()):
        fixed = {"record_type": record_type}
        tab = tenant.add("field_tabs", {"name": "Custom Fields", "order": 1, **fixed})
        group = tenant.add(
            "field_groups", {"name": "Custom Fields", "order": 1, "tab_id": tab["id"], **fixed}
        )
        for label, kind in _FIELDS:
            field: dict[str, Any] = {"label": label, "field_type": kind, **fixed}
            if kind == "DROPDOWN":
                colours = enumerate(("Red", "Green", "Blue"), 1)
                field["options"] = [{"id": str(n), "label": text} for n, text in colours]
            number = tenant["fields"].next_number
            words = "".join(label.title().split())
            field["field_name"] = f"{words[0].lower()}{words[1:]}{number}"
            tenant.add("fields", {**field, "group_id": group["id"], "group_name": group["name"]})


def _furnish_sales(tenant: Tenant, dice: Dice) -> None:
    for place, name in enumerate(_STAGES, 1):
        chance = min(100, place * 18)
        stage = {"name": name, "order": place, "probability": chance, "checklist_items": []}
        tenant.add("stages", {**stage, "target_number_days": 7})
    category = tenant.add("lead_source_categories", {"name": "Marketing", "description": ""})
    for name in _SOURCES:
        source = {"name": name, "status": "ACTIVE", "lead_source_category_id": category["id"]}
        lead = tenant.add("lead_sources", source)
        expense = {"title": "Fees", "amount": make_money(dice.between(100, 900) * 100)}
        tenant.add("expenses", {**expense, "lead_source_id": lead["id"]})
        tenant.add("recurring_expenses", {**expense, "lead_source_id": lead["id"]})
    value = {"discount_type": "PERCENT", "discount_value": 10.0, "criteria": []}
    tenant.add("shipping_discounts", {"name": "Free parcel", **value})
    tenant.add("order_total_discounts", {"name": "Large order", **value})
    if len(tenant["products"]):
        tenant.add("product_discounts", {"name": "Sale", "product_id": "1", **value})
    of_categories = {"discount_percent": 5.0, "product_categories": ["1"], "criteria": []}
    tenant.add("category_discounts", {"name": "Digital week", **of_categories})
    if len(tenant["plans"]):
        trial = {"free_trial_days": 14, "subscription_plan_id": "1", "criteria": []}
        tenant.add("free_trial_discounts", {"name": "Try it", "hide_price": True, **trial})
    tenant.add("bundles", {"name": "Everything", "description": "All of it"})


def _furnish_work(tenant: Tenant, dice: Dice) -> None:
    for number in range(1, 4):
        campaign = tenant.add(
            "campaigns",
            {"name": f"Campaign {number}", "locked": False, "date_created": tenant.now},
        )
        for table, name in (("goals", "Form submitted"), ("sequences", "Welcome")):
            tenant.add(table, {"name": name, "campaign_id": campaign["id"]})
    category = tenant.add("automation_categories", {"name": "Onboarding", "automation_count": 30})
    for number in range(1, 31):
        status = dice.pick(("PUBLISHED", "DRAFT"))
        automation = {"title": f"Automation {number}", "status": status, "locked": False}
        tenant.add("automations", {**automation, "categories": [category["id"]]})
    form = {"name": "Newsletter", "webform_type": "STANDALONE", "webform_url": "https://x.example"}
    tenant.add("webforms", form)
    tenant.add("email_templates", {"piece_title": "Welcome", "subject": "Hello"})
    tenant.add("note_templates", {"title": "After the sale", "action_type": "Call"})
    tenant.add("reports", {"name": "Monthly sales", "user_ids": ["1"]})
    tenant.add("opt_in_options", {"key": "newsletter", "name": "Newsletter"})
    tenant.add("link_types", {"name": "Spouse", "max_links": 1})
    tenant.add("programs", {"name": "Partners", "priority": "1", "notes": "", "affiliate_ids": []})
