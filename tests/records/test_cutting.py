"""Records are cut out of pages byte for byte, and a page that is not what it should be is named."""

from typing import Any

import pytest

from listbackup.errors import SourceError
from listbackup.records.cutting import cut_lines, cut_records, find_fields
from listbackup.records.recordlines import Lines, join_lines

RECORDS = [b'{"id":1, "n":1.10,\n"t":"]}"}', b"{}", b'{"id":1, "n":1.10}', b'{ "a" : [1 ,2]}']


def page(records: list[bytes]) -> bytes:
    return b'{"first":%b,"data": [ %b ],"has_more":true}' % (records[0], b" ,\n".join(records))


def test_records_keep_their_bytes() -> None:
    assert cut_records(page(RECORDS), ["data"]) == RECORDS
    assert cut_records(b"[" + b",".join(RECORDS) + b"]\n") == RECORDS
    assert cut_records(b'{"a":{"b c":{"":[{"x":1}]}}}', ["a", "b c", ""]) == [b'{"x":1}']
    assert cut_records(b'{"data":[]}', ["data"]) == []


def test_a_byte_order_mark_before_a_page_is_ignored() -> None:
    assert cut_records(b"\xef\xbb\xbf[{}]") == [b"{}"]


def test_halves_of_surrogate_pairs_stay_what_they_are() -> None:
    records = [b'{"t":"\\ud83d"}', b'{"t":"\\uFFFD"}', b'{"t":"\\\\ud83d"}', b'{"t":"\\udC00x"}']
    assert cut_records(page(records), ["data"]) == records
    assert find_fields(records, ["t"]) == [("\ud83d",), ("\ufffd",), ("\\ud83d",), ("\udc00x",)]


REFUSED: dict[str, tuple[bytes, str]] = {
    "HTML": (b"<html><body>Sorry</body></html>", "not JSON"),
    "nothing": (b"", "not JSON"),
    "half a page": (b'{"data":[{"id":1},{"id', "not JSON"),
    "two pages": (b'{"data":[]}{"data":[]}', "not JSON"),
    "Latin-1": (b'{"data":[{"name":"\xe9"}]}', "UTF-8"),
    "UTF-16": ('{"data":[]}'.encode("utf-16"), "UTF-8"),
    "a control character": (b'{"data":[{"name":"\n"}]}', "not JSON"),
    "NaN": (b'{"data":[{"n":NaN}]}', "not JSON"),
    "an error": (b'{"error":{"message":"no"}}', "has not an array at data"),
    "an object": (b'{"data":{"id":1}}', "has not an array at data"),
    "an array at the top": (b'[{"id":1}]', "has not an array at data"),
    "null": (b'{"data":null}', "null in place of an array at data"),
    "numbers": (b'{"data":[{},1]}', "something else than objects"),
    "a null among records": (b'{"data":[null]}', "something else than objects"),
    "a bomb": (b'{"data":[' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}", "nested too deep"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_page_that_holds_no_records_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        cut_records(body, ["data"])


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED)
def test_lines_of_a_page_are_its_records_or_nothing(body: bytes, reason: str) -> None:
    found = cut_lines(body, ["data"])
    assert found is None or not all(one.startswith(b"{") for one in Lines(found[1], found[0]))


def test_lines_of_a_page_are_what_its_records_are() -> None:
    even = [one for one in RECORDS if b"\n" not in one]
    body = b'\xef\xbb\xbf{"data": [ %b ],"more":true}\n' % b" , ".join(even)
    assert cut_lines(body, ["data"]) == (3, join_lines(cut_records(body, ["data"])))
    for broken in (page(RECORDS), b'{"data":[{"a":\r1}]}', b'{"data":[{"t":"\\ud83d"}]}'):
        assert cut_lines(broken, ["data"]) is None


def test_lines_are_cut_apart_when_one_is_asked_for() -> None:
    even = [one for one in RECORDS if b"\n" not in one]
    lines = Lines(join_lines(even), len(even))
    assert (len(lines), list(lines), lines[-1], lines[:2]) == (3, even, even[-1], even[:2])
    assert lines.name_ends() == (even[0], even[1], even[2])


def test_null_can_be_said_to_mean_nothing() -> None:
    assert cut_records(b'{"data":null}', ["data"], null_is_empty=True) == []
    with pytest.raises(SourceError, match="has not"):
        cut_records(b"{}", ["data"], null_is_empty=True)


VALUES: list[tuple[bytes, Any]] = [
    (b'{"a":{"b":1}}', 1),
    (b'{"a":{"b":"\\u00e9"},"x":0}', "é"),
    (b'{"a":{"b":1.5}}', 1.5),
    (b'{"a":{"b":[1,{}]}}', [1, {}]),
    (b'{"a":{"b":1,"b":2}}', 2),
    (b'{"a":{"b":%b}}' % (b"9" * 40), int("9" * 40)),
    (b'{"a":{"b":%b}}' % (b"9" * 5000), "9" * 5000),
    (b'{"a":{"b":null}}', None),
    (b'{"a":{}}', None),
    (b'{"a":null}', None),
    (b'{"a":"text"}', None),
    (b"{}", None),
]


def test_values_are_found_at_paths_whatever_stands_on_the_way() -> None:
    records = [record for record, _ in VALUES]
    values = [(value,) for _, value in VALUES]
    assert find_fields(records, ["a.b"]) == values
    assert [found for one in records for found in find_fields([one], ["a.b"])] == values


def test_a_field_and_one_within_it_can_be_asked_for() -> None:
    records = [b'{"a":{"b":1}}', b'{"a":"cus_1"}']
    assert find_fields(records, ["a", "a.b"]) == [({"b": 1}, 1), ("cus_1", None)]
    assert find_fields(records, ["a.b", "a"]) == [(1, {"b": 1}), (None, "cus_1")]
    assert find_fields([b"{}", b'{"a":1}'], []) == [(), ()]


@pytest.mark.parametrize("record", [b"[1]", b"", b'{"a":NaN}', b"1"])
def test_what_is_no_object_has_no_fields(record: bytes) -> None:
    with pytest.raises(SourceError, match="not JSON"):
        find_fields([record], ["a"])


def test_a_strange_name_is_followed_by_hand_and_no_page_has_its_records_there() -> None:
    assert find_fields([b'{"a\\"":{"\\n":1}}'], ['a"', 'a".\n']) == [({"\n": 1}, 1)]
    with pytest.raises(SourceError, match="Nothing can be found"):
        cut_records(b"{}", ['a"'])
