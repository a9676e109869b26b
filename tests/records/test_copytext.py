"""The encoding of PostgreSQL's COPY text: byte for byte there and back, and what its hashes are."""

import base64
import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.errors import IntegrityError
from listbackup.records.copytext import digest_lines, key_lines, to_lines, to_source
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import sum_digests

COPY_ESCAPES = {
    8: b"\\b",
    9: b"\\t",
    10: b"\\n",
    11: b"\\v",
    12: b"\\f",
    13: b"\\r",
    92: b"\\\\",
}
JSON_ESCAPES = {
    8: b"\\b",
    9: b"\\t",
    10: b"\\n",
    12: b"\\f",
    13: b"\\r",
    34: b'\\"',
    92: b"\\\\",
}
AWKWARD = ["\\N", "null", ",null", "null,", '"', '",null,"', "\\v", "\\\\v", "[]", "\v", "\\u000b"]
AWKWARD += ["\x01", "\x7f", "]\n[", "", "[", "]", ",", '{"b64":"AA=="}', "\\", "\x1f\\", "\u2028"]

text_bytes = st.lists(
    st.sampled_from(AWKWARD) | st.text(st.characters(codec="utf-8", exclude_characters="\0"))
).map(lambda parts: "".join(parts).encode())
any_bytes = text_bytes | st.binary(max_size=6).map(lambda value: value.replace(b"\0", b""))


def tables(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[list[bytes | None]]]:
    return st.integers(1, 4).flatmap(
        lambda fields: st.lists(
            st.lists(st.none() | values, min_size=fields, max_size=fields), min_size=1
        )
    )


def write_copy(rows: Sequence[Sequence[bytes | None]]) -> bytes:
    def field(value: bytes | None) -> bytes:
        if value is None:
            return b"\\N"
        return b"".join(COPY_ESCAPES.get(byte) or bytes([byte]) for byte in value)

    return b"".join(b"\t".join(field(value) for value in row) + b"\n" for row in rows)


def write_json(rows: Sequence[Sequence[bytes | None]]) -> bytes:
    def element(value: bytes | None) -> bytes:
        if value is None:
            return b"null"
        try:
            value.decode()
        except UnicodeDecodeError:
            return b'{"b64":"' + base64.b64encode(value) + b'"}'
        return (
            b'"'
            + b"".join(
                JSON_ESCAPES.get(byte) or (b"\\u%04x" % byte if byte < 32 else bytes([byte]))
                for byte in value
            )
            + b'"'
        )

    return b"".join(b"[" + b",".join(map(element, row)) + b"]\n" for row in rows)


@given(tables(text_bytes))
def test_every_text_is_written_as_specified_and_comes_back(rows: list[list[bytes | None]]) -> None:
    source = write_copy(rows)
    lines = to_lines(source)
    assert lines == write_json(rows)
    assert to_lines(source, len(rows[0]), any_bytes=False) == lines
    assert to_source(lines) == source


@given(tables(any_bytes))
def test_bytes_that_are_no_text_are_kept_per_value(rows: list[list[bytes | None]]) -> None:
    source = write_copy(rows)
    lines = to_lines(source)
    assert lines == write_json(rows)
    assert to_source(lines) == source


@given(tables(text_bytes))
def test_stored_lines_are_json_with_the_values(rows: list[list[bytes | None]]) -> None:
    lines = to_lines(write_copy(rows)).split(b"\n")[:-1]
    assert [json.loads(line) for line in lines] == [
        [None if value is None else value.decode() for value in row] for row in rows
    ]


@given(tables(any_bytes), st.data())
def test_keys_are_the_same_bytes_as_in_the_stored_line(
    rows: list[list[bytes | None]], data: st.DataObject
) -> None:
    fields = len(rows[0])
    positions = data.draw(st.lists(st.integers(0, fields - 1), min_size=1, unique=True))
    expected = write_json([[row[place] for place in positions] for row in rows])
    assert key_lines(write_copy(rows), positions) == expected.split(b"\n")[:-1]


@given(tables(any_bytes), st.booleans())
def test_hashing_a_chunk_at_once_is_hashing_its_lines(
    rows: list[list[bytes | None]], keyed: bool
) -> None:
    source = write_copy(rows)
    schema = {"columns": [{}] * len(rows[0]), "charset": "SQL_ASCII"}
    encoding = open_encoding("copy-text-array/1", schema)
    hashes = encoding.hash_lines(source, [0] if keyed else [])
    lines = source.split(b"\n")[:-1]
    digests = [hashlib.sha256(line).digest() for line in lines]
    assert digest_lines(source) == encoding.digest_lines(source) == digests
    assert hashes.rows == len(rows)
    assert hashes.lanes == sum_digests(digests)
    keys = [hashlib.sha256(key).digest() for key in key_lines(source, [0])] if keyed else []
    expected = [d[:16] + (keys[i][:16] if keyed else b"") for i, d in enumerate(digests)]
    assert hashes.index == b"".join(expected)


def test_large_chunks_are_written_as_their_lines_are() -> None:
    rows: list[list[bytes | None]] = [
        [b"%d" % n, None if n % 3 else b'"\x01\\', AWKWARD[n % len(AWKWARD)].encode()]
        for n in range(30000)
    ]
    source = write_copy(rows)
    encoding = open_encoding("copy-text-array/1", {"columns": [{}] * 3})
    assert encoding.to_lines(source) == write_json(rows)
    assert encoding.to_source(write_json(rows)) == source


def test_rows_without_columns_are_empty_arrays() -> None:
    encoding = open_encoding("copy-text-array/1", {"columns": []})
    assert encoding.to_lines(b"\n\n\n") == b"[]\n[]\n[]\n"
    assert encoding.to_source(b"[]\n[]\n[]\n") == b"\n\n\n"
    assert encoding.hash_lines(b"\n\n\n", []).rows == 3


def test_an_empty_string_is_no_row_without_columns() -> None:
    encoding = open_encoding("copy-text-array/1", {"columns": [{}]})
    assert encoding.to_lines(b"\n\\N\n") == b'[""]\n[null]\n'
    assert encoding.to_source(b'[""]\n[null]\n') == b"\n\\N\n"


def test_no_lines_are_no_lines() -> None:
    assert to_lines(b"") == to_source(b"") == b""
    assert digest_lines(b"") == key_lines(b"", [0]) == []


def test_lines_of_another_shape_are_refused() -> None:
    with pytest.raises(IntegrityError):
        to_source(b'{"a":1}\n')


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(IntegrityError, match="copy-text-array/9"):
        open_encoding("copy-text-array/9", {"columns": []})


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("after", ['"', "u0041", "n", "x", "\v", "\x01", ""])
def test_runs_of_backslashes_of_every_length_come_back(count: int, after: str) -> None:
    value = ("\\" * count + after).encode()
    rows: list[list[bytes | None]] = [[value, value * 2, None], [b"", value + b'"', value]]
    source = write_copy(rows)
    assert to_source(to_lines(source)) == source
