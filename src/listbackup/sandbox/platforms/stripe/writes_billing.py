"""What is taken to write what is billed: invoices, their items, payment links, refunds."""

from collections.abc import Mapping
from typing import Any

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.parameters import (
    count,
    currency,
    flag,
    listed,
    metadata,
    one_of,
    table,
    text,
    whole,
)
from listbackup.sandbox.platforms.stripe.refusals import Refusal, absent, invalid
from listbackup.sandbox.platforms.stripe.shaping import Object
from listbackup.sandbox.platforms.stripe.writes import Write, need

COLLECTION = one_of("charge_automatically", "send_invoice")
_NOTES = {"description": text, "metadata": metadata}
_INVOICE = {
    **_NOTES,
    "auto_advance": flag,
    "collection_method": COLLECTION,
    "days_until_due": count,
    "default_payment_method": text,
    "due_date": count,
    "effective_at": count,
    "footer": text,
    "number": text,
}


def _finish_invoice(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    customer = need(books, "customers", given["customer"], "customer")
    days = given.pop("days_until_due", None)
    sent = given.get("collection_method") == "send_invoice"
    if sent and days is None and given.get("due_date") is None:
        raise absent("days_until_due")
    now = int(books.account.now)
    if days is not None:
        given["due_date"] = now + days * 86400
    return {
        "currency": customer["currency"] or "usd",
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_address": customer["address"],
        "period_end": now,
        "period_start": now,
        **given,
    }


def _only_drafts(books: Books, value: Mapping[str, Any]) -> None:
    if value["status"] != "draft":
        raise Refusal(400, "You can only delete draft invoices.", code="invoice_not_editable")


def _adapt_invoice(books: Books, value: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    days = given.pop("days_until_due", None)
    if days is not None:
        given["due_date"] = value["created"] + days * 86400
    fixed = given.keys() - {"metadata", "auto_advance", "default_payment_method"}
    if fixed and value["status"] != "draft":
        raise Refusal(
            400, "Finalized invoices can't be updated in this way.", code="invoice_not_editable"
        )
    return given


def _finish_item(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    customer = need(books, "customers", given["customer"], "customer")
    pricing = given.pop("pricing", None)
    amount = given.pop("amount", None)
    if pricing is not None:
        price = need(books, "prices", pricing.get("price"), "pricing[price]")
        amount = (price["unit_amount"] or 0) * (given.get("quantity") or 1)
        given["currency"] = price["currency"]
        given["pricing"] = {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        }
    if amount is None:
        raise absent("amount")
    now = int(books.account.now)
    given["currency"] = given.get("currency") or customer["currency"] or "usd"
    if given.get("invoice") is not None:
        _need_draft(books, given["invoice"])
    return {
        **given,
        "amount": amount,
        "net_amount": amount,
        "date": now,
        "period": {"end": now, "start": now},
    }


def _need_draft(books: Books, id: str) -> None:
    if need(books, "invoices", id, "invoice")["status"] != "draft":
        raise invalid("The invoice is finalized already.", "invoice", "invoice_not_editable")


def _put_on_invoice(books: Books, made: Object, given: dict[str, Any]) -> None:
    if made["invoice"] is not None:
        add_line(books, made["invoice"], made)


def add_line(books: Books, invoice: str, item: Object, told: bool = True) -> None:
    """Put an item on an invoice as a line, and add it up."""
    parent = {"invoice_item_details": {"invoice_item": item["id"]}, "type": "invoice_item_details"}
    books.make(
        "line_items",
        told=False,
        amount=item["amount"],
        currency=item["currency"],
        description=item["description"],
        invoice=invoice,
        parent=parent,
        period=item["period"],
        pricing=item["pricing"],
        quantity=item["quantity"],
        subtotal=item["amount"],
    )
    total = books.account["invoices"][invoice].value["total"] + item["amount"]
    sums = ("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax", "total")
    fields = dict.fromkeys((*sums, "total_excluding_tax"), total)
    books.change("invoices", invoice, told=told, **fields)


def _only_pending(books: Books, value: Mapping[str, Any]) -> None:
    if value["invoice"] is not None:
        _need_draft(books, value["invoice"])


def _finish_link(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    lines = given.pop("line_items")
    if not lines:
        raise absent("line_items")
    for at, line in enumerate(lines):
        need(books, "prices", line.get("price"), f"line_items[{at}][price]")
        count(f"line_items[{at}][quantity]", line.get("quantity", "1"))
    return {**given, "url": f"https://buy.stripe.example/{books.dice.word(12)}"}


def _add_link_lines(books: Books, made: Object, given: dict[str, Any]) -> None:
    for line in given["line_items"]:
        price = books.show("prices", line["price"])
        quantity = count("line_items[quantity]", line.get("quantity", "1")) or 1
        total = (price["unit_amount"] or 0) * quantity
        books.make(
            "items",
            told=False,
            amount_subtotal=total,
            amount_total=total,
            currency=price["currency"],
            price=price["id"],
            quantity=quantity,
            _of=made["id"],
        )


def _finish_refund(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    intent = given.get("payment_intent")
    if intent is not None:
        given["charge"] = need(books, "payment_intents", intent, "payment_intent")["latest_charge"]
    if given.get("charge") is None:
        raise absent("charge")
    charge = need(books, "charges", given["charge"], "charge")
    left = charge["amount"] - charge["amount_refunded"]
    amount = given.get("amount") or left
    if left <= 0:
        raise Refusal(
            400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if not 0 < amount <= left:
        raise invalid(f"Refund amount ({amount}) is greater than what is left ({left}).", "amount")
    return {
        **given,
        "amount": amount,
        "currency": charge["currency"],
        "payment_intent": charge["payment_intent"],
    }


def _count_refund(books: Books, made: Object, given: dict[str, Any]) -> None:
    charge = books.show("charges", made["charge"])
    refunded = charge["amount_refunded"] + made["amount"]
    books.change(
        "charges",
        charge["id"],
        amount_refunded=refunded,
        refunded=refunded == charge["amount"],
    )


def _finish_balance(books: Books, given: dict[str, Any]) -> dict[str, Any]:
    customer = need(books, "customers", given["customer"], "customer")
    balance = customer["balance"] + given["amount"]
    books.change("customers", customer["id"], balance=balance)
    return {**given, "ending_balance": balance}


_NOTED = (
    "charges",
    "payment_intents",
    "setup_intents",
    "payouts",
    "transfers",
    "topups",
    "quotes",
)
_MARKED = (
    "checkout/sessions",
    "credit_notes",
    "disputes",
    "file_links",
    "payment_methods",
    "refunds",
    "subscription_schedules",
)
WRITES = (
    *(Write(name, change=_NOTES) for name in _NOTED),
    *(Write(name, change={"metadata": metadata}) for name in _MARKED if name != "refunds"),
    Write(
        "invoices",
        create={**_INVOICE, "currency": currency, "customer": text},
        needed=("customer",),
        finish=_finish_invoice,
        change=_INVOICE,
        adapt=_adapt_invoice,
        deletable=True,
        may_delete=_only_drafts,
    ),
    Write(
        "invoiceitems",
        create={
            **_NOTES,
            "amount": whole,
            "currency": currency,
            "customer": text,
            "discountable": flag,
            "invoice": text,
            "period": table,
            "pricing": table,
            "quantity": count,
        },
        needed=("customer",),
        finish=_finish_item,
        follow=_put_on_invoice,
        change={**_NOTES, "amount": whole, "discountable": flag, "quantity": count},
        may_change=_only_pending,
        deletable=True,
        may_delete=_only_pending,
    ),
    Write(
        "payment_links",
        create={"line_items": listed, "metadata": metadata, "allow_promotion_codes": flag},
        needed=("line_items",),
        finish=_finish_link,
        follow=_add_link_lines,
        change={"active": flag, "metadata": metadata, "allow_promotion_codes": flag},
    ),
    Write(
        "refunds",
        create={
            "amount": count,
            "charge": text,
            "metadata": metadata,
            "payment_intent": text,
            "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
        },
        finish=_finish_refund,
        follow=_count_refund,
        change={"metadata": metadata},
    ),
    Write(
        "balances",
        create={**_NOTES, "amount": whole, "currency": currency, "customer": text},
        needed=("amount", "currency"),
        finish=_finish_balance,
    ),
)
