"""What hangs on a Keap account's contacts in small numbers: partners, cards, mail, files, links.

Deterministic: the same dice give the same records.
"""

from collections.abc import Sequence
from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap.tenants import Tenant
from listbackup.sandbox.platforms.keap.views import make_money

_WORDS = ("welcome", "offer", "reminder", "thanks", "invitation")


def accompany(tenant: Tenant, dice: Dice, contacts: Sequence[dict[str, Any]], each: int) -> None:
    """Add about `each` records of each kind."""
    chosen = [dice.pick(contacts) for _ in range(each)]
    _add_partners(tenant, dice, chosen)
    for place, contact in enumerate(chosen):
        _add_card(tenant, dice, contact)
        _add_email(tenant, dice, contact, place)
        _add_file(tenant, dice, contact, place)
    pairs = {(one["id"], other["id"]) for one, other in zip(chosen, chosen[1:], strict=False)}
    for one, other in sorted(pair for pair in pairs if pair[0] != pair[1]):
        link = {"contact1_id": one, "contact2_id": other, "link_type_id": "1"}
        tenant.add("links", {**link, "link_type_name": "Spouse"})
    _add_moves(tenant, each)
    _tag_companies(tenant, each)
    recurring = tenant["recurring_expenses"]
    for row in list(recurring.rows()):
        of = recurring.read(row.number)
        expense = {"title": "Monthly fee", "amount": make_money(2500)}
        owner = {"lead_source_id": of["lead_source_id"]}
        tenant.add("expenses", {**expense, **owner, "lead_source_recurring_expense_id": of["id"]})


def _add_partners(tenant: Tenant, dice: Dice, contacts: Sequence[dict[str, Any]]) -> None:
    affiliates: list[str] = []
    for place, contact in enumerate(contacts, 1):
        name = f"{contact['given_name']} {contact['family_name']}"
        affiliate = {"code": f"P{place:04d}", "name": name, "status": "ACTIVE"}
        id_ = tenant.add("affiliates", {**affiliate, "contact_id": contact["id"]})["id"]
        affiliates.append(id_)
        redirect = {"name": f"Link {place}", "code": f"L{place:04d}", "affiliate_id": id_}
        tenant.add("redirects", {**redirect, "website_address": "https://shop.example"})
        referral = {"contact_id": contact["id"], "referral_partner_id": id_, "source": "Link"}
        tenant.add(
            "referrals", {**referral, "referral_type": "COOKIE", "referral_time": tenant.now}
        )
        payout = {"pay_amount": float(dice.between(10, 90)), "pay_type": "CHECK"}
        moment = {"pay_date": tenant.now, "create_time": tenant.now}
        tenant.add("affiliate_payments", {**payout, **moment, "affiliate_id": id_})
        earned = {"amount_earned": float(dice.between(10, 90)), "time_earned": tenant.now}
        tenant.add("commissions", {**earned, "sales_affiliate_id": id_, "invoice_id": str(place)})
    program = tenant.find("programs", "1")
    if program is not None and affiliates:
        tenant.change("programs", {**program, "affiliate_ids": affiliates})
        banner = {"title": "Banner", "type": "BANNER", "url": "https://shop.example/banner.png"}
        programs = [{"commission_program_id": "1"}]
        tenant.add("program_resources", {**banner, "order": 0, "commission_programs": programs})


def _add_card(tenant: Tenant, dice: Dice, contact: dict[str, Any]) -> None:
    digits = f"{dice.below(10000):04d}"
    card = {"brand": "VISA", "last_four": digits, "card_type": "CREDIT"}
    merchant = {"merchant_account_id": "1", "merchant_account_type": "STRIPE"}
    method = {"contact_id": contact["id"], "payment_method_type": "CARD", "card_info": card}
    tenant.add("payment_methods", {**method, **merchant})


def _add_email(tenant: Tenant, dice: Dice, contact: dict[str, Any], place: int) -> None:
    word = dice.pick(_WORDS)
    mail = {"subject": word.title(), "contact_id": contact["id"], "sent_time": tenant.now}
    addresses = {"sent_to_address": contact["email"], "sent_from_address": "shop@acme.example"}
    origin = {"original_provider": "INFUSIONSOFT", "original_provider_id": f"message{place}"}
    tenant.add("emails", {**mail, **addresses, **origin, "plain_content": "SGVsbG8="})


def _add_file(tenant: Tenant, dice: Dice, contact: dict[str, Any], place: int) -> None:
    name, content = f"{dice.pick(_WORDS)}{place}.txt", dice.bytes(200)
    kind = {"category": "DOCUMENTS", "file_box_type": "CONTACT", "is_public": False}
    number = tenant["files"].next_number
    place_ = {"remote_file_key": f"files/{number}/{name}", "file_size": len(content)}
    tenant.files[number] = content
    tenant.add("files", {"file_name": name, "contact_id": contact["id"], **kind, **place_})


def _add_moves(tenant: Tenant, count: int) -> None:
    opportunities = tenant["opportunities"]
    for row in list(opportunities.rows())[:count]:
        move = {"opportunity_id": str(row.number), "move_time": tenant.now, "user_id": "1"}
        stages = {"move_from_stage_id": "1", "move_to_stage_id": "2"}
        tenant.add("stage_moves", {**move, **stages})


def _tag_companies(tenant: Tenant, count: int) -> None:
    if not len(tenant["tags"]):
        return
    for row in list(tenant["companies"].rows())[:count]:
        applied = {"tag_id": "1", "company_id": str(row.number), "applied_time": tenant.now}
        tenant.add("applied_company_tags", applied)
