"""Bodies are let in whole and within their limit, or named for what they are."""

import gzip
import tracemalloc
import zlib

import pytest

from listbackup.connectors.rest.bodies import Inflater, Unreadable, check_json
from listbackup.connectors.rest.transport import Kind, Response, TransportError

PAGE = b'{"contacts": [' + b",".join(b'{"id": "%d"}' % n for n in range(5000)) + b"]}"


def inflate(encoding: str, body: bytes, *, piece: int = 1000, largest: int = 2**20) -> bytes:
    inflater = Inflater(encoding, largest)
    for start in range(0, len(body), piece):
        inflater.add(body[start : start + piece])
    return inflater.finish()


def kind_of(encoding: str, body: bytes, **how: int) -> Kind:
    with pytest.raises(TransportError) as caught:
        inflate(encoding, body, **how)
    return caught.value.kind


@pytest.mark.parametrize("piece", [1, 7, 1000, 10**6])
def test_bodies_come_back_however_they_were_compressed_and_cut(piece: int) -> None:
    page = PAGE[:2000] if piece == 1 else PAGE
    assert inflate("", page, piece=piece) == page
    assert inflate("identity", page, piece=piece) == page
    assert inflate("gzip", gzip.compress(page), piece=piece) == page
    assert inflate("X-GZIP ", gzip.compress(page), piece=piece) == page
    assert inflate("deflate", zlib.compress(page), piece=piece) == page
    two = gzip.compress(page[:500]) + gzip.compress(page[500:])
    assert inflate("gzip", two, piece=piece) == page
    assert inflate("gzip", gzip.compress(page) + bytes(600), piece=piece) == page
    assert inflate("gzip", b"", piece=piece) == b""


def test_what_is_cut_short_or_was_never_compressed_is_named() -> None:
    whole = gzip.compress(PAGE)
    assert kind_of("gzip", whole[:-1]) is Kind.WRONG_LENGTH
    assert kind_of("gzip", whole[: len(whole) // 2]) is Kind.WRONG_LENGTH
    assert kind_of("gzip", whole[:5]) is Kind.WRONG_LENGTH
    assert kind_of("deflate", zlib.compress(PAGE)[:-3]) is Kind.WRONG_LENGTH
    assert kind_of("gzip", PAGE) is Kind.MALFORMED
    assert kind_of("gzip", whole + b"and then there is more of it") is Kind.MALFORMED
    assert kind_of("gzip", whole[:-8] + b"\0" * 8) is Kind.MALFORMED
    assert kind_of("br", PAGE) is Kind.MALFORMED
    assert kind_of("gzip, gzip", gzip.compress(whole)) is Kind.MALFORMED


def test_a_body_that_is_too_large_ends_at_the_limit() -> None:
    assert kind_of("", PAGE, largest=10_000) is Kind.TOO_LARGE
    assert inflate("", PAGE, largest=len(PAGE)) == PAGE
    assert kind_of("", PAGE, largest=len(PAGE) - 1) is Kind.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_goes_off_in_bounded_memory(encoding: str) -> None:
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    bomb = b"".join(zeros.compress(bytes(2**20)) for _ in range(64)) + zeros.flush()
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        assert kind_of(encoding, bomb, piece=2**20, largest=4 * 2**20) is Kind.TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_a_body_of_endlessly_many_tiny_members_is_given_up() -> None:
    assert inflate("gzip", gzip.compress(b"x") * 1000, piece=2**16) == b"x" * 1000
    assert kind_of("gzip", gzip.compress(b"") * 20_000, piece=2**16) is Kind.MALFORMED


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("text/html; charset=utf-8", b'{"a": 1}', "not JSON (text/html)"),
        ("application/json", b"  <html><body>Maintenance</body></html>", "not JSON"),
        ("", b"<!doctype html>", "not JSON (markup)"),
        ("application/xml", b"<a/>", "not JSON"),
        ("application/json", b"", "empty"),
        ("application/json", b" \n", "empty"),
        ("application/json", b'{"a": [1, 2', "cut short or broken"),
        ("application/json", b'{"a": 1}{"b": 2}', "cut short or broken"),
        ("application/json", b"upstream connect error", "cut short or broken"),
        ("application/json", b"[" * 100_000, "cut short or broken"),
        ("application/json; charset=iso-8859-1", b'{"a": "M\xfcller"}', "not UTF-8"),
        ("application/json", '{"a": 1}'.encode("utf-16"), "not UTF-8"),
        ("application/json", b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
    ],
)
def test_what_is_no_json_is_no_answer(kind: str, body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=".*") as caught:
        check_json(Response(200, {"content-type": kind} if kind else {}, body))
    assert says in str(caught.value)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/hal+json", ""])
def test_json_is_an_answer_whatever_plain_kind_it_is_said_to_be(kind: str) -> None:
    for body in (PAGE, b"[]", b" {} \n", '{"a": "Müller 🎈"}'.encode(), b"null"):
        check_json(Response(200, {"content-type": kind} if kind else {}, body))
