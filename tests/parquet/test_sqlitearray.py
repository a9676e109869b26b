"""The typed view of SQLite's rows: each column of the type it was declared for, and nothing lost
where a value is of another."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from listbackup.parquet.parts import PartMaker
from listbackup.parquet.sqlitearray import find_type
from listbackup.records.sqlitearray import Undecoded, write_lines

COLUMNS = {
    "id": ("INTEGER", "INTEGER", "BIGINT"),
    "real": ("REAL", "REAL", "DOUBLE"),
    "text": ("TEXT", "TEXT", "VARCHAR"),
    "blob": ("BLOB", "BLOB", "BLOB"),
    "any": ("", "BLOB", "VARCHAR"),
    "day": ("DATETIME", "NUMERIC", "VARCHAR"),
    "price": ("DECIMAL(10,2)", "NUMERIC", "DOUBLE"),
    "yes": ("BOOLEAN", "NUMERIC", "BIGINT"),
}
SCHEMA = {
    "kind": "table",
    "columns": [{"name": n, "type": t, "affinity": a} for n, (t, a, _) in COLUMNS.items()],
}
FITTING: list[list[Any]] = [
    [2**63 - 1, -0.0, 'a\0"\\\n', b"\0\xff", "x", "2026-01-02", 9.5, 1],
    [-(2**63), float("-inf"), "null", b"", "5", "", 2**49, 0],
    [None] * 8,
    [0, 5e-324, '{"b64":"AA=="}', b"x", "é", "],[", 1.7976931348623157e308, 1],
]


Row = dict[str, Any]
Make = Callable[[list[list[Any]]], tuple[list[Row], tuple[str, ...]]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a part and gives its rows and its twins."""

    def make(rows: list[list[Any]]) -> tuple[list[Row], tuple[str, ...]]:
        with closing(PartMaker("sqlite-array/1", SCHEMA, (0,))) as maker:
            part = maker.make([write_lines(rows)], 7)
        path = tmp_path / "part.parquet"
        path.write_bytes(part.body)
        with duckdb.connect(":memory:") as connection:
            found = connection.execute(f"SELECT * FROM '{path}'")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()], part.notes

    return make


def test_values_of_the_declared_kind_are_typed_and_exact(make: Make) -> None:
    read, twins = make(FITTING)
    assert twins == ()
    assert [[row[name] for name in COLUMNS] for row in read] == FITTING
    assert str(read[0]["real"]) == "-0.0"
    assert [row["_line"] for row in read] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("column", "value", "twin"),
    [
        ("id", "x", "x"),
        ("id", 1.5, "1.5"),
        ("id", "5", "5"),
        ("real", "1.5", "1.5"),
        ("text", Undecoded(b"\xff"), '{"t64":"/w=="}'),
        ("text", b"\0", '{"b64":"AA=="}'),
        ("blob", "text", "text"),
        ("any", float("inf"), '{"r":"inf"}'),
        ("price", 2**53 + 1, "9007199254740993"),
        ("price", "12", "12"),
        ("yes", "true", "true"),
    ],
)
def test_a_value_of_another_kind_stands_in_the_twin(
    make: Make, column: str, value: Any, twin: str
) -> None:
    place = list(COLUMNS).index(column)
    row = [*FITTING[0][:place], value, *FITTING[0][place + 1 :]]
    read, twins = make([FITTING[0], row])
    assert twins == (f"{column}__text",)
    assert (read[1][column], read[1][f"{column}__text"]) == (None, twin)
    assert [read[0][name] for name in COLUMNS] == FITTING[0]


def test_a_column_declared_for_nothing_shows_numbers_by_their_digits(make: Make) -> None:
    read, twins = make([[1, 1.0, "", b"", 5, 1767312000, 1, 1], [1, 1.0, "", b"", 2.5, "", 1, 1]])
    assert twins == ()
    assert [(row["any"], row["day"]) for row in read] == [("5", "1767312000"), ("2.5", "")]


@pytest.mark.parametrize("column", COLUMNS)
def test_the_declaration_decides_the_type(column: str) -> None:
    declared, affinity, type_ = COLUMNS[column]
    assert find_type(declared, affinity) == type_


def test_what_was_deleted_keeps_its_key() -> None:
    with closing(PartMaker("sqlite-array/1", SCHEMA, (0,))) as maker:
        assert maker.make_deletes([write_lines(FITTING[:2])], [7, 7], [0, 1]).rows == 2
