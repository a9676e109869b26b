"""Keap's operations on people that are more than create, read, update and delete."""

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.errors import RefusedError, give, give_nothing
from listbackup.sandbox.platforms.keap.reading import choose_fields
from listbackup.sandbox.platforms.keap.tables import Record, pick, several
from listbackup.sandbox.platforms.keap.visits import Handler, Visit
from listbackup.sandbox.platforms.keap.writing import create, show, update

_DUPLICATES = {
    "Email": ("email_addresses.email",),
    "EmailAndName": ("email_addresses.email", "given_name", "family_name"),
    "EmailAndNameAndCompany": (
        "email_addresses.email",
        "given_name",
        "family_name",
        "company.id",
    ),
}


def _create_contact(visit: Visit) -> Response:
    choose_fields(visit, "contacts")
    option = visit.call.first("duplicate_option")
    body = visit.read("Contact")
    if option is not None and option not in _DUPLICATES:
        raise RefusedError(400, f"Invalid duplicate_option '{option}'", "duplicate_option")
    known = _find_duplicate(visit, body, _DUPLICATES[option]) if option else None
    if known is not None:
        return show(visit, "contacts", update(visit, "contacts", known, body))
    return show(visit, "contacts", create(visit, "contacts", body), status=201)


def _find_duplicate(visit: Visit, body: Record, paths: tuple[str, ...]) -> Record | None:
    emails = {str(email).casefold() for email in several(pick(body, paths[0]))}
    if not emails:
        return None
    table = visit.tenant["contacts"]
    for row in table.rows():
        found = {str(email).casefold() for email in several(table.value(row, paths[0]))}
        if emails & found and all(table.value(row, p) == pick(body, p) for p in paths[1:]):
            return table.read(row.number)
    return None


def _merge_contacts(visit: Visit) -> Response:
    choose_fields(visit, "contacts")
    body = visit.read("ContactMerge")
    kept = visit.find("contacts", body["contact_id"])
    gone = visit.find("contacts", body["duplicate_contact_id"])
    if kept["id"] == gone["id"]:
        raise RefusedError(400, "A contact cannot be merged with itself")
    for name, value in gone.items():
        if not kept.get(name):
            kept[name] = value
    visit.tenant.change("contacts", kept)
    for table in ("notes", "tasks"):
        for number in visit.tenant[table].owned("contact_id", gone["id"]):
            visit.tenant.change(
                table, {**visit.tenant[table].read(number), "contact_id": kept["id"]}
            )
    for tag in several(gone.get("tag_ids")):
        visit.tenant.apply_tag(str(tag), str(kept["id"]))
    visit.tenant.remove("contacts", gone["id"])
    return show(visit, "contacts", visit.find("contacts", kept["id"]))


def _links_between(visit: Visit, body: Record) -> list[int]:
    table = visit.tenant["links"]
    ends = {body["contact1_id"], body["contact2_id"]}
    return [
        number
        for number in table.owned("link_type_id", body["link_type_id"])
        if {table.read(number)["contact1_id"], table.read(number)["contact2_id"]} == ends
    ]


def _link_contacts(visit: Visit) -> Response:
    body = visit.read("ContactLink")
    for name in ("contact1_id", "contact2_id"):
        visit.find("contacts", body[name])
    kind = visit.find("link_types", body["link_type_id"])
    if _links_between(visit, body):
        raise RefusedError(409, "The contacts are linked already")
    link = {**body, "link_type_name": kind["name"]}
    visit.tenant.add("links", link)
    return give(link, 201)


def _unlink_contacts(visit: Visit) -> Response:
    body = visit.read("ContactLink")
    numbers = _links_between(visit, body)
    if not numbers:
        raise RefusedError(404, "The contacts are not linked")
    for number in numbers:
        visit.tenant["links"].remove(number)
    return give_nothing()


def _score_lead(visit: Visit) -> Response:
    contact = visit.find("contacts", visit.parts["contact_id"])
    return give({"score": contact.get("score_value", "0"), "last_updated": contact["update_time"]})


def _apply_tag(visit: Visit) -> Response:
    visit.check_owners()
    results = {}
    for contact in several(visit.read("Contacts")["contact_ids"]):
        if visit.tenant.find("contacts", contact) is None:
            results[str(contact)] = "CONTACT_DOES_NOT_EXIST"
        else:
            done = visit.tenant.apply_tag(visit.parts["tag_id"], str(contact))
            results[str(contact)] = "SUCCESS" if done else "DUPLICATE"
    return give({"results": results})


def _remove_tag(visit: Visit) -> Response:
    visit.check_owners()
    for contact in several(visit.read("Contacts")["contact_ids"]):
        visit.tenant.remove_tag(visit.parts["tag_id"], str(contact))
    return give_nothing()


def _tag_company(visit: Visit) -> Response:
    visit.check_owners()
    if not _company_tags(visit):
        applied = {
            "tag_id": visit.parts["tag_id"],
            "company_id": visit.parts["company_id"],
            "applied_time": visit.tenant.now,
        }
        visit.tenant.add("applied_company_tags", applied)
    return give_nothing()


def _untag_company(visit: Visit) -> Response:
    visit.check_owners()
    for number in _company_tags(visit):
        visit.tenant["applied_company_tags"].remove(number)
    return give_nothing()


def _company_tags(visit: Visit) -> list[int]:
    table = visit.tenant["applied_company_tags"]
    owned = table.owned("company_id", visit.parts["company_id"])
    return [number for number in owned if table.read(number)["tag_id"] == visit.parts["tag_id"]]


def _read_email_status(visit: Visit) -> Response:
    return give(visit.find("email_addresses", visit.parts["email"]))


def _change_email_status(visit: Visit) -> Response:
    status = visit.find("email_addresses", visit.parts["email"])
    body = visit.read("EmailStatus")
    status["opted_in"] = body["opted_in"]
    status["status"] = "SINGLE_OPT_IN" if body["opted_in"] else "LIST_UNSUBSCRIBE"
    return give(visit.tenant.change("email_addresses", status))


def _find_payment_method(visit: Visit) -> Record:
    visit.check_owners()
    method = visit.find("payment_methods", visit.parts["payment_method_id"])
    if method["contact_id"] != visit.parts["contact_id"]:
        raise RefusedError(404, "The payment method was not found")
    return method


def _delete_payment_method(visit: Visit) -> Response:
    visit.tenant.remove("payment_methods", _find_payment_method(visit)["payment_method_id"])
    return give_nothing()


def _deactivate_payment_method(visit: Visit) -> Response:
    visit.tenant.change("payment_methods", {**_find_payment_method(visit), "status": "EXPIRED"})
    return give_nothing()


def _add_emails(visit: Visit) -> Response:
    body = visit.read("EmailRecords")
    entries = several(body["emails"])
    if len(entries) > 1000:
        raise RefusedError(400, "At most 1000 emails are taken at once", "emails")
    made: list[object] = []
    errors: list[object] = []
    for entry in entries:
        if isinstance(entry, dict):
            try:
                made.append(create(visit, "emails", entry))
            except RefusedError as error:
                errors.append({"error_message": str(error), "email": entry})
    return give({"emails": made, "errors": errors}, 201)


def _remove_emails(visit: Visit) -> Response:
    results = {}
    for id_ in several(visit.read("EmailIds")["email_ids"]):
        known = visit.tenant.find("emails", id_) is not None
        if known:
            visit.tenant.remove("emails", id_)
        results[str(id_)] = "SUCCESS" if known else "EMAIL_DOES_NOT_EXIST"
    return give({"results": results})


_CARD = "/contacts/{contact_id}/paymentMethods/{payment_method_id}"
ACTIONS: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/contacts", _create_contact),
    ("POST", "/contacts:merge", _merge_contacts),
    ("POST", "/contacts:link", _link_contacts),
    ("POST", "/contacts:unlink", _unlink_contacts),
    ("GET", "/contacts/{contact_id}/leadScore", _score_lead),
    ("DELETE", _CARD, _delete_payment_method),
    ("POST", f"{_CARD}:deactivate", _deactivate_payment_method),
    ("POST", "/tags/{tag_id}/contacts:applyTags", _apply_tag),
    ("POST", "/tags/{tag_id}/contacts:removeTags", _remove_tag),
    ("POST", "/companies/{company_id}/tags/{tag_id}", _tag_company),
    ("DELETE", "/companies/{company_id}/tags/{tag_id}", _untag_company),
    ("GET", "/emailAddresses/{email}/status", _read_email_status),
    ("PATCH", "/emailAddresses/{email}/status", _change_email_status),
    ("POST", "/emails:batchAdd", _add_emails),
    ("POST", "/emails:batchRemove", _remove_emails),
)
