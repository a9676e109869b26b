"""Lines become typed parts: line for line, and nothing is lost, rounded or refused."""

import random
from pathlib import Path

import numpy as np
import pytest

from listbackup.errors import FailedError
from listbackup.parquet.parts import PartMaker
from tests.parquet.viewing import (
    ENCODING,
    ask,
    columns,
    make,
    make_schema,
    values,
    write_lines,
)

MANY = 250_000


def number_lines(count: int) -> list[bytes]:
    """Lines `n, text of it`, in chunks of odd sizes."""
    lines = [b"%d\t%b\n" % (number, b"x" * (number % 97)) for number in range(count)]
    return [b"".join(lines[start : start + 7919]) for start in range(0, count, 7919)]


def test_every_line_keeps_its_number(tmp_path: Path) -> None:
    maker = PartMaker(ENCODING, make_schema(n="integer", pad="text"))
    part = maker.make(number_lines(MANY), 2**64 - 1, first_line=1000)
    assert part.rows == MANY
    query = (
        "SELECT count(*), min(_line - n), max(_line - n), min(n), max(n), count(DISTINCT _line),"
        " min(_batch), max(length(pad) - n % 97), any_value(_op) FROM part"
    )
    [found] = ask(part.body, query, tmp_path)
    assert found == (MANY, 1000, 1000, 0, MANY - 1, MANY, 2**64 - 1, 0, "insert")
    assert ask(part.body, "SELECT bool_and(_line - 1000 = file_row_number) FROM part", tmp_path)


def test_every_line_keeps_its_operation_and_a_number_of_its_own(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    operations = bytes(dice.choices(b"iu", k=MANY))
    numbers = sorted(dice.sample(range(4 * MANY), MANY))
    maker = PartMaker(ENCODING, make_schema(n="integer", pad="text"))
    part = maker.make(number_lines(MANY), 5, operations, lines=numbers)
    rows = ask(part.body, "SELECT n, _line, _op FROM part", tmp_path)
    assert [row[0] for row in rows] == list(range(MANY))
    assert [row[1] for row in rows] == numbers
    assert [row[2] for row in rows] == ["update" if op == 117 else "insert" for op in operations]


def test_lines_that_are_gone_are_told_by_key(tmp_path: Path) -> None:
    schema = make_schema(a="text", b="integer", c="date")
    maker = PartMaker(ENCODING, schema, key_positions=(2, 0))
    lines = write_lines(["x", "1", "2020-01-01"], ["y", "oops", "infinity"])
    part = maker.make_deletes([lines], [7, 2**63], [4, 2**32 - 1])
    assert list(columns(part.body, tmp_path)) == ["_op", "_batch", "_line", "c", "a", "c__text"]
    rows = ask(part.body, "SELECT * REPLACE (c::VARCHAR AS c) FROM part", tmp_path)
    assert rows == [
        ("delete", 7, 4, "2020-01-01", "x", None),
        ("delete", 2**63, 2**32 - 1, None, "y", "infinity"),
    ]


def test_lines_that_are_gone_of_a_table_without_key_are_numbers_only(tmp_path: Path) -> None:
    maker = PartMaker(ENCODING, make_schema(a="text"))
    part = maker.make_deletes([b"x\ny\n"], [1, 2], [3, 4])
    assert ask(part.body, "SELECT * FROM part", tmp_path) == [("delete", 1, 3), ("delete", 2, 4)]


def test_no_lines_make_a_part_without_rows(tmp_path: Path) -> None:
    schema = make_schema(a="integer", b="text")
    for chunks in ([], [b""]):
        part = PartMaker(ENCODING, schema).make(chunks, 1)
        assert (part.rows, part.notes) == (0, ())
        assert columns(part.body, tmp_path) == {
            "_op": "VARCHAR",
            "_batch": "UBIGINT",
            "_line": "UINTEGER",
            "a": "INTEGER",
            "b": "VARCHAR",
        }


def test_a_table_without_columns_has_its_rows(tmp_path: Path) -> None:
    part = make(make_schema(), b"\n" * 5000)
    assert part.rows == 5000
    assert ask(part.body, "SELECT count(*), max(_line) FROM part", tmp_path) == [(5000, 4999)]


@pytest.mark.parametrize("rows", [["", None, "\\N", "a", ""], [""], [None], ["", "", ""]])
def test_a_table_of_one_column_keeps_empty_texts_and_nulls(
    tmp_path: Path, rows: list[str | None]
) -> None:
    part = make(make_schema(a="text"), write_lines(*[[row] for row in rows]))
    assert values(part.body, "a", tmp_path) == rows


AWKWARD = [
    "\ufeffmark",
    "\ufeff",
    "\\",
    "\\\\",
    "\\N",
    "\\n",
    "\n\\n\t\\t\r\\r\b\\b\f\\f\v\\v",
    "\r",
    "\r\n",
    "\n",
    "\x01\x02\x1f\x7f",
    '"quoted"',
    "'quoted'",
    '"',
    "# comment",
    "a,b;c|d",
    " spaces ",
    "",
    "NULL",
    "null",
    "😀 naïve 日本語",
    "\\x41",
    "\\\\x41",
    "\U0010ffff",
]


@pytest.mark.parametrize("around", [[], ["1"]])
def test_texts_come_through_as_they_are(tmp_path: Path, around: list[str]) -> None:
    schema = make_schema(a="text", **{f"c{number}": "integer" for number, _ in enumerate(around)})
    lines = write_lines(*[[text, *around] for text in AWKWARD])
    part = make(schema, lines)
    assert values(part.body, "a", tmp_path) == AWKWARD
    for text in AWKWARD[:4]:
        assert values(make(schema, write_lines([text, *around])).body, "a", tmp_path) == [text]


def test_a_byte_order_mark_stays_wherever_a_scan_begins(tmp_path: Path) -> None:
    texts = ["\ufeff" + "x" * number for number in range(4500)]
    part = make(make_schema(a="text", b="text"), write_lines(*[[text, "b"] for text in texts]))
    assert values(part.body, "a", tmp_path) == texts


@pytest.mark.parametrize("size", [2**20 - 3, 2**20 + 1, 2**21, 17_000_000])
def test_lines_of_any_length_come_through(tmp_path: Path, size: int) -> None:
    lines = write_lines(["1", "a"], ["2", "é\n" * (size // 4)], ["3", "b"], ["4", "x" * size])
    part = make(make_schema(n="integer", a="text"), lines)
    query = "SELECT n, length(a), left(a, 2), _line FROM part"
    assert ask(part.body, query, tmp_path) == [
        (1, 1, "a", 0),
        (2, size // 4 * 2, "é\n", 1),
        (3, 1, "b", 2),
        (4, size, "xx", 3),
    ]


def test_a_maker_makes_many_parts_and_is_closed_twice(tmp_path: Path) -> None:
    maker = PartMaker(ENCODING, make_schema(n="integer", d="date"))
    for number in range(3):
        lines = write_lines([str(number), "infinity" if number == 1 else "2020-02-29"])
        part = maker.make([lines], number)
        assert part.notes == (("d__text",) if number == 1 else ())
        assert ask(part.body, "SELECT n, _batch FROM part", tmp_path) == [(number, number)]
    maker.close()
    maker.close()


def test_lines_of_other_columns_are_refused() -> None:
    maker = PartMaker(ENCODING, make_schema(a="integer", b="text"))
    for lines in (b"1\n", b"1\ta\tb\n", b"1\ta\n2\n3\tc\n"):
        with pytest.raises(FailedError) as caught:
            maker.make([lines], 1)
        assert "exact copy is not affected" in caught.value.risk


def test_what_is_told_of_lines_must_be_as_many_as_they_are() -> None:
    maker = PartMaker(ENCODING, make_schema(a="integer"))
    with pytest.raises(ValueError, match="as many"):
        maker.make([b"1\n2\n"], 1, b"i")
    with pytest.raises(ValueError, match="as many"):
        maker.make_deletes([b"1\n"], [1, 2], [1, 2])


def test_an_encoding_without_a_typed_view_says_so() -> None:
    with pytest.raises(FailedError, match="no typed view"):
        PartMaker("ejson/1", make_schema(a="text"))


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    maker = PartMaker(ENCODING, make_schema(n="integer", pad="text"), memory_mib=32)
    maker.make(number_lines(MANY), 1)
    maker.close()
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_lines_may_be_arrays(tmp_path: Path) -> None:
    maker = PartMaker(ENCODING, make_schema(n="integer"))
    part = maker.make([b"1\n2\n"], 1, lines=np.array([5, 9]).tolist())
    assert ask(part.body, "SELECT n, _line FROM part", tmp_path) == [(1, 5), (2, 9)]


def test_names_that_meet_are_kept_apart(tmp_path: Path) -> None:
    names = ["_op", "_op_", "A", "a", "_LINE", "d", "d__text", 'q"x', "_batch", "", "é' \\", "c0"]
    schema = {"columns": [{"name": name, "type": "text"} for name in names]}
    schema["columns"][5]["type"] = "date"
    lines = write_lines(["infinity" if name == "d" else name for name in names])
    part = make(schema, lines)
    assert part.notes == ("d__text_",)
    found = columns(part.body, tmp_path)
    assert list(found) == [
        *("_op", "_batch", "_line", "_op__", "_op_", "A", "a_", "_LINE_", "d", "d__text"),
        *('q"x', "_batch_", "_", "é' \\", "c0", "d__text_"),
    ]
    [row] = ask(part.body, "SELECT * FROM part", tmp_path)
    assert row[3:] == tuple([None if name == "d" else name for name in names] + ["infinity"])


def test_a_very_wide_table_is_made(tmp_path: Path) -> None:
    kinds = ["smallint", "boolean", "text", "date"]
    texts = ["7", "t", "a\nb", "infinity"]
    schema = make_schema(**{f"c{place} %": kinds[place % 4] for place in range(600)})
    part = make(schema, write_lines(*[[texts[place % 4] for place in range(600)]] * 3))
    assert len(part.notes) == 150
    [row] = ask(
        part.body, 'SELECT "c0 %", "c597 %", "c598 %", count(*) FROM part GROUP BY ALL', tmp_path
    )
    assert row == (7, True, "a\nb", 3)
