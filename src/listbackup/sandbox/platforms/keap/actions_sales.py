"""Keap's operations on orders, products and discounts beyond create, read, update and delete."""

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.bodies import field_names, read_bodies
from listbackup.sandbox.platforms.keap.errors import RefusedError, give, give_nothing
from listbackup.sandbox.platforms.keap.resources import DISCOUNTS
from listbackup.sandbox.platforms.keap.rules_sales import make_item, sum_order
from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.views import make_money
from listbackup.sandbox.platforms.keap.visits import Handler, Visit
from listbackup.sandbox.platforms.keap.writing import create


def _find_part(record: Record, field: str, name: str, id_: str) -> Record:
    for item in several(record.get(field)):
        if isinstance(item, dict) and str(item.get(name)) == id_:
            return item
    raise RefusedError(404, f"{id_} was not found in {field}")


def _remove_part(record: Record, field: str, name: str, id_: str) -> None:
    gone = _find_part(record, field, name, id_)
    record[field] = [item for item in several(record[field]) if item is not gone]


def _order(visit: Visit) -> Record:
    return visit.find("orders", visit.parts["order_id"])


def _add_item(visit: Visit) -> Response:
    order = _order(visit)
    item = make_item(visit, visit.read("OrderItem"), visit.tenant.take_item())
    order["order_items"] = [*several(order.get("order_items")), item]
    sum_order(order)
    visit.tenant.change("orders", order)
    return give(item, 201)


def _read_item(visit: Visit) -> Response:
    return give(_find_part(_order(visit), "order_items", "id", visit.parts["order_item_id"]))


def _change_item(visit: Visit) -> Response:
    order = _order(visit)
    item = _find_part(order, "order_items", "id", visit.parts["order_item_id"])
    body = visit.read("OrderItemUpdate")
    for name in visit.names("update_mask") or body:
        value = body.get(name)
        if name.endswith("_per_unit"):
            item[name] = make_money(round(float(str(value or 0)) * 100))
        elif name in {"name", "description", "notes", "quantity"}:
            item[name] = value
        elif name not in field_names("OrderItemUpdate"):
            raise RefusedError(400, f"Unknown field '{name}' in 'update_mask'", "update_mask")
    sum_order(order)
    visit.tenant.change("orders", order)
    return give(item)


def _delete_item(visit: Visit) -> Response:
    order = _order(visit)
    _remove_part(order, "order_items", "id", visit.parts["order_item_id"])
    sum_order(order)
    visit.tenant.change("orders", order)
    return give_nothing()


def _pay(visit: Visit) -> Response:
    order, body = _order(visit), visit.read("Payment")
    if not body.get("payment_method_id") and not body.get("payment_method_type"):
        raise RefusedError(400, "payment_method_id or payment_method_type is required")
    cents = round(float(str(body["payment_amount"])) * 100)
    due = order["total_due"]
    if isinstance(due, dict) and cents > due["amount"]:
        raise RefusedError(400, "'payment_amount' exceeds the balance", "payment_amount")
    payment = record_payment(visit, order, body, cents)
    paid = order["total_paid"]
    order["total_paid"] = make_money((paid["amount"] if isinstance(paid, dict) else 0) + cents)
    sum_order(order)
    visit.tenant.change("orders", order)
    result = {
        "id": payment["id"],
        "invoice_id": order["invoice_id"],
        "payment_amount": cents / 100,
        "payment_status_message": "APPROVED",
    }
    return give(result, 201)


def record_payment(visit: Visit, order: Record, body: Record, cents: int) -> Record:
    """Write down a payment of an order: the payment, its part of the order, its transaction."""
    moment = body.get("payment_time") or visit.tenant.now
    contact = order["contact"]
    contact_id = contact["id"] if isinstance(contact, dict) else None
    shared: Record = {"amount": cents / 100, "contact_id": contact_id, "order_ids": [order["id"]]}
    payment = visit.tenant.add(
        "payments",
        {
            **shared,
            "type": body.get("payment_method_type") or "Credit Card",
            "status": "COMPLETED",
            "payment_time": moment,
            "update_time": visit.tenant.now,
            "note": body.get("notes") or "",
        },
    )
    visit.tenant.add(
        "transactions",
        {
            **shared,
            "status": "APPROVED",
            "contact": contact,
            "transaction_method": "CAPTURE" if body.get("payment_method_id") else "MANUAL",
            "transaction_time": moment,
            "payment_id": payment["id"],
            "is_successful": True,
        },
    )
    part = {
        "order_id": order["id"],
        "amount": cents,
        "note": body.get("notes") or "",
        "invoice_id": order["invoice_id"],
        "payment_id": payment["id"],
        "pay_time": moment,
        "pay_status": "APPROVED" if body.get("payment_method_id") else "MANUAL_PAID",
        "skip_commission": not body.get("apply_to_commissions"),
    }
    visit.tenant.add("order_payments", part)
    return payment


def _attach_file(visit: Visit) -> Response:
    order, file_id = _order(visit), visit.read("FileReference")["file_id"]
    visit.find("files", file_id)
    order["files"] = [*several(order.get("files")), {"file_id": file_id}]
    return give(visit.tenant.change("orders", order))


def _detach_file(visit: Visit) -> Response:
    order = _order(visit)
    _remove_part(order, "files", "file_id", str(visit.read("FileReference")["file_id"]))
    return give(visit.tenant.change("orders", order))


def _adjust_inventory(visit: Visit) -> Response:
    product = visit.find("products", visit.parts["product_id"])
    body, inventory = visit.read("InventoryChange"), product.setdefault("inventory", {})
    if isinstance(inventory, dict):
        by = int(str(body["quantity"])) * (1 if body["type"] == "INCREASE" else -1)
        inventory["inventory_count"] = int(inventory.get("inventory_count", 0)) + by
    return give(visit.tenant.change("products", product))


def _option(visit: Visit) -> Record:
    visit.check_owners()
    option = visit.find("options", visit.parts["product_option_id"])
    if option["product_id"] != visit.parts["product_id"]:
        raise RefusedError(404, "The option was not found")
    return option


def _add_option_items(visit: Visit) -> Response:
    option = _option(visit)
    made = read_bodies(visit.call.request.body, "OptionItem")
    items = [{"item_id": str(visit.tenant.take_item()), **item} for item in made]
    option["list_items"] = [*several(option.get("list_items")), *items]
    return give(visit.tenant.change("options", option), 201)


def _change_option_item(visit: Visit) -> Response:
    option = _option(visit)
    item = _find_part(option, "list_items", "item_id", visit.parts["item_id"])
    body = visit.read("OptionItem")
    item.update({name: body.get(name) for name in visit.names("update_mask") or body})
    return give(visit.tenant.change("options", option))


def _delete_option_item(visit: Visit) -> Response:
    option = _option(visit)
    _remove_part(option, "list_items", "item_id", visit.parts["item_id"])
    visit.tenant.change("options", option)
    return give_nothing()


def _add_interest(visit: Visit) -> Response:
    bundle, body = visit.find("bundles", visit.parts["id"]), visit.read("Interest")
    plural = "product" if body["type"] == "PRODUCT" else "subscription_plan"
    visit.find("products" if plural == "product" else "plans", body["entity_id"])
    interest = {
        "interest_id": str(visit.tenant.take_item()),
        "id": body["entity_id"],
        "type": body["type"],
        "quantity": body.get("quantity") or 1,
        "price": make_money(int(float(str(body["price"])))),
        "discount_percent": body.get("discount_percent") or 0,
    }
    field = f"{plural}_interests"
    bundle[field] = [*several(bundle.get(field)), interest]
    visit.tenant.change("bundles", bundle)
    return give(interest, 201)


def _interest(bundle: Record, id_: str) -> tuple[str, Record]:
    for field in ("product_interests", "subscription_plan_interests"):
        for item in several(bundle.get(field)):
            if isinstance(item, dict) and item["interest_id"] == id_:
                return field, item
    raise RefusedError(404, f"Interest {id_} was not found")


def _change_interest(visit: Visit) -> Response:
    bundle, body = visit.find("bundles", visit.parts["id"]), visit.read("InterestUpdate")
    _, item = _interest(bundle, visit.parts["interest_id"])
    if body.get("price") is not None:
        body["price"] = make_money(int(float(str(body["price"]))))
    item.update({name: body.get(name) for name in visit.names("update_mask") or body})
    visit.tenant.change("bundles", bundle)
    return give(item)


def _delete_interest(visit: Visit) -> Response:
    bundle = visit.find("bundles", visit.parts["id"])
    field, _ = _interest(bundle, visit.parts["interest_id"])
    _remove_part(bundle, field, "interest_id", visit.parts["interest_id"])
    visit.tenant.change("bundles", bundle)
    return give_nothing()


def _assign_products(visit: Visit) -> Response:
    category = visit.find("product_categories", visit.parts["category_id"])
    wanted = [str(id_) for id_ in several(visit.read("Products")["product_ids"])]
    for id_ in wanted:
        visit.find("products", id_)
    before = {str(id_) for id_ in several(category.get("product_ids"))}
    category["product_ids"] = wanted
    visit.tenant.change("product_categories", category)
    for id_ in before ^ set(wanted):
        product = visit.find("products", id_)
        others = [one for one in several(product.get("categories")) if one != category["id"]]
        product["categories"] = [*others, category["id"]] if id_ in wanted else others
        visit.tenant.change("products", product)
    return give_nothing()


def _stop_subscription(visit: Visit) -> Response:
    subscription = visit.find("subscriptions", visit.parts["subscription_id"])
    subscription["reason_stopped"] = visit.read("SubscriptionStop").get("reason") or ""
    subscription |= {"active": False, "end_date": visit.tenant.now[:10]}
    visit.tenant.change("subscriptions", subscription)
    return give({})


def _bill_subscription(visit: Visit) -> Response:
    subscription = visit.find("subscriptions", visit.parts["subscription_id"])
    item = {
        "item_type": "SUBSCRIPTION",
        "quantity": subscription["quantity"],
        "product_id": subscription["product_id"],
        "subscription_plan_id": subscription["subscription_plan_id"],
        "price_per_unit": float(str(subscription["billing_amount"])) / 100,
    }
    body: Record = {
        "contact_id": subscription["contact_id"],
        "order_title": "Subscription",
        "order_time": visit.tenant.now,
        "order_type": "ONLINE",
        "order_items": [item],
    }
    return give(create(visit, "orders", body))


def _make_criteria(table: str, shape: str) -> tuple[Handler, Handler]:
    def add(visit: Visit) -> Response:
        discount = visit.find(table, visit.parts["discount_id"])
        made = {"criteria_id": str(visit.tenant.take_item()), **visit.read(shape)}
        discount["criteria"] = [*several(discount.get("criteria")), made]
        visit.tenant.change(table, discount)
        return give(made, 201)

    def delete(visit: Visit) -> Response:
        discount = visit.find(table, visit.parts["discount_id"])
        _remove_part(discount, "criteria", "criteria_id", visit.parts["criteria_id"])
        visit.tenant.change(table, discount)
        return give_nothing()

    return add, delete


def _criteria() -> tuple[tuple[str, str, Handler], ...]:
    found: list[tuple[str, str, Handler]] = []
    for path, table, _ in DISCOUNTS:
        shape = "CategoryCriteria" if table == "category_discounts" else "Criteria"
        add, delete = _make_criteria(table, shape)
        found.append(("POST", f"{path}/{{discount_id}}/criteria", add))
        found.append(("DELETE", f"{path}/{{discount_id}}/criteria/{{criteria_id}}", delete))
    return tuple(found)


_ITEMS = "/products/{product_id}/options/{product_option_id}/listItems"
_ORDER = "/orders/{order_id}"
_INTERESTS = "/productInterestBundles/{id}/interests"
ACTIONS: tuple[tuple[str, str, Handler], ...] = (
    ("POST", f"{_ORDER}/items", _add_item),
    ("GET", f"{_ORDER}/items/{{order_item_id}}", _read_item),
    ("PATCH", f"{_ORDER}/items/{{order_item_id}}", _change_item),
    ("DELETE", f"{_ORDER}/items/{{order_item_id}}", _delete_item),
    ("POST", f"{_ORDER}/payments", _pay),
    ("POST", f"{_ORDER}:attachFile", _attach_file),
    ("POST", f"{_ORDER}:detachFile", _detach_file),
    ("POST", "/products/{product_id}:adjustInventory", _adjust_inventory),
    ("POST", _ITEMS, _add_option_items),
    ("PATCH", f"{_ITEMS}/{{item_id}}", _change_option_item),
    ("DELETE", f"{_ITEMS}/{{item_id}}", _delete_option_item),
    ("POST", _INTERESTS, _add_interest),
    ("PATCH", f"{_INTERESTS}/{{interest_id}}", _change_interest),
    ("DELETE", f"{_INTERESTS}/{{interest_id}}", _delete_interest),
    ("POST", "/productCategories/{category_id}:assignProducts", _assign_products),
    ("POST", "/subscriptions/{subscription_id}:deactivate", _stop_subscription),
    ("POST", "/subscriptions/{subscription_id}:invoice", _bill_subscription),
    *_criteria(),
)
