"""`sqlite-array/1` says the type of every value, in bytes that are fixed."""

import hashlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.errors import IntegrityError
from listbackup.records.encodings import open_encoding
from listbackup.records.sqlitearray import SqliteArray, Undecoded, read_lines, write_lines

ENCODING = SqliteArray({"columns": []})

EXAMPLES: list[tuple[Any, bytes]] = [
    (None, b"null"),
    (0, b"0"),
    (-(2**63), b"-9223372036854775808"),
    (2**53 + 1, b"9007199254740993"),
    (1.0, b"1.0"),
    (-0.0, b"-0.0"),
    (0.1, b"0.1"),
    (1e15, b"1000000000000000.0"),
    (1e16, b"1e+16"),
    (1.5e-7, b"1.5e-07"),
    (0.0001, b"0.0001"),
    (5e-324, b"5e-324"),
    (1.7976931348623157e308, b"1.7976931348623157e+308"),
    (float("inf"), b'{"r":"inf"}'),
    (float("-inf"), b'{"r":"-inf"}'),
    ("", b'""'),
    ("1", b'"1"'),
    ('a"\\/\x7f', b'"a\\"\\\\/\x7f"'),
    ("\b\t\n\f\r\0\x0b\x1f", b'"\\b\\t\\n\\f\\r\\u0000\\u000b\\u001f"'),
    ("é\u2028😀", '"é\u2028😀"'.encode()),
    ("],[", b'"],["'),
    (b"", b'{"b64":""}'),
    (b"\x00\xff", b'{"b64":"AP8="}'),
    (Undecoded(b"\xff\xfe"), b'{"t64":"//4="}'),
]


@pytest.mark.parametrize(("value", "written"), EXAMPLES)
def test_a_value_has_these_bytes_and_comes_back_with_its_type(value: Any, written: bytes) -> None:
    assert write_lines([[value]]) == b"[" + written + b"]\n"
    ((back,),) = read_lines(b"[" + written + b"]\n")
    assert (type(back), repr(back)) == (type(value), repr(value))


def test_text_that_is_no_utf8_is_told_from_a_blob_and_from_text() -> None:
    strange = b"ok\xff".decode("utf-8", "surrogateescape")
    lines = write_lines([["ok", strange, b"ok\xff"], [1, 2, 3]])
    assert lines == b'["ok",{"t64":"b2v/"},{"b64":"b2v/"}]\n[1,2,3]\n'
    assert read_lines(lines) == [["ok", Undecoded(b"ok\xff"), b"ok\xff"], [1, 2, 3]]


values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.sampled_from(["]\n[", '"],["', '{"b64":"AA=="}', "\n", ",", "\\", '\\"', "]"]),
)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return struct.pack(">d", value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return ("text", value.encode("utf-8", "surrogateescape"))
    if isinstance(value, Undecoded):
        return ("text", value.raw)
    return (type(value).__name__, value)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(values, min_size=n, max_size=n))))
def test_rows_come_back_and_keys_are_what_the_line_says(rows: list[list[Any]]) -> None:
    lines = write_lines(rows)
    assert lines.count(b"\n") == len(rows)
    assert [list(map(plain, r)) for r in read_lines(lines)] == [list(map(plain, r)) for r in rows]
    for row in filter(None, [rows[0] if rows else None]):
        positions = list(reversed(range(len(row))))
        expected = [write_lines([[r[p] for p in positions]])[:-1] for r in rows]
        assert ENCODING.key_lines(lines, positions) == expected
        assert ENCODING.key_lines(lines, [0]) == [write_lines([r[:1]])[:-1] for r in rows]


def test_hashes_are_those_of_the_lines_and_of_their_keys() -> None:
    lines = write_lines([[1, "a", 2.5], [2, None, b"x"]])
    hashes = open_encoding("sqlite-array/1", {}).hash_lines(lines, [1, 0])
    index = b""
    for line, key in zip(lines.split(b"\n"), (b'["a",1]', b"[null,2]"), strict=False):
        index += hashlib.sha256(line).digest()[:16] + hashlib.sha256(key).digest()[:16]
    assert (hashes.rows, hashes.index) == (2, index)
    assert ENCODING.hash_lines(b"", ()).rows == 0
    assert ENCODING.to_source(ENCODING.to_lines(lines)) == lines


def test_a_line_is_json_for_everybody() -> None:
    assert json.loads(write_lines([[1, 2.5, "x", None, b"\0"]])) == [
        1,
        2.5,
        "x",
        None,
        {"b64": "AA=="},
    ]


@pytest.mark.parametrize(
    "lines",
    [
        b"[1]",
        b"1\n",
        b"[1]\n2\n",
        b"[1],[2]\n",
        b'[{"c64":"AA=="}]\n',
        b'[{"b64":"A"}]\n',
        b'[{"r":"nan"}]\n',
        b'[{"b64":"AA==","r":"inf"}]\n',
        b"[\n",
        b"[[1]\n",
    ],
)
def test_what_is_of_another_encoding_is_refused(lines: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_lines(ENCODING.to_source(lines))
