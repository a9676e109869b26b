"""Chains of pages that count: what shifts under them is read again; and what a killed attempt saw
or counted is not forgotten by the one that goes on."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.records import Before
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write

LINKS = "{kind: link_header}"
URLS = "{kind: next_url, url: next}"
TOKENS = "{kind: cursor, token: next, param: page}"
BIG = "x" * 3000
Answer = Callable[[Request], Response]


def give_numbered(records: list[Record], paging: str, after: Callable[[int], None]) -> Answer:
    """Pages of a hundred, the next one told by its number; `after` is called with each."""

    def answer(request: Request) -> Response:
        page = int(query(request).get("page", 1))
        here = [dict(one) for one in records[(page - 1) * 100 : page * 100]]
        more = page * 100 < len(records)
        after(page)
        url = f"https://land.example/things?page={page + 1}"
        if paging == LINKS:
            headers: Any = {"link": f'<{url}>; rel="next"'} if more else {}
            return write({"data": here}, **headers)
        following: Any = url if paging == URLS else page + 1
        return write({"data": here, "next": following if more else None})

    return answer


def write_word(number: int) -> str:
    """Write a number so that nobody sees that it is one."""
    return "".join("klmnopqrst"[int(one)] for one in str(number))


def read_word(word: str) -> int:
    return int("".join(str("klmnopqrst".index(one)) for one in word))


def give_opaque(records: list[Record], asked: list[int], **more: Any) -> Answer:
    """Pages of a hundred, the next one told by a word."""

    def answer(request: Request) -> Response:
        at = read_word(query(request).get("cursor", "k"))
        asked.append(at)
        page = records[at : at + 100]
        following = write_word(at + 100) if at + 100 < len(records) else None
        return write({"data": page, "next": following, **more})

    return answer


OPAQUE = "{kind: cursor, token: next, param: cursor}"


@pytest.mark.parametrize("paging", [LINKS, URLS, TOKENS])
def test_what_shifts_under_pages_that_are_told_by_number_is_read_again(paging: str) -> None:
    records = make_things(250)
    lived = {one["id"] for one in records[3:]}

    def delete(page: int) -> None:
        if page == 1:
            del records[: max(0, len(records) - 247)]

    land = Land(describe(paging), give_numbered(records, paging, delete))
    assert lived <= {one["id"] for one in land.sync()}
    assert land.said == {"things": ""}
    assert not [one for one in land.marks if one is not None]


def test_pages_that_are_told_by_words_are_read_once() -> None:
    asked: list[int] = []
    land = Land(describe(OPAQUE), give_opaque(make_things(450), asked))
    assert len(land.sync()) == 450
    assert asked == [0, 100, 200, 300, 400]


def place_of(land: Land, number: int) -> Any:
    """Give a place that a whole sync went by."""
    land.sync()
    return [one for one in land.marks if one is not None][number]


def make_big(count: int) -> list[Record]:
    return [{**one, "text": BIG} for one in make_things(count)]


def test_a_place_is_gone_on_from_and_what_was_counted_before_counts() -> None:
    asked: list[int] = []
    land = Land(
        describe(OPAQUE, "total: {path: total}"), give_opaque(make_big(950), asked, total=950)
    )
    place = place_of(land, 1)
    asked.clear()
    land.before, land.marks = {"things": Before(None, place)}, []
    land.sync()
    assert land.said == {"things": ""}
    assert None not in land.marks
    assert len(asked) < 10


def test_behind_a_place_that_the_platform_forgot_nothing_is_not_the_end() -> None:
    records, asked, forgotten = make_big(950), list[int](), list[bool]()
    whole = give_opaque(records, asked)

    def answer(request: Request) -> Response:
        if forgotten and not asked and "cursor" in query(request):
            return write({"data": [], "next": None})
        return whole(request)

    land = Land(describe(OPAQUE), answer)
    place = place_of(land, 1)
    asked.clear()
    forgotten.append(True)
    land.before, land.marks = {"things": Before(None, place)}, []
    assert len(land.sync()) == 950
    assert land.marks[0] is None
    assert land.said == {"things": ""}


def test_a_count_that_does_not_agree_behind_a_place_begins_the_list_anew() -> None:
    asked: list[int] = []
    land = Land(describe(OPAQUE), give_opaque(make_big(950), asked, total=1200))
    place = place_of(land, 1)
    assert "1200" in land.said["things"]
    asked.clear()
    land.before, land.marks = {"things": Before(None, place)}, []
    land.sync()
    assert "1200" in land.said["things"]
    assert land.marks.count(None) == 1
    assert 0 in asked


def test_no_place_is_written_behind_what_could_not_be_read() -> None:
    records = make_big(950)
    for one in records[200:205]:
        one["id"] = None
    land = Land(describe(OPAQUE), give_opaque(records, []))
    land.sync()
    assert "5 records could not be read" in land.said["things"]
    assert max(one["rows"] for one in land.marks) <= 200


FALLING = "since: {field: updated, param: since, written: unix, sees: changed}"


def test_a_list_that_begins_with_what_was_changed_last_is_read_until_nothing_new_comes() -> None:
    records = [{**one, "updated": 2000 - one["id"]} for one in make_things(350)]
    asked: list[int] = []

    def answer(request: Request) -> Response:
        shown = sorted(records, key=lambda one: -one["updated"])
        after = int(query(request).get("cursor", "t-9999")[2:])
        page = [one for one in shown if one["updated"] < after][:100]
        asked.append(after)
        if len(asked) == 1:
            records[249]["updated"] = 5000
        return write({"data": page, "next": f"t-{page[-1]['updated']}" if len(page) > 99 else None})

    land = Land(describe(OPAQUE, FALLING), answer)
    assert {one["id"] for one in land.sync()} == set(range(1, 351))
    assert land.said == {"things": ""}


def test_a_list_in_the_order_of_changes_is_read_once() -> None:
    records = [{**one, "updated": 2000 + one["id"]} for one in make_things(350)]
    asked: list[int] = []
    land = Land(describe(OPAQUE, FALLING), give_opaque(records, asked))
    assert len(land.sync()) == 350
    assert asked == [0, 100, 200, 300]


def test_exactly_ten_thousand_changes_are_the_end_of_a_search_as_well() -> None:
    records = [{**one, "updated": 2000 + one["id"]} for one in make_things(12_000)]
    shown = records[:30]
    land = Land(describe(OPAQUE, FALLING), give_opaque(shown, []))
    land.sync()
    assert land.said == {"things": ""}
    shown += records[30:10_000]
    land.answer = give_opaque(shown, [], total=12_000)
    land.sync()
    assert "since" in query(land.asked[0])
    assert "exactly 10000 records" in land.said["things"]


def code(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DISGUISES: dict[str, Callable[[int], str]] = {
    "offset": lambda read: code(f"offset:{read}"),
    "relay": lambda read: code(f"arrayconnection:{read - 1}"),
    "page": lambda read: code(json.dumps({"page": read // 100 + 1})),
    "skip": lambda read: code(json.dumps({"skip": read, "limit": 100})),
    "short": lambda read: f"p{read // 100 + 1}",
    "dash": lambda read: f"at-{read}",
    "pair": lambda read: f"{read}:100",
    "number": str,
    "next": lambda read: str(read // 100 + 1),
    "nameless": lambda read: f"itrAbC/rec{read}",
}


def give_disguised(
    records: list[Record], disguise: Callable[[int], str], url: str, after: Callable[[int], None]
) -> Answer:
    """Pages of a hundred by tokens that are made of how many records were read."""
    starts = {disguise(read): read for read in range(0, 1200, 100)}

    def answer(request: Request) -> Response:
        there = urlsplit(request.url)
        token = next((value for _, value in parse_qsl(there.query)), there.path[len("/things/") :])
        at = starts[token] if token else 0
        here = [dict(one) for one in records[at : at + 100]]
        more = at + 100 < len(records)
        after(at)
        told = url.replace("TOKEN", quote(disguise(at + 100))) if url else disguise(at + 100)
        return write({"data": here, "next": told if more else None})

    return answer


def delete_in_front(records: list[Record], count: int) -> Callable[[int], None]:
    def delete(at: int) -> None:
        if at == 0:
            del records[: max(0, len(records) - count)]

    return delete


@pytest.mark.parametrize("url", ["", "/things?cursor=TOKEN", "/things?seek=TOKEN"])
@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("count", [190, 440])
def test_what_shifts_under_tokens_that_count_in_disguise_is_read_again(
    disguise: str, url: str, count: int
) -> None:
    records = make_things(count + 3)
    lived = {one["id"] for one in records[3:]}
    make = DISGUISES[disguise]
    paging = URLS if url else OPAQUE
    land = Land(
        describe(paging), give_disguised(records, make, url, delete_in_front(records, count))
    )
    assert lived <= {one["id"] for one in land.sync()}
    assert land.said == {"things": ""}
    assert not [one for one in land.marks if one is not None]


@pytest.mark.parametrize("name", ["o", "pos", "startRow", "resultOffset", "$skiptoken", "index"])
@pytest.mark.parametrize("by", ["number", "next"])
def test_what_shifts_under_parameters_that_count_is_read_again(name: str, by: str) -> None:
    records = make_things(443)
    lived = {one["id"] for one in records[3:]}
    url = f"/things?{name}=TOKEN"
    land = Land(
        describe(URLS), give_disguised(records, DISGUISES[by], url, delete_in_front(records, 440))
    )
    assert lived <= {one["id"] for one in land.sync()}


def test_what_shifts_under_numbers_of_pages_in_a_path_is_read_again() -> None:
    records = make_things(193)
    lived = {one["id"] for one in records[3:]}
    after = delete_in_front(records, 190)
    answer = give_disguised(records, lambda read: f"page/{read // 100 + 1}", "/things/TOKEN", after)
    land = Land(describe(URLS), answer)
    assert lived <= {one["id"] for one in land.sync()}


NAMES: dict[str, Callable[[int], str]] = {
    "last": lambda last: str(last),
    "next": lambda last: str(last + 1),
    "coded": lambda last: code(json.dumps({"id": last, "v": 1})),
    "moment": lambda last: str(1_700_000_000 + last),
    "day": lambda last: f"2026-01-{last % 28 + 1:02d}T00:{last % 60:02d}:00.{last}Z",
    "digest": lambda last: hashlib.sha256(str(last).encode()).hexdigest(),
    "uuid": lambda last: str(uuid.UUID(bytes=hashlib.md5(str(last).encode()).digest())),
}


@pytest.mark.parametrize("url", ["", "/things?cursor=TOKEN&limit=100&v=2"])
@pytest.mark.parametrize("gap", [1, 3, 10])
@pytest.mark.parametrize("kind", NAMES)
def test_tokens_that_name_a_record_are_read_once(kind: str, gap: int, url: str) -> None:
    records = [{"id": one * gap} for one in range(1, 441)]
    starts = {NAMES[kind](one["id"]): at + 1 for at, one in enumerate(records)}

    def answer(request: Request) -> Response:
        token = query(request).get("cursor")
        at = starts[token] if token else 0
        here = records[at : at + 100]
        word = NAMES[kind](here[-1]["id"])
        told = url.replace("TOKEN", quote(word)) if url else word
        return write({"data": here, "next": told if at + 100 < len(records) else None})

    land = Land(describe(URLS if url else OPAQUE), answer)
    assert len(land.sync()) == 440
    assert land.said == {"things": ""}
    assert len(land.asked) == 5
