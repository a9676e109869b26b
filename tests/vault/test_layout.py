"""Keys and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.errors import IntegrityError, UsageError
from listbackup.vault.layout import address, check_id, check_key, key_month, place, stream_path


@pytest.mark.parametrize("name", ["contacts", "public.users", "a_b.c1", "x" * 60])
def test_a_harmless_name_is_its_own_path(name: str) -> None:
    assert stream_path(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "hold",
        "manifest.json",
        "manifest.json.lbo",
        "con",
        "public.aux",
        "a.",
        ".a",
        "a..b",
        "Users",
        "x" * 61,
        "",
        "a-b",
    ],
)
def test_a_reserved_or_odd_name_becomes_a_slug_with_a_digest(name: str) -> None:
    path = stream_path(name)
    assert path != name
    assert "-" in path
    assert len(path) <= 53


@given(st.text())
def test_a_path_never_leaves_its_directory(name: str) -> None:
    path = stream_path(name)
    assert path not in ("", ".", "..")
    assert set(path) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")
    assert not path.startswith(".")


@given(st.text(), st.text())
def test_two_names_never_share_a_path(one: str, other: str) -> None:
    assert (stream_path(one) == stream_path(other)) == (one == other)


@pytest.mark.parametrize(
    "key",
    [
        "accounts/../x",
        "/etc/passwd",
        "accounts/a//b",
        "accounts/a/b\0c",
        "accounts/a/B",
        "accounts/a/b#x",
        "accounts/a/b#1#2",
        "accounts/a/" + "x" * 101,
        "accounts/" + "a/" * 300 + "b",
        "accounts/a/.tmp",
        "sources/a",
        "accounts/a/b/",
    ],
)
def test_a_hostile_key_in_a_document_is_refused(key: str) -> None:
    with pytest.raises(IntegrityError):
        check_key(key)


def test_a_key_of_another_source_is_refused() -> None:
    with pytest.raises(IntegrityError):
        check_key("accounts/a/sources/other/raw/x", "accounts/a/sources/shop/")


def test_a_member_lies_where_its_pack_lies() -> None:
    assert place("accounts/a/p.bin#3", sealed=True) == "data/accounts/a/p.bin.lbo"


@pytest.mark.parametrize("value", ["", "A", "_a", "a/b", "..", "a" * 101, "ä"])
def test_an_unusable_id_is_a_usage_error(value: str) -> None:
    with pytest.raises(UsageError):
        check_id(value, "a source")


def test_the_month_of_a_key_is_the_month_of_its_sync() -> None:
    assert key_month("accounts/a/sources/s/raw/2026/11/21/id/batch-001.idx") == "202611"
    with pytest.raises(IntegrityError):
        key_month("accounts/a/sources/s/ledger/000000000001.json")


def test_an_address_tells_vault_account_and_key_apart() -> None:
    key = "accounts/one/vault.json"
    assert address("v", "one", key) == f"v/one/{key}"
    assert len({address(vault, name, key) for vault in "vw" for name in ("one", "two")}) == 4
