"""The table of Stripe's resources: what is listed where, which lists hang below an object, and
which ids can be expanded.

Says what there is; nothing here does anything.
"""

from typing import Any

from listbackup.sandbox.platforms.stripe import rows, rows_settings
from listbackup.sandbox.platforms.stripe.kinds import Child

RESOURCES = {resource.collection: resource for resource in (*rows.ROWS, *rows_settings.ROWS)}
CHILDREN = (
    Child("customers", "tax_ids", "tax_ids", "customer", 0, retrieved=True),
    Child("customers", "balance_transactions", "balances", "customer", retrieved=True),
    Child("customers", "payment_methods", "payment_methods", "customer", retrieved=True),
    Child("customers", "cash_balance_transactions", "cash_moves", "customer", retrieved=True),
    Child("customers", "sources", "sources", "customer", 0, retrieved=True),
    Child("customers", "subscriptions", "subscriptions", "customer", 0),
    Child("products", "features", "product_features", "_of", retrieved=True),
    Child("payment_intents", "amount_details_line_items", "amount_lines", "_of"),
    Child("accounts", "external_accounts", "external_accounts", "account", 10),
    Child("accounts", "capabilities", "capabilities", "account"),
    Child("accounts", "persons", "persons", "account"),
    Child("invoices", "lines", "line_items", "invoice", 10),
    Child("subscriptions", "items", "subscription_items", "subscription", 20, hidden_url=True),
    Child("charges", "refunds", "refunds", "charge", 0, retrieved=True),
    Child("transfers", "reversals", "reversals", "transfer", 10, retrieved=True),
    Child("application_fees", "refunds", "fee_refunds", "fee", 10, retrieved=True),
    Child("credit_notes", "lines", "credit_note_lines", "_of", 10),
    Child("checkout/sessions", "line_items", "items", "_of", 0),
    Child("payment_links", "line_items", "items", "_of", 0),
    Child("quotes", "line_items", "items", "_of", 0),
    Child("files", "links", "file_links", "file", 10, hidden_url=True),
)
"""`hidden_url`: the list is asked for at the collection itself, by the field."""

BELOW: dict[str, tuple[Child, ...]] = {
    name: tuple(child for child in CHILDREN if child.parent == name) for name in RESOURCES
}
STUBBED = frozenset({"customers"})
"""Of these a deleted one can be retrieved: as no more than its id."""

EXPANDABLE = {
    "application_fee": "application_fees",
    "balance_transaction": "balance_transactions",
    "charge": "charges",
    "checkout_session": "checkout/sessions",
    "coupon": "coupons",
    "credit_note": "credit_notes",
    "customer": "customers",
    "default_payment_method": "payment_methods",
    "default_price": "prices",
    "failure_balance_transaction": "balance_transactions",
    "fee": "application_fees",
    "file": "files",
    "from_invoice": "invoices",
    "invoice": "invoices",
    "latest_charge": "charges",
    "latest_invoice": "invoices",
    "latest_revision": "invoices",
    "originating_transaction": "charges",
    "payment_intent": "payment_intents",
    "payment_link": "payment_links",
    "payment_method": "payment_methods",
    "payout": "payouts",
    "pending_setup_intent": "setup_intents",
    "plan": "plans",
    "price": "prices",
    "product": "products",
    "promotion_code": "promotion_codes",
    "quote": "quotes",
    "refund": "refunds",
    "review": "reviews",
    "schedule": "subscription_schedules",
    "setup_intent": "setup_intents",
    "shipping_rate": "shipping_rates",
    "source_transaction": "charges",
    "subscription": "subscriptions",
    "subscription_schedule": "subscription_schedules",
    "tax_code": "tax_codes",
    "transfer": "transfers",
}
"""Name of a field -> where the object is that its id stands for."""

INDEXED = {
    "payment_methods": ("customer",),
    "charges": ("customer", "payment_intent"),
    "payment_intents": ("customer",),
    "invoices": ("customer",),
    "invoiceitems": ("customer", "invoice"),
    "subscriptions": ("customer",),
    "subscription_items": ("subscription",),
    "line_items": ("invoice",),
    "refunds": ("charge", "payment_intent"),
    "reversals": ("transfer",),
    "fee_refunds": ("fee",),
    "credit_notes": ("invoice", "customer"),
    "credit_note_lines": ("_of",),
    "items": ("_of",),
    "sources": ("customer",),
    "cash_moves": ("customer",),
    "product_features": ("_of",),
    "amount_lines": ("_of",),
    "external_accounts": ("account",),
    "capabilities": ("account",),
    "persons": ("account",),
    "file_links": ("file",),
    "balances": ("customer",),
    "tax_ids": ("customer",),
    "prices": ("product",),
}

NO_LIST: dict[str, Any] = {"object": "list", "data": [], "has_more": False}
INCLUDABLE: dict[str, dict[str, Any]] = {
    "amount_details": {"line_items": NO_LIST},
    "coupon": {"applies_to": {"products": []}, "currency_options": {}},
    "customer": {
        "cash_balance": None,
        "invoice_credit_balance": {},
        "tax": {"automatic_tax": "unrecognized_location", "ip_address": None, "location": None},
    },
    "fixed_amount": {"currency_options": {}},
    "plan": {"tiers": None},
    "price": {"currency_options": {}, "tiers": None},
}
"""What stands in an object, or in a field of that name, only when it is expanded."""
CLOSED = {
    "climate": "Climate",
    "forwarding": "the Vault and Forward API",
    "identity": "Identity",
    "issuing": "Issuing",
    "treasury": "Treasury",
}
"""Beginnings of paths that an account has only when it is set up for them."""
