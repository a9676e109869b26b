"""Rules that keep snapshots: against a model of dicts, and each rule by what it must not keep."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.errors import UsageError
from listbackup.vault.retention import Candidate, Rules, plan_retention, read_span

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FORMATS = {
    "hourly": "%Y-%m-%d %H",
    "daily": "%Y-%m-%d",
    "weekly": "%G-%V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}


def shots(*moments: datetime, partial: tuple[int, ...] = ()) -> list[Candidate]:
    return [Candidate(n, at, n not in partial) for n, at in enumerate(moments, 1)]


def kept(candidates: list[Candidate], rules: Rules) -> list[int]:
    return sorted(plan_retention(candidates, rules).keep)


def days(count: int) -> list[Candidate]:
    return shots(*(START + n * DAY for n in range(count)))


# ------------------------------------------------------------------------------------- the model


def model(candidates: list[Candidate], rules: Rules) -> set[int]:
    """Say it the long way: straighten times, then walk every rule over all complete ones."""
    zone = ZoneInfo(rules.zone)
    times: dict[int, datetime] = {}
    before: datetime | None = None
    for one in sorted(candidates, key=lambda one: one.number):
        at = one.moment
        if before is not None and at < before:
            at = before + timedelta(seconds=1)
        times[one.number] = before = at
    complete = sorted(one.number for one in candidates if one.complete)
    found = set(complete[-1:]) | {
        one.number for one in candidates if one.number > max(complete, default=0)
    }
    found |= set(complete[::-1][: rules.last])
    for name, shape in FORMATS.items():
        newest_of: dict[str, int] = {}
        for number in complete:
            newest_of[times[number].astimezone(zone).strftime(shape)] = number
        chosen = sorted(newest_of.values())[::-1][: getattr(rules, name)]
        if complete and len(chosen) < getattr(rules, name):
            chosen.append(complete[0])
        found |= set(chosen)
    for one in candidates:
        if rules.within and times[one.number] > max(times.values()) - timedelta(
            hours=rules.within.hours
        ):
            found.add(one.number)
        if set(one.tags) & set(rules.tags):
            found.add(one.number)
    return found


MOMENTS = st.integers(-50, 24 * 900).map(lambda hours: START + hours * HOUR / 2)
CANDIDATES = st.lists(
    st.tuples(MOMENTS, st.booleans(), st.sets(st.sampled_from(("a", "b")))), max_size=30
).map(lambda found: [Candidate(n + 3, *one) for n, one in enumerate(found)])
RULES = st.builds(
    Rules,
    last=st.integers(0, 4),
    hourly=st.integers(0, 4),
    daily=st.integers(0, 9),
    weekly=st.integers(0, 4),
    monthly=st.integers(0, 4),
    yearly=st.integers(0, 2),
    within=st.none() | st.integers(1, 60).map(lambda days: read_span(f"{days}d")),
    tags=st.sets(st.sampled_from(("a", "c"))).map(tuple),
    zone=st.sampled_from(("UTC", "Asia/Kolkata")),
).filter(lambda rules: rules != Rules(zone=rules.zone))


@settings(max_examples=300, deadline=None)
@given(CANDIDATES, RULES, st.randoms(use_true_random=False))
def test_the_rules_keep_what_the_model_keeps(
    candidates: list[Candidate], rules: Rules, chance: object
) -> None:
    plan = plan_retention(candidates, rules)
    assert set(plan.keep) == model(candidates, rules)
    assert set(plan.keep).isdisjoint(plan.drop)
    assert {*plan.keep, *plan.drop} == {one.number for one in candidates}
    assert all(plan.keep.values())
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan_retention(shuffled, rules) == plan


# -------------------------------------------------------------------------------------- each rule


def test_the_last_are_kept_and_no_more() -> None:
    assert kept(days(9), Rules(last=3)) == [7, 8, 9]
    assert kept(days(2), Rules(last=3)) == [1, 2]


def test_a_day_keeps_its_newest() -> None:
    found = shots(START, START + HOUR, START + DAY, START + DAY + HOUR, START + 2 * DAY)
    assert kept(found, Rules(daily=2)) == [4, 5]


def test_periods_without_a_snapshot_do_not_count() -> None:
    found = shots(START, START + 40 * DAY, START + 41 * DAY)
    assert kept(found, Rules(daily=3)) == [1, 2, 3]


def test_the_oldest_is_kept_while_a_rule_has_counts_left() -> None:
    found = shots(START, START + HOUR, START + 2 * HOUR)
    plan = plan_retention(found, Rules(daily=2))
    assert plan.keep == {1: ("oldest daily",), 3: ("newest complete", "daily")}


def test_days_are_those_of_the_time_zone() -> None:
    evening = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    found = shots(evening, evening + HOUR, evening + 2 * HOUR)
    assert kept(found, Rules(daily=1, last=1)) == [3]
    assert kept(found[:2], Rules(daily=2, zone="UTC")) == [1, 2]  # the oldest, as counts are left
    assert "daily" in plan_retention(found[:2], Rules(daily=2, zone="Europe/Berlin")).keep[1]
    assert "daily" not in plan_retention(found[:2], Rules(daily=2)).keep[1]


def test_the_hour_that_a_clock_change_repeats_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    found = shots(first, first + HOUR, first + 2 * HOUR)
    rules = Rules(hourly=3, zone="Europe/Berlin")
    assert all("hourly" in words for words in plan_retention(found, rules).keep.values())


def test_weeks_are_those_of_the_calendar() -> None:
    sunday = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert kept(shots(sunday, sunday + DAY, sunday + 2 * DAY), Rules(weekly=2)) == [1, 3]


def test_within_counts_from_the_newest_snapshot_not_from_today() -> None:
    assert kept(days(10), Rules(within=read_span("3d"))) == [8, 9, 10]
    assert kept(days(10), Rules(within=read_span("72h"))) == [8, 9, 10]


def test_within_months_follows_the_calendar() -> None:
    end = datetime(2026, 3, 31, 12, tzinfo=UTC)
    found = shots(end - 31 * DAY - HOUR, end - 30 * DAY, end)  # 28 February, 1 March, 31 March
    assert kept(found, Rules(within=read_span("1m"))) == [2, 3]


def test_a_tag_keeps_its_snapshots_and_no_others() -> None:
    found = [Candidate(n, START + n * DAY, tags=("release",) * (n == 2)) for n in range(1, 5)]
    assert kept(found, Rules(tags=("release",))) == [2, 4]
    assert kept(found, Rules(tags=("other",))) == [4]


# ---------------------------------------------------------------------------------- what protects


def test_a_partial_snapshot_takes_no_place_and_has_none() -> None:
    found = shots(*(START + n * DAY for n in range(6)), partial=(3, 5))
    assert kept(found, Rules(last=3)) == [2, 4, 6]


def test_what_came_after_the_newest_complete_snapshot_is_kept() -> None:
    found = shots(*(START + n * DAY for n in range(6)), partial=(2, 5, 6))
    plan = plan_retention(found, Rules(last=1))
    assert sorted(plan.keep) == [4, 5, 6]
    assert plan.keep[6] == ("newer than any complete",)


def test_where_nothing_is_complete_nothing_is_dropped() -> None:
    assert plan_retention(shots(START, START, partial=(1, 2)), Rules(last=1)).drop == ()


def test_a_flood_of_back_dated_snapshots_pushes_out_no_good_one() -> None:
    good = [START + n * DAY for n in range(7)]
    flood = [START - 900 * DAY + n * DAY for n in range(500)]
    found = kept(shots(*good, *flood), Rules(daily=7))
    assert found == [1, 2, 3, 4, 5, 6, 507]


def test_other_reasons_keep_too_and_are_told() -> None:
    plan = plan_retention(days(4), Rules(last=1), {2: ["held"]})
    assert plan.keep == {2: ("held",), 4: ("newest complete", "last")}


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("rules", [Rules(), Rules(zone="Europe/Berlin"), Rules(last=-1, daily=3)])
def test_no_rule_is_refused_because_it_would_keep_nothing(rules: Rules) -> None:
    with pytest.raises(UsageError):
        plan_retention(days(2), rules)


@pytest.mark.parametrize("zone", ["", "Europe/Atlantis", "../../etc/passwd", "UTC\0"])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(UsageError):
        plan_retention(days(2), Rules(last=1, zone=zone))


@pytest.mark.parametrize("text", ["", "d", "7", "7 d", "-7d", "1d2y", "7d7d", "9999999d", "7x"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_span(text)


def test_a_span_is_read_in_all_its_parts() -> None:
    span = read_span("2y5m1w7d3h")
    assert (span.months, span.hours) == (29, 14 * 24 + 3)
    assert read_span("1m").before(datetime(2026, 3, 31, tzinfo=UTC)).day == 28
    assert read_span("99999y99999w").before(START) < datetime(3, 1, 1, tzinfo=UTC)
    assert kept(days(3), Rules(within=read_span("99999y99999w"))) == [1, 2, 3]
