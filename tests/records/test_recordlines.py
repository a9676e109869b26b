"""`records/1` keeps a platform's own bytes, and refuses what could not be read back."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.errors import IntegrityError
from listbackup.records.encodings import Encoding, open_encoding
from listbackup.records.fingerprints import sum_digests
from listbackup.records.recordlines import join_lines, read_keys


def open_records(*key: str) -> Encoding:
    return open_encoding("records/1", {"kind": "records", "columns": [], "key": list(key)})


PRICES = (
    b'{"id":"a","price":1.10,"big":123456789012345678901234567890,"exp":1E2,"text":"\\u00e9"}\n'
)


def test_the_stored_form_is_the_platforms_own_bytes() -> None:
    encoding = open_records("id")
    assert encoding.to_lines(PRICES) == PRICES
    assert encoding.to_source(PRICES) == PRICES
    assert encoding.to_source(b"") == b""


@pytest.mark.parametrize("lines", [b'["a"]\n', b'{"a":1}', b'{"a":1} \n'])
def test_lines_of_another_encoding_are_refused(lines: bytes) -> None:
    with pytest.raises(IntegrityError, match="records/1"):
        open_records().to_source(lines)


def test_line_breaks_and_indentation_are_left_out_and_nothing_else_changes() -> None:
    pretty = b'{\r\n  "id": "a\\n  b",\n\t"n": 1.0\n}'
    assert join_lines([pretty, b'{"id": 2}']) == b'{"id": "a\\n  b","n": 1.0}\n{"id": 2}\n'
    assert join_lines([b'{"a":1}', b'{"b":2}']) == b'{"a":1}\n{"b":2}\n'
    assert join_lines([]) == b""


def test_a_record_is_the_same_line_however_far_it_is_indented() -> None:
    value = {"id": "x", "of": {"a": [1, 2, {"b": "  two\n"}]}}
    alone = json.dumps(value, indent=2)
    in_a_list = json.dumps({"data": [value]}, indent=4).partition("[")[2].rpartition("]")[0].strip()
    assert in_a_list != alone
    assert join_lines([alone.encode()]) == join_lines([in_a_list.encode()])


def test_every_line_and_every_key_is_hashed() -> None:
    lines = [b'{"x":{"id":0},"id":"a","n":1}', b'{"id": 17.50 ,"n":{"k":[ 1]}}']
    chunk = b"\n".join(lines) + b"\n"
    encoding = open_records("n", "id")
    assert encoding.key_lines(chunk, (1,)) == [b'["a"]', b"[17.50]"]
    assert encoding.key_lines(chunk, (0, 1)) == [b'[1,"a"]', b'[{"k":[ 1]},17.50]']
    digests = [hashlib.sha256(line).digest() for line in lines]
    keys = [hashlib.sha256(key).digest() for key in encoding.key_lines(chunk, (0, 1))]
    assert encoding.digest_lines(chunk) == digests
    hashes = encoding.hash_lines(chunk, (0, 1))
    assert (hashes.rows, hashes.lanes) == (2, sum_digests(digests))
    assert hashes.index == b"".join(d[:16] + k[:16] for d, k in zip(digests, keys, strict=True))
    assert encoding.hash_lines(chunk, ()).index == b"".join(d[:16] for d in digests)


def test_no_lines_have_no_hashes() -> None:
    hashes = open_records("id").hash_lines(b"", (0,))
    assert (hashes.rows, hashes.lanes, hashes.index) == (0, (0, 0, 0, 0), b"")


def test_a_key_may_lie_within_an_object_and_be_of_several_fields() -> None:
    chunk = b'{"contact":{"id":7,"x":1},"tag":{"id":"t"},"id":1}\n'
    encoding = open_records("contact.id", "tag.id")
    assert encoding.key_lines(chunk, (0, 1)) == [b'[7,"t"]']
    with pytest.raises(IntegrityError, match="lacks a field of its key"):
        encoding.key_lines(b'{"contact":null,"tag":{"id":1}}\n', (0, 1))
    with pytest.raises(IntegrityError, match="lacks a field of its key"):
        encoding.key_lines(b'{"contact":7,"tag":{"id":1}}\n', (0, 1))


@pytest.mark.parametrize("key", [("a", "a.b"), ("a.b", "a"), ("a.b", "a.b.c"), ('a"',)])
def test_a_key_within_another_or_of_a_strange_name_is_refused(key: tuple[str, ...]) -> None:
    with pytest.raises(IntegrityError, match="cannot have .* as their key"):
        open_records(*key).hash_lines(b'{"a":{"b":1}}\n', range(len(key)))


def test_of_a_field_that_comes_twice_the_last_is_the_key_and_both_stay() -> None:
    line = b'{"id":1,"id":2}\n'
    assert open_records("id").key_lines(line, (0,)) == [b"[2]"]
    assert open_records("id").to_lines(line) == line


def test_a_part_of_a_key_may_be_null_and_a_whole_key_not() -> None:
    encoding = open_records("a", "b")
    assert encoding.key_lines(b'{"a":1,"b":null}\n', (0, 1)) == [b"[1,null]"]
    with pytest.raises(IntegrityError, match="Record 2 .* nothing but null"):
        encoding.key_lines(b'{"a":1,"b":2}\n{"a":null,"b":null}\n', (0, 1))
    with pytest.raises(IntegrityError, match="nothing but null"):
        open_records("a").hash_lines(b'{"a":null}\n', (0,))


def test_a_record_without_its_key_is_named() -> None:
    with pytest.raises(IntegrityError, match=r"Record 2 of a chunk lacks a field of its key \(id"):
        open_records("id").hash_lines(b'{"id":1}\n{"x":1}\n', (0,))


REFUSED = {
    "an array": b"[1]",
    "a text": b'"a"',
    "null": b"null",
    "nothing": b"",
    "a space before": b' {"id":1}',
    "a space after": b'{"id":1} ',
    "two objects": b'{"id":1}{"id":2}',
    "an end that is missing": b'{"id":1,"x":{}',
    "a NaN": b'{"id":1,"x":NaN}',
    "an infinity": b'{"id":1,"x":-Infinity}',
    "a leading zero": b'{"id":1,"x":01}',
    "a trailing comma": b'{"id":1,"x":[1,]}',
    "a control character": b'{"id":1,"x":"\t"}',
    "a zero byte": b'{"id":1,"x":"\0"}',
    "an escape that is none": b'{"id":1,"x":"\\q"}',
    "Latin-1": b'{"id":1,"x":"\xe9"}',
    "Latin-1 in a name": b'{"id":1,"\xe9":1}',
    "half a surrogate pair in bytes": b'{"id":1,"x":"\xed\xa0\xbd"}',
    "a byte order mark": b'\xef\xbb\xbf{"id":1}',
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_object_in_utf8_is_refused_with_or_without_a_key(line: bytes) -> None:
    for chunk in (line + b"\n", b'{"id":0}\n' + line + b"\n", line + b'\n{"id":9}\n'):
        number = chunk.split(b"\n").index(line) + 1
        for positions in ((0,), ()):
            with pytest.raises(IntegrityError, match=f"Record {number} of a chunk is no"):
                open_records("id").hash_lines(chunk, positions)


def test_an_empty_line_beside_two_objects_in_one_is_refused() -> None:
    for chunk in (b'\n{"id":1}{"id":2}\n', b'{"id":1}{"id":2}\n \n', b'{"id":\n1}\n'):
        with pytest.raises(IntegrityError, match="no JSON object"):
            open_records("id").hash_lines(chunk, (0,))


def test_nesting_without_end_is_refused() -> None:
    bomb = b'{"id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    with pytest.raises(IntegrityError, match="Record 2 of a chunk is nested too deep"):
        open_records("id").hash_lines(b'{"id":0}\n' + bomb, (0,))


def test_digits_without_end_are_kept() -> None:
    line = b'{"id":' + b"9" * 10_000 + b',"x":1e999}\n'
    assert open_records("id").key_lines(line, (0,)) == [b"[" + b"9" * 10_000 + b"]"]


def test_half_a_surrogate_pair_in_an_escape_is_kept() -> None:
    keys = [b'["\\ud83d"]', b'["\\udE00\\uD83D\\ude00"]', b'["\xc3\xa9"]']
    lines = b"".join(b'{"x":"\\\\ud83d","id":%b}\n' % key[1:-1] for key in keys)
    assert open_records("id").key_lines(lines, (0,)) == keys
    assert open_records("id").hash_lines(lines, (0,)).rows == 3


def test_keys_of_single_records_are_those_of_lines() -> None:
    assert read_keys([b'{\n"id": 1}', b'{"id":2}'], ["id"]) == [b"[1]", b"[2]"]
    assert read_keys([], ["id"]) == []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.lists(st.tuples(st.integers() | st.text(), st.dictionaries(st.text(), json_values))),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_the_key_of_any_record_is_what_stands_in_it(
    given_records: list[tuple[Any, dict[str, Any]]], escaped: bool, indent: int | None
) -> None:
    records = [
        json.dumps({**rest, "id": key, "in": {"id": key}}, ensure_ascii=escaped, indent=indent)
        for key, rest in given_records
    ]
    chunk = join_lines([one.encode("utf-8", "replace") for one in records])
    encoding = open_records("id", "in.id")
    assert encoding.hash_lines(chunk, (0, 1)).rows == len(records)
    for written, (key, _) in zip(encoding.key_lines(chunk, (0, 1)), given_records, strict=True):
        expected = json.dumps([key, key], ensure_ascii=escaped, separators=(",", ":"))
        assert written == expected.encode("utf-8", "replace")
