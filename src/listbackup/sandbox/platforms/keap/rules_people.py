"""What Keap asks of contacts, companies, notes, tasks, opportunities and affiliates."""

from collections.abc import Mapping
from dataclasses import replace

from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.rules import (
    Rules,
    change_plainly,
    check_custom,
    check_there,
    check_unique,
    make_plainly,
    settle,
)
from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.visits import Visit


def _check_address(address: object) -> None:
    if isinstance(address, dict) and address.get("region") and not address.get("country_code"):
        raise RefusedError(400, "'country_code' is required if 'region' is specified", "addresses")


def _mark_emails(visit: Visit, record: Record) -> None:
    for entry in several(record.get("email_addresses")):
        if isinstance(entry, dict):
            reason = entry.get("opt_in_reason")
            status = "SINGLE_OPT_IN" if reason else "UNENGAGED_NON_MARKETABLE"
            known = visit.tenant.find("email_addresses", entry["email"])
            if known is None:
                fields = {"email": entry["email"], "opted_in": bool(reason), "status": status}
                known = visit.tenant.add("email_addresses", fields)
            entry["is_opt_in"] = known["opted_in"]
            entry["email_opt_status"] = known["status"]


def _check_contact(visit: Visit, record: Record) -> None:
    means = ("email_addresses", "phone_numbers", "addresses")
    if not any(several(record.get(name)) for name in means):
        raise RefusedError(
            400,
            "Contact must contain at least one item in email_addresses, phone_numbers or addresses",
        )
    for address in several(record.get("addresses")):
        _check_address(address)
    check_custom(visit, record, "CONTACT")
    check_there(visit, record, leadsource_id="lead_sources", owner_id="users")
    company = record.get("company")
    if isinstance(company, dict) and company.get("id"):
        found = visit.find("companies", company["id"])
        record["company"] = {"id": company["id"], "company_name": found.get("company_name", "")}
    utm = record.get("utm_parameters")
    if isinstance(utm, dict):
        record["utm_parameters"] = [{"keapSourceId": utm["keap_source_id"]}]
    source = visit.tenant.find("lead_sources", record.get("leadsource_id", ""))
    record["_lead_source_name"] = source.get("name") if source else None
    record["last_updated_by"] = visit.tenant.user
    _mark_emails(visit, record)


def _make_contact(visit: Visit, body: Record) -> Record:
    start: Record = {
        "tag_ids": [],
        "source_type": "API",
        "score_value": "0",
        "created_by": visit.tenant.user,
    }
    return {**start, **make_plainly(visit, body)}


def _check_company(visit: Visit, record: Record) -> None:
    _check_address(record.get("address"))
    check_custom(visit, record, "COMPANY")


def _check_note(visit: Visit, record: Record) -> None:
    if not record.get("title") and not record.get("type"):
        raise RefusedError(400, "A value for either 'title' or 'type' is required", "title")
    if (id_ := record.pop("user_id", None)) is not None:
        check_there(visit, {"user_id": id_}, user_id="users")
        record["assigned_to_user"] = describe_user(visit.find("users", id_))
    check_there(visit, record, contact_id="contacts")
    check_custom(visit, record, "TASK_NOTE_APPOINTMENT")
    if (pinned := record.pop("is_pinned", None)) is not None:
        record.pop("pinned_at", None)
        if pinned:
            record["pinned_at"] = visit.tenant.now
    record["last_updated_by_user_id"] = visit.tenant.user
    record.setdefault("created_by_user_id", visit.tenant.user)


def describe_user(user: Mapping[str, object]) -> Record:
    """Write a user as records show one."""
    emails = several(user.get("email_addresses"))
    found: Record = {"id": user["id"]}
    found |= {name: user[name] for name in ("given_name", "family_name") if name in user}
    if emails and isinstance(emails[0], dict):
        found["email_address"] = emails[0]["email"]
    return found


def _check_task(visit: Visit, record: Record) -> None:
    check_there(
        visit,
        record,
        contact_id="contacts",
        opportunity_id="opportunities",
        assigned_to_user_id="users",
    )
    check_custom(visit, record, "TASK_NOTE_APPOINTMENT")
    if record.get("completed"):
        record.setdefault("completion_time", visit.tenant.now)
    record["last_updated_by_user_id"] = visit.tenant.user


def _make_task(visit: Visit, body: Record) -> Record:
    start: Record = {"completed": False, "accepted": False, "created_by_user_id": visit.tenant.user}
    return {**start, **make_plainly(visit, body)}


def _check_opportunity(visit: Visit, record: Record) -> None:
    check_there(visit, record, contact_id="contacts", stage_id="stages", user_id="users")
    check_there(visit, record, affiliate_id="affiliates")
    check_custom(visit, record, "OPPORTUNITY")
    if (id_ := record.pop("contact_id", None)) is not None:
        record["contact"] = describe_contact(visit.find("contacts", id_))
    if (id_ := record.pop("stage_id", None)) is not None:
        stage = visit.find("stages", id_)
        record["stage"] = {"id": id_, "name": stage["name"]}
        record["stage_entrance_time"] = visit.tenant.now
    if (id_ := record.pop("user_id", None)) is not None:
        user = visit.find("users", id_)
        names = {"first_name": user.get("given_name"), "last_name": user.get("family_name")}
        record["user"] = {"id": id_, **names}
    record["last_updated_by"] = visit.tenant.user
    record.setdefault("created_by", visit.tenant.user)


def _change_opportunity(visit: Visit, record: Record, body: Record) -> None:
    stage = record["stage"]
    before = stage["id"] if isinstance(stage, dict) else ""
    change_plainly(visit, record, body)
    _check_opportunity(visit, record)
    after = body.get("stage_id")
    if after is not None and after != before:
        moment = visit.tenant.now
        move = {
            "opportunity_id": record["id"],
            "move_time": moment,
            "move_from_stage_id": before,
            "move_to_stage_id": after,
            "user_id": visit.tenant.user,
            "created_by": visit.tenant.user,
        }
        visit.tenant.add("stage_moves", move)


def describe_contact(contact: Mapping[str, object]) -> Record:
    """Write a contact as an opportunity shows one."""
    found: Record = {"id": contact["id"]}
    emails, phones = (several(contact.get(n)) for n in ("email_addresses", "phone_numbers"))
    addresses = several(contact.get("addresses"))
    company = contact.get("company")
    pairs = (
        ("email", emails[0].get("email") if emails and isinstance(emails[0], dict) else None),
        ("city", addresses[0].get("locality") if _first(addresses) else None),
        ("state", addresses[0].get("region") if _first(addresses) else None),
        ("first_name", contact.get("given_name")),
        ("last_name", contact.get("family_name")),
        ("company_name", company.get("company_name") if isinstance(company, dict) else None),
        ("job_title", contact.get("job_title")),
        ("phone_number", phones[0].get("number") if _first(phones) else None),
    )
    return {**found, **{name: value for name, value in pairs if value is not None}}


def _first(values: list[object]) -> bool:
    return bool(values) and isinstance(values[0], dict)


def _check_stage_empty(visit: Visit, record: Record) -> None:
    if visit.tenant["opportunities"].owned("stage.id", record["id"]):
        raise RefusedError(409, "The stage still has opportunities", "stage")


def _check_stage(visit: Visit, record: Record) -> None:
    if int(str(record["probability"])) > 100:
        raise RefusedError(400, "'probability' must be between 0 and 100", "probability")
    for number, item in enumerate(several(record.get("checklist_items")), 1):
        if isinstance(item, dict):
            item.setdefault("id", str(number))


def _check_affiliate(visit: Visit, record: Record) -> None:
    code = str(record["code"])
    if len(code) < 4 or not code[0].isalpha() or any(letter.isspace() for letter in code):
        raise RefusedError(
            400, "'code' must start with a letter and have 4 characters or more", "code"
        )
    check_unique(visit, "affiliates", "code", record)
    check_there(visit, record, contact_id="contacts")
    check_custom(visit, record, "REFERRAL_PARTNER")
    record.pop("password", None)
    record.setdefault("status", "ACTIVE")


def _check_referral(visit: Visit, record: Record) -> None:
    check_there(visit, record, contact_id="contacts", referral_partner_id="affiliates")
    record.setdefault("referral_time", visit.tenant.now)
    record.setdefault("referral_type", "MANUAL")


def _check_user(visit: Visit, record: Record) -> None:
    if (entry := record.pop("email_address", None)) is not None:
        record["email_addresses"] = [entry]


def _check_link_type_free(visit: Visit, record: Record) -> None:
    if visit.tenant["links"].owned("link_type_id", record["id"]):
        raise RefusedError(409, "The link type is applied to linked contacts", "link_type")


RULES: dict[str, Rules] = {
    "contacts": settle(_check_contact, _make_contact),
    "companies": settle(_check_company),
    "notes": settle(_check_note),
    "tasks": settle(_check_task, _make_task),
    "opportunities": replace(settle(_check_opportunity), change=_change_opportunity),
    "stages": replace(settle(_check_stage), drop=_check_stage_empty),
    "affiliates": settle(_check_affiliate),
    "referrals": settle(_check_referral),
    "users": settle(_check_user),
    "link_types": replace(settle(lambda visit, record: None), drop=_check_link_type_free),
}
