"""What is in a part's columns is counted from its bytes."""

import pytest

from listbackup.errors import FailedError
from listbackup.parquet.parts import PartMaker
from listbackup.parquet.statistics import measure_parts
from tests.parquet.viewing import ENCODING, make, make_schema, write_lines


def test_columns_are_counted_and_summed_exactly() -> None:
    schema = make_schema(a="bigint", b="numeric(38,2)", c="text", d="bytea", e="boolean")
    top, most = str(2**63 - 1), "9" * 35 + ".99"
    lines = write_lines(
        [top, most, "b", "\\x00ff", "t"],
        [top, "-1.00", "A", "\\x", "f"],
        [None, None, None, None, None],
    )
    found = measure_parts([make(schema, lines).body])
    assert (found["a"].count, found["a"].nulls) == (2, 1)
    assert (found["a"].least, found["a"].greatest, found["a"].sum) == (top, top, str(2**64 - 2))
    assert (found["b"].greatest, found["b"].sum) == (most, "9" * 34 + "8.99")
    assert (found["c"].least, found["c"].greatest, found["c"].sum) == ("A", "b", None)
    assert (found["d"].least, found["d"].greatest) == ("", "00ff")
    assert (found["e"].least, found["e"].greatest) == ("false", "true")
    assert found["_line"].greatest == "2"


def test_parts_are_measured_together_whatever_twins_they_have() -> None:
    maker = PartMaker(ENCODING, make_schema(d="date", n="integer"))
    first = maker.make([b"2020-01-01\t1\n2021-01-01\t2\n"], 1)
    second = maker.make([b"infinity\t3\n"], 2)
    found = measure_parts([first.body, second.body])
    assert (found["d"].count, found["d"].nulls, found["d"].greatest) == (2, 1, "2021-01-01")
    assert (found["d__text"].count, found["d__text"].nulls) == (1, 2)
    assert found["n"].sum == "6"


def test_a_part_without_rows_has_nothing_in_it() -> None:
    found = measure_parts([make(make_schema(a="integer", b="real"), b"").body])
    assert (found["a"].count, found["a"].nulls, found["a"].least, found["a"].sum) == (
        0,
        0,
        None,
        None,
    )
    assert found["b"].sum is None


def test_a_sum_that_is_too_large_is_left_out_and_the_rest_is_told() -> None:
    lines = write_lines(["9" * 38, "7"], ["9" * 38, "8"])
    found = measure_parts([make(make_schema(a="numeric(38,0)", b="integer"), lines).body])
    assert (found["a"].count, found["a"].greatest, found["a"].sum) == (2, "9" * 38, None)
    assert found["b"].sum == "15"


def test_bytes_that_are_no_part_are_refused() -> None:
    with pytest.raises(FailedError, match="could not be made"):
        measure_parts([b"not a part"])
