"""Platforms of many styles, described by a stranger: nothing reasonable cannot be described."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write
from tests.connectors.rest.strangers import CURSOR, PAGES, assert_all, give, give_chain


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
