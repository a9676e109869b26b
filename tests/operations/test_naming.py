"""A source's id says where it is, and two sources never get the same one by accident."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.ids import encode_base32
from listbackup.operations.naming import make_file_id, make_source_id
from listbackup.vault.layout import check_id


def suffix(text: str) -> str:
    return encode_base32(hashlib.sha256(text.encode()).digest())[:12]


def test_a_harmless_place_is_its_own_id() -> None:
    assert make_source_id("postgresql", "db-1", 5432, "shop") == "postgresql-db-1-5432-shop"


@pytest.mark.parametrize(
    ("host", "database", "escaped"),
    [
        ("127.0.0.1", "shop", "postgresql-127_0_0_1-5432-shop"),
        ("DB", "shop", "postgresql-db-5432-shop"),
        ("db", "My Shop", "postgresql-db-5432-my_shop"),
        ("/var/run", "läden", "postgresql-_var_run-5432-l_den"),
    ],
)
def test_what_was_changed_is_told_apart_by_a_digest(host: str, database: str, escaped: str) -> None:
    plain = f"postgresql-{host}-5432-{database}"
    assert make_source_id("postgresql", host, 5432, database) == f"{escaped}-{suffix(plain)}"


def test_what_is_long_is_cut_at_eighty_and_told_apart() -> None:
    one, other = (make_source_id("postgresql", "h", 1, "d" * 90 + end) for end in "ab")
    assert one != other
    assert one[:80] == other[:80]
    assert len(one) == 80 + 1 + 12


def test_a_file_is_called_by_its_name_and_told_apart_by_its_path() -> None:
    one = make_file_id("sqlite", "/srv/shop/Data 1.db")
    assert one == f"sqlite-data_1_db-{suffix('/srv/shop/Data 1.db')}"
    assert one != make_file_id("sqlite", "/srv/other/Data 1.db")
    long = make_file_id("sqlite", "/srv/" + "läng" * 60 + ".db")
    assert check_id(long, "a source") == long


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@given(names, names, names, names)
def test_different_places_have_different_usable_ids(a: str, b: str, c: str, d: str) -> None:
    one, other = make_source_id("postgresql", a, 1, b), make_source_id("postgresql", c, 1, d)
    assert check_id(one, "a source") == one
    if f"{a}-1-{b}" != f"{c}-1-{d}":
        assert one != other
