"""No window of the platform ever holds more than it allows, wherever it slides and is aligned."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.connectors.rest.models.budgets import Told
from listbackup.connectors.rest.told import Tidings, read_retry_after, read_tidings
from listbackup.connectors.rest.windows import UNTIL_ANSWERED, Window

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
START = NOW.timestamp()


def play(window: Window, journeys: list[tuple[float, float, float]]) -> list[float]:
    """Send requests one after another, each once it may and after a pause; give when each reached
    the platform. A journey: the pause before, the seconds to the platform, and those back."""
    now = 0.0
    arrived: list[float] = []
    flying: list[tuple[float, float]] = []

    def land(until: float) -> None:
        for answered, taken in sorted(flying):
            if answered <= until:
                window.give_back(answered, START + answered, START + taken)
                flying.remove((answered, taken))

    for pause, there, back in journeys:
        now += pause
        land(now)
        while (wait := window.wait(now, START + now)) > 0:
            now = min(flying)[0] if wait == UNTIL_ANSWERED else now + wait
            land(now)
        window.take(now, START + now)
        arrived.append(now + there)
        flying.append((now + there + back, now))
    return arrived


JOURNEYS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.3, 5.0]), st.floats(0, 3), st.floats(0, 3)),
    min_size=20,
    max_size=120,
)


@settings(max_examples=100, deadline=None)
@given(JOURNEYS, st.integers(1, 12), st.sampled_from([1.0, 10.0]))
def test_no_sliding_window_holds_more_than_it_allows(
    journeys: list[tuple[float, float, float]], requests: int, span: float
) -> None:
    arrived = sorted(play(Window(requests, span, aligned=False), journeys))
    for first, late in zip(arrived, arrived[requests:], strict=False):
        assert late - first >= span - 1e-6


@settings(max_examples=100, deadline=None)
@given(JOURNEYS, st.integers(1, 12), st.floats(-1.9, 1.9))
def test_no_aligned_window_holds_more_though_the_platforms_clock_is_another(
    journeys: list[tuple[float, float, float]], requests: int, skew: float
) -> None:
    span = 60.0
    arrived = play(Window(requests, span, aligned=True), [(p * 3, t, b) for p, t, b in journeys])
    counts: dict[int, int] = {}
    for moment in arrived:
        place = int((START + moment + skew) // span)
        counts[place] = counts.get(place, 0) + 1
    assert max(counts.values()) <= requests


def test_a_window_is_used_in_full_when_answers_come_at_once() -> None:
    arrived = play(Window(25, 1.0, aligned=False), [(0.0, 0.0, 0.0)] * 250)
    assert arrived[-1] <= 9 * 1.01


def test_where_several_want_it_half_a_window_is_given_out_evenly() -> None:
    window, now, taken = Window(20, 10.0, aligned=False), 0.0, list[float]()
    for _ in range(60):
        while (wait := window.wait(now, START + now, contended=True)) > 0:
            now += wait
        window.take(now, START + now)
        window.give_back(now, START + now, START + now)
        taken.append(now)
    assert taken[9] == 0.0
    assert all(late - first >= 0.5 for first, late in zip(taken[10:], taken[11:], strict=False))
    assert taken[-1] < 30.5


def test_large_windows_are_counted_in_little_memory_and_hardly_later() -> None:
    window = Window(30_000, 86_400.0, aligned=False)
    arrived = play(window, [(0.5, 0.0, 0.0)] * 45_000)
    assert arrived[30_000] - arrived[0] >= 86_400
    assert arrived[30_000] - arrived[0] <= 86_400 * 1.002


def test_an_aligned_day_begins_at_midnight_and_not_a_day_later() -> None:
    window = Window(10, 86_400.0, aligned=True)
    for _ in range(10):
        window.take(0.0, START)
        window.give_back(0.0, START, START)
    assert 12 * 3600 < window.wait(0.0, START) < 12 * 3600 + 5
    assert window.share_used(0.0, START) == 1.0


def learn(window: Window, now: float, *, fine: bool = True, flying: int = 0, **told: float) -> None:
    tidings = Tidings(
        limit=int(told["limit"]) if "limit" in told else None,
        remaining=int(told["remaining"]) if "remaining" in told else None,
        reset=told.get("reset"),
    )
    window.learn(tidings, now, START + now, flying=flying, fine=fine)


def test_what_others_have_used_is_learned_and_waited_for_until_the_reset() -> None:
    window = Window(100, 60.0, aligned=False)
    learn(window, 5.0, remaining=3, reset=20.0, flying=1)
    assert window.wait(5.0, START) == 0.0
    window.take(5.0, START + 5)
    assert window.wait(5.0, START) == 0.0
    window.take(5.0, START + 5)
    assert 19.9 < window.wait(5.0, START) < 20.1
    assert window.wait(25.0, START + 25) == 0.0


def test_nobody_waits_longer_than_the_window_whatever_a_header_says() -> None:
    window = Window(100, 60.0, aligned=False)
    learn(window, 5.0, remaining=0, reset=10**9)
    assert window.wait(5.0, START) <= 60.1


def test_what_our_own_count_explains_is_not_waited_for_twice() -> None:
    window, now = Window(240, 60.0, aligned=False), 0.0
    for number in range(240):
        assert window.wait(now, START + now) == 0.0
        window.take(now, START + now)
        learn(window, now, remaining=239 - number)
        window.give_back(now, START + now, START + now)
        now += 0.1
    assert 35 < window.wait(now, START + now) < 37


def test_a_lower_limit_is_learned_and_a_higher_one_is_not_believed() -> None:
    window = Window(10, 60.0, aligned=False)
    learn(window, 0.0, limit=2)
    window.take(0.0, START)
    window.take(0.0, START)
    assert window.wait(0.0, START) > 0
    learn(window, 0.0, limit=1000)
    for _ in range(8):
        assert window.wait(0.0, START) == 0.0
        window.take(0.0, START)
    assert window.wait(0.0, START) > 0


def test_a_header_that_always_says_nothing_is_left_is_not_believed_for_ever() -> None:
    window = Window(100, 60.0, aligned=False)
    now, waited = 0.0, 0
    for _ in range(20):
        while (wait := window.wait(now, START + now)) > 0:
            waited += 1
            now += wait
        window.take(now, START + now)
        learn(window, now, remaining=0)
        window.give_back(now, START + now, START + now)
    assert waited == 2


def test_of_a_day_the_header_is_believed_only_when_the_platform_refuses() -> None:
    window = Window(1000, 86_400.0, aligned=True)
    learn(window, 0.0, remaining=0)
    assert window.wait(0.0, START) == 0.0
    learn(window, 0.0, remaining=0, fine=False)
    assert window.wait(0.0, START) > 3600
    assert window.share_used(0.0, START) == 1.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        ("-4", 0.0),
        ("Sun, 01 Nov 2026 12:00:43 GMT", 43.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("2026-11-01T12:01:00Z", 60.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(text: str, seconds: float | None) -> None:
    assert read_retry_after({"retry-after": text}, NOW) == seconds


def test_headers_of_a_budget_are_read_as_they_are_declared() -> None:
    epoch = Told(limit="X-Limit", remaining="X-Left", reset="X-Reset", reset_in="unix")
    later = str(int((NOW + timedelta(seconds=9)).timestamp()))
    said = {"x-limit": "100, 100;w=10", "x-left": "7", "x-reset": later}
    assert read_tidings(epoch, said, NOW) == Tidings(100, 7, 9.0)
    millis = Told(reset="X-Reset", reset_in="milliseconds")
    assert read_tidings(millis, {"x-reset": "1500"}, NOW) == Tidings(reset=1.5)
    date = Told(reset="X-Reset", reset_in="date")
    assert read_tidings(date, {"x-reset": "2026-11-01T12:00:05+00:00"}, NOW).reset == 5.0
    assert read_tidings(epoch, {"x-limit": "many"}, NOW) == Tidings()
