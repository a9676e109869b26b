"""The table of Stripe's resources: what is listed where, by what it can be filtered, which events
tell of it, and which lists hang below an object.

Says what there is; nothing here does anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object and its list, `GET /v1/{collection}`.

    `right` is the permission of restricted keys (`customer` for `customer_read`). `filters`: name
    of a query parameter -> field that has to be equal. `times`: fields that may be asked for with
    `[gte]` and its like. `event` is how events about it begin, `happens` which ends there are.
    `required`: parameters without which the list is refused. `listed`: whether there is a list.
    """

    collection: str
    kind: str
    prefix: str
    right: str
    filters: Mapping[str, str]
    times: tuple[str, ...]
    event: str
    happens: frozenset[str]
    required: tuple[str, ...] = ()
    listed: bool = True
    retrieved: bool = True


@dataclass(frozen=True, slots=True)
class Child:
    """A list below an object: `GET /v1/{parent}/{id}/{name}` has those of `collection` whose
    `field` is the parent's id. The first `embedded` of them stand in the object itself; with 0
    they stand there only when expanded, and with None never."""

    parent: str
    name: str
    collection: str
    field: str
    embedded: int | None = None
    retrieved: bool = False
    hidden_url: bool = False


def _row(
    collection: str,
    kind: str,
    prefix: str,
    filters: str = "",
    *,
    times: str = "created",
    right: str = "",
    event: str = "",
    happens: str = "created updated",
    required: str = "",
    listed: bool = True,
    retrieved: bool = True,
) -> Resource:
    pairs = (word.partition(":") for word in filters.split())
    return Resource(
        collection,
        kind,
        prefix,
        right or kind.replace(".", "_"),
        {name: field or name for name, _, field in pairs},
        tuple(times.split()),
        event,
        frozenset(happens.split()) if event else frozenset(),
        tuple(required.split()),
        listed,
        retrieved,
    )


_EVER = "created updated deleted"
RESOURCES = {
    resource.collection: resource
    for resource in (
        _row("customers", "customer", "cus_", "email test_clock", event="customer", happens=_EVER),
        _row(
            "products",
            "product",
            "prod_",
            "active shippable url",
            event="product",
            happens=_EVER,
        ),
        _row(
            "prices",
            "price",
            "price_",
            "active currency product type recurring[interval]:recurring.interval "
            "recurring[usage_type]:recurring.usage_type",
            right="plan",
            event="price",
            happens=_EVER,
        ),
        _row("plans", "plan", "price_", "active product", event="plan", happens=_EVER),
        _row("coupons", "coupon", "", "", event="coupon", happens=_EVER),
        _row(
            "promotion_codes",
            "promotion_code",
            "promo_",
            "active code customer coupon:promotion.coupon",
            event="promotion_code",
        ),
        _row(
            "charges",
            "charge",
            "ch_",
            "customer payment_intent transfer_group",
            event="charge",
        ),
        _row(
            "payment_intents",
            "payment_intent",
            "pi_",
            "customer",
            event="payment_intent",
        ),
        _row(
            "setup_intents",
            "setup_intent",
            "seti_",
            "customer payment_method",
            event="setup_intent",
        ),
        _row(
            "invoices",
            "invoice",
            "in_",
            "customer status collection_method "
            "subscription:parent.subscription_details.subscription",
            times="created due_date",
            event="invoice",
            happens=_EVER,
        ),
        _row(
            "invoiceitems",
            "invoiceitem",
            "ii_",
            "customer invoice",
            right="invoice",
            event="invoiceitem",
            happens="created deleted",
        ),
        _row(
            "subscriptions",
            "subscription",
            "sub_",
            "customer collection_method test_clock",
            times="created current_period_start current_period_end",
            event="customer.subscription",
        ),
        _row(
            "subscription_items",
            "subscription_item",
            "si_",
            "subscription",
            times="",
            right="subscription",
            required="subscription",
        ),
        _row(
            "subscription_schedules",
            "subscription_schedule",
            "sub_sched_",
            "customer",
            times="created canceled_at completed_at released_at",
            right="subscription",
            event="subscription_schedule",
        ),
        _row("refunds", "refund", "re_", "charge payment_intent", right="charge", event="refund"),
        _row("disputes", "dispute", "dp_", "charge payment_intent", event="charge.dispute"),
        _row(
            "balance_transactions",
            "balance_transaction",
            "txn_",
            "currency payout source type",
            right="balance_transaction_source",
        ),
        _row("credit_notes", "credit_note", "cn_", "customer invoice", event="credit_note"),
        _row(
            "payouts",
            "payout",
            "po_",
            "destination status",
            times="created arrival_date",
            event="payout",
        ),
        _row("transfers", "transfer", "tr_", "destination transfer_group", event="transfer"),
        _row("tax_rates", "tax_rate", "txr_", "active inclusive", event="tax_rate"),
        _row(
            "checkout/sessions",
            "checkout.session",
            "cs_",
            "customer payment_intent payment_link status subscription",
            event="checkout.session",
        ),
        _row(
            "payment_methods",
            "payment_method",
            "pm_",
            "customer type",
            times="",
            event="payment_method",
            required="customer",
        ),
        _row("payment_links", "payment_link", "plink_", "active", times="", event="payment_link"),
        _row("quotes", "quote", "qt_", "customer status test_clock", times="", event="quote"),
        _row("files", "file", "file_", "purpose", event="file", happens="created"),
        _row("file_links", "file_link", "link_", "expired file", right="file"),
        _row("application_fees", "application_fee", "fee_", "charge", event="application_fee"),
        _row("topups", "topup", "tu_", "amount status", event="topup"),
        _row("shipping_rates", "shipping_rate", "shr_", "active currency:fixed_amount.currency"),
        _row("webhook_endpoints", "webhook_endpoint", "we_", times="", right="webhook"),
        _row("tax_ids", "tax_id", "txi_", times="", event="customer.tax_id", happens=_EVER),
        _row("reviews", "review", "prv_", event="review"),
        _row(
            "radar/early_fraud_warnings",
            "radar.early_fraud_warning",
            "issfr_",
            "charge payment_intent",
            event="radar.early_fraud_warning",
        ),
        _row("invoice_payments", "invoice_payment", "inpay_", "invoice status", right="invoice"),
        _row("accounts", "account", "acct_", right="accounts_kyc_basic"),
        _row("events", "event", "evt_", "delivery_success"),
        # Found below other objects alone.
        _row("line_items", "line_item", "il_", right="invoice", listed=False, retrieved=False),
        _row(
            "credit_note_lines",
            "credit_note_line_item",
            "cnli_",
            right="credit_note",
            listed=False,
            retrieved=False,
        ),
        _row("items", "item", "li_", right="checkout_session", listed=False, retrieved=False),
        _row(
            "reversals",
            "transfer_reversal",
            "trr_",
            right="transfer",
            listed=False,
            retrieved=False,
        ),
        _row(
            "fee_refunds",
            "fee_refund",
            "fr_",
            right="application_fee",
            listed=False,
            retrieved=False,
        ),
        _row(
            "balances",
            "customer_balance_transaction",
            "cbtxn_",
            right="customer",
            listed=False,
            retrieved=False,
        ),
    )
}
CHILDREN = (
    Child("customers", "tax_ids", "tax_ids", "customer", 0, retrieved=True),
    Child("customers", "balance_transactions", "balances", "customer", retrieved=True),
    Child("customers", "payment_methods", "payment_methods", "customer", retrieved=True),
    Child("customers", "subscriptions", "subscriptions", "customer", 0),
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
    "file_links": ("file",),
    "balances": ("customer",),
    "tax_ids": ("customer",),
    "prices": ("product",),
}
