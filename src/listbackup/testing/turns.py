"""Actors that take turns: each runs from one store call to the next, in an order that a test draws.

What several machines do to one vault at once is then played in one process, and the same draw plays
it again. An actor whose own threads call the store counts as one; only what such threads do between
two calls is not in the test's hands.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from listbackup.objectstore import ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore, without_retries

T = TypeVar("T")

Choose = Callable[[Sequence[str]], str]
"""Draws who is next, of the names of those that have not ended."""

_MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How an actor ended: what it gave, or what it raised."""

    value: object = None
    error: BaseException | None = None


class Turns:
    """Who may call the store now."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = {}
        self._granted: str | None = None
        self._ended: dict[str, Ended] = {}

    def store(self, actor: str, store: ObjectStore) -> ObjectStore:
        """Give an actor's store: each call waits for the actor's turn."""
        return _TurnStore(store, lambda: self._wait(actor))

    def run(self, actors: Mapping[str, Callable[[], object]]) -> Mapping[str, Ended]:
        """Let all actors run to their ends. Raises TimeoutError when one never calls or ends."""
        threads = [
            threading.Thread(target=self._play, args=(name, act), name=name, daemon=True)
            for name, act in actors.items()
        ]
        for thread in threads:
            thread.start()
        while left := self._settle(sorted(actors)):
            self._grant(self._choose(left))
        for thread in threads:
            thread.join()
        return self._ended

    def _play(self, name: str, act: Callable[[], object]) -> None:
        self._wait(name)
        try:
            ended = Ended(act())
        except BaseException as error:  # noqa: BLE001
            ended = Ended(error=error)
        with self._changed:
            self._ended[name] = ended
            self._changed.notify_all()

    def _wait(self, actor: str) -> None:
        with self._changed:
            self._waiting[actor] = self._waiting.get(actor, 0) + 1
            self._changed.notify_all()
            self._until(lambda: self._granted == actor)
            self._granted = None
            self._waiting[actor] -= 1
            self._changed.notify_all()

    def _settle(self, actors: Sequence[str]) -> list[str]:
        """Wait until everybody waits or has ended; name those that wait."""
        with self._changed:
            self._until(
                lambda: (
                    self._granted is None
                    and all(self._waiting.get(one) or one in self._ended for one in actors)
                )
            )
            return [one for one in actors if one not in self._ended]

    def _grant(self, actor: str) -> None:
        with self._changed:
            self._granted = actor
            self._changed.notify_all()
            self._until(lambda: self._granted is None)

    def _until(self, condition: Callable[[], bool]) -> None:
        if not self._changed.wait_for(condition, _MOST_SECONDS):
            raise TimeoutError("an actor neither called the store nor ended")


class _TurnStore(PassingStore):
    def __init__(self, store: ObjectStore, wait: Callable[[], None]) -> None:
        super().__init__(store)
        self._wait = wait

    def without_retries(self) -> ObjectStore:
        return _TurnStore(without_retries(self.inside), self._wait)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        self._wait()
        super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        self._wait()
        return super().get(key, start=start, length=length, version=version)

    def head(self, key: str) -> ObjectInfo:
        self._wait()
        return super().head(key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        self._wait()
        return iter([*super().list(prefix)])

    def delete(self, key: str, *, version: str | None = None) -> None:
        self._wait()
        super().delete(key, version=version)

    def barrier(self) -> None:
        self._wait()
        super().barrier()
