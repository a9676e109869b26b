"""A value is of its column's type and says exactly what the text said, or it stands in the twin."""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parquet.viewing import (
    ask,
    columns,
    make,
    make_schema,
    values,
    write_array,
    write_lines,
)

TZ = "timestamp with time zone"
TS = "timestamp without time zone"
TM = "time without time zone"

TYPES = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "numeric": "DECIMAL(38,9)",
    "numeric(10,2)": "DECIMAL(10,2)",
    "numeric(38,38)": "DECIMAL(38,38)",
    "numeric(5,-2)": "DECIMAL(7,0)",
    "numeric(3,5)": "DECIMAL(5,5)",
    "numeric(50,0)": "DECIMAL(38,0)",
    "numeric(50,20)": "DECIMAL(38,9)",
    "date": "DATE",
    TM: "TIME",
    "time(3) without time zone": "TIME",
    TS: "TIMESTAMP",
    "timestamp(0) without time zone": "TIMESTAMP",
    TZ: "TIMESTAMP WITH TIME ZONE",
    "timestamp(3) with time zone": "TIMESTAMP WITH TIME ZONE",
    "uuid": "UUID",
    "bytea": "BLOB",
    "text": "VARCHAR",
    "character varying(40)": "VARCHAR",
    "character(3)": "VARCHAR",
    "jsonb": "VARCHAR",
    "interval": "VARCHAR",
    "public.mood": "VARCHAR",
    'public."numeric(3)"': "VARCHAR",
    "integer[]": "INTEGER[]",
    "boolean[]": "BOOLEAN[]",
    "numeric(10,2)[]": "DECIMAL(10,2)[]",
    "timestamp(3) with time zone[]": "TIMESTAMP WITH TIME ZONE[]",
    "bytea[]": "BLOB[]",
    "character varying(3)[]": "VARCHAR[]",
    "interval[]": "VARCHAR[]",
    "box[]": "VARCHAR",
    "public.mood[]": "VARCHAR",
}


def test_types_become_what_they_are(tmp_path: Path) -> None:
    schema = {"columns": [{"name": name, "type": name} for name in TYPES]}
    found = columns(make(schema, b"").body, tmp_path)
    assert {name: found[name] for name in TYPES} == TYPES


EXACT: list[tuple[str, str, Any]] = [
    ("smallint", "-32768", -32768),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("real", "3.4028235e+38", 3.4028234663852886e38),
    ("real", "1e-45", 1.401298464324817e-45),
    ("double precision", "1.7976931348623157e+308", 1.7976931348623157e308),
    ("double precision", "5e-324", 5e-324),
    ("double precision", "0.1", 0.1),
    ("double precision", "Infinity", math.inf),
    ("double precision", "-Infinity", -math.inf),
    ("boolean", "t", True),
    ("numeric", "1.0000000000000000", Decimal(1)),
    ("numeric", "-0.000000001", Decimal("-0.000000001")),
    ("numeric", "9" * 29 + "." + "9" * 9, Decimal("9" * 29 + "." + "9" * 9)),
    ("numeric(38,38)", "0." + "9" * 38, Decimal("0." + "9" * 38)),
    ("numeric(5,-2)", "12300", Decimal(12300)),
    ("numeric(50,0)", "9" * 38, Decimal("9" * 38)),
    ("date", "0001-01-01", date(1, 1, 1)),
    ("date", "9999-12-31", date(9999, 12, 31)),
    (TM, "23:59:59.999999", time(23, 59, 59, 999999)),
    (TS, "2001-01-01 00:00:13.37", datetime(2001, 1, 1, 0, 0, 13, 370000)),  # noqa: DTZ001
    ("uuid", "c4ca4238-a0b9-2382-0dcc-509a6f75849b", UUID("c4ca4238a0b923820dcc509a6f75849b")),
    ("bytea", "\\x00ff5c0a", b"\x00\xff\\\n"),
    ("bytea", "\\x", b""),
    ("integer[]", "{}", []),
    ("integer[]", "{1,NULL,-2147483648}", [1, None, -(2**31)]),
    ("boolean[]", "{t,f,NULL}", [True, False, None]),
    ("double precision[]", "{NaN,1e-05,-Infinity}", [math.nan, 1e-05, -math.inf]),
    ("numeric[]", "{1.50,NULL}", [Decimal("1.5"), None]),
    ("bytea[]", '{"\\\\x00ff",NULL,"\\\\x"}', [b"\x00\xff", None, b""]),
    (TS + "[]", '{"2001-01-01 00:00:00"}', [datetime(2001, 1, 1)]),  # noqa: DTZ001
]


@pytest.mark.parametrize(("kind", "text", "value"), EXACT)
@pytest.mark.parametrize("beside", ["2000-01-01", "infinity"], ids=["quick", "careful"])
def test_a_value_is_what_its_text_says(
    tmp_path: Path, kind: str, text: str, value: Any, beside: str
) -> None:
    part = make(make_schema(a=kind, d="date"), write_lines([text, beside], [None, "2000-01-01"]))
    found, missing = values(part.body, "a", tmp_path)
    assert _same(found, value)
    assert missing is None
    assert part.notes == (("d__text",) if beside == "infinity" else ())


def _same(found: Any, value: Any) -> bool:
    """Equal, of one type, and for floats to the bit that their text shows."""
    if isinstance(value, list):
        return len(found) == len(value) and all(map(_same, found, value))
    if isinstance(value, float):
        return repr(found) == repr(value)
    return type(found) is type(value) and bool(found == value)


MOMENTS = ["1970-01-01 00:00:00+00", "2026-10-25 01:30:00.000001+00", "12345-06-07 00:00:00+00"]


@pytest.mark.parametrize("beside", ["t", "maybe"], ids=["quick", "careful"])
def test_moments_are_the_same_instant(tmp_path: Path, beside: str) -> None:
    schema = make_schema(a=TZ, b=TZ + "[]", c="boolean")
    rows = [[text, write_array([text, None]), beside] for text in MOMENTS]
    part = make(schema, write_lines(*rows))
    assert part.notes == (("c__text",) if beside == "maybe" else ())
    found = ask(part.body, "SELECT a::VARCHAR, b::VARCHAR[] FROM part ORDER BY _line", tmp_path)
    assert found == [(text, [text, None]) for text in MOMENTS]


ODD: list[tuple[str, list[str]]] = [
    ("integer", ["1.5", " 1", "1 ", "0x10", "1e3", "1_000", "+1", "01", "2147483648", "", "x"]),
    ("double precision", ["1e400", " 1", "0x1", "nan", "inf", "", "1_0"]),
    ("real", ["1e39", "x"]),
    ("boolean", ["true", "T", "1", "yes", ""]),
    ("numeric", ["NaN", "Infinity", "-Infinity", "0.0000000001", "1.0000000001", "1e2", "9" * 30]),
    ("numeric(10,2)", ["NaN", "1.999", "1e2", "123456789.00", "1_0.10", " 1.00", ""]),
    ("numeric(50,0)", ["9" * 39]),
    ("date", ["infinity", "-infinity", "0044-03-15 BC", "2001-02-29", "2001-1-1", "epoch", ""]),
    (TM, ["24:00:00", "25:00:00", "1:2:3", "00:00:00.0000001", "00:00:00+00"]),
    (TS, ["infinity", "-infinity", "0044-03-15 00:00:00 BC", "294276-12-31 23:59:59.999999"]),
    (TS, ["2001-01-01T00:00:00", "2001-01-01", "2001-01-01 00:00:00.1234567", "x"]),
    (TZ, ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "2001-01-01 00:00:00"]),
    (TZ, ["2001-01-01 00:00:00+02", "294276-12-31 23:59:59.999999+00"]),
    ("uuid", ["c4ca4238a0b923820dcc509a6f75849b", "{c4ca4238-a0b9-2382-0dcc-509a6f75849b}", "x"]),
    ("bytea", ["\\xabc", "\\xzz", "abc", ""]),
    ("integer[]", ["{{1,2},{3,4}}", "[0:1]={1,2}", "{1,x}", "1,2", ""]),
    ("text[]", ["{{a},{b}}", "[2:2]={a}", "a", ""]),
    ("numeric[]", ["{NaN}", "{1,0.0000000001}", "{Infinity,NULL}"]),
    ("date[]", ["{2001-01-01,infinity}", '{"0044-03-15 BC"}']),
]


@pytest.mark.parametrize(("kind", "texts"), ODD)
def test_what_is_no_value_stands_in_the_twin_as_it_came(
    tmp_path: Path, kind: str, texts: list[str]
) -> None:
    good = "1" if kind == "integer" else None
    rows: list[list[str | None]] = [[text, "x"] for text in texts]
    part = make(make_schema(a=kind, b="text"), write_lines(*rows, [good, "x"], [None, "x"]))
    assert part.notes == ("a__text",)
    assert values(part.body, "a__text", tmp_path) == [*texts, None, None]
    assert values(part.body, "a", tmp_path)[:-2] == [None] * len(texts)


WRITTEN = [
    (kind, text)
    for kind, texts in ODD
    for text in texts
    if kind != "double precision"
    and (
        text.upper().endswith(("INFINITY", "NAN", " BC", "24:00:00", "99", "99.999999+00"))
        or text.startswith(("0.00000", "{{", "[", "{NaN", "{Inf", "{2001", '{"0044'))
    )
    and text != "1.999"
]


@pytest.mark.parametrize(("kind", "text"), WRITTEN)
def test_one_odd_value_among_many_is_seen_by_itself(tmp_path: Path, kind: str, text: str) -> None:
    rows: list[list[str | None]] = [[None, "x"]] * 3000 + [[text, "x"]]
    part = make(make_schema(a=kind, b="text"), write_lines(*rows))
    assert part.notes == ("a__text",)
    assert values(part.body, "a__text", tmp_path)[-1] == text


def test_bytes_that_are_no_text_are_kept_in_the_twin(tmp_path: Path) -> None:
    schema = make_schema(a="text", b="bytea", c="text[]")
    lines = (
        b"\xff\\\\\xfe\t\\\\xff\t{a}\n"
        b"\xc3\xa9\\n\t\\\\x41\t{\xe9}\n"
        b"\\\\xff\t\\N\t{}\n"
        b"caf\xc3\t\\N\t\\N\n"
    )
    part = make(schema, lines)
    assert part.notes == ("a__text", "c__text")
    assert values(part.body, "a", tmp_path) == [None, "é\n", "\\xff", None]
    assert values(part.body, "a__text", tmp_path) == ["\\xff\\\\\\xfe", None, None, "caf\\xc3"]
    assert values(part.body, "b", tmp_path) == [b"\xff", b"A", None, None]
    assert values(part.body, "c", tmp_path) == [["a"], None, [], None]
    assert values(part.body, "c__text", tmp_path) == [None, "{\\xe9}", None, None]


ROUNDS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(
    st.one_of(
        st.sampled_from("\\\\\"'{}[](),;NULxn \t\n\r\v\f\b\ufeff\x01é😀=:"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)


@ROUNDS
@given(st.lists(st.tuples(st.none() | TEXTS, st.none() | st.lists(st.none() | TEXTS)), min_size=1))
def test_any_texts_and_arrays_of_them_come_back(
    tmp_path: Path, rows: list[tuple[str | None, list[str | None] | None]]
) -> None:
    lines = write_lines(*[[a, None if b is None else write_array(b)] for a, b in rows])
    part = make(make_schema(a="text", b="text[]"), lines)
    assert part.notes == ()
    assert values(part.body, "a", tmp_path) == [a for a, _ in rows]
    assert values(part.body, "b", tmp_path) == [b for _, b in rows]


MOMENT = st.datetimes()
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.decimals(-(10**28), 10**28, places=9),
        st.none() | st.floats(width=32),
        st.none() | st.dates(),
        st.none() | st.times(),
        st.none() | MOMENT,
        st.none() | st.binary(max_size=9),
        st.none() | st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=4),
    ),
    min_size=1,
)
KINDS = ("bigint", "numeric", "double precision", "date", TM, TS, "bytea", "integer[]")


def write_value(value: Any) -> str | None:
    """Write a value as PostgreSQL does."""
    match value:
        case None:
            return None
        case bytes():
            return "\\x" + value.hex()
        case float():
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value) or (
                "NaN" if math.isnan(value) else repr(value)
            )
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            text = value.isoformat().replace("T", " ")
            return text.rstrip("0") if "." in text else text
        case list():
            return write_array([write_value(element) for element in value])
    return str(value)


@ROUNDS
@given(ROWS, st.booleans())
def test_any_values_come_back(tmp_path: Path, rows: list[tuple[Any, ...]], careful: bool) -> None:
    schema = make_schema(**{f"c{place}": kind for place, kind in enumerate(KINDS)}, odd="date")
    last = "infinity" if careful else "2000-01-01"
    part = make(schema, write_lines(*[[*map(write_value, row), last] for row in rows]))
    assert part.notes == (("odd__text",) if careful else ())
    found = ask(part.body, "SELECT * EXCLUDE (_op, _batch, _line) FROM part", tmp_path)
    for given_row, row in zip(rows, found, strict=True):
        assert all(map(_same, row, given_row)), (row, given_row)


@ROUNDS
@given(
    st.sampled_from([kind for kind in TYPES if TYPES[kind] != "VARCHAR"]),
    st.lists(TEXTS | st.from_regex(r"[-+]?[0-9._e]{1,12}( BC)?", fullmatch=True), min_size=1),
)
def test_no_text_is_ever_lost_or_refused(tmp_path: Path, kind: str, texts: list[str]) -> None:
    lines = write_lines(*[[text, "maybe"] for text in texts])
    part = make(make_schema(a=kind, b="boolean"), lines)
    assert "b__text" in part.notes
    twin = "a__text" if "a__text" in part.notes else "NULL"
    found = ask(part.body, f"SELECT a IS NULL, {twin} FROM part", tmp_path)
    for text, (missing, kept) in zip(texts, found, strict=True):
        assert kept == (text if missing else None)


def test_days_of_all_of_postgresqls_calendar_are_days(tmp_path: Path) -> None:
    texts = ["10000-01-01", "5874897-12-31"]
    part = make(make_schema(a="date", b="text"), write_lines(*[[text, "x"] for text in texts]))
    query = "SELECT date_diff('day', DATE '1970-01-01', a) FROM part ORDER BY _line"
    days = (date(9999, 12, 31) - date(1970, 1, 1) + timedelta(1)).days
    assert ask(part.body, query, tmp_path)[0] == (days,)
    assert part.notes in ((), ("a__text",))
