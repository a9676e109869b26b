"""Filters of time that do not do what a stranger says of them: no change is lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import START, Land, Record, describe, query, write
from tests.connectors.rest.strangers import CURSOR

Fits = Callable[[Record, str], bool]
SINCE = "since: {param: since, field: updated%s}"


def say(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(record: Record) -> float:
    return datetime.fromisoformat(record["updated"]).timestamp()


class Filtered:
    """Things with a time, the newest of a day ago, and a filter."""

    def __init__(self, fits: Fits, count: int = 150) -> None:
        self.fits = fits
        days = [say(START - timedelta(days=number)) for number in range(count + 1)]
        self.records = [{"id": id_, "updated": days[id_]} for id_ in range(1, count + 1)]
        self.asked: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Response:
        asked = query(request)
        self.asked.append(asked)
        found = [one for one in self.records if "since" not in asked or self._fits(one, asked)]
        at = int(asked.get("cursor", 0))
        following = str(at + 100) if at + 100 < len(found) else None
        return write({"data": found[at : at + 100], "next": following})

    def _fits(self, record: Record, asked: dict[str, Any]) -> bool:
        return self.fits(record, asked["since"])

    def live(self, land: Land, name: str) -> None:
        """Change one, make one; half an hour passes."""
        land.pass_time(hours=6)
        now = say(land.pace.now())
        self.records[2] = {"id": 3, "name": name, "updated": now}
        self.records.append({"id": 900 + len(self.records), "name": name, "updated": now})
        land.pass_time(minutes=30)

    def assert_followed(self, more: str = "", syncs: int = 4) -> list[int]:
        """See that each sync has all; give how many requests each of them took."""
        land, counts = Land(describe(CURSOR, SINCE % more), self.answer), []
        for number in range(syncs):
            found = land.sync()
            assert set(land.said.values()) == {""}
            assert sorted(found, key=lambda one: one["id"]) == self.records
            counts.append(len(land.asked))
            self.live(land, f"sync {number}")
        return counts


@pytest.mark.parametrize(
    ("fits", "more"),
    [
        (lambda record, asked: False, ""),
        (lambda record, asked: seconds(record) >= int(asked), ", written: unix_ms"),
        (lambda record, asked: record["updated"][:10] == asked, ", written: date"),
        (lambda record, asked: record["updated"] <= asked, ""),
        (lambda record, asked: record["updated"].replace("T", " ") > asked, ""),
        (lambda record, asked: record["updated"][:10] > asked[:10], ""),
    ],
    ids=["never", "milliseconds", "one day", "reversed", "another letter", "only later days"],
)
def test_a_filter_that_does_not_give_the_newest_records_again_means_a_whole_listing(
    fits: Fits, more: str
) -> None:
    Filtered(fits).assert_followed(more)


@pytest.mark.parametrize(
    ("fits", "more"),
    [
        (lambda record, asked: record["updated"] >= asked, ""),
        (lambda record, asked: record["updated"] > asked, ""),
        (lambda record, asked: record["updated"][:13] > asked[:13], ""),
        (lambda record, asked: record["updated"][:10] >= asked, ", written: date"),
        (lambda record, asked: seconds(record) > int(asked), ", written: unix, lookback: 0s"),
    ],
    ids=["from", "after", "hours", "days", "seconds"],
)
def test_a_filter_that_works_costs_a_request_for_each_sync(fits: Fits, more: str) -> None:
    assert Filtered(fits).assert_followed(more) == [4, 1, 1, 1]


def test_newest_records_that_were_deleted_cost_one_whole_listing_and_are_gone() -> None:
    things = Filtered(lambda record, asked: record["updated"] >= asked)
    land = Land(describe(CURSOR, SINCE % ""), things.answer)
    land.sync()
    for count, requests in ((1, 1), (2, 5), (0, 1)):
        del things.records[:count]
        land.pass_time(hours=6)
        found = land.sync()
        assert (land.said, len(land.asked)) == ({"things": ""}, requests)
    assert found == things.records


def test_a_time_that_is_still_to_come_is_no_witness() -> None:
    things = Filtered(lambda record, asked: asked <= record["updated"] < "2030")
    things.records[0]["updated"] = "2031-01-01T00:00:00Z"
    assert things.assert_followed() == [4, 1, 1, 1]


def test_many_records_of_one_time_are_not_read_again_for_a_witness() -> None:
    things = Filtered(lambda record, asked: record["updated"] >= asked)
    for one in things.records:
        one["updated"] = "2026-10-01T12:00:00Z"
    land = Land(describe(CURSOR, SINCE % ""), things.answer)
    land.sync()
    land.pass_time(hours=6)
    land.sync()
    assert things.asked[-1]["since"] > "2026-11-01"


def test_a_doubtful_listing_of_what_changed_is_said_and_not_taken_for_a_filter() -> None:
    things = Filtered(lambda record, asked: False)
    land = Land(describe(CURSOR, SINCE % ""), things.answer)
    land.sync()
    land.pass_time(hours=6)
    land.answer = lambda request: write({"data": [{"name": "no key"}], "next": None})
    land.sync()
    assert "could not be read" in land.said["things"]
    land.answer = things.answer
    things.live(land, "late")
    assert sorted(land.sync(), key=lambda one: one["id"]) == things.records


PARENTS = """streams:
  - name: things
    request: {path: /things}
    records: data
    paging: {kind: cursor, token: next, param: cursor}
    since: {param: since, field: updated}
    restore: {kind: archive_only, why: a test}
  - name: parts
    request: {path: "/things/{parent.id}/parts"}
    records: data
    parent: {stream: things, when: changed}
    restore: {kind: archive_only, why: a test}
"""


@pytest.mark.parametrize("works", [True, False])
def test_children_are_asked_for_of_what_changed_and_not_of_witnesses(works: bool) -> None:
    things = Filtered(lambda record, asked: works and record["updated"] >= asked)

    def answer(request: Request) -> Response:
        path = request.url.partition("?")[0]
        if path.endswith("/parts"):
            return write({"data": [{"id": int(path.split("/")[-2])}]})
        return things.answer(request)

    land = Land(PARENTS, answer)
    land.sync()
    things.live(land, "changed")
    land.sync()
    assert set(land.said.values()) == {""}
    asked = [one.url.split("/")[-2] for one in land.asked if "/parts" in one.url]
    # where the filter does not work, what is a day older may have changed as well
    assert sorted(asked) == (["1050", "3"] if works else ["1", "1050", "3"])


ONE = 'one: {path: "/things/{record.id}"}'
GONE = "deleted: {request: {path: /gone}, records: data, paging: {kind: one_page}%s}"
GONE_SINCE = ", since: {param: since, field: at, lookback: 1d}"


class Buried(Filtered):
    """Has a list of what was deleted, which keeps what was restored; its filter works."""

    def __init__(self, spell: Callable[[int], Any] = int) -> None:
        super().__init__(lambda record, asked: record["updated"] >= asked, 50)
        self.gone: list[Record] = []
        self.spell = spell

    def answer(self, request: Request) -> Response:
        path = request.url.partition("?")[0]
        if path.endswith("/gone"):
            return write({"data": self.gone})
        if not path.endswith("/things"):
            found = [one for one in self.records if path.endswith(f"/{one['id']}")]
            return write(found[0]) if found else write({}, 404)
        return super().answer(request)

    def drop(self, land: Land, *ids: int) -> None:
        at = say(land.pace.now())
        self.gone += [{"id": self.spell(id_), "at": at} for id_ in ids]
        self.records = [one for one in self.records if one["id"] not in ids]


@pytest.mark.parametrize("more", ["", GONE_SINCE])
@pytest.mark.parametrize("one", ["", ONE])
def test_what_was_restored_lives_though_a_list_names_it_as_deleted(more: str, one: str) -> None:
    things = Buried()
    land = Land(describe(CURSOR, SINCE % "", GONE % more, *[one] * bool(one)), things.answer)
    land.sync()
    land.pass_time(hours=2)
    restored = {**things.records[8], "name": "restored"}
    things.drop(land, 9, 20)
    land.pass_time(hours=2)
    things.records.append({**restored, "updated": say(land.pace.now())})
    for _ in range(3):
        land.pass_time(hours=5)
        for id_ in (1, 2, 3):
            # the restored one is none of the newest
            things.records[id_ - 1] = {"id": id_, "updated": say(land.pace.now())}
        found = land.sync()
        assert set(land.said.values()) == {""}
        assert len(land.asked) <= 3
        assert {one["id"] for one in found} == {one["id"] for one in things.records}


def test_a_deletion_of_a_record_that_is_there_is_not_believed() -> None:
    things = Buried()
    land = Land(describe(CURSOR, SINCE % "", GONE % "", ONE), things.answer)
    land.sync()
    things.gone.append({"id": 30})
    land.pass_time(hours=5)
    assert len(land.sync()) == 50


@pytest.mark.parametrize("one", ["", ONE])
def test_ids_that_a_list_of_deletions_spells_otherwise_are_deleted(one: str) -> None:
    things = Buried(str)
    land = Land(describe(CURSOR, SINCE % "", GONE % "", *[one] * bool(one)), things.answer)
    land.sync()
    land.pass_time(hours=5)
    things.drop(land, 7, 8)
    assert land.sync() == things.records
    assert land.said == {"things": ""}


@pytest.mark.parametrize(("count", "requests"), [(1, 3), (101, 6)])
def test_many_deletions_mean_a_whole_listing_instead_of_single_requests(
    count: int, requests: int
) -> None:
    things = Buried()
    things.records += [
        {"id": 1000 + number, "updated": "2020-01-01T00:00:00Z"} for number in range(count)
    ]
    land = Land(describe(CURSOR, SINCE % "", GONE % "", ONE), things.answer)
    land.sync()
    land.pass_time(hours=5)
    things.drop(land, *range(1000, 1000 + count))
    assert land.sync() == things.records
    assert len(land.asked) <= requests
    land.pass_time(hours=5)
    land.sync()
    assert len(land.asked) == 2
