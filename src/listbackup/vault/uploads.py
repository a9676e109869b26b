"""Putting in the background: a bounded pool, so that reading goes on while objects are sealed,
digested and stored. The first failure is raised to whoever hands in the next object."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from listbackup.vault.refs import Ref


class Uploads:
    """At most `most` objects under way; memory is bounded by their size."""

    def __init__(self, workers: int = 3, most: int = 4) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="upload")
        self._places = threading.BoundedSemaphore(most)
        self._failure: BaseException | None = None

    def submit(self, work: Callable[[], Ref]) -> "Future[Ref]":
        """Run `work` in the pool; waits while too much is under way. Raises what an earlier piece
        of work raised."""
        self._places.acquire()
        if self._failure is not None:
            self._places.release()
            raise self._failure
        future = self._pool.submit(work)
        future.add_done_callback(self._ended)
        return future

    def close(self) -> None:
        """End the pool; work that has not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ended(self, future: "Future[Ref]") -> None:
        self._places.release()
        if not future.cancelled() and future.exception() is not None:
            self._failure = self._failure or future.exception()
