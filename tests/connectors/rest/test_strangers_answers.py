"""Answers whose status is fine: which of them are none, which say that there is more, and which
only look so."""

import json

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import CURSOR, PAGES, assert_all, assert_doubt, give

THINGS = make_things(5)
HUNDRED = make_things(100)
IGNORED = "failures: {signs: ignored}\n"
FAILED = "says that something failed"
ODD = "does not say that all is well"


@pytest.mark.parametrize(
    "sign",
    [
        {"errcode": 45009, "errmsg": "api freq out of limit"},
        {"error_code": 5},
        {"errorCode": "X1"},
        {"errno": 3},
        {"errorMessages": ["no"]},
        {"error_description": "the token is too old"},
        {"exceptions": ["no"]},
        {"hasErrors": True},
        {"is_error": True},
        {"failed": True},
        {"stat": "fail"},
        {"type": "error"},
        {"status": "throttled"},
        {"status": "partial"},
        {"status": "unavailable"},
        {"status": "OVER_QUERY_LIMIT"},
        {"meta": {"code": 500, "error": "timeout"}},
        {"meta": {"status": 500}},
        {"response": {"status": "error"}},
        {"responseStatus": {"errorCode": "Busy"}},
        {"error": {"code": 17, "message": ""}},
        {"_shards": {"total": 5, "successful": 3, "failed": 2}},
    ],
)
@pytest.mark.parametrize("records", [[], THINGS])
def test_failures_with_a_good_status_are_seen_in_many_words(
    sign: Record, records: list[Record]
) -> None:
    answer = give({"data": records, **sign})
    assert_doubt(Land(describe(""), answer), FAILED)
    assert_all(Land(IGNORED + describe("", "total: {path: t, exact: false}"), answer), records)


@pytest.mark.parametrize(
    "sign",
    [
        {"code": 429, "msg": "limit"},
        {"code": "rate_limited"},
        {"code": 1001},
        {"retcode": 1},
        {"ret": -1},
        {"meta": {"code": 500}},
        {"httpStatus": 503},
        {"status": "processing"},
        {"state": "FAILED"},
        {"degraded": True},
        {"title": "Too Many Requests", "detail": "slow"},
        {"title": "Service Unavailable"},
        {"Message": "An error has occurred."},
        {"message": "No response from the backend"},
        {"message": "No more than 100 requests a minute"},
        {"message": "Something went wrong, no data could be loaded"},
        {"message": "Down for maintenance"},
        {"code": 500, "message": "No data found"},
        {"msg": "Please come back later."},
    ],
)
def test_an_answer_without_records_that_does_not_say_that_all_is_well_is_none(
    sign: Record,
) -> None:
    assert_doubt(Land(describe(""), give({"data": [], **sign})), ODD)
    assert_all(Land(IGNORED + describe(""), give({"data": [], **sign})), [])
    # an answer that has records is one
    assert_all(Land(describe(""), give({"data": THINGS, **sign})), THINGS)


@pytest.mark.parametrize(
    "said",
    [
        {"message": "OK"},
        {"message": "No results found"},
        {"message": "No failed jobs found."},
        {"message": "There are no contacts yet."},
        {"message": "Record not found"},
        {"message": "Contacts retrieved successfully"},
        {"message": "0 results"},
        {"message": "End of list"},
        {"message": "Page 9 is out of range"},
        {"message": "Keine Daten gefunden"},
        {"message": ""},
        {"message": None},
        {"code": 0, "msg": "成功"},
        {"code": 200, "message": "Welcome to the interface"},
        {"code": "00000", "msg": "done"},
        {"code": 20000, "msg": "success"},
        {"code": 1, "msg": "success"},
        {"code": 404, "message": "No records found"},
        {"code": "OK"},
        {"code": "EUR"},
        {"errcode": 0, "errmsg": "ok"},
        {"errno": "0", "ret": 0, "retcode": 0},
        {"stat": "ok", "status": 1},
        {"status": "ZERO_RESULTS"},
        {"status": "active"},
        {"status": {"error_code": 0, "error_message": None, "elapsed": 10}},
        {"success": True, "message": "Maintenance is on Sunday"},
        {"meta": {"code": 200, "message": "OK", "errors": []}},
        {"responseHeader": {"status": 0, "QTime": 3}},
        {"type": "FeatureCollection", "title": "Things"},
        {"kind": "list", "url": "/things", "has_more": False, "object": "list"},
        {
            "id": 5,
            "title": "Fix the error",
            "status": "processing",
            "message": "hello",
            "code": "P1",
        },
        {"error": {"code": 0, "message": ""}},
        {"error": 0},
        {"_shards": {"total": 5, "successful": 5, "failed": 0}, "timed_out": False},
        {"warnings": ["this version will be retired"], "failed": 0, "partial": False},
    ],
)
def test_honest_empty_lists_say_many_things(said: Record) -> None:
    assert_all(Land(describe(""), give({"data": [], **said})), [])


@pytest.mark.parametrize("error", [200, "OK", {"code": 0, "message": ""}, {"code": 200, "x": []}])
def test_an_error_that_is_none_is_nothing(error: Record) -> None:
    assert_all(Land(describe(""), give({"data": THINGS, "error": error})), THINGS)
    assert_all(Land(describe(""), give({"data": THINGS, "errorCode": 0, "errno": "0"})), THINGS)


@pytest.mark.parametrize("paging", [CURSOR, PAGES, ""])
def test_a_list_that_comes_empty_with_a_reason_leaves_the_copy_as_it_was(paging: str) -> None:
    broken: list[Response] = []

    def answer(request: Request) -> Response:
        first = query(request).get("page", "1") == "1"
        return broken[0] if broken else write({"data": THINGS if first else []})

    for one in (write({"data": []}, 202), write({"data": [], "message": "Try again"})):
        broken.clear()
        land = Land(describe(paging), answer)
        assert land.sync() == THINGS
        broken.append(one)
        land.pass_time(hours=3)
        assert land.sync() == THINGS
        assert "Land gave no answer" in land.said["things"]


def test_a_list_that_is_not_ready_is_asked_for_again() -> None:
    answers = [write({"data": []}, 202), write({"data": []}, 202)]
    land = Land(describe(""), lambda _: answers.pop() if answers else write({"data": THINGS}))
    assert_all(land, THINGS)
    assert_all(Land(describe(""), give({"data": THINGS}, 202)), THINGS)
    assert_all(Land(IGNORED + describe(""), give({"data": []}, 202)), [])


def test_a_part_is_doubt_unless_it_says_how_it_goes_on() -> None:
    assert_doubt(Land(describe(""), give({"data": THINGS}, 206)), "this is a part (206)")
    assert_all(Land(IGNORED + describe(""), give({"data": THINGS}, 206)), THINGS)
    assert_all(Land(describe(""), give({"data": THINGS, "total": 5}, 206)), THINGS)
    ranged = Land(describe(""), lambda _: write({"data": THINGS}, 206, content_range="0-4/5"))
    assert_all(ranged, THINGS)
    things = make_things(257)

    def chain(request: Request) -> Response:
        at = int(query(request).get("cursor", 0))
        more = at + 100 < len(things)
        page = {"data": things[at : at + 100], "next": str(at + 100) if more else None}
        return write(page, 206 if more else 200)

    assert_all(Land(describe(CURSOR), chain), things)


SETTINGS = [
    {"id": 1, "total": 500, "total_count": 9, "pages": 12, "page_count": 9},
    {"id": 1, "done": False, "last": False, "next": "x", "has_more": True, "more": 1},
    {"id": 1, "links": {"next": "/x"}, "paging": {"next": "/x"}, "truncated": True},
    {"id": 1, "limit": 1, "count": 412, "remaining": 9},
]


@pytest.mark.parametrize("record", SETTINGS)
@pytest.mark.parametrize("records", ["data", "data.inner", ""])
def test_what_stands_in_a_record_is_no_sign_of_the_page(record: Record, records: str) -> None:
    def wrap(value: object) -> object:
        for step in reversed(records.split(".") if records else []):
            value = {step: value}
        return value

    alone = describe("", "records_as: one", records=records)
    assert_all(Land(alone, give(wrap(record))), [record])
    for count in (1, 2, 7):
        # names of different lengths: nothing stands at even distances
        named = {"k" * (n + 1): {**record, "id": n} for n in range(count)}
        by_name = describe("", "records_as: map", records=records)
        assert_all(Land(by_name, give(wrap(named))), list(named.values()))
        listed = [{**record, "id": n} for n in range(count)]
        assert_all(Land(describe("", records=records), give(wrap(listed))), listed)


def test_what_stands_beside_records_by_their_names_is_still_seen() -> None:
    page = {"data": {"a": {"id": 1}, "b": {"id": 2}}, "meta": {"has_more": True}}
    assert_doubt(Land(describe("", "records_as: map"), give(page)), "has_more")
    page = {"data": {"id": 1}, "error": "timeout"}
    assert_doubt(Land(describe("", "records_as: one"), give(page)), FAILED)


def test_records_at_uneven_distances_are_no_signs() -> None:
    body = '{"data": [{"id": 1, "done": false},{"id": 2, "done": false}, {"id": 3}, {"id": 4}]}'
    land = Land(describe(""), lambda _: Response(200, {}, body.encode()))
    assert_all(land, json.loads(body)["data"])


@pytest.mark.parametrize(
    "sign",
    [
        {"hasMorePages": True},
        {"has_more_pages": True},
        {"lastPage": False},
        {"meta": {"is_end": False}},
        {"truncated": True},
        {"partial": True},
        {"nextMarker": "abc"},
        {"next_href": "/x"},
        {"next_uri": "/x"},
        {"nextPageUri": "/x"},
        {"LastEvaluatedKey": {"id": 1}},
        {"continue": {"a": "b"}},
        {"resumptionToken": "x"},
        {"paging": {"next_page_number": 2}},
        {"next_id": 101},
        {"meta": {"pagination": {"links": {"next": "/x"}}}},
        {"_links": [{"rel": ["next"], "uri": "/x"}]},
        {"remaining": 150},
        {"bookmark": "abc", "limit": 100},
        {"endCursor": "abc", "meta": {"per_page": 100}},
        {"paging": {"cursors": {"after": "abc"}, "limit": 100}},
    ],
)
def test_more_behind_the_only_page_is_seen_in_more_words(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": HUNDRED, **sign})), "says that there is more")


@pytest.mark.parametrize(
    "sign",
    [
        {"count": 250},
        {"meta": {"count": 173}},
        {"numFound": 250},
        {"recordsTotal": 250},
        {"total_rows": 250},
        {"nbHits": 250},
        {"resultCount": 250},
        {"total_found": 250},
    ],
)
def test_totals_are_seen_in_more_words(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": HUNDRED, **sign})), "says that there are")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_pagination", '{"TotalCount": 250}'),
        ("x_pagination", '{"HasNext": true}'),
        ("x_has_more", "true"),
        ("x_next_cursor", "abc"),
        ("x_total_items", "250"),
        ("link", '</things?page=1>; rel="first", </things?page=3>; rel="last"'),
    ],
)
def test_headers_tell_of_more_in_more_words(name: str, value: str) -> None:
    land = Land(describe(""), lambda _: write({"data": HUNDRED}, 200, **{name: value}))
    assert_doubt(land, "look at `paging`")


@pytest.mark.parametrize(
    "sign",
    [
        {"limit": 100},
        {"limit": 100, "offset": 0},
        {"page": 1, "per_page": 100},
        {"meta": {"page_size": 100}},
    ],
)
def test_an_only_page_that_is_as_full_as_it_says_that_it_can_be_is_doubt(sign: Record) -> None:
    assert_doubt(Land(describe(""), give({"data": HUNDRED, **sign})), "100 records, as many as")


@pytest.mark.parametrize("records", [THINGS, make_things(37), HUNDRED])
@pytest.mark.parametrize(
    "sign",
    [
        {"bookmark": "abc", "marker": "abc", "cursor": "abc"},
        {"pageInfo": {"endCursor": "abc", "hasNextPage": False}, "limit": 100},
        {"paging": {"cursors": {"before": "a", "after": "b"}}},
        {"limit": 250, "bookmark": "abc", "paging": {"cursors": {"after": "b"}}},
        {"count": "COUNT"},
        {"count": "COUNT", "total": "COUNT", "limit": 100, "page": 1, "per_page": 100},
        {"limit": 100, "has_more": False, "remaining": 0},
        {"limit": 100, "next": None},
        {"per_page": 100, "total_pages": 1},
        {"resumptionToken": "", "LastEvaluatedKey": None, "continue": "", "nextMarker": None},
        {"truncated": False, "lastPage": True, "hasMorePages": False, "partial": False},
        {"summary": {"total": 1234500, "currency": "EUR"}},
        {"meta": {"credits": {"total": 5000, "remaining": 4000}, "rate": {"limit": 100}}},
        {"quota": {"total": 5000}, "usage": {"pages": 9}, "facets": {"total": 700, "pages": 3}},
        {"report": {"done": False, "last": False, "lastPage": False}},
        {"page_count": "COUNT"},
        {"rate_limit": {"limit": 100, "remaining": 99}},
    ],
)
def test_what_ordinary_platforms_say_on_their_only_page_is_harmless(
    sign: Record, records: list[Record]
) -> None:
    said = json.loads(json.dumps(sign).replace('"COUNT"', str(len(records))))
    assert_all(Land(describe(""), give({"data": records, **said})), records)


@pytest.mark.parametrize(("came", "count"), [(3, 100), (37, 50), (99, 100), (7, 1000)])
def test_a_count_that_is_what_was_asked_for_is_no_total(came: int, count: int) -> None:
    records = make_things(came)
    assert_all(Land(describe(""), give({"data": records, "count": count})), records)
    assert_doubt(
        Land(describe(""), give({"data": records, "count": count + 13})), "says that there are"
    )


def test_headers_of_a_last_page_are_harmless() -> None:
    told = {
        "link": '</things?page=1>; rel="first", </things?page=1>; rel="last"',
        "x_has_more": "false",
        "x_next_cursor": "",
        "x_pagination": '{"TotalCount": 100, "PageSize": 100, "HasNext": false}',
    }
    assert_all(Land(describe(""), lambda _: write({"data": HUNDRED}, 200, **told)), HUNDRED)


def test_the_last_of_many_pages_may_have_a_bookmark_and_a_count_of_its_own() -> None:
    things = make_things(250)

    def answer(request: Request) -> Response:
        asked = query(request)
        size, page = int(asked["limit"]), int(asked["page"])
        found = things[(page - 1) * size : page * size]
        told = {"page_count": len(found), "bookmark": "abc", "limit": size, "remaining": 4000}
        return write({"data": found, "page": page, "count": len(found), **told})

    assert_all(Land(describe(PAGES.replace("1000", "50")), answer), things)


def test_an_empty_array_may_be_written_as_an_empty_object_where_nothing_may_stand() -> None:
    assert_all(Land(describe("", "absent: empty"), give({"data": {}})), [])
    assert_doubt(Land(describe("", "absent: empty"), give({"data": {"id": 1}})), "not an array")
    assert_doubt(Land(describe(""), give({"data": {}})), "not an array")


@pytest.mark.parametrize(
    "said",
    ["Page 4 exceeds the last page", "Invalid page.", "The offset is too large", "No more things"],
)
def test_a_page_behind_the_last_one_may_say_that_it_is(said: str) -> None:
    def answer(request: Request) -> Response:
        asked = query(request)
        size, page = int(asked["limit"]), int(asked["page"])
        found = HUNDRED[(page - 1) * size : page * size]
        return write({"data": found, "message": "" if found else said})

    assert_all(Land(describe(PAGES.replace("1000", "20")), answer), HUNDRED)
    size = give({"data": [], "message": "The page size exceeds the limit"})
    assert_doubt(Land(describe(""), size), ODD)


def test_a_rule_says_which_words_mean_that_a_list_is_empty() -> None:
    rule = "{status: [200], path: message, equals: [Come and see us], means: empty}"
    yaml = f"failures: {{rules: [{rule}]}}\n" + describe("")
    answer = give({"data": [], "message": "Come and see us"})
    assert_all(Land(yaml, answer), [])
    assert_doubt(Land(describe(""), answer), ODD)
