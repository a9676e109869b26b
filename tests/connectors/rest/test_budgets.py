"""Requests wait their turn: within every budget, fairly, and saying what they wait for."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from listbackup.clock import SystemClock
from listbackup.connectors.rest.budgets import Budgets, Line, Owner
from listbackup.connectors.rest.connection import choose_way
from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.models.budgets import Budget, Told, Window
from listbackup.connectors.rest.pace import SystemPace
from listbackup.errors import RateLimited
from listbackup.events import Event, Waited
from listbackup.testing.hosts import START, SeededEntropy
from listbackup.testing.paces import PlayedPace

KEAP = (
    Budget(
        name="application",
        title="the application's quota",
        scope="client",
        windows=(
            Window(requests=25, within=1),
            Window(requests=240, within=60, title="Keap's minute window"),
            Window(requests=1000, within=86400, aligned="utc", title="Keap's day"),
        ),
        told=(Told(remaining="x-left", reset="x-reset", within=60),),
    ),
)


def owner(tenant: str, *, client: str = "app", key: str = "k", account: str = "") -> Owner:
    return Owner("keap", client, key, account or tenant, tenant)


class Platform:
    """Counts what reaches it; each answer takes `delay` seconds."""

    def __init__(self, pace: PlayedPace, delay: float = 0.0) -> None:
        self.pace = pace
        self.delay = delay
        self.calls: list[tuple[float, str]] = []
        self.flying = self.most_flying = 0

    async def call(self, line: Line, name: str, operation: str = "GET /v2/contacts") -> None:
        async with line.passage(operation) as passage:
            self.flying += 1
            self.most_flying = max(self.most_flying, self.flying)
            self.calls.append((self.pace.monotonic(), name))
            if self.delay:
                await self.pace.sleep(self.delay)
            self.flying -= 1
            passage.answer({}, refused=False)

    async def many(self, line: Line, name: str, calls: int, workers: int = 8) -> None:
        left = iter(range(calls))

        async def work() -> None:
            for _ in left:
                await self.call(line, name)

        await asyncio.gather(*(work() for _ in range(workers)))


def most_in(times: Sequence[float], span: float) -> int:
    return max(sum(1 for t in times if start <= t < start + span - 1e-9) for start in set(times))


def test_all_windows_hold_at_once_and_the_wait_says_which_one() -> None:
    pace, events = PlayedPace(), list[Event]()
    line = Budgets(pace, SeededEntropy(1)).open(
        owner("shop"), KEAP, title="Keap", emit=events.append
    )
    platform = Platform(pace)
    asyncio.run(platform.many(line, "shop", 500))
    times = [moment for moment, _ in platform.calls]
    assert most_in(times, 1.0) <= 25
    assert most_in(times, 60.0) <= 240
    assert 120 <= pace.monotonic() < 125
    waits = [event for event in events if isinstance(event, Waited) and event.seconds > 5]
    assert [event.reason for event in waits] == [
        "Keap's minute window, 24 % of today's budget used",
        "Keap's minute window, 48 % of today's budget used",
    ]
    assert 45 < waits[0].seconds < 60


def test_two_tenants_on_one_quota_are_served_fairly_however_many_streams_each_has() -> None:
    pace = PlayedPace()
    budgets = Budgets(pace, SeededEntropy(1))
    platform = Platform(pace, delay=0.05)

    async def work() -> None:
        large = budgets.open(owner("large", key="1"), KEAP, title="Keap")
        small = budgets.open(owner("small", key="2"), KEAP, title="Keap")
        await asyncio.gather(
            platform.many(large, "large", 400, workers=16),
            platform.many(small, "small", 60, workers=2),
        )

    asyncio.run(work())
    assert most_in([moment for moment, _ in platform.calls], 60.0) <= 240
    ended = max(moment for moment, name in platform.calls if name == "small")
    served = Counter(name for moment, name in platform.calls if moment <= ended)
    assert ended < 60
    assert served["small"] == 60
    large, small = [budgets.open(owner(n, key=n), KEAP, title="Keap") for n in ("large", "small")]
    full = len(platform.calls)

    async def equally() -> None:
        await asyncio.gather(
            platform.many(large, "large", 200, workers=16),
            platform.many(small, "small", 200, workers=16),
        )

    asyncio.run(equally())
    half = Counter(name for _, name in platform.calls[full : full + 200])
    assert abs(half["large"] - half["small"]) <= 20


def test_another_client_has_a_budget_of_its_own() -> None:
    pace = PlayedPace()
    budgets = Budgets(pace, SeededEntropy(1))
    platform = Platform(pace)

    async def work() -> None:
        lines = [budgets.open(owner(name, client=name), KEAP, title="Keap") for name in "ab"]
        await asyncio.gather(*(platform.many(line, "x", 240) for line in lines))

    asyncio.run(work())
    assert pace.monotonic() < 15


def test_two_keys_of_one_keap_account_share_its_minute_and_have_a_second_each() -> None:
    keap = load_platform("keap")
    way = choose_way(keap, "key")
    allowed = [one for one in keap.budgets if one.name in way.budgets]
    pace = PlayedPace()
    budgets = Budgets(pace, SeededEntropy(1))
    platform = Platform(pace)

    async def work(accounts: tuple[str, str]) -> None:
        owners = [owner("x", key=key, account=one) for key, one in zip("ab", accounts, strict=True)]
        lines = [budgets.open(one, allowed, title="Keap") for one in owners]
        await asyncio.gather(*(platform.many(line, "x", 150) for line in lines))

    asyncio.run(work(("one", "two")))
    assert pace.monotonic() < 20
    assert most_in([moment for moment, _ in platform.calls], 1.0) > 10
    began = pace.monotonic()
    asyncio.run(work(("both", "both")))
    assert pace.monotonic() - began > 40
    assert most_in([moment for moment, _ in platform.calls[300:]], 60.0) <= 240


def test_an_operation_is_held_only_by_budgets_that_cover_it() -> None:
    pace = PlayedPace()
    slow = Budget(
        name="search",
        title="searches",
        windows=(Window(requests=1, within=10),),
        operations=("GET /v1/search",),
    )
    line = Budgets(pace, SeededEntropy(1)).open(owner("shop"), [slow], title="Demo")
    platform = Platform(pace)

    async def work() -> None:
        searches = [platform.call(line, "search", "GET /v1/search/x") for _ in range(3)]
        lists = [platform.call(line, "list", "GET /v1/things") for _ in range(50)]
        await asyncio.gather(*searches, *lists)

    asyncio.run(work())
    assert {moment for moment, name in platform.calls if name == "list"} == {0.0}
    assert 20 <= pace.monotonic() < 21


def test_only_so_many_are_under_way_at_once() -> None:
    pace = PlayedPace()
    one = Budget(name="places", title="places", concurrent=3)
    budgets = Budgets(pace, SeededEntropy(1))
    platform = Platform(pace, delay=1.0)
    asyncio.run(platform.many(budgets.open(owner("a"), [one], title="Demo"), "a", 30, workers=16))
    assert platform.most_flying == 3
    assert 9.9 < pace.monotonic() < 10.5
    platform.most_flying = 0
    line = budgets.open(owner("b"), [], title="Demo", concurrent=5)
    asyncio.run(platform.many(line, "b", 30, workers=16))
    assert platform.most_flying == 5


def test_what_is_left_for_others_is_learned_from_the_answers() -> None:
    pace = PlayedPace()
    line = Budgets(pace, SeededEntropy(1)).open(owner("shop"), KEAP, title="Keap")

    async def call(left: str) -> None:
        async with line.passage("GET /v2/tags") as passage:
            passage.answer({"x-left": left, "x-reset": "40"}, refused=False)

    asyncio.run(call("1"))
    asyncio.run(call("0"))
    assert pace.monotonic() < 1
    asyncio.run(call("200"))
    assert 39 < pace.monotonic() < 42


def test_a_wait_until_tomorrow_is_not_waited_for() -> None:
    pace = PlayedPace()
    pace.set_wall(START - timedelta(hours=2))
    line = Budgets(pace, SeededEntropy(1)).open(owner("shop"), KEAP, title="Keap")
    platform = Platform(pace)
    with pytest.raises(RateLimited) as caught:
        asyncio.run(platform.many(line, "shop", 1001, workers=1))
    assert len(platform.calls) == 1000
    assert "Keap's day" in caught.value.message
    assert caught.value.subject == "shop"


def test_who_gives_up_while_waiting_or_under_way_leaves_no_trace() -> None:
    pace = PlayedPace()
    one = Budget(name="places", title="places", concurrent=1)
    line = Budgets(pace, SeededEntropy(1)).open(owner("a"), [one], title="Demo")
    platform = Platform(pace, delay=10.0)

    async def work() -> None:
        tasks = [asyncio.create_task(platform.call(line, str(i))) for i in range(4)]
        await pace.sleep(1.0)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(work())
    assert [name for _, name in platform.calls] == ["0", "2", "3"]


def test_sources_on_event_loops_of_several_threads_share_one_budget() -> None:
    pace = SystemPace(SystemClock())
    window = Budget(name="w", title="w", scope="client", windows=(Window(requests=40, within=1),))
    budgets = Budgets(pace, SeededEntropy(1))
    times: list[float] = []

    def run(name: str) -> None:
        line = budgets.open(owner(name), [window], title="Demo")

        async def call() -> None:
            for _ in range(5):
                async with line.passage("GET /x") as passage:
                    times.append(pace.monotonic())
                    passage.answer({}, refused=False)

        async def work() -> None:
            await asyncio.gather(*(call() for _ in range(3)))

        asyncio.run(work())

    threads = [threading.Thread(target=run, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 60
    assert most_in(times, 1.0) <= 40
    assert max(times) - min(times) < 5
