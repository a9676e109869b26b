"""The one event loop of a reading, in a thread of its own, and pipes from its tasks to the threads
that read: bounded by bytes, and closed from either side without a leak.

Knows nothing of what flows.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from listbackup.errors import SourceError

T = TypeVar("T")
ROOM = 2**20
"""So many bytes wait in a pipe until its producer has to."""


class Closed(SourceError):
    """The reading was closed while somebody still read."""

    def __init__(self) -> None:
        super().__init__("The reading was ended.")


class Loop:
    """An event loop in a thread."""

    def __init__(self, name: str = "rest") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._guard = threading.Lock()
        self._pipes: set[Pipe[Any]] = set()
        self._closed = False
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, and give what it gives. Raises Closed."""
        with self._guard:
            if self._closed:
                work.close()
                raise Closed
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except asyncio.CancelledError as error:
            raise Closed from error
        except BaseException:
            future.cancel()
            raise

    def pipe(self, work: Callable[["Pipe[T]"], Awaitable[None]]) -> "Pipe[T]":
        """Start a task that puts things into a pipe. Raises Closed."""
        pipe: Pipe[T] = Pipe(self._loop, self._pipes.discard)
        with self._guard:
            if self._closed:
                raise Closed
            self._pipes.add(pipe)
            asyncio.run_coroutine_threadsafe(pipe.run(work), self._loop)
        return pipe

    def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """End all tasks, do a last thing, and end the thread; may be called twice."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        for pipe in list(self._pipes):
            pipe.close()
        ending = asyncio.run_coroutine_threadsafe(self._end(last), self._loop)
        try:
            ending.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    async def _end(self, last: Callable[[], Awaitable[None]] | None) -> None:
        tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if last is not None:
            await last()


class Pipe(Generic[T]):
    """From one task to one thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, forget: Callable[["Pipe[T]"], None]
    ) -> None:
        self._loop = loop
        self._forget = forget
        self._ready = threading.Condition()
        self._things: deque[tuple[T, int]] = deque()
        self._held = 0
        self._over = False
        self._error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    async def run(self, work: Callable[["Pipe[T]"], Awaitable[None]]) -> None:
        """Do the work, and tell the reader how it ended."""
        self._task = asyncio.current_task()
        error: BaseException | None = None
        try:
            if not self._over:
                await work(self)
        except asyncio.CancelledError:
            error = Closed()
        except BaseException as raised:  # noqa: BLE001 - it is raised in the reading thread
            error = raised
        self._finish(error)

    async def put(self, thing: T, size: int) -> None:
        """Hand something on; waits while too much is waiting."""
        while True:
            with self._ready:
                if self._over:
                    raise Closed
                if self._held < ROOM:
                    self._things.append((thing, size))
                    self._held += size
                    self._ready.notify()
                    return
                self._room.clear()
            await self._room.wait()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._ready:
                while not self._things and not self._over:
                    self._ready.wait()
                if not self._things:
                    if self._error is not None:
                        raise self._error
                    return
                thing, size = self._things.popleft()
                full = self._held >= ROOM
                self._held -= size
            if full and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._room.set)
            yield thing

    def close(self) -> None:
        """End it from the reader's side; the task is cancelled."""
        with self._ready:
            self._things.clear()
            if self._over:
                return
        self._finish(Closed())
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _finish(self, error: BaseException | None) -> None:
        with self._ready:
            if not self._over:
                self._over = True
                self._error = error
            self._ready.notify_all()
        self._forget(self)
