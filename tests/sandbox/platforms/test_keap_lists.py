"""Keap's lists: pages, filters, order, what comes only when named, and what changes meanwhile."""

import re

import pytest

from listbackup.sandbox.platforms.keap.listings import LISTINGS
from tests.sandbox.platforms.keaps import Desk, ids, open_desk


@pytest.fixture
def desk() -> Desk:
    return open_desk()


@pytest.mark.parametrize("size", [1, 7, 20, 59, 60, 61, 1000])
def test_pages_of_any_size_give_every_contact_once_and_in_order(desk: Desk, size: int) -> None:
    pages = desk.walk("/contacts", "contacts", page_size=size)
    found = [id_ for page in pages for id_ in ids(page)]
    assert found == [str(number) for number in range(1001, 1061)]
    assert {len(page) for page in pages[:-1]} <= {size}


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_in_another_order_give_everything_once(desk: Desk, direction: str) -> None:
    whole = desk.get("/contacts", page_size=1000, order_by=f"update_time {direction}", fields="id")
    pages = desk.walk(
        "/contacts", "contacts", page_size=7, order_by=f"update_time {direction}", fields="id"
    )
    assert [one for page in pages for one in page] == whole["contacts"]
    times = [record["update_time"] for record in desk.tenant.records("contacts")]
    by_id = {record["id"]: record["update_time"] for record in desk.tenant.records("contacts")}
    assert [by_id[id_] for id_ in ids(whole["contacts"])] == sorted(
        times, reverse=direction == "desc"
    )


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("size", [1, 3, 20])
def test_records_that_stand_alike_in_an_order_come_once(
    desk: Desk, direction: str, size: int
) -> None:
    assert len({tag["create_time"] for tag in desk.tenant.records("tags")}) == 1
    pages = desk.walk("/tags", "tags", page_size=size, order_by=f"create_time {direction}")
    found = [int(id_) for page in pages for id_ in ids(page)]
    assert found == sorted(range(1, 21), reverse=direction == "desc")


def test_every_list_of_the_account_gives_a_page(desk: Desk) -> None:
    empty = set()
    first = {"contact_id": "1001", "company_id": "101", "order_id": "501", "country_code": "USA"}
    for listing in LISTINGS:
        path = re.sub(r"\{(\w+)\}", lambda match: first.get(match[1], "1"), listing.path)
        answer = desk.get(path)
        assert isinstance(answer[listing.within], list)
        assert ("next_page_token" in answer) is bool(listing.largest)
        if not answer[listing.within]:
            empty.add(listing.path)
    of_one_record = {path for path in empty if "{" in path}
    assert empty == of_one_record


@pytest.mark.parametrize(
    ("path", "largest"), [("/contacts", 1000), ("/users", 100), ("/automations", 25)]
)
def test_a_page_larger_than_allowed_is_refused(desk: Desk, path: str, largest: int) -> None:
    desk.get(path, page_size=largest)
    assert desk.refused("GET", path, page_size=largest + 1).startswith("400 'page_size'")
    assert desk.refused("GET", path, page_size="many").startswith("400 'page_size'")


def test_a_token_of_another_list_or_of_nobody_is_refused(desk: Desk) -> None:
    token = desk.get("/contacts", page_size=5)["next_page_token"]
    assert desk.refused("GET", "/orders", page_token=token).startswith("400 page_token")
    other = desk.refused("GET", "/contacts", page_token=token, filter="given_name==Ada")
    assert other.startswith("400 page_token")
    assert desk.refused("GET", "/contacts", page_token="abc") == "400 Invalid page_token"


def test_records_that_come_and_go_during_a_read_hide_none_that_stay(desk: Desk) -> None:
    first = desk.get("/contacts", page_size=20)
    desk.send("DELETE", "/contacts/1001")
    desk.send("DELETE", "/contacts/1030")
    made = desk.post("/contacts", {"phone_numbers": [{"number": "1", "field": "PHONE1"}]})
    rest = desk.get("/contacts", page_size=1000, page_token=first["next_page_token"])
    found = ids(first["contacts"]) + ids(rest["contacts"])
    assert found == [str(n) for n in range(1001, 1061) if n != 1030] + [made["id"]]


def test_contacts_show_the_fields_that_are_named_and_no_others(desk: Desk) -> None:
    plain = desk.get("/contacts/1001")
    assert "custom_fields" not in plain
    assert "update_time" not in plain
    named = desk.get("/contacts/1001", fields="custom_fields,tag_ids")
    assert set(named) == {"id", "custom_fields", "tag_ids"}
    listed = desk.get("/contacts", page_size=1, fields="custom_fields,tag_ids")
    assert listed["contacts"] == [named]
    assert desk.refused("GET", "/contacts", fields="colour").startswith("400 Unknown field")


def test_companies_show_what_is_named_as_well(desk: Desk) -> None:
    assert set(desk.get("/companies/101")) == {"id", "company_name"}
    named = desk.get("/companies", fields="notes,custom_fields")["companies"][0]
    assert set(named) == {"id", "company_name", "notes", "custom_fields"}


@pytest.mark.parametrize(
    ("path", "within", "since", "until", "stamp"),
    [
        ("/contacts", "contacts", "start_update_time", "end_update_time", "update_time"),
        ("/companies", "companies", "since_time", "until_time", "update_time"),
        ("/notes", "notes", "since_time", "until_time", "update_time"),
        ("/tasks", "tasks", "since_time", "until_time", "modification_time"),
        (
            "/orders",
            "orders",
            "modified_since_time",
            "modified_until_time",
            "modification_time",
        ),
        ("/sales/payments", "payments", "since_time", "until_time", "payment_time"),
    ],
)
def test_times_filter_from_and_to_both_included(
    desk: Desk, path: str, within: str, since: str, until: str, stamp: str
) -> None:
    table = {"/sales/payments": "payments"}.get(path, path[1:])
    records = list(desk.tenant.records(table))
    moment = sorted(record[stamp] for record in records)[len(records) // 2]
    later = {record["id"] for record in records if record[stamp] >= moment}
    sooner = {record["id"] for record in records if record[stamp] <= moment}
    assert later and sooner and later & sooner
    given = moment.replace("Z", ".000+00:00")
    assert set(ids(desk.get(path, filter=f"{since}=={given}", page_size=99)[within])) == later
    assert set(ids(desk.get(path, filter=f"{until}=={moment}", page_size=99)[within])) == sooner
    both = desk.get(path, filter=f"{since}=={moment};{until}=={moment}", page_size=99)[within]
    assert set(ids(both)) == later & sooner


def test_filters_compare_begin_contain_and_choose(desk: Desk) -> None:
    def find(path: str, within: str, text: str) -> list[str]:
        return ids(desk.get(path, filter=text, page_size=100)[within])

    assert find("/contacts", "contacts", "contact_id>=1058") == ["1058", "1059", "1060"]
    assert find("/contacts", "contacts", "ids==1003,1001") == ["1001", "1003"]
    email = next(desk.tenant.records("contacts"))["email_addresses"][0]["email"]
    assert find("/contacts", "contacts", f"email=={email[:12].upper()}*")[0] == "1001"
    assert find("/contacts", "contacts", f"email=={email[:6]}") == []
    assert find("/orders", "orders", "id!=501;id<503") == ["502"]
    assert find("/notes", "notes", "title==ote 11") == ["11"]
    paid = find("/orders", "orders", "paid==true") + find("/orders", "orders", "paid==false")
    assert sorted(paid, key=int) == find("/orders", "orders", "order_type==ONLINE")
    assert find("/tags", "tags", "category_id==NONE") == [
        tag["id"] for tag in desk.tenant.records("tags") if "category" not in tag
    ]
    assert find("/subscriptions", "subscriptions", "status==Inactive") == [
        one["id"] for one in desk.tenant.records("subscriptions") if not one["active"]
    ]


def test_custom_fields_filter_by_their_names_and_kinds(desk: Desk) -> None:
    model = desk.get("/contacts/model")
    colour, size, _ = (field["field_name"] for field in model["custom_fields"])
    assert "custom_fields" in model["optional_properties"]
    red = ids(desk.get("/contacts", filter=f"{colour.upper()}==Re*")["contacts"])
    large = ids(desk.get("/contacts", filter=f"{size}>=40")["contacts"])
    contents = {
        record["id"]: {field["id"]: field["content"] for field in record["custom_fields"]}
        for record in desk.tenant.records("contacts")
    }
    assert red == [id_ for id_, held in contents.items() if held["1"] == "Red"]
    assert large == [id_ for id_, held in contents.items() if held["2"] >= 40]
    assert desk.refused("GET", "/contacts", filter=f"{colour}>Red").startswith("400 Operator")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/contacts", "since_time==2026-01-01T00:00:00Z"),
        ("/contacts", "given_name>Ada"),
        ("/contacts", "given_name==*da"),
        ("/contacts", "given_name"),
        ("/contacts", "start_update_time==yesterday"),
        ("/contacts", "phone_number==1"),
        ("/notes", "id==1;ids==2"),
        ("/products", "last_updated_time==2026-01-01T00:00:00Z"),
        ("/subscriptions", "modification_time==2026-01-01T00:00:00Z"),
        ("/automations", "status!=draft"),
        ("/files", "is_public==perhaps"),
    ],
)
def test_a_filter_that_the_list_does_not_have_is_refused(desk: Desk, path: str, text: str) -> None:
    assert desk.refused("GET", path, filter=text).startswith("400 ")


@pytest.mark.parametrize("order", ["colour asc", "id sideways", "given_name asc"])
def test_an_order_that_the_list_does_not_have_is_refused(desk: Desk, order: str) -> None:
    assert desk.refused("GET", "/contacts", order_by=order).startswith("400 ")


def test_lists_below_a_record_hold_what_is_its_own(desk: Desk) -> None:
    note = desk.get("/notes", page_size=1)["notes"][0]
    below = desk.get(f"/contacts/{note['contact_id']}/notes")["notes"]
    assert note in below
    assert {one["contact_id"] for one in below} == {note["contact_id"]}
    assert desk.refused("GET", "/contacts/999/notes").startswith("404 ")
    other = "1001" if note["contact_id"] != "1001" else "1002"
    assert desk.refused("GET", f"/contacts/{other}/notes/{note['id']}").startswith("404 ")


def test_who_has_a_tag_is_asked_of_the_tag_and_by_the_time_of_tagging(desk: Desk) -> None:
    tag = desk.post("/tags", {"name": "Guests of honour"})["id"]
    before = desk.get("/contacts/1001", fields="update_time,tag_ids")
    desk.post(f"/tags/{tag}/contacts:applyTags", {"contact_ids": ["1001", "1002", "77"]})
    applied = desk.tenant.now
    desk.watch.go_on(60)
    desk.post(f"/tags/{tag}/contacts:applyTags", {"contact_ids": ["1003"]})
    later = desk.tenant.now
    assert ids(desk.get(f"/tags/{tag}/contacts")["contacts"]) == ["1001", "1002", "1003"]
    recent = desk.get(f"/tags/{tag}/contacts", filter=f"since_applied_time=={later}")["contacts"]
    assert ids(recent) == ["1003"]
    assert recent[0]["applied_time"] == later > applied
    after = desk.get("/contacts/1001", fields="update_time,tag_ids")
    assert after["tag_ids"] == [*before["tag_ids"], tag]
    assert after["update_time"] == before["update_time"]
    of_contact = desk.get("/contacts/1001/tags", filter=f"since_applied_time=={applied}")["tags"]
    assert [one["tag"]["name"] for one in of_contact] == ["Guests of honour"]


def test_a_list_that_filters_may_lag_behind_what_was_written(desk: Desk) -> None:
    desk.tenant.lag = 30
    since = f"start_update_time=={desk.tenant.now}"
    made = desk.post("/contacts", {"email_addresses": [{"email": "new@mail.example"}]})["id"]
    assert made in ids(desk.get("/contacts", page_size=1000)["contacts"])
    assert desk.get("/contacts", filter=since)["contacts"] == []
    desk.watch.go_on(30)
    assert ids(desk.get("/contacts", filter=since)["contacts"]) == [made]
