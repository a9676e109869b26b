"""Streams are described for other tools, and a description never gets narrower."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from listbackup.errors import FailedError
from listbackup.parquet.schemas import describe, widen
from tests.parquet.viewing import make_schema


def is_valid(schema: dict[str, Any], record: dict[str, Any]) -> bool:
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(record))


def test_records_of_the_stream_are_valid_and_others_are_not() -> None:
    schema = make_schema(id="bigint", at="date", tags="text[]", x="numeric(10,2)", f="real")
    schema["columns"].append({"name": "name", "type": "text", "nullable": False})
    described = describe(schema)
    good = {"id": 1, "at": "2020-01-01", "tags": ["a", None], "x": 1.5, "f": "NaN", "name": "n"}
    assert is_valid(described, good)
    assert is_valid(described, {**good, "at": None, "at__text": "infinity"})
    for bad in (
        {"id": "1"},
        {"id": 2**63},
        {"id": 1.5},
        {"at": 7},
        {"tags": [1]},
        {"tags": "a"},
        {"x": "1"},
        {"name": None},
        {"other": 1},
        {"name__text": "x"},
    ):
        assert not is_valid(described, {**good, **bad}), bad
    assert not is_valid(described, {key: good[key] for key in good if key != "at"})


def test_names_are_those_of_the_parts() -> None:
    described = describe(make_schema(_op="integer", A="text", a="text"))
    assert list(described["properties"]) == ["_op_", "_op___text", "A", "a_"]
    assert described["properties"]["A"]["x-type"] == "text"


def test_texts_of_no_encoding_have_twins_too() -> None:
    schema = {**make_schema(a="text"), "charset": "SQL_ASCII"}
    schema["columns"][0]["nullable"] = False
    assert is_valid(describe(schema), {"a": None, "a__text": "\\xff"})


def test_an_encoding_without_a_typed_view_says_so() -> None:
    with pytest.raises(FailedError, match="no typed view"):
        describe(make_schema(a="text"), "ejson/1")


def test_a_column_that_is_gone_stays_and_is_marked_until_it_is_back() -> None:
    both = describe(make_schema(a="integer", b="text"))
    one = describe(make_schema(a="integer"))
    widened = widen(both, one)
    assert widened["properties"]["b"]["x-gone"] is True
    assert widened["required"] == ["a"]
    assert is_valid(widened, {"a": 1}) and is_valid(widened, {"a": 1, "b": "x"})
    again = widen(widened, both)
    assert "x-gone" not in again["properties"]["b"]
    assert again["required"] == ["a"]
    assert is_valid(again, {"a": 1})


def test_a_type_that_changes_is_joined() -> None:
    small, large = describe(make_schema(a="smallint")), describe(make_schema(a="bigint"))
    text = describe(make_schema(a="text"))
    for first, second in ((small, large), (large, small)):
        assert widen(first, second)["properties"]["a"]["maximum"] == 2**63 - 1
    joined = widen(small, text)
    assert is_valid(joined, {"a": "x"}) and is_valid(joined, {"a": 7})
    assert joined["properties"]["a"]["x-type"] == "text"
    lists = widen(describe(make_schema(a="integer[]")), describe(make_schema(a="text[]")))
    assert is_valid(lists, {"a": [1, "x", None]}) and not is_valid(lists, {"a": [True]})


def test_widening_by_the_same_changes_nothing() -> None:
    schema = describe(make_schema(a="smallint", b="text", c="date", d="integer[]"))
    assert widen(schema, schema) == schema


KINDS = ("smallint", "bigint", "text", "boolean", "real", "date", "integer[]", "text[]", "bytea")
VALUES: dict[str, list[Any]] = {
    "smallint": [1, -(2**15)],
    "bigint": [2**63 - 1],
    "text": ["x"],
    "boolean": [True],
    "real": [1.5, "NaN"],
    "date": ["2020-01-01"],
    "integer[]": [[], [1, None]],
    "text[]": [["x", None]],
    "bytea": ["AA=="],
}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from(KINDS), max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_what_was_ever_valid_stays_valid(history: list[dict[str, str]]) -> None:
    published: dict[str, Any] = {}
    records: list[dict[str, Any]] = []
    for kinds in history:
        described = describe(make_schema(**kinds))
        published = widen(published, described) if published else described
        for choice in (0, -1):
            records.append({name: VALUES[kind][choice] for name, kind in kinds.items()})
        for record in records:
            assert is_valid(published, record)
