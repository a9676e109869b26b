"""JSON as hostile input."""

import pytest

from listbackup.errors import IntegrityError, RefusedError
from listbackup.vault.documents import read_document, write_document


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"1",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":"\xff"}',
        b'{"a":1} x',
    ],
)
def test_what_is_ambiguous_or_unbounded_is_damage(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_document(raw, "The document")


def test_what_it_requires_and_we_lack_is_refused() -> None:
    with pytest.raises(RefusedError, match="erase/1"):
        read_document(b'{"requires":["erase/1"]}', "The document")


def test_unknown_fields_are_ignored_and_known_ones_have_their_type() -> None:
    fields = read_document(b'{"n":1,"t":"x","new":{}}', "The document")
    assert fields.number("n") == 1
    for name in ("t", "missing", "new"):
        with pytest.raises(IntegrityError, match=name):
            fields.number(name)
    with pytest.raises(IntegrityError):
        fields.number("n", least=2)


def test_a_boolean_is_no_number() -> None:
    with pytest.raises(IntegrityError):
        read_document(b'{"n":true}', "The document").number("n")


def test_any_name_survives() -> None:
    value = {"name": "\udcff\n\0é😀"}
    assert read_document(write_document(value), "The document").text("name") == value["name"]
