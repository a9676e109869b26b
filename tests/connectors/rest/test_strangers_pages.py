"""Pages that a stranger's platform cuts short: nothing that is there is missing without a word."""

import json

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import OFFSET, PAGES, assert_all, assert_doubt, give_pages

FIXED = "{kind: page_number, param: page, size: {value: 100}}"


@pytest.mark.parametrize("count", [30, 100, 500, 1100])
@pytest.mark.parametrize("cap", [75, 80, 100])
@pytest.mark.parametrize(
    "paging", [PAGES, OFFSET, OFFSET.replace("1000}", "1000}, short_ends: true")]
)
@pytest.mark.parametrize("by_asked", [False, True])
def test_a_platform_that_cuts_pages_in_silence_is_read_whole(
    count: int, cap: int, paging: str, by_asked: bool
) -> None:
    records = make_things(count)
    assert_all(Land(describe(paging), give_pages(records, cap=cap, by_asked=by_asked)), records)


@pytest.mark.parametrize(("paging", "requests"), [(PAGES, 3), (OFFSET, 2)])
def test_a_short_list_takes_few_requests(paging: str, requests: int) -> None:
    land = Land(describe(paging), give_pages(make_things(3)))
    assert_all(land, make_things(3))
    assert len(land.asked) == requests


@pytest.mark.parametrize("count", [3, 100, 101, 250, 500])
@pytest.mark.parametrize("paging", [PAGES, PAGES.replace("1000", "100"), FIXED])
def test_pages_that_are_counted_from_nought_are_not_read_from_one_in_silence(
    paging: str, count: int
) -> None:
    records = make_things(count)

    def answer(request: Request) -> Response:
        asked = query(request)
        size, page = min(100, int(asked.get("limit", 100))), int(asked["page"])
        return write({"data": records[page * size : (page + 1) * size]})

    assert_doubt(Land(describe(paging), answer), "there are records on page 0: look at `first`")
    right = paging.replace("page_number", "page_number, first: 0")
    assert_all(Land(describe(right), answer), records)


def test_a_page_in_front_that_fails_is_none() -> None:
    pages = give_pages(make_things(250), cap=100)

    def answer(request: Request) -> Response:
        return write({}, 500) if query(request)["page"] == "0" else pages(request)

    land = Land(describe(PAGES.replace("1000", "100")), answer)
    assert_all(land, make_things(250))
    assert sum(query(one)["page"] == "0" for one in land.asked) == 1


def test_offsets_that_count_pages_are_doubt() -> None:
    records = make_things(900)

    def answer(request: Request) -> Response:
        at, size = int(query(request)["offset"]), int(query(request)["limit"])
        return write({"data": records[at * size : (at + 1) * size]})

    paging = OFFSET.replace("1000", "100")
    assert_doubt(Land(describe(paging), answer), "do not begin at the offsets")


@pytest.mark.parametrize("cap", [12, 15, 36, 93])
@pytest.mark.parametrize("paging", [PAGES, OFFSET])
def test_short_pages_end_a_list_only_where_one_was_seen_to_do_so(paging: str, cap: int) -> None:
    short = paging.replace("1000}", "1000}, short_ends: true")
    records = make_things(450)
    assert_all(Land(describe(short), give_pages(records, cap=cap)), records)
    land = Land(describe(short), give_pages(make_things(33)))
    assert_all(land, make_things(33))


@pytest.mark.parametrize("count", [3, 37, 100, 250])
@pytest.mark.parametrize("paging", [PAGES.replace("1000", "100"), FIXED])
def test_a_platform_that_gives_its_last_page_again_has_ended(paging: str, count: int) -> None:
    records = make_things(count)

    def answer(request: Request) -> Response:
        asked = query(request)
        size = int(asked.get("limit", 100))
        page = min(int(asked["page"]), -(-count // size))
        return write({"data": records[(max(page, 1) - 1) * size : max(page, 1) * size]})

    land = Land(describe(paging), answer)
    if count == 100 and paging == FIXED:
        assert_doubt(land, "the same page, whichever one is asked for")
    else:
        assert_all(land, records)
    assert len(land.asked) < 40


def test_a_platform_that_heeds_no_number_is_doubted_at_once() -> None:
    things = make_things(100)
    land = Land(describe(PAGES), lambda request: write({"data": things[:36]}))
    assert_doubt(land, "the same page, whichever one is asked for")
    assert len(land.asked) < 20


@pytest.mark.parametrize("paging", [PAGES.replace("1000", "100"), OFFSET.replace("1000", "100")])
def test_a_next_page_that_every_page_names_is_no_doubt_where_nothing_stands_behind(
    paging: str,
) -> None:
    pages = give_pages(make_things(250))

    def answer(request: Request) -> Response:
        body = json.loads(pages(request).body)
        return write({**body, "next_page": 7, "links": {"next": "/things?page=7"}, "pages": 9})

    assert_all(Land(describe(paging), answer), make_things(250))


def test_records_that_come_twice_in_each_reading_are_doubt() -> None:
    records = make_things(100)
    records[40] = records[39]

    def answer(request: Request) -> Response:
        page = int(query(request)["page"])
        return write({"data": records[(page - 1) * 20 : page * 20]})

    land = Land(describe("{kind: page_number, param: page, size: {value: 20}}"), answer)
    assert_doubt(land, "or its order did")


def test_a_total_of_all_is_not_compared_with_what_changed() -> None:
    records = [{**one, "at": "2026-10-01T00:00:00Z"} for one in make_things(250)]

    def answer(request: Request) -> Response:
        asked = query(request)
        found = [one for one in records if str(one["at"]) >= asked.get("from", "")]
        at = (int(asked["page"]) - 1) * int(asked["limit"])
        return write({"data": found[at : at + int(asked["limit"])], "total": len(records)})

    text = describe(
        PAGES.replace("1000", "100"), "since: {param: from, field: at}", "total: {path: total}"
    )
    land = Land(text, answer)
    assert_all(land, records)
    land.pass_time(hours=5)
    records[7]["at"] = "2026-11-01T16:00:00Z"
    assert_all(land, records)
    assert not any("from" not in query(one) for one in land.asked)


@pytest.mark.parametrize("status", [404, 400, 422])
@pytest.mark.parametrize("paging", [PAGES, OFFSET])
def test_there_may_be_no_page_behind_the_last(status: int, paging: str) -> None:
    records = make_things(1200)
    assert_all(Land(describe(paging), give_pages(records, beyond=status)), records)


def test_what_is_refused_by_the_way_there_is_no_end() -> None:
    pages = give_pages(make_things(70))

    def answer(request: Request) -> Response:
        if "page" in query(request) and query(request)["page"] != "1":
            return Response(302, {"location": "https://elsewhere.example/things"})
        return pages(request)

    land = Land(describe(PAGES), answer)
    land.sync()
    assert land.said["things"]


def test_a_platform_may_know_some_sizes_only_or_one() -> None:
    records = make_things(257)
    paging = PAGES.replace("1000", "100")
    assert_all(Land(describe(paging), give_pages(records, sizes=(10, 50, 100))), records)
    fixed = "{kind: page_number, param: page, size: {value: 20}}"
    land = Land(describe(fixed), give_pages(records, cap=20))
    assert_all(land, records)
    assert not any("limit" in query(one) for one in land.asked)
    fixed = "{kind: offset, param: offset, size: {value: 20}}"
    assert_all(Land(describe(fixed), give_pages(records, cap=20)), records)


@pytest.mark.parametrize("refusal", [400, 404, 422])
@pytest.mark.parametrize("kind", ["page_number, param: page", "offset, param: offset"])
def test_where_a_search_ends_the_list_does_not(refusal: int, kind: str) -> None:
    paging = f"{{kind: {kind}, size: {{param: limit, value: 100}}}}"
    land = Land(describe(paging), give_pages(make_things(1300), reach=1000, refusal=refusal))
    assert_doubt(land, "refuses what comes after 1000 records")
    known = paging.replace("}}", "}, most: 1000}")
    assert_doubt(
        Land(describe(known), give_pages(make_things(1300), reach=1000)), "no more than 1000"
    )


def test_exactly_ten_thousand_records_are_the_end_of_a_search_unless_the_platform_counts_them() -> (
    None
):
    paging = "{kind: cursor, token: next, param: cursor}"
    records = make_things(10_000)

    def answer(request: Request) -> Response:
        at = int(query(request).get("cursor", 0))
        token = str(at + 2500) if at < 7500 else None
        return write({"data": records[at : at + 2500], "next": token, "sum": 10_000})

    assert_doubt(Land(describe(paging), answer), "exactly 10000 records came")
    assert_all(Land(describe(paging, "total: {path: sum}"), answer), records)
    assert_all(Land(describe(paging.replace("}", ", most: all}")), answer), records)
    assert_doubt(Land(describe(paging.replace("}", ", most: 9000}")), answer), "no more than 9000")


@pytest.mark.parametrize("inclusive", [True, False])
def test_equal_times_on_more_than_a_cut_page_are_doubt(inclusive: bool) -> None:
    records: list[Record] = [{"id": number, "time": number // 60} for number in range(257)]

    def answer(request: Request) -> Response:
        least = int(query(request).get("from", -1))
        left = [one for one in records if one["time"] > least - inclusive]
        return write({"data": left[:50]})

    kind = f"keyset, field: time, param: from, inclusive: {str(inclusive).lower()}"
    paging = f"{{kind: {kind}, size: {{param: limit, value: 100}}}}"
    assert_doubt(Land(describe(paging), answer), "have the same time")


def test_records_may_come_ordered_downwards() -> None:
    records: list[Record] = [{"id": number, "time": number // 3} for number in range(257, 0, -1)]

    def answer(request: Request) -> Response:
        most = int(query(request).get("before", 10**9))
        left = [one for one in records if one["time"] < most]
        return write({"data": left[: int(query(request)["limit"])]})

    kind = "keyset, field: time, param: before, inclusive: false, descending: true"
    assert_all(
        Land(describe(f"{{kind: {kind}, size: {{param: limit, value: 50}}}}"), answer), records
    )
