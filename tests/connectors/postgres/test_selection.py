"""Names of streams, patterns over them, ranges of pages, and a rate that is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.connectors.postgres.catalog import Table
from listbackup.connectors.postgres.names import quote_literal, stream_name
from listbackup.connectors.postgres.parts import cut_table, narrow
from listbackup.connectors.throttle import Throttle
from listbackup.records.patterns import is_wanted, matches
from listbackup.testing.hosts import play_host


@pytest.mark.parametrize(
    ("schema", "table", "name"),
    [
        ("public", "users", "public.users"),
        ("public", "Users", 'public."Users"'),
        ("public", "select", "public.select"),
        ("a.b", 'c"d', '"a.b"."c""d"'),
        ("public", "../../etc/passwd", 'public."../../etc/passwd"'),
        ("public", "caf\u00e9\n", 'public."caf\u00e9\n"'),
    ],
)
def test_a_stream_is_named_after_its_table(schema: str, table: str, name: str) -> None:
    assert stream_name(schema, table) == name


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_tables_share_a_name(a: str, b: str, c: str, d: str) -> None:
    assert (stream_name(a, b) == stream_name(c, d)) == ((a, b) == (c, d))


def test_patterns_have_two_wildcards_and_nothing_else() -> None:
    assert matches("public.users", ["public.*"])
    assert matches("public.users", ["*.user?"])
    assert not matches("public.users", ["public"])
    assert matches('public."a[b]"', ['public."a[b]"'])
    assert not matches('public."ab"', ['public."a[b]"'])
    assert matches('public."two\nlines"', ["public.*"])


def test_what_is_excluded_is_excluded_even_if_included() -> None:
    assert is_wanted("public.users", [], [])
    assert not is_wanted("public.users", ["other.*"], [])
    assert not is_wanted("public.users", ["public.*"], ["*.users"])


def test_literals_survive_quotes_and_backslashes() -> None:
    assert quote_literal("it's") == "'it''s'"
    assert quote_literal("a\\b'") == " E'a\\\\b'''"


def make_table(pages: int, size: int, condition: str | None = None) -> Table:
    return Table(
        *(1, "public", "t", "r", "p", 1, 0, False, 0, 1, None, condition, True, False),
        pages=pages,
        bytes=size,
    )


@given(st.integers(0, 2**32 - 2), st.integers(1, 40))
def test_ranges_cover_every_page_once(pages: int, toast: int) -> None:
    slices = cut_table(make_table(pages, pages * 8192 * toast), 160000)
    assert 1 <= len(slices) <= 5000
    if slices == ["all"]:
        return
    bounds = [slice_.split()[1:] for slice_ in slices]
    assert bounds[0][0] == "0"
    assert bounds[-1][1] == "-"
    assert [end for _, end in bounds[:-1]] == [first for first, _ in bounds[1:]]


def test_a_table_that_grows_keeps_its_first_ranges() -> None:
    small = cut_table(make_table(100_000, 100_000 * 8192), 160000)
    large = cut_table(make_table(120_000, 120_000 * 8192), 160000)
    assert large[: len(small) - 1] == small[:-1]


def test_before_version_14_and_with_conditions_there_is_one_part() -> None:
    table = make_table(10**6, 10**10)
    assert cut_table(table, 130000) == ["all"]
    assert cut_table(make_table(10**6, 10**10, "WHERE a"), 160000) == ["all"]
    assert len(cut_table(table, 140000)) > 1
    assert narrow("all") == ""
    assert narrow("ctid 8 -") == "ctid >= '(8,0)'::tid"


def test_a_rate_is_held_by_waiting_on_the_clock() -> None:
    clock = play_host(1).clock
    throttle = Throttle(1_000_000, clock)
    started = clock.monotonic()
    for _ in range(100):
        throttle.pass_through(100_000)
    assert 9.0 <= clock.monotonic() - started <= 10.5


def test_without_a_rate_nothing_waits() -> None:
    clock = play_host(1).clock
    started = clock.monotonic()
    Throttle(0, clock).pass_through(10**12)
    assert clock.monotonic() - started < 1
