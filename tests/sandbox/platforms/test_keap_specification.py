"""The Keap of our own is held against the official specification, where there is one.

`LISTBACKUP_SPECS` names a folder with `keap-v2-swagger.yml`.
"""

import functools
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from listbackup.sandbox.platforms.keap.bodies import field_names, required_names
from listbackup.sandbox.platforms.keap.filters import read_filters, read_order
from listbackup.sandbox.platforms.keap.listings import LISTINGS
from listbackup.sandbox.platforms.keap.operations import FIELDS
from listbackup.sandbox.platforms.keap.resources import RESOURCES
from listbackup.sandbox.platforms.keap.routes import PREFIX, make_routes
from listbackup.sandbox.platforms.keap.tables import pick
from tests.sandbox.platforms.keaps import Desk, open_desk

FILE = Path(os.environ.get("LISTBACKUP_SPECS", "/nowhere")) / "keap-v2-swagger.yml"
pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason="LISTBACKUP_SPECS names no folder with keap-v2-swagger.yml"
)
VERBS = {"get", "post", "put", "patch", "delete"}


@functools.cache
def specification() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(FILE.read_bytes(), Loader=loader)
    return found


@functools.cache
def operations() -> dict[str, dict[str, Any]]:
    return {
        shorten(f"{verb.upper()} {path.removeprefix('/rest/v2')}"): operation
        for path, verbs in specification()["paths"].items()
        for verb, operation in verbs.items()
        if verb in VERBS
    }


def shorten(operation: str) -> str:
    return re.sub(r"\{\w+\}", "{}", operation)


def parameter(path: str, name: str) -> dict[str, Any]:
    operation = operations()[shorten(f"GET {path}")]
    found = [one for one in operation.get("parameters", []) if one["name"] == name]
    return found[0] if found else {}


def schema_of(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["content"]["application/json"]["schema"]
    return resolve(found)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = specification()["components"]["schemas"][name]
    return schema


def test_every_operation_is_answered_and_none_is_invented() -> None:
    ours = {shorten(f"{method} {path.removeprefix(PREFIX)}") for method, path, _ in make_routes()}
    assert ours - set(operations()) == set()
    assert set(operations()) - ours == set()


def test_lists_filter_order_and_page_as_specified() -> None:
    for listing in LISTINGS:
        told = (filters_of(listing), orders_of(listing), largest_of(listing))
        ours = (set(read_filters(listing.filters)), set(read_order(listing.order)))
        # What the specification leaves open, a template's title and order, is ours.
        if not listing.path.endswith("/templates"):
            assert (*ours, listing.largest) == told, listing.path
        assert bool(listing.largest) is bool(parameter(listing.path, "page_token")), listing.path


def filters_of(listing: Any) -> set[str]:
    told = parameter(listing.path, "filter").get("description", "").split("You will need")[0]
    told = told.split("For the filters listed")[0]
    named = re.findall(r"- \([A-Z][A-Za-z\[\] ]*\)\s+`?(\w+)`?", told)
    return set(named + re.findall(r"- `(\w+)` \([A-Z]", told)) - {"Custom"}


def orders_of(listing: Any) -> set[str]:
    told = parameter(listing.path, "order_by").get("description", "")
    named = re.findall(r"- `(\w+)`", told.partition("One of the following directions")[0])
    return set(named or re.findall(r"`(\w+)`", told.partition("Supported")[2].split("\n")[0]))


def largest_of(listing: Any) -> int:
    found: int = parameter(listing.path, "page_size").get("schema", {}).get("maximum", 0)
    return found


def test_the_fields_that_come_when_named_are_the_specified_ones() -> None:
    for table, fields in FIELDS.items():
        of_one = next(one for one in RESOURCES if one.table == table)
        paths = (f"/{table}", f"{of_one.path}/{{}}")
        told = " ".join(parameter(path, "fields")["description"] for path in paths)
        assert set(fields) <= set(re.findall(r"[a-z_]+", told)), table


def shapes() -> list[tuple[str, str]]:
    pairs = []
    for resource in RESOURCES:
        one = f"{resource.path}/{{{resource.part}}}"
        if "C" in resource.verbs:
            pairs.append((f"POST {resource.path}", resource.create))
        if "U" in resource.verbs:
            pairs.append((f"PATCH {one}", resource.update))
    return pairs


def test_bodies_have_the_specified_fields() -> None:
    for operation, shape in shapes():
        body = schema_of(operations()[shorten(operation)]["requestBody"])
        assert field_names(shape) == set(body.get("properties", {})), operation
        assert set(body.get("required", [])) <= required_names(shape), operation


def find_faults(value: Any, schema: dict[str, Any], path: str) -> list[str]:
    """Where a value is not as a schema says; a name that it does not know is a fault, too."""
    schema = resolve(schema)
    match schema.get("type"):
        case "object" if not isinstance(value, dict):
            return [f"{path} is no object"]
        case "object" if "properties" in schema:
            return [
                fault
                for name, inner in value.items()
                for fault in (
                    find_faults(inner, schema["properties"][name], f"{path}.{name}")
                    if name in schema["properties"]
                    else [f"{path}.{name} is unknown"]
                )
            ]
        case "array":
            if not isinstance(value, list):
                return [f"{path} is no array"]
            return [fault for item in value for fault in find_faults(item, schema["items"], path)]
        case "string":
            wrong = not isinstance(value, str) or value not in schema.get("enum", [value])
            return [f"{path} is {value!r}"] if wrong else []
        case "integer":
            return [] if isinstance(value, int) else [f"{path} is {value!r}"]
        case "number":
            return [] if isinstance(value, (int, float)) else [f"{path} is {value!r}"]
        case "boolean":
            return [] if isinstance(value, bool) else [f"{path} is {value!r}"]
    return []


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


def fill_in(template: str, parts: dict[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(parts.get(match[1], "1")), template)


def test_the_records_of_lists_have_the_specified_shape(desk: Desk) -> None:
    first = {"contact_id": "1001", "company_id": "101", "order_id": "501", "country_code": "USA"}
    for listing in LISTINGS:
        path = fill_in(listing.path, first)
        named = {"fields": ",".join(FIELDS[listing.table])} if listing.table in FIELDS else {}
        if listing.view or (listing.largest and not parameter(listing.path, "fields")):
            named = {}
        answer = desk.get(path, **named)
        schema = schema_of(operations()[shorten(f"GET {listing.path}")]["responses"]["200"])
        assert find_faults(answer, schema, listing.within) == []


def test_single_records_have_the_specified_shape(desk: Desk) -> None:
    for resource in RESOURCES:
        if "R" not in resource.verbs:
            continue
        table = desk.tenant[resource.table]
        record = next(table.records(), None)
        assert record is not None
        parts = {**record, resource.part: str(pick(record, table.plan.name))}
        parts |= {"country_code": parts.get("country", parts.get("country_code"))}
        path = fill_in(resource.path, parts)
        operation = operations()[shorten(f"GET {resource.path}/{{}}")]
        named = {"fields": ",".join(FIELDS[resource.table])} if resource.table in FIELDS else {}
        answer = desk.get(f"{path}/{parts[resource.part]}", **named)
        assert find_faults(answer, schema_of(operation["responses"]["200"]), resource.path) == []


def test_a_wrong_record_is_found_wrong() -> None:
    tag = specification()["components"]["schemas"]["Tag"]
    assert find_faults({"id": "1", "name": "A"}, tag, "tag") == []
    assert find_faults({"id": 1, "colour": "A"}, tag, "tag") == [
        "tag.id is 1",
        "tag.colour is unknown",
    ]
