"""Pages that a stranger's platform cuts short: nothing that is there is missing without a word."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import OFFSET, PAGES, assert_all, assert_doubt, give_pages


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


@pytest.mark.parametrize("paging", [PAGES, OFFSET])
def test_a_short_list_takes_two_requests(paging: str) -> None:
    land = Land(describe(paging), give_pages(make_things(3)))
    assert_all(land, make_things(3))
    assert len(land.asked) == 2


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
