"""Whole pages whose records a platform hides, ends that are told once by mistake, and records that
cannot be told apart where pages meet."""

from collections.abc import Callable
from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import OFFSET, PAGES, assert_all, assert_doubt

SMALL = [one.replace("1000", "100") for one in (PAGES, OFFSET)]
FIXED = "{kind: page_number, param: page, size: {value: 100}}"
CURSOR = "{kind: cursor, token: next, param: cursor, size: {param: limit, value: 100}"


def hide(records: list[Record], hidden: range) -> Callable[[Request], Response]:
    """Pages out of which records are taken after they were cut."""

    def answer(request: Request) -> Response:
        asked = query(request)
        size = int(asked.get("limit", 100))
        start = (int(asked["page"]) - 1) * size if "page" in asked else int(asked["offset"])
        page = [one for one in records[start : start + size] if one["id"] not in hidden]
        return write({"data": page})

    return answer


@pytest.mark.parametrize(
    "hidden", [range(1, 101), range(1, 151), range(101, 201), range(201, 451), range(101, 801)]
)
@pytest.mark.parametrize("paging", [*SMALL, FIXED])
def test_behind_pages_whose_records_are_all_hidden_there_is_more(
    paging: str, hidden: range
) -> None:
    records = make_things(1350)
    seen = [one for one in records if one["id"] not in hidden]
    assert_all(Land(describe(paging), hide(records, hidden)), seen)


@pytest.mark.parametrize("paging", SMALL)
def test_the_end_of_a_long_list_takes_few_requests_more(paging: str) -> None:
    land = Land(describe(paging), hide(make_things(1350), range(0)))
    assert_all(land, make_things(1350))
    assert len(land.asked) <= 14 + 7


def give_ties(count: int, ties: range, cap: int, inclusive: bool) -> Callable[[Request], Response]:
    """Records by time, of which some have the same one, in pages cut in silence."""

    records: list[Record] = [
        {"id": one, "time": ties.start if one in ties else one} for one in range(count)
    ]

    def answer(request: Request) -> Response:
        least = int(query(request).get("from", -1))
        left = [one for one in records if one["time"] > least - inclusive]
        return write({"data": left[:cap]})

    return answer


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("cap", [73, 37])
@pytest.mark.parametrize("ties", [range(100, 250), range(250, 400)])
def test_equal_times_on_more_than_an_oddly_cut_page_are_doubt(
    ties: range, cap: int, inclusive: bool
) -> None:
    kind = f"keyset, field: time, param: from, inclusive: {str(inclusive).lower()}"
    paging = f"{{kind: {kind}, size: {{param: limit, value: 100}}}}"
    assert_doubt(Land(describe(paging), give_ties(400, ties, cap, inclusive)), "have the same time")


def test_equal_times_on_the_first_page_are_doubt_where_something_follows() -> None:
    kind = "keyset, field: time, param: from, inclusive: false"
    paging = f"{{kind: {kind}, size: {{param: limit, value: 100}}}}"
    answer = give_ties(150, range(100), 73, inclusive=False)
    assert_doubt(Land(describe(paging), answer), "have the same time")


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_few_equal_times_are_no_doubt(inclusive: bool) -> None:
    records: list[Record] = [{"id": one, "time": one // 5} for one in range(400)]

    def answer(request: Request) -> Response:
        least = int(query(request).get("from", -1))
        return write({"data": [one for one in records if one["time"] > least - inclusive][:73]})

    kind = f"keyset, field: time, param: from, inclusive: {str(inclusive).lower()}"
    paging = f"{{kind: {kind}, size: {{param: limit, value: 100}}}}"
    assert_all(Land(describe(paging), answer), records)


def give_tokens(
    count: int, lost: int, says: bool = True, always: bool = False
) -> Callable[[Request], Response]:
    """Pages by a token, one of which lacks it, and whether there is more, once or always."""
    records = make_things(count)
    asked: list[int] = []

    def answer(request: Request) -> Response:
        at = int(query(request).get("cursor", "at-0")[3:])
        page: dict[str, Any] = {"data": records[at : at + 100]}
        if at == lost and (always or at not in asked):
            asked.append(at)
            return write(page)
        more = at + 100 < count
        page |= {"next": f"at-{at + 100}"} if more else {}
        return write(page | ({"more": more} if says else {}))

    return answer


@pytest.mark.parametrize("paging", [CURSOR + "}", CURSOR + ", more: more}"])
def test_a_full_page_that_lacks_its_token_once_is_no_end(paging: str) -> None:
    assert_all(Land(describe(paging), give_tokens(450, 200)), make_things(450))


def test_a_page_that_no_longer_says_whether_there_is_more_is_asked_for_again() -> None:
    paging = "{kind: cursor, token: next, param: cursor, more: more}"
    assert_all(Land(describe(paging), give_tokens(450, 200)), make_things(450))


def test_a_platform_that_says_nothing_at_its_end_is_believed_the_second_time() -> None:
    paging = "{kind: cursor, token: next, param: cursor, more: more}"
    land = Land(describe(paging), give_tokens(450, 400, always=True))
    assert_all(land, make_things(450))
    assert len(land.asked) == 6


def test_sort_values_that_are_not_unique_are_doubt() -> None:
    records = [{"id": one, "sort": [one // 2]} for one in range(250)]

    def answer(request: Request) -> Response:
        after = query(request).get("after", [-1])
        left = [one for one in records if one["sort"] > after]
        return write({"data": left[:25]})

    text = describe(
        "{kind: search_after, field: sort, param: after, size: {param: size, value: 25}}"
    ).replace("path: /things", "method: POST, path: /things, body: {q: all}")
    assert_doubt(Land(text, answer), "records have the same sort")
