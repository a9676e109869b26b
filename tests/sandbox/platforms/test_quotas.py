"""Windows count per whoever asks, several at once, and say when they open."""

from listbackup.sandbox.platforms.quotas import Quota, Window

SECOND = Window("second", 3, 1.0, sliding=True)
DAY = Window("day", 5, 86400.0)


def test_a_sliding_window_opens_one_second_after_its_first_request() -> None:
    quota = Quota([SECOND])
    assert [quota.take("a", at).allowed for at in (0.0, 0.1, 0.2, 0.9)] == [True] * 3 + [False]
    assert not quota.take("a", 0.999).allowed
    assert quota.take("a", 1.0).allowed
    assert not quota.take("a", 1.05).allowed


def test_a_fixed_window_begins_anew_at_its_border() -> None:
    quota = Quota([DAY])
    verdicts = [quota.take("a", 86390.0) for _ in range(6)]
    assert [one.allowed for one in verdicts] == [True] * 5 + [False]
    assert verdicts[-1].spent is not None
    assert verdicts[-1].spent.resets == 86400.0
    assert quota.take("a", 86400.0).allowed


def test_each_asker_has_its_own_count() -> None:
    quota = Quota([SECOND])
    for _ in range(3):
        quota.take("a", 0.0)
    assert not quota.take("a", 0.0).allowed
    assert quota.take("b", 0.0).allowed


def test_of_several_windows_the_one_that_opens_last_is_named() -> None:
    quota = Quota([Window("second", 1, 1.0, sliding=True), Window("minute", 1, 60.0)])
    assert quota.take("a", 30.0).allowed
    spent = quota.take("a", 30.5).spent
    assert spent is not None
    assert (spent.window.name, spent.resets) == ("minute", 60.0)
    assert [one.free for one in quota.look("a", 30.5)] == [0, 0]


def test_refused_requests_count_only_where_the_quota_is_strict() -> None:
    window = Window("minute", 1, 60.0)
    for strict, used in ((False, 1), (True, 3)):
        quota = Quota([window], strict=strict)
        for _ in range(3):
            quota.take("a", 0.0)
        assert quota.look("a", 0.0)[0].used == used
