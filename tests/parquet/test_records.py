"""The typed view of JSON records: fields are columns, and no value is lost or altered."""

import json
import math
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.errors import FailedError, IntegrityError
from listbackup.parquet.filesystem import PartFileSystem
from listbackup.parquet.parts import PartMaker
from listbackup.parquet.unions import Union, ask_fields, match_fields, plan_union
from listbackup.records.recordlines import join_lines

BATCH = 2**64 - 7
Rows = list[dict[str, Any]]


def open_maker(*key: str) -> PartMaker:
    schema = {"kind": "records", "columns": [], "key": list(key)}
    return PartMaker("records/1", schema, range(len(key)))


def write(*records: Any) -> bytes:
    """Write lines of records, given as objects or as JSON."""
    return join_lines(
        [r.encode() if isinstance(r, str) else json.dumps(r).encode() for r in records]
    )


class Shelf:
    """Parts, read as a query reads them."""

    def __init__(self, *bodies: bytes, key: Sequence[str] = ()) -> None:
        self._database = duckdb.connect()
        files = PartFileSystem()
        self._database.register_filesystem(files)
        self.addresses = [files.lend(f"{n}.parquet", [body]) for n, body in enumerate(bodies)]
        answer = self._database.execute(ask_fields(self.addresses)).fetchall()
        self.union: Union = plan_union(match_fields(self.addresses, answer), key)

    def rows(self) -> Rows:
        found = self._database.execute(self.union.query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def types(self) -> dict[str, str]:
        found = self._database.execute(f"DESCRIBE {self.union.query}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in found[3:]}


def view(*records: Any) -> tuple[dict[str, str], Rows]:
    """Give the types and rows of one part."""
    shelf = Shelf(open_maker().make([write(*records)], BATCH).body)
    rows = [{k: v for k, v in row.items() if not k.startswith("_")} for row in shelf.rows()]
    return shelf.types(), rows


KINDS: dict[str, tuple[list[str], str, list[Any]]] = {
    "booleans": (["true", "false", "null"], "BOOLEAN", [True, False, None]),
    "whole numbers": (["1", "-9223372036854775808"], "BIGINT", [1, -(2**63)]),
    "others": (["1", "0.1", "-2.50", "1e3"], "DOUBLE", [1.0, 0.1, -2.5, 1000.0]),
    "a negative zero": (["-0.0", "1.5", "null"], "DOUBLE", [-0.0, 1.5, None]),
    "small numbers": (["5e-324", "1E-7"], "DOUBLE", [5e-324, 1e-7]),
    "digits that no double has": (
        ["1.5", "0.12345678901234567890", "1"],
        "VARCHAR",
        ["1.5", "0.12345678901234567890", "1"],
    ),
    "numbers out of range": (
        ["1e400", "1e-400", "1e9999999"],
        "VARCHAR",
        ["1e400", "1e-400", "1e9999999"],
    ),
    "whole numbers out of range": (
        ["1", "9223372036854775808", "9" * 5000],
        "VARCHAR",
        ["1", "9223372036854775808", "9" * 5000],
    ),
    "large whole numbers beside others": (
        ["9007199254740993", "0.5"],
        "VARCHAR",
        ["9007199254740993", "0.5"],
    ),
    "texts": (['"a"', '"\\u00e9\\n\\u0000"', '""', "null"], "VARCHAR", ["a", "é\n\0", "", None]),
    "half a character": (['"a\\ud83d"', '"b"'], "VARCHAR", ["a\ufffd", "b"]),
    "objects and arrays": (
        ['{"a": 1.10}', "[]", "null", '[{"b":"\\u00e9"}]'],
        "VARCHAR",
        ['{"a": 1.10}', "[]", None, '[{"b":"\\u00e9"}]'],
    ),
    "an id or the whole": (
        ['"cus_1"', '{"id":"cus_1"}', "null"],
        "VARCHAR",
        ["cus_1", '{"id":"cus_1"}', None],
    ),
    "anything": (['"1"', "1", "true", "null", "[1]"], "VARCHAR", ["1", "1", "true", None, "[1]"]),
    "nothing": (["null", "null"], "VARCHAR", [None, None]),
}


@pytest.mark.parametrize(("given_values", "kind", "expected"), KINDS.values(), ids=KINDS)
def test_a_field_has_the_type_that_holds_all_its_values_exactly(
    given_values: list[str], kind: str, expected: list[Any]
) -> None:
    types, rows = view(*[f'{{"x":{value},"n":0}}' for value in given_values])
    assert types["x"] == kind
    assert repr([row["x"] for row in rows]) == repr(expected)


def test_a_field_that_is_not_there_is_null() -> None:
    _, rows = view({"a": 1}, {}, {"b": "x"}, {"a": None})
    assert rows == [{"a": 1, "b": None}, {"a": None, "b": None}, {"a": None, "b": "x"}] + [
        {"a": None, "b": None}
    ]


def test_of_a_field_that_comes_twice_the_last_value_is_shown() -> None:
    assert view('{"a":1,"a":2}', '{"a":"x","a":3}')[1] == [{"a": 2}, {"a": 3}]


def test_every_row_says_where_its_line_lies_and_what_was_done() -> None:
    maker = open_maker("id")
    chunks = [write({"id": 1}, {"id": 2}), write({"id": 3})]
    part = maker.make(chunks, BATCH, b"iui", 5)
    assert (part.rows, part.notes) == (3, ())
    rows = Shelf(part.body).rows()
    assert [row["_op"] for row in rows] == ["insert", "update", "insert"]
    assert [(row["_batch"], row["_line"], row["id"]) for row in rows] == [
        (BATCH, 5, 1),
        (BATCH, 6, 2),
        (BATCH, 7, 3),
    ]
    rows = Shelf(maker.make(chunks, BATCH, lines=[9, 4, 2]).body).rows()
    assert [(row["_op"], row["_line"]) for row in rows] == [
        ("insert", 9),
        ("insert", 4),
        ("insert", 2),
    ]
    with pytest.raises(ValueError, match="not as many"):
        maker.make(chunks, BATCH, b"ii")
    maker.close()


def test_deleted_rows_have_their_keys_alone() -> None:
    maker = open_maker("contact.id", "tag")
    lines = write(
        {"contact": {"id": 7, "n": 1}, "tag": "a", "x": 1}, {"contact": {"id": 8}, "tag": "b"}
    )
    made, gone = maker.make([lines], 1), maker.make_deletes([lines], [3, 4], [0, 9])
    assert Shelf(gone.body).rows() == [
        {"_op": "delete", "_batch": 3, "_line": 0, "contact.id": 7, "tag": "a"},
        {"_op": "delete", "_batch": 4, "_line": 9, "contact.id": 8, "tag": "b"},
    ]
    rows = Shelf(made.body, gone.body).rows()
    assert [(row["contact.id"], row["tag"], row["x"]) for row in rows] == [
        (7, "a", 1),
        (8, "b", None),
        (7, "a", None),
        (8, "b", None),
    ]
    assert rows[0]["contact"] == '{"id": 7, "n": 1}'


def test_names_that_are_taken_get_underscores() -> None:
    types, _ = view({"Email": 1, "email": "x", "_op": 2, "_LINE": 3, "": 4, "_": 5, 'a"b': 6})
    assert list(types) == ["Email", "email_", "_op_", "_LINE_", "__", "_", 'a"b']


def test_fields_that_differ_by_case_are_told_apart_whichever_came_first() -> None:
    parts = [
        open_maker().make([write(*records)], 1).body
        for records in ([{"Email": "A"}], [{"email": "b", "Email": "B"}], [{"email": "c"}])
    ]
    rows = Shelf(*parts).rows()
    assert [(row["Email"], row["email_"]) for row in rows] == [("A", None), ("B", "b"), (None, "c")]


def test_parts_of_other_columns_and_types_are_one_table() -> None:
    batches: list[list[Any]] = [
        [{"id": 1, "n": 1, "big": 1, "mix": True, "gone": "x", "void": None}],
        [{"id": 2, "n": 0.5, "big": 2**53 + 1, "mix": 1, "void": None}],
        [{"new": [1], "id": 3, "n": None, "big": 0.5, "mix": None, "void": None}],
        [{"id": "four"}],
    ]
    shelf = Shelf(*[open_maker().make([write(*records)], 1).body for records in batches])
    assert shelf.types() == {
        "id": "VARCHAR",
        "n": "DOUBLE",
        "big": "VARCHAR",
        "mix": "VARCHAR",
        "gone": "VARCHAR",
        "void": "VARCHAR",
        "new": "VARCHAR",
    }
    rows = [list(row.values())[3:] for row in shelf.rows()]
    assert sorted(rows, key=lambda row: str(row[0])) == [
        ["1", 1.0, "1", "true", "x", None, None],
        ["2", 0.5, "9007199254740993", "1", None, None, None],
        ["3", None, "0.5", None, None, None, "[1]"],
        ["four", None, None, None, None, None, None],
    ]


def test_a_batch_without_a_value_does_not_widen_a_column() -> None:
    bodies = [open_maker().make([write({"n": value})], 1).body for value in (None, 3, None)]
    shelf = Shelf(*bodies)
    assert shelf.types() == {"n": "BIGINT"}
    assert [row["n"] for row in shelf.rows()] == [None, 3, None]


def test_no_lines_have_the_columns_of_the_key() -> None:
    body = open_maker("id").make([], 0).body
    assert Shelf(body, key=["id"]).types() == {"id": "VARCHAR"}
    assert Shelf(body, key=["id"]).rows() == []
    assert Shelf(open_maker().make([write({}, {})], 0).body).types() == {"_": "VARCHAR"}


def test_fields_without_number_stand_together() -> None:
    records = [{f"day {n}": n, "id": n, "day 0": None} for n in range(1000)]
    shelf = Shelf(open_maker("id").make([write(*records)], 1).body)
    rows = shelf.rows()
    assert len(shelf.types()) == 401
    for n, row in enumerate(rows):
        rest = json.loads(row["_rest"] or "{}")
        assert {k: v for k, v in {**row, **rest}.items() if v == n and k[0] == "d"} == (
            {f"day {n}": n} if n else {}
        )


def test_a_maker_goes_on_with_whatever_comes() -> None:
    maker = open_maker("id")
    bodies = [
        maker.make([write(*records)], 1).body
        for records in (
            [{"id": 1, "a": 1}],
            [{"id": 2, "a": "x", "b": {}}],
            [{"id": 3, "a": 2}],
            ['{"id":4,"c":"\\ud83d"}'],
        )
    ]
    rows = Shelf(*bodies).rows()
    assert [row["a"] for row in rows] == ["1", "x", "2", None]
    assert rows[3]["c"] == "\ufffd"


@pytest.mark.parametrize("line", [b"[1]\n", b'{"a":\n', b'{"a":NaN}\n', b"\xff\n"])
def test_what_is_no_record_has_no_view(line: bytes) -> None:
    with pytest.raises(FailedError, match="no JSON records"):
        open_maker().make([line], 1)


def test_a_part_that_does_not_tell_its_columns_is_refused() -> None:
    body = open_maker().make([write({"a": 1})], 1).body
    for bad in (
        body.replace(b"listbackup.fields", b"listbackup.fieldz"),
        body.replace(b"integer", b"integor"),
    ):
        assert bad != body
        with pytest.raises(IntegrityError, match="does not tell its columns"):
            Shelf(bad)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = (
    st.integers(-(2**70), 2**70)
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
record = st.dictionaries(st.sampled_from(["id", "ID", "a", "b", "_op"]), values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(record, min_size=1, max_size=4), min_size=1, max_size=4), st.booleans())
def test_what_is_shown_is_what_was_given(batches: list[list[Any]], one_maker: bool) -> None:
    maker = open_maker()
    bodies = [
        (maker if one_maker else open_maker()).make([write(*records)], n).body
        for n, records in enumerate(batches)
    ]
    shelf = Shelf(*bodies)
    columns = {one.source: one.column for one in shelf.union.fields}
    rows = {(row["_batch"], row["_line"]): row for row in shelf.rows()}
    for n, records in enumerate(batches):
        for line, one in enumerate(records):
            row = rows.pop((n, line))
            for source, column in columns.items():
                if source in columns and columns != {"_": "_"}:
                    agree(row[column], one.get(source))
    assert not rows


def agree(shown: Any, value: Any) -> None:
    if value is None or isinstance(value, str):
        assert shown == value
    elif isinstance(shown, str):
        again = json.loads(shown)
        assert again == value
    else:
        assert isinstance(value, bool) == isinstance(shown, bool)
        assert shown == value
        assert math.copysign(1, shown) == math.copysign(1, value)
