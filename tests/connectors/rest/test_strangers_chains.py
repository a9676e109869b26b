"""Chains of pages whose end, or whose order, is not what it seems."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import assert_all, assert_doubt

SIZE = ", size: {param: limit, value: 100}}"
CURSOR = "{kind: cursor, token: next, param: cursor}"
URLS = "{kind: next_url, url: next}"
LINKS = "{kind: link_header}"
TOLD = [CURSOR, URLS, LINKS]
CHAINS = [
    *TOLD,
    "{kind: keyset, field: id, param: after, inclusive: false" + SIZE,
    "{kind: keyset, field: id, param: from" + SIZE,
    "{kind: search_after, field: sort, param: search_after" + SIZE,
]
Answer = Callable[[Request], Response]


def spell(number: int) -> str:
    """Name a number so that nobody sees that it is one."""
    return "".join("klmnopqrst"[int(one)] for one in str(number))


def read_spelt(word: str) -> int:
    return int("".join(str("klmnopqrst".index(one)) for one in word))


def tell(paging: str, page: dict[str, Any], token: str | None) -> Response:
    """Tell where the next page is, as a way of paging reads it."""
    if paging == LINKS:
        there: Any = {"link": f'</things?cursor={token}>; rel="next"'} if token else {}
        return write(page, **there)
    url = f"/things?cursor={token}" if token and paging == URLS else token
    return write({**page, "next": url})


def find_start(records: list[Record], asked: dict[str, Any]) -> int:
    if "cursor" in asked:
        return read_spelt(asked["cursor"])
    least = int(asked.get("from", 1))
    if "after" in asked:
        least = int(asked["after"]) + 1
    if "search_after" in asked:
        (last,) = json.loads(str(asked["search_after"]))
        least = last + 1
    return next((at for at, one in enumerate(records) if one["id"] >= least), len(records))


def give_chained(
    records: list[Record], paging: str, spoil: Callable[[int, Request], Response | None]
) -> Answer:
    """Pages of fifty, at most; `spoil` answers in place of one, by its number from 1."""
    count = [0]

    def answer(request: Request) -> Response:
        count[0] += 1
        spoilt = spoil(count[0], request)
        if spoilt is not None:
            return spoilt
        at = find_start(records, query(request))
        page: dict[str, Any] = {"data": records[at : at + 50]}
        if paging not in TOLD:
            return write(page)
        return tell(paging, page, spell(at + 50) if at + 50 < len(records) else None)

    return answer


def make_sorted(count: int) -> list[Record]:
    return [{**one, "sort": [one["id"]]} for one in make_things(count)]


@pytest.mark.parametrize("at", [1, 2, 3, 5])
@pytest.mark.parametrize("paging", CHAINS)
def test_an_empty_page_that_comes_once_is_no_end(paging: str, at: int) -> None:
    records = make_sorted(230)
    empty = write({"data": []})
    spoil = lambda number, request: empty if number == at else None  # noqa: E731
    assert_all(Land(describe(paging), give_chained(records, paging, spoil)), records)


@pytest.mark.parametrize("paging", CHAINS)
def test_the_end_of_a_chain_takes_one_request_more_where_it_is_empty(paging: str) -> None:
    land = Land(describe(paging), give_chained([], paging, lambda number, request: None))
    assert_all(land, [])
    assert len(land.asked) == 2
    records = make_sorted(230)
    land = Land(describe(paging), give_chained(records, paging, lambda number, request: None))
    assert_all(land, records)
    assert len(land.asked) <= 5 + 2 * (paging not in TOLD)


FAMILY = """streams:
  - {{name: owners, request: {{path: /owners}}, paging: {{kind: one_page}}, records: data, restore:
    {{kind: archive_only, why: a test}}}}
  - name: things
    request: {{path: "/owners/{{parent.id}}/things"}}
    parent: {{stream: owners}}
    records: data
    key: [owner, id]
    adds: {{owner: "{{parent.id}}"}}
    paging: {paging}
    restore: {{kind: archive_only, why: a test}}
"""


@pytest.mark.parametrize("paging", TOLD)
def test_many_lists_that_are_empty_are_not_all_asked_for_again(paging: str) -> None:
    def answer(request: Request) -> Response:
        if request.url.endswith("/owners"):
            return write({"data": make_things(30)})
        return tell(paging, {"data": []}, None)

    land = Land(FAMILY.format(paging=paging), answer)
    assert_all(land, [])
    assert len(land.asked) < 1 + 30 + 10


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("size", ["", SIZE[:-1]])
@pytest.mark.parametrize("paging", TOLD)
def test_a_token_that_is_missing_once_on_a_page_as_full_as_any_is_no_end(
    paging: str, size: str, at: int
) -> None:
    records = make_things(230)

    def spoil(number: int, request: Request) -> Response | None:
        start = find_start(records, query(request))
        return write({"data": records[start : start + 50]}) if number == at else None

    text = describe(paging[:-1] + size + "}")
    assert_all(Land(text, give_chained(records, paging, spoil)), records)


@pytest.mark.parametrize("paging", TOLD)
def test_an_end_that_is_empty_and_serves_once_is_believed(paging: str) -> None:
    records, served = make_things(100), set[str]()

    def answer(request: Request) -> Response:
        at = find_start(records, query(request))
        if request.url in served:
            return write({"message": "no such token"}, 404)
        served.add(request.url if at else "")
        return tell(paging, {"data": records[at : at + 50]}, spell(at + 50) if at < 100 else None)

    assert_all(Land(describe(paging), answer), records)


def give_shuffled(
    records: list[Record], paging: str, group: int, *, settles: int = 10**9, changes: str = ""
) -> Answer:
    """Pages of fifty of a list that is sorted by groups alone: within one, any order will do.
    After so many requests it stays as it is."""
    count = [0]

    def answer(request: Request) -> Response:
        count[0] += 1
        turn = min(count[0], settles)
        mixed = sorted(records, key=lambda one: ((one["id"] - 1) // group, hash((turn, one["id"]))))
        at = find_start(records, query(request))
        return tell(
            paging, {"data": mixed[at : at + 50]}, spell(at + 50) if at + 50 < len(mixed) else None
        )

    return answer


@pytest.mark.parametrize("group", [7, 30, 430])
@pytest.mark.parametrize("paging", TOLD)
def test_records_that_come_twice_in_no_order_are_doubt(paging: str, group: int) -> None:
    answer = give_shuffled(make_things(430), paging, group)
    assert_doubt(Land(describe(paging), answer), "the order of the list is not stable")


@pytest.mark.parametrize("paging", TOLD)
def test_a_list_whose_order_settles_is_read_until_nothing_comes_twice(paging: str) -> None:
    answer = give_shuffled(make_things(430), paging, 430, settles=9)
    assert_all(Land(describe(paging), answer), make_things(430))


@pytest.mark.parametrize("paging", TOLD)
def test_pages_that_overlap_are_read_once(paging: str) -> None:
    records = make_things(430)

    def answer(request: Request) -> Response:
        at = find_start(records, query(request))
        page: dict[str, Any] = {"data": records[max(0, at - 3) : at + 50]}
        return tell(paging, page, spell(at + 50) if at + 50 < 430 else None)

    land = Land(describe(paging), answer)
    assert_all(land, records)
    assert len(land.asked) == 9


@pytest.mark.parametrize("paging", TOLD)
def test_records_that_move_to_the_end_because_they_change_are_no_doubt(paging: str) -> None:
    records = [{"id": one, "at": one, "n": 0} for one in range(430)]
    count = [0]

    def answer(request: Request) -> Response:
        count[0] += 1
        after = find_start([], query(request)) if "cursor" not in query(request) else None
        after = -1 if after is not None else read_spelt(query(request)["cursor"])
        left = sorted((one for one in records if one["at"] > after), key=lambda one: one["at"])
        page: dict[str, Any] = {"data": [dict(one) for one in left[:50]]}
        token = spell(left[49]["at"]) if len(left) > 50 else None
        if count[0] % 4 == 0:
            # one that was read already, and one that is new
            records[count[0]] |= {"at": 1000 + count[0], "n": count[0]}
            records.append({"id": 1000 + count[0], "at": 2000 + count[0], "n": 0})
        return tell(paging, page, token)

    land = Land(describe(paging), answer)
    land.sync()
    assert land.said == {"things": ""}
    assert len(land.asked) > 20


def tell_time(number: int) -> str:
    return f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}+00:00"


def give_timed(
    records: list[Record], paging: str, *, inclusive: bool, coded: bool = False
) -> Answer:
    """Pages of fifty, the next one told by the time of the last record."""

    def answer(request: Request) -> Response:
        after = str(query(request).get("cursor", "")).replace(" ", "+")
        if coded:
            after = base64.b64decode(after).decode()
        left = [one for one in records if one["at"] > after or (inclusive and one["at"] == after)]
        last = left[:50][-1]["at"]
        token = base64.b64encode(last.encode()).decode() if coded else last
        return tell(paging, {"data": left[:50]}, token if len(left) > 50 else None)

    return answer


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("ties", [3, 7])
@pytest.mark.parametrize("paging", TOLD)
def test_pages_that_go_on_after_a_time_that_several_records_have_are_doubt(
    paging: str, ties: int, coded: bool
) -> None:
    records = [{"id": one, "at": tell_time(one // ties)} for one in range(430)]
    answer = give_timed(records, paging, inclusive=False, coded=coded)
    assert_doubt(Land(describe(paging), answer), "pages go on after a at that several records have")


@pytest.mark.parametrize("ties", [1, 3, 7])
@pytest.mark.parametrize("paging", TOLD)
def test_pages_that_go_on_with_a_time_or_after_one_that_is_unique_are_read_once(
    paging: str, ties: int
) -> None:
    records = [{"id": one, "at": tell_time(one // ties)} for one in range(430)]
    land = Land(describe(paging), give_timed(records, paging, inclusive=ties > 1))
    assert_all(land, records)
    assert len(land.asked) <= 10


@pytest.mark.parametrize("paging", TOLD)
def test_pages_that_go_on_after_a_time_and_a_key_are_no_doubt(paging: str) -> None:
    records = [{"id": spell(one), "at": tell_time(one // 7), "kind": "folder"} for one in range(99)]
    records = [{**one, "state": "a" * 8 if at < 60 else "b" * 8} for at, one in enumerate(records)]

    def answer(request: Request) -> Response:
        token = query(request).get("cursor")
        at = [one["id"] for one in records].index(token) + 1 if token else 0
        here = records[at : at + 20]
        return tell(paging, {"data": here}, here[-1]["id"] if at + 20 < len(records) else None)

    if paging != CURSOR:
        assert_all(Land(describe(paging), answer), records)
        return

    def say_both(request: Request) -> Response:
        page = json.loads(answer(request).body)
        last = page["data"][-1]
        return write({**page, "at": last["at"]})

    both = "{kind: cursor, token: next, param: cursor, also: {after: at}}"
    assert_all(Land(describe(both), say_both), records)


def give_ordered(
    records: list[Record], name: str, rank: Callable[[Any], Any], *, inclusive: bool
) -> Answer:
    """Pages of fifty of what stands behind a value, in an order of the platform's own."""

    def answer(request: Request) -> Response:
        after = query(request).get("after")
        least = rank(after) if after else None
        left = sorted(records, key=lambda one: rank(one[name]))
        left = [
            one
            for one in left
            if least is None or rank(one[name]) > least or (inclusive and rank(one[name]) == least)
        ]
        return write({"data": left[:50]})

    return answer


def rank_time(text: str) -> float:
    hours, minutes, seconds = text[11:].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


TIMES = [
    f"2026-01-01T00:{one // 240:02d}:{one // 4 % 60:02d}" + ("Z", ".2Z", ".25Z", ".9Z")[one % 4]
    for one in range(230)
]
NUMBERS = [str(one) for one in range(900, 1130)]
CASES = [f"a{one:03d}" for one in range(115)] + [f"A{one:03d}x" for one in range(115)]


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(
    ("values", "rank"), [(TIMES, rank_time), (NUMBERS, int), (CASES, str.lower)]
)
def test_keys_in_an_order_that_is_not_that_of_their_letters_are_read(
    values: list[str], rank: Callable[[Any], Any], inclusive: bool
) -> None:
    records = [{"id": number, "at": value} for number, value in enumerate(values)]
    kind = f"keyset, field: at, param: after, inclusive: {str(inclusive).lower()}"
    land = Land(
        describe(f"{{kind: {kind}{SIZE}"), give_ordered(records, "at", rank, inclusive=inclusive)
    )
    assert_all(land, records)


def test_keys_in_no_order_are_still_doubt() -> None:
    records = [{"id": number, "at": str(number * 37 % 230)} for number in range(230)]
    answer = give_ordered(records, "at", lambda text: int(text) * 101 % 230, inclusive=True)
    assert_doubt(
        Land(describe("{kind: keyset, field: at, param: after" + SIZE), answer),
        "did not come ordered by at",
    )


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_full_page_that_says_once_that_nothing_follows_is_no_end(at: int) -> None:
    records, count = make_things(230), [0]

    def answer(request: Request) -> Response:
        count[0] += 1
        start = find_start(records, query(request))
        more = start + 50 < len(records) and count[0] != at
        return write({"data": records[start : start + 50], "more": more})

    paging = "{kind: after_key, param: after, more: more, size: {param: limit, value: 50}}"
    land = Land(describe(paging), answer)
    assert_all(land, records)
    assert len(land.asked) <= 8
