"""A stream that is asked for otherwise than the last time is listed whole: what was known of it is
of other records."""

from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from listbackup.records import Before
from tests.connectors.rest.lands import KEPT, Land, make_things, query, write

YAML = """
settings: [{{name: shop, title: Shop}}]
streams:
  - name: things
    title: {title}
    request: {{path: "/{{setting.shop}}/things", query: {query}}}
    paging: {{kind: cursor, token: next, param: cursor}}
    records: data
    since: {{field: updated, param: since, written: unix, sees: changed}}
    {kept}
"""
ALL = "{}"


class Shop:
    """Answers with all of its things, or with those that changed; notes what was asked."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = [
            {**one, "updated": 1_700_000_000, "text": "x" * 3000} for one in make_things(450)
        ]
        self.asked: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Response:
        asked = query(request)
        self.asked.append(asked)
        changed = [one for one in self.records if one["updated"] >= int(asked.get("since", 0))]
        at = int(asked.get("cursor", "at-0")[3:])
        following = f"at-{at + 100}" if at + 100 < len(changed) else None
        return write({"data": changed[at : at + 100], "next": following})


def make_land(shop: Shop, before: Land | None = None, name: str = "one", **facts: str) -> Land:
    """Describe the shop, and begin with what another description's sync left."""
    said = {"title": "Things", "query": ALL, "kept": KEPT, **facts}
    land = Land(YAML.format(**said), shop.answer, {"shop": name})
    if before is not None:
        land.before, land.copy = before.before, before.copy
    shop.asked.clear()
    return land


@pytest.fixture
def shop() -> Shop:
    """Give the platform."""
    return Shop()


@pytest.mark.parametrize("facts", [{"query": "{status: all}"}, {"name": "two"}])
def test_other_words_in_the_request_or_its_settings_mean_a_whole_listing(
    shop: Shop, facts: dict[str, str]
) -> None:
    first = make_land(shop)
    first.sync()
    again = make_land(shop, first, **facts)
    shop.asked.clear()
    assert len(again.sync()) == 450
    assert not any("since" in asked for asked in shop.asked)


def test_what_is_only_said_of_a_stream_changes_nothing(shop: Shop) -> None:
    first = make_land(shop)
    first.sync()
    again = make_land(shop, first, title="All things", kept=KEPT.replace("a test", "another"))
    again.sync()
    assert all("since" in asked for asked in shop.asked)


def test_a_place_of_another_description_is_none(shop: Shop) -> None:
    first = make_land(shop)
    first.sync()
    place = next(one for one in first.marks if one is not None)
    again = make_land(shop, query="{status: all}")
    again.before = {"things": Before(None, place)}
    assert len(again.sync()) == 450
    assert again.marks[0] is None
    same = make_land(shop)
    same.before = {"things": Before(None, place)}
    assert len(same.sync()) < 450
    assert None not in same.marks


def test_a_moment_that_is_still_to_come_is_no_moment_to_go_on_from(shop: Shop) -> None:
    def ahead(request: Request) -> Response:
        given = shop.answer(request)
        return Response(
            given.status, {**given.headers, "date": "Tue, 03 Nov 2026 12:00:00 GMT"}, given.body
        )

    land = make_land(shop)
    land.sync()
    land.answer = ahead
    land.sync()
    land.answer = shop.answer
    shop.records[7] = {**shop.records[7], "updated": 1_793_534_400, "name": "changed"}
    land.pass_time(hours=20)
    assert {one["name"] for one in land.sync()} >= {"changed"}


def test_a_filter_of_days_asks_for_the_day_before_as_well(shop: Shop) -> None:
    days: list[str] = []
    shop.records[0]["updated"] = 1_793_530_800

    def answer(request: Request) -> Response:
        days.append(query(request).get("since", ""))
        return write({"data": shop.records[:1], "next": None})

    text = YAML.replace("written: unix", "written: date")
    land = Land(text.format(title="Things", query=ALL, kept=KEPT), answer, {"shop": "one"})
    land.sync()
    land.pass_time(hours=1)
    land.sync()
    assert days[-1] == "2026-10-31"
