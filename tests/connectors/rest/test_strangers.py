"""Platforms of many styles, each described by a stranger: nothing that is there is missing without
a word, and nothing reasonable cannot be described.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.inspection import inspect
from listbackup.connectors.rest.loading import Mistaken, parse_platform
from listbackup.connectors.rest.transport import Request, Response
from listbackup.events import ignore
from listbackup.host import Host
from tests.connectors.rest.lands import (
    HEAD,
    KEPT,
    TOKEN,
    Land,
    Record,
    describe,
    make_things,
    query,
    write,
)

READ = ReadOptions()
PAGES = "{kind: page_number, param: page, size: {param: limit, value: 1000}}"
OFFSET = "{kind: offset, param: offset, size: {param: limit, value: 1000}}"
CURSOR = "{kind: cursor, token: next, param: cursor, size: {param: limit, value: 100}}"


def give_pages(
    records: list[Record],
    *,
    cap: int = 10**9,
    by_asked: bool = False,
    beyond: int = 200,
    sizes: tuple[int, ...] = (),
    reach: int = 10**9,
    refusal: int = 400,
) -> Callable[[Request], Response]:
    """Pages by number or offset: cut at `cap` in silence; a page's place may be counted by the
    size that was asked for; `beyond` is the status of a page behind the end; `sizes` alone are
    allowed; behind `reach` comes the `refusal`."""

    def answer(request: Request) -> Response:
        asked = query(request)
        wanted = int(asked.get("limit", 100))
        size = min(wanted, cap)
        start = int(asked.get("offset", 0))
        if "page" in asked:
            start = (int(asked["page"]) - 1) * (wanted if by_asked else size)
        if sizes and wanted not in sizes:
            return write({}, 422)
        if start + size > reach:
            return write({}, refusal)
        page = records[start : start + size]
        return write({"data": page}, 200 if page or not start else beyond)

    return answer


def give_chain(
    records: list[Record], name: str = "next", last: Any = None, **more: Any
) -> Callable[[Request], Response]:
    """Pages of a hundred by a token."""

    def answer(request: Request) -> Response:
        at = int(query(request).get("cursor", 0))
        over = at + 100 >= len(records)
        page: dict[str, Any] = {"data": records[at : at + 100]}
        *steps, field = name.split(".")
        inner = page
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[field] = last if over else str(at + 100)
        return write({**page, **more})

    return answer


def give(page: Any, status: int = 200) -> Callable[[Request], Response]:
    return lambda request: write(page, status)


def assert_all(land: Land, records: list[Record]) -> None:
    found = land.sync()
    assert set(land.said.values()) == {""}
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, records))


def assert_doubt(land: Land, words: str) -> None:
    land.sync()
    assert words in " ".join(land.said.values())


# -------------------------------------------------------------------- pages that are cut short


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


# ------------------------------------------------------------ where a description is mistaken


@pytest.mark.parametrize(
    ("paging", "name"),
    [
        (CURSOR.replace("token: next", "token: meta.nxt"), "next"),
        (CURSOR.replace("token: next", "token: nxt"), "paging.nextPageToken"),
        ("{kind: next_url, url: links.nxt}", "links.next"),
        ("{kind: link_header}", "next_url"),
        ("", "meta.next_cursor"),
    ],
)
def test_a_list_that_goes_on_elsewhere_than_the_description_says_is_doubt(
    paging: str, name: str
) -> None:
    land = Land(describe(paging), give_chain(make_things(257), name))
    assert_doubt(land, "the last page says that there is more")


def test_flags_links_and_totals_of_a_last_page_are_heeded() -> None:
    things = make_things(3)
    assert_doubt(Land(describe(""), give({"data": things, "has_more": True})), "has_more")
    linked = Land(describe(""), lambda _: write({"data": things}, link='</things?p=2>; rel="next"'))
    assert_doubt(linked, "Link")
    counted = give({"data": things, "meta": {"pagination": {"total": 9}}})
    assert_doubt(Land(describe(""), counted), "the last page says that there are 9 (total)")
    assert_all(
        Land(describe("", "total: {path: meta.pagination.total, exact: false}"), counted), things
    )
    # a page that says plainly that there is no more is the last one
    assert_all(Land(describe(""), give({"data": things, "has_more": False, "next": "x"})), things)


@pytest.mark.parametrize(
    "sign",
    [
        {"success": False},
        {"ok": "false"},
        {"error": "timeout"},
        {"errors": [1]},
        {"status": "ERROR"},
    ],
)
def test_an_answer_that_says_that_it_failed_is_none_whatever_its_status(sign: Record) -> None:
    land = Land(describe(""), give({"data": make_things(5), **sign}))
    assert_doubt(land, "says that something failed")
    heedless = "failures: {signs: ignored}\n" + describe("")
    assert_all(Land(heedless, give({"data": make_things(5), **sign})), make_things(5))


@pytest.mark.parametrize(
    "sign", [{"success": True, "error": None}, {"errors": [], "error": ""}, {"status": "ok"}]
)
def test_signs_that_say_that_all_is_well_are_nothing(sign: Record) -> None:
    assert_all(Land(describe(""), give({"data": make_things(5), **sign})), make_things(5))


def test_a_key_that_two_records_have_is_doubt() -> None:
    twins = [{"id": 1, "role": "a"}, {"id": 1, "role": "b"}]
    assert_doubt(Land(describe(""), give({"data": twins})), "`key` needs more fields")
    assert_all(Land(describe("", "key: [id, role]"), give({"data": twins})), twins)


TREE = f"""
streams:
  - {{name: accounts, request: {{path: /accounts}}, records: data, {KEPT}}}
  - name: projects
    request: {{path: "/accounts/{{parent.id}}/projects"}}
    records: data
    key: [account, id]
    adds: {{account: "{{parent.id}}"}}
    parent: {{stream: accounts}}
    {KEPT}
  - name: tasks
    request: {{path: "/accounts/{{parent.account}}/projects/{{parent.id}}/tasks"}}
    records: data
    key: [KEY]
    adds: {{account: "{{parent.account}}", project: "{{parent.id}}"}}
    parent: {{stream: projects, fields: [account, id]}}
    {KEPT}
"""


def give_tree(request: Request) -> Response:
    match urlsplit(request.url).path.strip("/").split("/"):
        case ["accounts"]:
            return write({"data": [{"id": number} for number in range(3)]})
        case [_, account, _]:
            return write({"data": [{"id": one, "of": account} for one in range(4)]})
        case [_, account, _, project, _]:
            return write({"data": [{"id": one, "of": account + project} for one in range(2)]})
    return write({}, 404)


def test_children_of_children_are_read_and_keys_that_are_good_within_one_parent_are_doubt() -> None:
    land = Land(TREE.replace("KEY", "account, project, id"), give_tree)
    assert len(land.sync()) == 24
    assert set(land.said.values()) == {""}
    for key in ("id", "account, id"):
        assert_doubt(Land(TREE.replace("KEY", key), give_tree), "`key` needs a field of the parent")


def test_what_a_backup_would_find_is_asked_for_with_what_stands_in_front_and_in_sizes_that_go() -> (
    None
):
    seen = inspect(
        Land(TREE.replace("KEY", "account, project, id"), give_tree).connection,
        READ,
        Host(),
        ignore,
    )
    assert ([one.name for one in seen.streams], seen.unread) == (
        ["accounts", "projects", "tasks"],
        (),
    )
    sizes = give_pages(make_things(257), sizes=(100, 1000))
    assert inspect(Land(describe(PAGES), sizes).connection, READ, Host(), ignore).unread == ()
    land = Land(describe(PAGES), give_pages([], sizes=(7,)))
    assert inspect(land.connection, READ, Host(), ignore).unread


def test_a_parent_without_the_field_that_is_asked_by_is_named() -> None:
    def answer(request: Request) -> Response:
        if request.url.endswith("/parents"):
            return write({"data": [{"id": 1, "slug": "a"}, {"id": 2}]})
        return write({"data": [{"id": 11}]})

    parents = f"streams:\n  - {{name: parents, request: {{path: /parents}}, records: data, {KEPT}}}"
    things = describe("", "parent: {stream: parents, fields: [slug]}").replace("streams:", "")
    land = Land(parents + things.replace("path: /things", 'path: "/p/{parent.slug}"'), answer)
    assert land.sync() == [{"id": 11}]
    assert "There is no value for {parent.slug}" in land.said["things"]


# ------------------------------------------------------------------ what can be described


@pytest.mark.parametrize("last", [None, "", 0, False, [], {}, "null", "0", -1])
def test_tokens_end_in_many_ways(last: Any) -> None:
    paging = CURSOR.replace("}}", '}, ends: ["null", "0", "-1"]}')
    assert_all(Land(describe(paging), give_chain(make_things(257), last=last)), make_things(257))


@pytest.mark.parametrize(("yes", "no"), [(1, 0), ("true", "false"), ("Y", "N")])
def test_more_is_told_in_many_words(yes: Any, no: Any) -> None:
    chain = give_chain(make_things(257), last="257")

    def answer(request: Request) -> Response:
        page = json.loads(chain(request).body)
        return write({**page, "more": no if page["next"] == "257" else yes})

    paging = CURSOR.replace("}}", "}, more: more}")
    assert_all(Land(describe(paging), answer), make_things(257))


def test_tokens_and_totals_stand_in_headers_and_places_take_two_values() -> None:
    chain = give_chain(make_things(257))

    def by_header(request: Request) -> Response:
        page = json.loads(chain(request).body)
        token = page.pop("next") or ""
        return write(page, x_next=token, x_count="257")

    paging = CURSOR.replace("token: next", "header: X-Next")
    assert_all(Land(describe(paging, "total: {header: X-Count}"), by_header), make_things(257))
    records: list[Record] = [{"id": f"{number:03}", "time": number // 4} for number in range(257)]

    def by_two(request: Request) -> Response:
        asked, left = query(request), records
        if asked.get("time"):
            after = int(asked["time"]), asked["id"]
            left = [one for one in records if (one["time"], one["id"]) > after]
        last = left[99] if len(left) > 100 else {}
        return write({"data": left[:100], "meta": {"t": last.get("time"), "i": last.get("id")}})

    paging = "{kind: cursor, token: meta.i, param: id, also: {time: meta.t}}"
    assert_all(Land(describe(paging), by_two), records)


@pytest.mark.parametrize(
    ("page", "more", "expected"),
    [
        (
            {"data": {"a": {"n": 1}, "b": {}}},
            ["records_as: map", "map_key: id"],
            [{"id": "a", "n": 1}, {"id": "b"}],
        ),
        ({"data": []}, ["records_as: map", "map_key: id"], []),
        ({"data": {"id": 1}}, ["records_as: one"], [{"id": 1}]),
        ({"data": [{"id": 1}]}, ["records_as: one"], [{"id": 1}]),
        ({"data": None}, ["absent: empty"], []),
        ({"rows": 0}, ["absent: empty"], []),
        ({"data": [{"c": {"id": 1}}]}, ["key: [c.id]"], [{"c": {"id": 1}}]),
    ],
)
def test_records_stand_in_pages_in_many_ways(page: Any, more: list[str], expected: Any) -> None:
    assert_all(Land(describe("", *more), give(page)), expected)


@pytest.mark.parametrize("page", [{"data": None}, {"rows": 0}, {"data": {"a": {"id": 1}}}])
def test_what_is_not_described_is_no_empty_list(page: Any) -> None:
    land = Land(describe(""), give(page))
    land.sync()
    assert land.said["things"]


@pytest.mark.parametrize("status", [204, 404])
@pytest.mark.parametrize(
    "paging",
    [
        "",
        PAGES,
        CURSOR,
        "{kind: after_key, param: after, more: more}",
        "{kind: next_url, url: next}",
    ],
)
def test_a_status_may_mean_that_a_list_is_empty(status: int, paging: str) -> None:
    rule = f"{{status: [{status}], operations: [GET /things], means: empty}}"
    nothing = give({}, status)
    described = describe(paging, "total: {path: total}")
    assert_all(Land(f"failures: {{rules: [{rule}]}}\n{described}", nothing), [])
    for elsewhere in ("", f"failures: {{rules: [{rule.replace('things', 'others')}]}}\n"):
        land = Land(elsewhere + described, nothing)
        land.sync()
        assert land.said["things"]


def live(
    written: Callable[[datetime], Any], read: Callable[[Any], datetime], path: list[Any]
) -> tuple[dict[int, Record], Callable[[Request], Response], list[datetime]]:
    """Things with times, and a filter of time at a path of the request."""
    things: dict[int, Record] = {}
    cuts: list[datetime] = []

    def answer(request: Request) -> Response:
        asked: Any = query(request)
        try:
            for step in path:
                asked = asked[step]
        except (KeyError, IndexError):
            return write({"data": list(things.values())})
        cuts.append(read(asked))
        # the platform's own time of a record is what it wrote
        return write({"data": [one for one in things.values() if read(one["at"]) >= cuts[-1]]})

    return things, answer, cuts


def _read_iso(text: Any) -> datetime:
    return datetime.fromisoformat(text)


TOKYO = ZoneInfo("Asia/Tokyo")
TIMES: list[tuple[str, Callable[[datetime], Any], Callable[[Any], datetime], list[Any], str]] = [
    ("s, field: at", lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"), _read_iso, ["s"], ""),
    ("'f[at][gte]', field: at", lambda t: t.isoformat(), _read_iso, ["f[at][gte]"], ""),
    ("s, field: at, written: iso_offset", lambda t: t.isoformat(), _read_iso, ["s"], ""),
    (
        "s, field: at, written: rfc2822",
        lambda t: t.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        parsedate_to_datetime,
        ["s"],
        "",
    ),
    (
        "s, field: at, written: local, zone: Asia/Tokyo",
        lambda t: t.astimezone(TOKYO).strftime("%Y-%m-%dT%H:%M:%S"),
        lambda v: datetime.fromisoformat(v).replace(tzinfo=TOKYO),
        ["s"],
        "",
    ),
    (
        "s, field: at, written: local_space",
        lambda t: t.strftime("%Y-%m-%d %H:%M:%S"),
        lambda v: datetime.fromisoformat(v).replace(tzinfo=UTC),
        ["s"],
        "",
    ),
    (
        "s, field: at, written: date",
        lambda t: t.strftime("%Y-%m-%d"),
        lambda v: datetime.fromisoformat(v).replace(tzinfo=UTC),
        ["s"],
        "",
    ),
    (
        "filters, field: at, wrapped: [{name: at, value: {gte: '{record.at}'}}]",
        lambda t: t.isoformat(),
        _read_iso,
        ["filters", 1, "value", "gte"],
        "{filters: [{name: x}]}",
    ),
    (
        "groups, field: at, written: unix_ms, wrapped: [{f: [{value: '{record.at}'}]}]",
        lambda t: int(t.timestamp() * 1000),
        lambda v: datetime.fromtimestamp(v / 1000, UTC),
        ["groups", 0, "f", 0, "value"],
        "{groups: []}",
    ),
    (
        "filters.0.value, field: at, written: unix",
        lambda t: int(t.timestamp()),
        lambda v: datetime.fromtimestamp(v, UTC),
        ["filters", 0, "value"],
        "{filters: []}",
    ),
]


@pytest.mark.parametrize(("since", "written", "read", "path", "body"), TIMES)
def test_what_changed_is_asked_for_in_the_platform_s_words(
    since: str, written: Any, read: Any, path: list[Any], body: str
) -> None:
    things, answer, cuts = live(written, read, path)
    yaml = describe("", f"since: {{param: {since}}}")
    if body:
        yaml = yaml.replace("path: /things", f"method: POST, path: /things, body: {body}")
    land = Land(yaml, answer)

    def put(number: int) -> None:
        things[number] = {"id": number, "at": written(land.pace.now()), "turn": len(cuts)}

    for number in range(20):
        put(number)
    assert_all(land, list(things.values()))
    land.pass_time(days=2)
    for number in (3, 7, 30):
        put(number)
    land.pass_time(minutes=30)
    assert_all(land, list(things.values()))
    assert len(cuts) == 1


# ------------------------------------------------------------------------- proving who we are


def test_keys_go_into_the_query_and_in_pairs_and_no_place_keeps_them() -> None:
    also = "[{name: app, title: App, header: X-App}]"
    way = f"{{kind: api_key, name: key, title: Key, param: api_key, also: {also}}}"
    records = make_things(257)

    def answer(request: Request) -> Response:
        asked = query(request)
        assert (asked["api_key"], request.headers["X-App"]) == (
            "canary-key-8d1f",
            "canary-app-8d1f",
        )
        assert request.url.count("api_key") == 1
        at = int(asked.get("at", 0))
        url = f"http://land.example/things?api_key=canary-key-8d1f&at={at + 1}"
        return write({"data": records[at : at + 1], "next": url if at + 1 < len(records) else None})

    land = Land(f"authentication: [{way}]\n" + describe("{kind: next_url, url: next}"), answer)
    assert_all(land, records)
    assert land.marks
    assert "canary" not in json.dumps(land.marks)
    # a URL of the same host is never followed less safely
    assert all(one.url.startswith("https:") for one in land.asked)


def test_tokens_may_be_asked_for_by_json() -> None:
    way = (
        "{kind: oauth2_client, name: app, title: App, token_url: 'https://land.example/token', "
        "client: body, sends: json, parameters: {audience: all}}"
    )

    def answer(request: Request) -> Response:
        if request.url.endswith("/token"):
            asked = json.loads(request.body)
            assert (asked["grant_type"], asked["audience"]) == ("client_credentials", "all")
            return write({"access_token": "token-1234", "expires_in": 3600})
        fine = request.headers.get("Authorization") == "Bearer token-1234"
        return write({"data": make_things(3)}, 200 if fine else 401)

    assert_all(Land(f"authentication: [{way}]\n" + describe(""), answer), make_things(3))


@pytest.mark.parametrize(
    "wrong",
    [
        describe("{kind: cursor, param: cursor}"),
        describe("{kind: cursor, token: a, header: b, param: cursor}"),
        describe("", "total: {exact: true}"),
        describe("", "since: {param: s, field: at, zone: Mars/Olympus}"),
        "authentication: [{kind: api_key, name: key, title: Key}]\n" + describe(""),
    ],
)
def test_what_says_nothing_or_two_things_is_refused(wrong: str) -> None:
    with pytest.raises(Mistaken):
        parse_platform(
            (HEAD + TOKEN * ("authentication" not in wrong) + wrong).encode(), "land.yaml"
        )
