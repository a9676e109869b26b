"""How old things are, when the clocks that tell it may be wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.vault.clocks import Ages, find_most_gap, find_newest_time, find_usual_interval
from tests.vault.days import Days, rows

DAY, WEEK = timedelta(days=1), timedelta(days=7)
SLACK = timedelta(minutes=1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Days:
    days = Days(tmp_path_factory.mktemp("clocks"), "none")
    for day in range(4):
        days.back_up({"new": rows(day)["new"]})
    return days


@pytest.fixture
def days(kept: Days, tmp_path: Path) -> Days:
    """A vault with a snapshot on each of four days: numbers 2 to 5."""
    return kept.copy(tmp_path)


def ages(days: Days, *, believe_all: bool = False) -> Ages:
    view = days.view()
    return Ages(view, days.now(), None if believe_all else find_most_gap(view))


def test_time_that_passed_from_entry_to_entry_counts_in_full(days: Days) -> None:
    assert abs(ages(days).since(2) - 3 * DAY) < SLACK
    assert abs(ages(days).since(5)) < SLACK
    days.wait(1.5)
    assert abs(ages(days).since(2) - 4.5 * DAY) < SLACK
    assert abs(ages(days).before(2 * DAY) - (days.now() - 2 * DAY)) < SLACK


def test_a_leap_counts_for_no_more_than_twice_the_usual_interval(days: Days) -> None:
    leap = days.now()
    days.wait(3650)
    days.back_up({"new": rows(9)["new"]}, after=0)
    assert abs(ages(days).since(5) - 2 * DAY) < SLACK
    assert abs(ages(days).since(2) - 5 * DAY) < SLACK
    assert ages(days).before(DAY) <= leap
    assert ages(days).before(WEEK) < leap - 3 * DAY
    assert abs(ages(days, believe_all=True).since(5) - 3650 * DAY) < SLACK


def test_a_clock_that_was_set_back_makes_nothing_older_or_younger(days: Days) -> None:
    days.wait(-3650)
    days.back_up({"new": rows(9)["new"]}, after=0)
    assert abs(ages(days).since(2) - 3 * DAY) < SLACK
    assert ages(days).since(6) < SLACK
    days.wait(3650)
    days.back_up({"new": rows(9)["new"]}, after=0)
    assert abs(ages(days).since(6) - 2 * DAY) < SLACK


def test_what_is_older_than_the_whole_ledger_is_old(days: Days) -> None:
    first = min(one.time for one in days.view().loaded.entries.values())
    assert ages(days).before(30 * DAY) < first - 26 * DAY


def test_the_usual_interval_is_the_median_so_that_one_pause_is_no_habit(days: Days) -> None:
    view = days.view()
    assert abs(find_usual_interval(view) - DAY) < SLACK
    assert abs(find_most_gap(view) - 2 * DAY) < SLACK
    days.back_up({"new": rows(9)["new"]}, after=90)
    assert abs(find_usual_interval(days.view()) - DAY) < SLACK
    newest = find_newest_time(days.trial().open(), days.view())
    assert newest is not None
    assert days.now() - newest < SLACK


def test_a_source_that_is_backed_up_weekly_may_be_silent_for_two_weeks(tmp_path: Path) -> None:
    days = Days(tmp_path, "none")
    assert find_most_gap(days.view()) == DAY
    for day in range(3):
        days.back_up({"new": rows(day)["new"]}, after=7)
    assert abs(find_most_gap(days.view()) - 2 * WEEK) < SLACK
