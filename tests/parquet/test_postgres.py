"""What PostgreSQL says of its own columns, the typed view says too."""

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from listbackup.host import Host
from listbackup.parquet.made import MadePart
from listbackup.parquet.parts import PartMaker
from listbackup.parquet.statistics import measure_parts
from listbackup.sandbox.installations import find_bundled
from listbackup.sandbox.postgres import run_postgres
from tests.parquet.viewing import ENCODING, ask

ROWS = 20_000
SETTINGS = (
    "search_path=pg_catalog,pg_temp",
    "TimeZone=UTC",
    "DateStyle=ISO",
    "IntervalStyle=postgres",
    "extra_float_digits=3",
    "bytea_output=hex",
    "lc_monetary=C",
)
COLUMNS = {
    "id": ("integer", "g"),
    "i2": ("smallint", "(g * 7 % 65536 - 32768)::int2"),
    "i8": ("bigint", "hashint8extended(g, 1)"),
    "n": ("numeric", "(g::numeric ^ 3 - 4e12) / 8"),
    "n2": ("numeric(20,4)", "(hashint8extended(g, 2) % 10000000000000000)::numeric / 10000"),
    "n3": ("numeric(38,0)", "hashint8extended(g, 3)::numeric * 1000000007"),
    "f8": ("float8", "hashint8extended(g, 4) / 3e5::float8"),
    "f4": ("float4", "(hashint8extended(g, 5) / 7)::float4"),
    "b": ("boolean", "g % 3 = 0"),
    "ts": ("timestamp", "timestamp '2001-01-01' + g * interval '13.37 days'"),
    "tz": ("timestamptz", "timestamptz '1900-01-01 00:00+00' + g * interval '7.777 hours'"),
    "t3": ("timestamp(3)", "timestamp '1600-01-01' - g * interval '7.7777 seconds'"),
    "d": ("date", "date '1500-01-01' + g * 11"),
    "tm": ("time", "time '00:00' + g * interval '4.000321 seconds'"),
    "u": ("uuid", "md5(g::text)::uuid"),
    "raw": ("bytea", "decode(substr(md5(g::text), 1, g % 16 * 2), 'hex')"),
    "name": ("text", "chr(92) || 'N' || chr(9) || g || chr(10) || chr(8) || 'é\"'"),
    "short": ("varchar(9)", "CASE g % 5 WHEN 0 THEN '' ELSE 'x' || g END"),
    "padded": ("char(4)", "'p' || g % 100"),
    "mood": ("public.mood", "CASE g % 2 WHEN 0 THEN 'good' ELSE 'bad \"day\"' END::public.mood"),
    "j": ("jsonb", "jsonb_build_object('g', g, 'q', 'a\"b' || chr(92))"),
    "iv": ("interval", "g * interval '1 hour 0.5 seconds'"),
    "ai": ("integer[]", "ARRAY[g, NULL, -g]"),
    "at": ("text[]", "ARRAY['a ' || g, NULL, 'NULL', '', 'q\"{}' || chr(92), 'it''s']"),
    "atz": ("timestamptz[]", "ARRAY[timestamptz '2020-01-01 00:00+00' + g * interval '1 s']"),
    "an": ("numeric(9,2)[]", "ARRAY[g / 100.0, NULL]"),
}
NASTY = {
    "n": (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e-10",
        "123456789012345678901234567890",
        "1.0000000001",
    ),
    "n2": ("NaN",),
    "n3": ("NaN",),
    "ts": ("infinity", "-infinity", "0044-03-15 00:00:00 BC", "294276-12-31 23:59:59.999999"),
    "tz": ("infinity", "-infinity", "0044-03-15 00:00:00+00 BC"),
    "d": ("infinity", "-infinity", "0044-03-15 BC", "4713-01-01 BC"),
    "tm": ("24:00:00",),
    "ai": ("{{1,2},{3,4}}", "[0:1]={1,2}"),
    "at": ("{{a},{b}}",),
    "atz": ("{infinity,NULL}",),
    "an": ("{NaN}",),
}
FINE = {
    "i2": ("-32768", "32767"),
    "i8": ("-9223372036854775808", "9223372036854775807"),
    "n": ("0.000000001", "99999999999999999999999999999.999999999", "1.500000000000000000"),
    "n3": ("9" * 38, "-" + "9" * 38),
    "f8": ("NaN", "Infinity", "-Infinity", "5e-324", "1.7976931348623157e+308", "-0"),
    "f4": ("NaN", "1e-45", "3.4028235e+38"),
    "d": ("0001-01-01", "9999-12-31", "10000-01-01"),
    "ts": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "tz": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
    "tm": ("00:00:00", "23:59:59.999999"),
    "name": ("\\N", "", "\\", "😀", "\\n", "\ufeff"),
    "ai": ("{}",),
    "at": ("{}", "{(a),[b],c'd}", '{"  "}'),
}
TEXTS = ("name", "short", "padded", "mood", "j", "iv")
ORDERED = ("id", "i2", "i8", "n", "n2", "n3", "f8", "f4", "ts", "tz", "t3", "d", "tm")
PADDED = "rpad(padded, 4)"
FINE_FROM = ROWS // 2 + 100
SUMMED = ("id", "i2", "i8", "n", "n2", "n3")


def place_values(values: dict[str, tuple[str, ...]], first: int) -> Iterator[tuple[str, int, str]]:
    """Give column, id and text of every awkward value."""
    for column, texts in values.items():
        for place, text in enumerate(texts):
            yield column, first + place * 997, text


def find_odd(column: str) -> list[int]:
    """The ids at which a column's type cannot hold the value."""
    return [row for name, row, _ in place_values(NASTY, 100) if name == column]


@pytest.fixture(scope="module")
def table() -> Iterator[psycopg.Connection[Any]]:
    """A table of every type, awkward values among them."""
    with run_postgres(Host(), find_bundled(18), fsync=False) as server:
        options = " ".join([f"-c {setting}" for setting in SETTINGS])
        with psycopg.connect(server.url(), autocommit=True, options=options) as connection:
            connection.execute("CREATE TYPE public.mood AS ENUM ('good', 'bad \"day\"')")
            listed = ", ".join(f'"{name}" {kind}' for name, (kind, _) in COLUMNS.items())
            connection.execute(f"CREATE TABLE public.every ({listed})".encode())
            made = ", ".join(
                value if name == "id" else f"CASE WHEN g % 11 > 0 THEN {value} END"
                for name, (_, value) in COLUMNS.items()
            )
            fill = f"INSERT INTO public.every SELECT {made} FROM generate_series(1, {ROWS}) g"
            connection.execute(fill.encode())
            for first, texts in ((100, NASTY), (FINE_FROM, FINE)):
                for column, row, text in place_values(texts, first):
                    change = f'UPDATE public.every SET "{column}" = %s::text::{COLUMNS[column][0]}'
                    connection.execute(f"{change} WHERE id = {row}".encode(), [text])
            yield connection


@pytest.fixture(scope="module")
def part(table: psycopg.Connection[Any]) -> tuple[MadePart, list[int]]:
    """The typed view of its COPY text, and the ids in order of the lines."""
    found = table.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'public.every'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    schema = {"columns": [{"name": name, "type": kind} for name, kind in found]}
    with table.cursor().copy("COPY public.every TO STDOUT") as copy:
        lines = b"".join([bytes(line) for line in copy])
    ids = [int(line.split(b"\t", 1)[0]) for line in lines.splitlines()]
    maker = PartMaker(ENCODING, schema, (0,))
    made = maker.make([lines], 3)
    maker.close()
    return made, ids


def select(table: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return table.execute(query.encode()).fetchall()


def test_lines_keep_their_place(part: tuple[MadePart, list[int]], tmp_path: Path) -> None:
    made, ids = part
    assert made.rows == ROWS
    assert ask(made.body, "SELECT id, _line FROM part", tmp_path) == [
        (number, line) for line, number in enumerate(ids)
    ]


def test_only_what_a_type_cannot_hold_stands_in_the_twin(
    table: psycopg.Connection[Any], part: tuple[MadePart, list[int]], tmp_path: Path
) -> None:
    made, _ = part
    assert sorted(made.notes) == sorted(f"{column}__text" for column in NASTY)
    for column in NASTY:
        query = f'SELECT id, "{column}__text", "{column}" IS NULL FROM part WHERE 3 < id'
        found = ask(made.body, f'{query} AND "{column}__text" IS NOT NULL ORDER BY id', tmp_path)
        wanted = find_odd(column)
        assert [row[0] for row in found] == wanted
        own = f'SELECT id, "{column}"::text, true FROM public.every WHERE id = ANY(ARRAY{wanted})'
        assert found == select(table, f"{own} ORDER BY id")


def test_counts_extremes_and_sums_are_postgresqls_own(
    table: psycopg.Connection[Any], part: tuple[MadePart, list[int]]
) -> None:
    made, _ = part
    statistics = measure_parts([made.body])
    for column in COLUMNS:
        odd = find_odd(column)
        typed = f"FROM public.every WHERE id <> ALL(ARRAY{odd}::int[])"
        name = f'"{column}"'
        [(count,)] = select(table, f"SELECT count({name}) {typed}")
        told = statistics[column]
        assert (told.count, told.nulls) == (count, ROWS - count)
        shown = {"u": "u::text", "raw": "encode(raw, 'hex')"}.get(column, name)
        shown = PADDED if column == "padded" else shown
        if column in TEXTS or shown != name:
            shown += '::text COLLATE "C"'
        if column in ORDERED or shown != name:
            own = select(table, f"SELECT min({shown})::text, max({shown})::text {typed}")[0]
            assert same((told.least, told.greatest), own), column
        if column in SUMMED:
            [(total,)] = select(table, f"SELECT sum({name}) {typed}")
            assert told.sum is not None and Decimal(told.sum) == total, column
        if column == "b":
            [own] = select(table, f"SELECT bool_and(b)::text, bool_or(b)::text {typed}")
            assert (told.least, told.greatest) == own


def same(told: tuple[Any, ...], own: tuple[Any, ...]) -> bool:
    """Equal, as text or as numbers."""
    if told == own:
        return True
    try:
        pairs = [(Decimal(a), Decimal(b)) for a, b in zip(told, own, strict=True)]
    except ArithmeticError:
        return False
    return all(a == b or (a.is_nan() and b.is_nan()) or float(a) == float(b) for a, b in pairs)


@pytest.mark.parametrize("column", ["f8", "f4"])
def test_sums_of_floats_are_postgresqls_own(
    table: psycopg.Connection[Any],
    part: tuple[MadePart, list[int]],
    column: str,
    tmp_path: Path,
) -> None:
    made, _ = part
    finite = f"sum({column}::float8) FILTER (WHERE abs({column}) < 1e37)"
    [(told,)] = ask(made.body, f"SELECT {finite} FROM part", tmp_path)
    [(own,)] = select(table, f"SELECT {finite} FROM public.every")
    assert math.isclose(told, own, rel_tol=1e-9)
    assert measure_parts([made.body])[column].sum == "nan"


def test_every_value_is_the_same(
    table: psycopg.Connection[Any], part: tuple[MadePart, list[int]], tmp_path: Path
) -> None:
    made, _ = part
    for column, (kind, _) in COLUMNS.items():
        odd = find_odd(column)
        where = f"WHERE NOT list_contains({odd}::INTEGER[], id)"
        text = (
            ("::VARCHAR", "::text") if kind.startswith(("timestamp", "date", "time")) else ("", "")
        )
        text = (text[0] + "[]", text[1] + "[]") if text[0] and kind.endswith("[]") else text
        text = ("", "::text") if column in TEXTS else text
        text = ("::DOUBLE", "::float8") if column == "f4" else text
        shown = PADDED if column == "padded" else f'"{column}"{text[1]}'
        told = ask(made.body, f'SELECT "{column}"{text[0]} FROM part {where} ORDER BY id', tmp_path)
        typed = f"FROM public.every WHERE id <> ALL(ARRAY{odd}::int[]) ORDER BY id"
        own = select(table, f"SELECT {shown} {typed}")
        assert list(map(write, told)) == list(map(write, own)), column


def write(row: tuple[Any, ...]) -> object:
    """Write a value so that NaN is equal to itself."""
    return "NaN" if isinstance(row[0], float) and math.isnan(row[0]) else row[0]
