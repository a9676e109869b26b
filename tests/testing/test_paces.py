"""Played time jumps only when nothing can run, and wakes everybody at their own time."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta

from listbackup.testing.hosts import START
from listbackup.testing.paces import PlayedPace


def play(work: Coroutine[None, None, object]) -> None:
    began = time.monotonic()
    asyncio.run(work)
    assert time.monotonic() - began < 5


def test_many_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    pace = PlayedPace()
    woken: list[tuple[float, int]] = []

    async def nap(number: int, seconds: float) -> None:
        await pace.sleep(seconds)
        woken.append((pace.monotonic(), number))

    async def work() -> None:
        await asyncio.gather(nap(1, 50.0), nap(2, 7200.0), nap(3, 0.5), nap(4, 50.0))

    play(work())
    assert woken == [(0.5, 3), (50.0, 1), (50.0, 4), (7200.0, 2)]
    assert pace.now() == START + timedelta(seconds=7200)


def test_time_stands_still_while_anything_can_run() -> None:
    pace = PlayedPace()
    seen: list[float] = []

    async def toil() -> None:
        for _ in range(500):
            await asyncio.sleep(0)
            seen.append(pace.monotonic())

    async def work() -> None:
        await asyncio.gather(pace.sleep(1.0), toil())

    play(work())
    assert set(seen) == {0.0}
    assert pace.monotonic() == 1.0


def test_a_nap_given_up_does_not_move_the_time() -> None:
    pace = PlayedPace()

    async def work() -> None:
        long = asyncio.create_task(pace.sleep(1000.0))
        await pace.sleep(1.0)
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        await pace.sleep(1.0)

    play(work())
    assert pace.monotonic() == 2.0


def test_a_loop_after_another_goes_on_with_the_same_time() -> None:
    pace = PlayedPace()
    play(pace.sleep(3.0))
    play(pace.sleep(4.0))
    assert pace.monotonic() == 7.0


def test_a_loop_that_ended_with_sleepers_does_not_stop_the_time_of_the_next() -> None:
    pace = PlayedPace()

    async def leave() -> None:
        asyncio.get_running_loop().create_task(pace.sleep(1000.0))
        await pace.sleep(1.0)

    play(leave())
    play(pace.sleep(1.0))
    assert pace.monotonic() == 2.0


def test_the_wall_clock_can_be_set_without_waking_anybody() -> None:
    pace = PlayedPace()

    async def work() -> None:
        nap = asyncio.create_task(pace.sleep(10.0))
        await asyncio.sleep(0)
        pace.set_wall(START - timedelta(days=1))
        await nap

    play(work())
    assert pace.monotonic() == 10.0
    assert pace.now() == START - timedelta(days=1) + timedelta(seconds=10)
