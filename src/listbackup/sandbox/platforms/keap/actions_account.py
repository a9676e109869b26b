"""Keap's operations on the account: its profile, the models of records, files, partners, forms."""

import base64
from email.message import Message
from email.parser import BytesParser

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.bodies import field_names
from listbackup.sandbox.platforms.keap.errors import RefusedError, give, give_nothing
from listbackup.sandbox.platforms.keap.operations import FIELDS, MODELS
from listbackup.sandbox.platforms.keap.rules import check_there
from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.visits import Handler, Visit

_ASSOCIATIONS = {"CONTACT": "DOCUMENTS", "COMPANY": "LOGO", "USER": "HIDDEN"}


def _read_profile(visit: Visit) -> Response:
    return give(visit.tenant.profile)


def _change_profile(visit: Visit) -> Response:
    body = visit.read("Profile")
    for name in visit.names("update_mask") or body:
        if name not in field_names("Profile"):
            raise RefusedError(400, f"Unknown field '{name}' in 'update_mask'", "update_mask")
        visit.tenant.profile[name] = body.get(name)
    return give(visit.tenant.profile)


def _describe_user(visit: Visit) -> Response:
    user = visit.find("users", visit.tenant.user)
    emails = several(user.get("email_addresses"))
    email = emails[0]["email"] if emails and isinstance(emails[0], dict) else ""
    return give(
        {
            "email": email,
            "sub": user["id"],
            "id": user["id"],
            "keap_id": email,
            "given_name": user.get("given_name"),
            "family_name": user.get("family_name"),
            "is_admin": True,
            "tenant_id": visit.tenant.name,
        }
    )


def _describe_application(visit: Visit) -> Response:
    application = {"time_zone": "UTC", "default_view_locale": "en_US"}
    company = {"name": visit.tenant.profile["name"]}
    return give({"application": {"company": company, **application}})


def _make_modeller(model: str) -> Handler:
    def answer(visit: Visit) -> Response:
        table = visit.tenant["fields"]
        fields = [table.read(number) for number in table.owned("record_type", MODELS[model])]
        return give({"custom_fields": fields, "optional_properties": FIELDS.get(model, ())})

    return answer


def _read_form(visit: Visit) -> Record:
    data = visit.call.request.body
    header = visit.call.headers.get("content-type", "")
    if not header.startswith("multipart/form-data"):
        raise RefusedError(400, "multipart/form-data is required")
    head = f"content-type: {header}\r\n\r\n".encode("latin-1")
    message: Message = BytesParser().parsebytes(head + data)
    found: Record = {}
    for part in several(message.get_payload()):
        if isinstance(part, Message):
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            raw = content if isinstance(content, bytes) else b""
            found[str(name)] = raw if name == "file" else raw.decode("utf-8", "replace")
    return found


def _add_file(visit: Visit) -> Response:
    form = _read_form(visit)
    for name in ("file", "file_association", "file_name"):
        if not form.get(name):
            raise RefusedError(400, f"'{name}' is required", name)
    association = str(form["file_association"]).upper()
    if association == "CONTACT" and not form.get("contact_id"):
        raise RefusedError(400, "'contact_id' is required for CONTACT", "contact_id")
    check_there(visit, form, contact_id="contacts")
    fields = {
        "category": _ASSOCIATIONS.get(association, "DOCUMENTS"),
        "file_name": form["file_name"],
        "is_public": str(form.get("is_public", "")).lower() == "true",
        "created_by_id": visit.tenant.user,
        "file_box_type": "CONTACT" if association == "CONTACT" else "APPLICATION",
    }
    if form.get("contact_id"):
        fields["contact_id"] = form["contact_id"]
    return give(_keep_file(visit, visit.tenant.add("files", fields), form["file"]), 201)


def _change_file(visit: Visit) -> Response:
    record = visit.find("files", visit.parts["file_id"])
    form = _read_form(visit)
    if form.get("file_name"):
        record["file_name"] = form["file_name"]
    if form.get("is_public"):
        record["is_public"] = str(form["is_public"]).lower() == "true"
    return give(_keep_file(visit, record, form.get("file")))


def _keep_file(visit: Visit, record: Record, content: object) -> Record:
    if isinstance(content, bytes):
        visit.tenant.files[int(str(record["id"]))] = content
        record["file_size"] = len(content)
    record["remote_file_key"] = f"files/{record['id']}/{record['file_name']}"
    return visit.tenant.change("files", record)


def _read_file(visit: Visit) -> Response:
    record = visit.find("files", visit.parts["file_id"])
    content = visit.tenant.files.get(int(str(record["id"])), b"")
    return give(base64.b64encode(content).decode())


def _read_signature(visit: Visit) -> Response:
    user = visit.find("users", visit.parts["user_id"])
    text = f"<p>{user.get('given_name', '')} {user.get('family_name', '')}</p>"
    return Response(200, {"content-type": "text/html"}, text.encode())


def _read_webform(visit: Visit) -> Response:
    form = visit.find("webforms", visit.parts["webform_id"])
    html = f"<form><h1>{form['name']}</h1></form>"
    return Response(200, {"content-type": "text/html"}, html.encode())


def _describe_report(visit: Visit) -> Response:
    visit.find("reports", visit.parts["report_id"])
    return give({"fields": [{"name": "Id", "label": "ID"}]})


def _make_remover(table: str, parameter: str) -> Handler:
    def answer(visit: Visit) -> Response:
        ids = visit.names(parameter)
        if not ids:
            raise RefusedError(400, f"'{parameter}' is required", parameter)
        for id_ in ids:
            visit.find(table, id_)
        for id_ in ids:
            visit.tenant.remove(table, id_)
        return give_nothing()

    return answer


def _add_opt_in(visit: Visit) -> Response:
    body = visit.read("OptIn")
    if visit.tenant.find("opt_in_options", body["key"]) is not None:
        raise RefusedError(409, "The key is in use", "key")
    return give(visit.tenant.add("opt_in_options", body), 201)


def _delete_opt_in(visit: Visit) -> Response:
    visit.find("opt_in_options", visit.parts["option_key"])
    visit.tenant.remove("opt_in_options", visit.parts["option_key"])
    return give_nothing()


def _place_in_program(visit: Visit, *, wanted: bool) -> Response:
    affiliate = visit.find("affiliates", visit.parts["id"])["id"]
    program = visit.find("programs", visit.read("ProgramReference")["affiliate_program_id"])
    others = [id_ for id_ in several(program.get("affiliate_ids")) if id_ != affiliate]
    program["affiliate_ids"] = [*others, affiliate] if wanted else others
    visit.tenant.change("programs", program)
    return give({})


def _sum_commissions(visit: Visit) -> Response:
    visit.check_owners()
    table = visit.tenant["commissions"]
    owned = table.owned("sales_affiliate_id", visit.parts["affiliate_id"])
    total = sum(float(str(table.read(number)["amount_earned"])) for number in owned)
    return give({"affiliate_commission_total": total, "view_ledger_url": ""})


def _add_resource(visit: Visit) -> Response:
    body = visit.read("Resource")
    return give(visit.tenant.add("program_resources", _place_resource(visit, body)), 201)


def _change_resource(visit: Visit) -> Response:
    record = visit.find("program_resources", visit.parts["resource_id"])
    body = visit.read("ResourceUpdate")
    record.update({name: body.get(name) for name in visit.names("update_mask") or body})
    return give(visit.tenant.change("program_resources", _place_resource(visit, record)))


def _place_resource(visit: Visit, record: Record) -> Record:
    ids = record.pop("commission_program_ids", None)
    if ids is not None:
        for id_ in several(ids):
            visit.find("programs", id_)
        record["commission_programs"] = [{"commission_program_id": id_} for id_ in several(ids)]
    return record


def _delete_resource(visit: Visit) -> Response:
    visit.find("program_resources", visit.parts["resource_id"])
    visit.tenant.remove("program_resources", visit.parts["resource_id"])
    return give_nothing()


def _add_image(visit: Visit) -> Response:
    product = visit.find("products", visit.parts["product_id"])
    content = _read_form(visit).get("file")
    if not isinstance(content, bytes) or not content:
        raise RefusedError(400, "'file' is required", "file")
    visit.tenant.images[str(product["id"])] = content
    product["has_legacy_image"] = True
    visit.tenant.change("products", product)
    return give({}, 201)


def _delete_image(visit: Visit) -> Response:
    product = visit.find("products", visit.parts["product_id"])
    visit.tenant.images.pop(str(product["id"]), None)
    visit.tenant.change("products", {**product, "has_legacy_image": False})
    return give_nothing()


def _read_image(visit: Visit) -> Response:
    content = visit.tenant.images.get(str(visit.find("products", visit.parts["product_id"])["id"]))
    if content is None:
        raise RefusedError(404, "The product has no image")
    return give(base64.b64encode(content).decode())


_RESOURCE = "/affiliates/commissionPrograms/resources"
_OPT_INS = "/integrations/wordpress/options"
ACTIONS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/businessProfile", _read_profile),
    ("PATCH", "/businessProfile", _change_profile),
    ("GET", "/oauth/connect/userinfo", _describe_user),
    ("GET", "/settings/applications:getConfiguration", _describe_application),
    ("GET", "/settings/applications:isEnabled", lambda visit: give({"isEnabled": True})),
    (
        "GET",
        "/settings/contactOptionTypes",
        lambda visit: give({"option_types": ["Customer", "Prospect", "Other"]}),
    ),
    ("POST", "/files", _add_file),
    ("POST", "/files/{file_id}", _change_file),
    ("GET", "/files/{file_id}:data", _read_file),
    ("POST", "/products/{product_id}/images", _add_image),
    ("DELETE", "/products/{product_id}/images", _delete_image),
    ("GET", "/products/{product_id}/images/legacyImageData", _read_image),
    ("GET", "/users/{user_id}/signature", _read_signature),
    ("GET", "/webforms/{webform_id}:data", _read_webform),
    ("GET", "/reporting/reports/{report_id}/model", _describe_report),
    ("DELETE", "/automations", _make_remover("automations", "automation_ids")),
    ("DELETE", "/automationCategory", _make_remover("automation_categories", "ids")),
    ("POST", _OPT_INS, _add_opt_in),
    ("DELETE", f"{_OPT_INS}/{{option_key}}", _delete_opt_in),
    ("POST", "/affiliates/{id}:assignToProgram", lambda v: _place_in_program(v, wanted=True)),
    ("POST", "/affiliates/{id}:removeFromProgram", lambda v: _place_in_program(v, wanted=False)),
    ("GET", "/affiliates/{affiliate_id}/commissionTotal", _sum_commissions),
    ("POST", _RESOURCE, _add_resource),
    ("PATCH", f"{_RESOURCE}/{{resource_id}}", _change_resource),
    ("DELETE", f"{_RESOURCE}/{{resource_id}}", _delete_resource),
    *(("GET", f"/{model}/model", _make_modeller(model)) for model in MODELS),
)
UNSERVED = frozenset(
    (
        "POST /affiliates/commissionPrograms/defaultCommissionPrograms/{commission_program_id}",
        "PATCH /affiliates/commissionPrograms/defaultCommissionPrograms/{commission_program_id}",
        "POST /affiliates/commissionPrograms/productCommissionPrograms/{commission_program_id}",
        "PATCH /affiliates/commissionPrograms/productCommissionPrograms/{commission_program_id}",
        "POST /affiliates/commissionPrograms/subscriptionCommissionPrograms/"
        "{commission_program_id}",
        "PATCH /affiliates/commissionPrograms/subscriptionCommissionPrograms/"
        "{commission_program_id}",
        "POST /affiliates/commissionPrograms/{commission_id}:removeProductCommission",
        "POST /affiliates/commissionPrograms/{commission_id}:removeSubscriptionCommission",
        "POST /automations/batch-unpublish",
        "POST /automations/categories/batchAssign",
        "POST /automations/goals/achieve",
        "POST /automations/{automation_id}/sequences/{sequence_id}:addContacts",
        "PUT /automations/{automation_id}/unpublish",
        "POST /campaigns/{campaign_id}/sequences/{sequence_id}:addContacts",
        "POST /campaigns/{campaign_id}/sequences/{sequence_id}:removeContacts",
        "PATCH /easy-automations/{automation_id}",
        "POST /emails/templates:send",
        "POST /emails:send",
        "POST /integrations/wordpress/options/{option_key}:achieve",
        "POST /orders/{order_id}/items/{order_item_id}:applyCommission",
        "POST /orders/{order_id}:applyTax",
        "POST /paymentMethodConfigs",
        "POST /productCategories/{category_id}/images",
        "DELETE /productCategories/{category_id}/images",
        "POST /reporting/reports/{report_id}:run",
        "POST /sales/merchants/{id}:setDefault",
    )
)
"""Operations that act on more than records, or on what no backup can give back: answered by 501."""
