"""Parts are one scan only where their footers tell the very same columns."""

from collections.abc import Mapping

import duckdb
import pytest

from listbackup.history import views
from listbackup.history.footers import AHEAD, MAGIC, cut_schema, group_parts, read_footer
from listbackup.history.querying import Query
from listbackup.history.timelines import SourcePast, Timeline
from listbackup.history.typedparts import LentBody
from tests.history.shops import Shop, make_users
from tests.parquet.viewing import make, make_schema, write_lines

PLAIN = {"id": "integer", "amount": "numeric(12,2)"}


def part(columns: Mapping[str, str], *rows: tuple[str, ...]) -> LentBody:
    return LentBody(make(make_schema(**columns), write_lines(*rows)).body)


def test_parts_of_the_same_columns_are_together_whatever_they_hold() -> None:
    parts = [part(PLAIN, ("1", "2.00")), part(PLAIN, *([("7", "9.99")] * 5000)), part(PLAIN)]
    assert group_parts(parts) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "other",
    [
        {"id": "integer"},
        {"id": "integer", "amount": "numeric(12,2)", "more": "text"},
        {"id": "bigint", "amount": "numeric(12,2)"},
        {"id": "integer", "amount": "numeric(12,3)"},
        {"id": "integer", "Amount": "numeric(12,2)"},
        {"amount": "numeric(12,2)", "id": "integer"},
    ],
)
def test_another_column_type_name_or_order_is_another_group(other: Mapping[str, str]) -> None:
    parts = [part(PLAIN), part(other), part(PLAIN), part(other)]
    assert group_parts(parts) == [[0, 2], [1, 3]]


def test_a_part_with_a_twin_is_another_group() -> None:
    parts = [part(PLAIN, ("1", "2.00")), part(PLAIN, ("2", "NaN"))]
    assert group_parts(parts) == [[0], [1]]


def test_a_footer_that_is_longer_than_what_is_read_first_is_read_whole() -> None:
    wide = {f"a_column_with_a_long_name_{number}": "text" for number in range(400)}
    body = make(make_schema(**wide), write_lines(["x"] * 400)).body
    length = int.from_bytes(body[-8:-4], "little")
    assert length > AHEAD
    assert read_footer(LentBody(body)) == body[-8 - length : -8]
    assert group_parts([LentBody(body), LentBody(body)]) == [[0, 1]]


def test_the_schema_ends_where_the_number_of_rows_begins() -> None:
    one, other = (part(PLAIN, *([("1", "2.00")] * count)) for count in (1, 63))
    schema = cut_schema(read_footer(one))
    assert b"amount" in schema
    assert read_footer(one)[len(schema) :][:2] == b"\x16\x02"
    assert read_footer(other)[len(schema) :][:2] == b"\x16\x7e"


@pytest.mark.parametrize(
    "body",
    [b"", MAGIC, b"no Parquet at all", MAGIC + b"\xff\xff\xff\x7f" + MAGIC, bytes(8) + MAGIC],
)
def test_what_is_no_parquet_file_is_never_together(body: bytes) -> None:
    assert group_parts([LentBody(body), LentBody(body)]) == [[0], [1]]


def test_damaged_footers_never_raise_and_are_never_with_whole_ones() -> None:
    whole = part(PLAIN, ("1", "2.00"))
    body = whole.read(0, whole.size)
    footer = read_footer(whole)
    schema = len(cut_schema(footer))
    for at in range(len(footer)):
        for value in (0, 0x7F, 0xFF):
            if footer[at] == value:
                continue
            damaged = bytearray(body)
            damaged[len(body) - 8 - len(footer) + at] = value
            groups = group_parts([whole, LentBody(bytes(damaged))])
            assert groups == ([[0], [1]] if at < schema else [[0, 1]])


def test_groups_are_what_duckdb_calls_the_same_columns(tmp_path: object) -> None:
    connection = duckdb.connect()
    for columns in ("1 AS a, 'x' AS b", "1 AS a", "[1] AS a, {'x': 1.5} AS b", "true AS a"):
        bodies = []
        for rows in (1, 3000):
            path = f"{tmp_path}/one.parquet"
            connection.execute(f"COPY (SELECT {columns} FROM range({rows})) TO '{path}'")
            with open(path, "rb") as file:
                bodies.append(LentBody(file.read()))
        assert group_parts([*bodies, part(PLAIN)]) == [[0, 1], [2]]
    connection.close()


@pytest.mark.parametrize("most", [0, 8])
def test_a_stream_whose_parts_have_different_columns_is_one_table(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Twins in some parts, keys of deleted rows in others; whoever looks into each, or none."""
    monkeypatch.setattr(views, "MOST_GROUPS", most)
    rows = make_users(40)
    shop.back_up({"public.users": rows})
    shop.back_up({"public.users": [*rows[:30], ["50", "odd", "NaN"]]}, 1)
    shop.back_up({"public.users": [*rows[1:30], ["50", "odd", "NaN"], ["51", "even", "1.25"]]}, 2)
    snapshot = shop.trial.snapshot()
    assert len(snapshot.streams["public.users"].state.parts or ()) >= 4

    def follow(stream: str) -> Timeline:
        return SourcePast(shop.trial.open(), "shop").timeline(stream)

    def find(table: str) -> list[list[object]]:
        sql = f"SELECT id, name, price, price__text FROM {table} WHERE id IN (0, 4, 35, 50, 51)"
        with Query(snapshot, follow, f"{sql} ORDER BY id") as query:
            return [list(row) for row in query.rows(query.prepare())]

    now = [
        [4, "name 4", "4.50", None],
        [50, "odd", None, "NaN"],
        [51, "even", "1.25", None],
    ]
    assert find("public.users") == now
    gone = [[0, "name 0", "0.50", None], now[0], [35, "name 35", None, None], *now[1:]]
    assert find("history.public.users") == gone


def test_a_footer_that_claims_more_than_it_has_tells_nothing() -> None:
    endless = bytes([0x15, 2, 0x19, 0xF1, *[0xFF] * 8, 0x7F])
    assert cut_schema(endless) == b""
