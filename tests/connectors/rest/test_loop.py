"""What flows from the event loop to the threads is bounded, and nothing is left when it closes."""

import asyncio
import threading
import time

import pytest

from listbackup.connectors.rest.loop import ROOM, Closed, Loop, Pipe
from listbackup.errors import SourceError


@pytest.fixture
def loop() -> Loop:
    return Loop("tested")


def test_things_come_in_order_and_then_it_ends(loop: Loop) -> None:
    async def work(pipe: Pipe[int]) -> None:
        for number in range(1000):
            await pipe.put(number, 10_000)

    assert list(loop.pipe(work)) == list(range(1000))
    loop.close()


def test_who_gives_too_much_waits_until_some_is_taken(loop: Loop) -> None:
    given = 0

    async def work(pipe: Pipe[bytes]) -> None:
        nonlocal given
        while True:
            await pipe.put(bytes(2**20), 2**20)
            given += 1

    pipe = iter(loop.pipe(work))
    next(pipe)
    time.sleep(0.05)
    assert given <= ROOM // 2**20 + 2
    next(pipe)
    loop.close()


def test_what_goes_wrong_comes_after_what_came_before(loop: Loop) -> None:
    async def work(pipe: Pipe[int]) -> None:
        await pipe.put(1, 1)
        raise SourceError("it broke")

    pipe = iter(loop.pipe(work))
    assert next(pipe) == 1
    with pytest.raises(SourceError, match="it broke"):
        next(pipe)
    loop.close()


def test_closing_wakes_who_waits_and_ends_every_task_and_thread() -> None:
    before = threading.active_count()
    loop = Loop("tested")
    ended: list[str] = []

    async def work(pipe: Pipe[int]) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("task")

    async def last() -> None:
        ended.append("last")

    pipe = loop.pipe(work)
    errors: list[BaseException] = []

    def read() -> None:
        try:
            list(pipe)
        except Closed as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.05)
    loop.close(last)
    loop.close(last)
    thread.join(5)
    assert (ended, len(errors)) == (["task", "last"], 1)
    assert threading.active_count() == before
    with pytest.raises(Closed):
        loop.run(asyncio.sleep(0))


def test_who_stops_reading_ends_the_task(loop: Loop) -> None:
    ended = threading.Event()

    async def work(pipe: Pipe[int]) -> None:
        try:
            while True:
                await pipe.put(1, ROOM)
        finally:
            ended.set()

    pipe = loop.pipe(work)
    next(iter(pipe))
    pipe.close()
    assert ended.wait(5)
    loop.close()
