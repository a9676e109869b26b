"""Keap's records: made, changed and deleted as its specification says, and refused as it says."""

import json
from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request
from listbackup.sandbox.platforms.keap.resources import DISCOUNTS
from tests.sandbox.platforms.keaps import BASE, Desk, ids, open_desk

CONTACT = {"given_name": "Ada", "email_addresses": [{"email": "ada@mail.example"}]}
ORDER: dict[str, Any] = {
    "contact_id": "1001",
    "order_title": "First",
    "order_time": "2026-10-01T00:00:00+02:00",
    "order_type": "ONLINE",
}


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def test_an_id_is_text_and_never_comes_again(desk: Desk) -> None:
    first = desk.post("/contacts", CONTACT)["id"]
    assert desk.send("DELETE", f"/contacts/{first}").status == 204
    second = desk.post("/contacts", CONTACT)["id"]
    assert isinstance(second, str)
    assert int(second) > int(first)
    assert desk.refused("GET", f"/contacts/{first}").startswith("404 ")
    assert desk.refused("DELETE", f"/contacts/{first}").startswith("404 ")


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/contacts", {"given_name": "Ada"}, "at least one item"),
        ("/contacts", {"phone_numbers": []}, "at least one item"),
        ("/contacts", {"addresses": [{"line1": "A", "region": "B"}]}, "'country_code'"),
        ("/contacts", {**CONTACT, "given_name": "x" * 41}, "at most 40"),
        ("/contacts", {**CONTACT, "colour": "red"}, "Unrecognized field 'colour'"),
        ("/contacts", {**CONTACT, "given_name": 7}, "must be a string"),
        ("/contacts", {**CONTACT, "source_type": "TV"}, "must be one of"),
        ("/contacts", {**CONTACT, "custom_fields": [{"id": "999", "content": 1}]}, "999"),
        ("/contacts", [], "JSON object"),
        ("/orders", {}, "'contact_id' is required"),
        ("/orders", {**ORDER, "contact_id": "7"}, "does not exist"),
        ("/orders", {**ORDER, "order_time": "soon"}, "Invalid date-time"),
        ("/orders", {**ORDER, "order_type": "FAX"}, "must be one of"),
        ("/orders", {**ORDER, "order_items": [{"quantity": 1}]}, "'product_id' is required"),
        ("/orders", {**ORDER, "order_items": [{"quantity": 0}]}, "greater than or equal to 1"),
        ("/tasks", {"title": "Call"}, "'assigned_to_user_id' is required"),
        ("/tasks", {"assigned_to_user_id": "1", "remind_time_mins": 7}, "must be one of"),
        ("/contacts/1001/notes", {"user_id": "1"}, "'title' or 'type'"),
        ("/contacts/1001/notes", {"user_id": "99", "title": "A"}, "does not exist"),
        ("/products", {"name": "A", "short_description": "B"}, "'price' is required"),
        ("/products", {"name": "A", "short_description": "B", "price": -1}, "or equal to 0"),
        ("/tags", {"name": "  "}, "must not be blank"),
        ("/opportunities", {"opportunity_title": "A", "contact_id": "1001"}, "'stage_id'"),
        ("/affiliates", {"code": "1ab", "contact_id": "1001"}, "'code' must start"),
        (
            "/subscriptions",
            {"contact_id": "1001", "subscription_plan_id": "1", "start_date": "2020-01-01"},
            "past",
        ),
        ("/opportunities/stages", {"name": "A", "order": 1, "probability": 101}, "is required"),
        ("/leadSources/1/expenses", {"amount": "12"}, "whole number"),
    ],
)
def test_what_the_specification_does_not_allow_is_refused(
    desk: Desk, path: str, body: object, why: str
) -> None:
    answer = desk.refused("POST", path, body)
    assert answer.startswith("400 ")
    assert why in answer


def test_an_update_changes_what_it_names_and_the_time_of_change(desk: Desk) -> None:
    made = desk.post("/contacts", CONTACT, fields="create_time,update_time")
    desk.watch.go_on(10)
    body = {"given_name": "Bea", "family_name": "Cruz"}
    fields = "given_name,family_name,create_time,update_time,email_addresses"
    path = f"/contacts/{made['id']}"
    desk.send("PATCH", path, body, update_mask="family_name")
    found = desk.get(path, fields=fields)
    assert (found["given_name"], found["family_name"]) == ("Ada", "Cruz")
    assert found["create_time"] == made["create_time"] < found["update_time"]
    desk.send("PATCH", path, body)
    assert desk.get(path)["given_name"] == "Bea"
    desk.send("PATCH", path, {}, update_mask="family_name")
    assert "family_name" not in desk.get(path)
    assert desk.refused("PATCH", path, body, update_mask="colour").startswith("400 Unknown")
    assert desk.refused("PATCH", path, {"email_addresses": []}).startswith("400 Contact")
    assert desk.get(path)["email_addresses"][0]["email"] == "ada@mail.example"


def test_a_duplicate_is_found_by_email_and_name_where_that_is_asked_for(desk: Desk) -> None:
    first = desk.post("/contacts", CONTACT)["id"]
    again = {**CONTACT, "family_name": "Late"}
    assert desk.post("/contacts", again)["id"] != first
    response = desk.send("POST", "/contacts", again, duplicate_option="Email")
    assert response.status == 200
    assert json.loads(response.body)["id"] == first
    assert desk.get(f"/contacts/{first}")["family_name"] == "Late"
    third = desk.post("/contacts", {**again, "given_name": "B"}, duplicate_option="EmailAndName")
    assert third["id"] != first
    assert desk.refused("POST", "/contacts", again, duplicate_option="Ears").startswith("400 ")


def test_with_a_contact_goes_what_is_its_own_and_orders_stay(desk: Desk) -> None:
    order = next(desk.tenant.records("orders"))
    contact = order["contact"]["id"]
    desk.post(f"/contacts/{contact}/notes", {"user_id": "1", "title": "Own"})
    tag = desk.post("/tags", {"name": "Last"})["id"]
    desk.post(f"/tags/{tag}/contacts:applyTags", {"contact_ids": [contact]})
    assert desk.send("DELETE", f"/contacts/{contact}").status == 204
    assert contact not in {note["contact_id"] for note in desk.tenant.records("notes")}
    assert desk.get(f"/tags/{tag}/contacts")["contacts"] == []
    assert desk.get(f"/orders/{order['id']}") == order


def test_deleting_a_tag_takes_it_from_all_contacts(desk: Desk) -> None:
    tag = next(desk.tenant.records("contacts"))["tag_ids"][0]
    assert desk.send("DELETE", f"/tags/{tag}").status == 204
    assert all(tag not in record["tag_ids"] for record in desk.tenant.records("contacts"))
    assert tag not in {record["tag_id"] for record in desk.tenant.records("applied_tags")}


def test_merging_moves_notes_and_tags_and_deletes_the_duplicate(desk: Desk) -> None:
    desk.post("/contacts/1002/notes", {"user_id": "1", "title": "Moves"})
    tags = set(next(desk.tenant.records("contacts"))["tag_ids"])
    tags |= set(desk.get("/contacts/1002", fields="tag_ids")["tag_ids"])
    desk.post("/contacts:merge", {"contact_id": "1001", "duplicate_contact_id": "1002"})
    assert desk.refused("GET", "/contacts/1002").startswith("404 ")
    assert set(desk.get("/contacts/1001", fields="tag_ids")["tag_ids"]) == tags
    notes = desk.get("/contacts/1001/notes")["notes"]
    assert "Moves" in {note["title"] for note in notes}


def test_links_hold_two_contacts_and_their_kind(desk: Desk) -> None:
    kind = desk.post("/contacts/links/types", {"name": "Friend", "max_links": 3})["id"]
    link = {"contact1_id": "1010", "contact2_id": "1011", "link_type_id": kind}
    desk.post("/contacts:link", link)
    found = desk.get("/contacts/1011/links")["links"]
    assert {**link, "link_type_name": "Friend"} in found
    assert desk.refused("DELETE", f"/contacts/links/types/{kind}").startswith("409 ")
    assert desk.send("POST", "/contacts:unlink", link).status == 204
    assert desk.send("DELETE", f"/contacts/links/types/{kind}").status == 204


def test_an_order_adds_up_is_paid_and_can_then_not_be_deleted(desk: Desk) -> None:
    items = [{"quantity": 2, "product_id": "1", "price_per_unit": 12.5}]
    order = desk.post("/orders", {**ORDER, "order_items": items})
    path = f"/orders/{order['id']}"
    assert order["order_time"] == "2026-09-30T22:00:00Z"
    assert order["total"] == {
        "amount": 2500,
        "currency_code": "USD",
        "formatted_amount": "$25.00",
    }
    fee = {"quantity": 1, "item_type": "FEE", "name": "Fee", "price_per_unit": 5}
    item = desk.post(f"{path}/items", fee)
    assert desk.get(path)["total"]["amount"] == 3000
    assert desk.send("PATCH", f"{path}/items/{item['id']}", {"quantity": 2}).status == 200
    assert desk.get(path)["total_due"]["amount"] == 3500
    assert desk.send("DELETE", f"{path}/items/{item['id']}").status == 204
    pay = {"payment_method_type": "Cash", "payment_amount": 25, "apply_to_commissions": False}
    assert "exceeds" in desk.refused("POST", f"{path}/payments", {**pay, "payment_amount": 26})
    payment = desk.post(f"{path}/payments", pay)
    assert desk.get(path)["status"] == "PAID"
    assert [p["amount"] for p in desk.get(f"{path}/payments")["invoice_order_payments"]] == [2500]
    found = desk.get("/sales/payments", filter=f"order_id=={order['id']}")["payments"]
    assert ids(found) == [payment["id"]]
    assert desk.get("/sales/transactions", filter=f"order_id=={order['id']}")["transactions"]
    assert desk.refused("DELETE", path).startswith("409 ")


def test_products_bring_their_plans_options_and_images(desk: Desk) -> None:
    body = {"name": "Globe", "price": 1250, "short_description": "Round"}
    path = f"/products/{desk.post('/products', body)['id']}"
    plan = desk.post(f"{path}/subscriptions", {"cycle_type": "MONTHLY", "plan_price": 900})
    option = {"option_type": "LIST", "option_label": "Size", "list_items": [{"item_label": "S"}]}
    made = desk.post(f"{path}/options", option)
    desk.post(f"{path}/options/{made['id']}/listItems", [{"item_label": "M"}])
    whole = desk.get(path)
    assert [one["id"] for one in whole["subscription_plans"]] == [plan["id"]]
    assert [one["value"] for one in whole["options"][0]["fixed_options"]] == ["S", "M"]
    assert desk.refused("GET", f"{path}/images/legacyImageData").startswith("404 ")
    assert upload(desk, f"{path}/images", b"\x89PNG").status == 201
    assert desk.get(f"{path}/images/legacyImageData") == "iVBORw=="
    assert desk.send("DELETE", path).status == 204
    assert plan["id"] not in ids(list(desk.tenant.records("plans")))


def upload(desk: Desk, path: str, content: bytes, **fields: str) -> Any:
    edge = "edge-of-a-part"
    parts = [
        f'--{edge}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    head = f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = b"".join(parts) + head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    headers = {**desk.headers, "content-type": f"multipart/form-data; boundary={edge}"}
    return desk.keap.handle(Request("POST", f"{BASE}{path}", headers, body))


def test_files_are_given_back_as_they_came(desk: Desk) -> None:
    refused = upload(desk, "/files", b"abc", file_name="a.txt", file_association="CONTACT")
    assert refused.status == 400
    fields = {"file_name": "a.txt", "file_association": "CONTACT", "contact_id": "1001"}
    made = json.loads(upload(desk, "/files", b"abc\r\n\x00", **fields).body)
    assert made["file_size"] == 6
    assert desk.get(f"/files/{made['id']}:data") == "YWJjDQoA"
    assert made["id"] in ids(desk.get("/files", filter="contact_id==1001")["files"])
    assert desk.send("DELETE", f"/files/{made['id']}").status == 204


def test_a_subscription_is_made_once_stopped_and_billed(desk: Desk) -> None:
    contact = desk.post("/contacts", CONTACT)["id"]
    body = {"contact_id": contact, "subscription_plan_id": "1"}
    made = desk.post("/subscriptions", body)
    assert (made["active"], made["billing_cycle"]) == (True, "MONTH")
    assert desk.refused("POST", "/subscriptions", body).startswith("409 ")
    desk.post("/subscriptions", {**body, "allow_duplicate": True})
    order = desk.post(f"/subscriptions/{made['id']}:invoice", None)
    assert order["total"]["amount"] == made["billing_amount"]
    desk.post(f"/subscriptions/{made['id']}:deactivate", {"reason": "Enough"})
    stopped = desk.get(f"/subscriptions/{made['id']}")
    assert (stopped["active"], stopped["reason_stopped"]) == (False, "Enough")


def test_moving_an_opportunity_is_written_down(desk: Desk) -> None:
    body = {"opportunity_title": "Deal", "contact_id": "1001", "stage_id": "1"}
    made = desk.post("/opportunities", body)
    assert "custom_fields" not in made
    desk.send("PATCH", f"/opportunities/{made['id']}", {"stage_id": "2"})
    moves = desk.get("/opportunities/stageMoves", filter=f"opportunity_id=={made['id']}")
    assert [(m["move_from_stage_id"], m["move_to_stage_id"]) for m in moves["stage_moves"]] == [
        ("1", "2")
    ]
    assert desk.refused("DELETE", "/opportunities/stages/2").startswith("409 ")


@pytest.mark.parametrize("model", ["contacts", "companies", "orders", "notes", "subscriptions"])
def test_custom_fields_are_made_used_and_deleted(desk: Desk, model: str) -> None:
    path = f"/{model}/model/customFields"
    tab = desk.post(f"{path}/tabs", {"name": "Own"})
    group = desk.post(f"{path}/groups", {"name": "Own", "tab_id": tab["id"]})
    body = {"label": "Shade", "field_type": "TEXT", "group_id": group["id"]}
    field = desk.post(path, body)
    assert field in desk.get(f"/{model}/model")["custom_fields"]
    assert desk.refused("DELETE", f"{path}/groups/{group['id']}").startswith("409 ")
    assert desk.refused("PATCH", f"{path}/tabs/{tab['id']}", {"name": "B"}).startswith("400 ")
    assert desk.send("DELETE", f"{path}/{field['id']}").status == 204
    assert desk.send("DELETE", f"{path}/groups/{group['id']}").status == 204
    assert desk.send("DELETE", f"{path}/tabs/{tab['id']}").status == 204


@pytest.mark.parametrize("path", [path for path, _, _ in DISCOUNTS])
def test_discounts_hold_criteria_that_come_and_go(desk: Desk, path: str) -> None:
    every = {
        "name": "Sale",
        "discount_type": "PERCENT",
        "discount_value": 10,
        "product_id": "1",
        "apply_to_commissions": True,
        "discount_percent": 10,
        "product_category_ids": ["1"],
        "subscription_plan_id": "1",
    }
    body = dict(every)
    while (answer := desk.send("POST", path, body)).status == 400:
        name = json.loads(answer.body)["message"].split("'")[1]
        del body[name]
    made = json.loads(answer.body)
    code = desk.post(f"{path}/{made['id']}/criteria", {"type": "PROMO_CODE", "code": "X"})
    assert desk.get(f"{path}/{made['id']}")["criteria"] == [code]
    where = f"{path}/{made['id']}/criteria/{code['criteria_id']}"
    assert desk.send("DELETE", where).status == 204
    assert made["id"] in ids(desk.get(path)["discounts"])
    assert desk.send("DELETE", f"{path}/{made['id']}").status == 204


def test_emails_are_recorded_many_at_once_and_listed_without_their_text(desk: Desk) -> None:
    good = {"sent_to_address": "a@mail.example", "contact_id": "1001", "plain_content": "SGk="}
    answer = desk.post("/emails:batchAdd", {"emails": [good, {**good, "contact_id": "9"}]})
    assert len(answer["emails"]) == len(answer["errors"]) == 1
    id_ = answer["emails"][0]["id"]
    assert desk.get(f"/emails/{id_}")["plain_content"] == "SGk="
    listed = desk.get("/emails", filter="contact_id==1001")["emails"]
    assert all("plain_content" not in one and "_created" not in one for one in listed)
    results = desk.post("/emails:batchRemove", {"email_ids": [id_]})["results"]
    assert results == {id_: "SUCCESS"}


def test_what_acts_on_the_world_outside_is_not_implemented(desk: Desk) -> None:
    assert desk.refused("POST", "/emails:send", {}).startswith("501 ")
    assert desk.refused("GET", "/planets").startswith("404 ")
    answer = desk.send("PUT", "/contacts", {})
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"
