"""Several requests at once where they do not depend on each other. Knows no requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def for_each(
    things: AsyncIterator[T], work: Callable[[int, T], Awaitable[None]], width: int
) -> int:
    """Do the work for each thing and its number, for at most `width` of them at once; give how
    many there were. The first error ends all and is raised."""
    slots = asyncio.Semaphore(width)
    running: set[asyncio.Task[None]] = set()
    failed: list[BaseException] = []
    number = 0

    def done(task: "asyncio.Task[None]") -> None:
        running.discard(task)
        slots.release()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failed.append(error)

    async def start(number: int, thing: T) -> None:
        await work(number, thing)

    try:
        async for thing in things:
            await slots.acquire()
            if failed:
                slots.release()
                break
            task = asyncio.create_task(start(number, thing))
            running.add(task)
            task.add_done_callback(done)
            number += 1
        while running and not failed:
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            await asyncio.sleep(0)
    finally:
        left = list(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    if failed:
        raise failed[0]
    return number
