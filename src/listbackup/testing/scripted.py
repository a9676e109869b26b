"""A store that answers as a test says: what real stores do on their worst days."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from listbackup.errors import ObjectExists, StoreUnavailable
from listbackup.objectstore import ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore


class Answer(Enum):
    """What becomes of one put, and what is answered to it."""

    STORED_BUT_NO_ANSWER = "the object is stored; 500, 503 or a broken connection is answered"
    LOST_WITHOUT_ANSWER = "nothing is stored; 500, 503 or a broken connection is answered"
    CONFLICT = "nothing is stored; 409 is answered"
    STORED_BUT_TAKEN = "the object is stored; 412 is answered, as if somebody else had been first"
    STORED_LATER = "nothing is stored yet, no answer; the put lands when `land` is called"


@dataclass(frozen=True, slots=True)
class Late:
    """A put that is still under way."""

    key: str
    body: bytes
    tag: Tag
    replace: bool


class ScriptedStore(PassingStore):
    """A store around another, whose puts and listings go wrong by a script. Thread-safe.

    The store inside must publish at once (memory, S3), not at the barrier.
    """

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self._lock = threading.Lock()
        self._script: list[tuple[Callable[[str], bool], Answer]] = []
        self._late: list[Late] = []
        self._unlisted: set[str] = set()
        self.answered: list[tuple[str, Answer]] = []
        """The puts that were answered by the script: key and answer."""

    def without_retries(self) -> ObjectStore:
        """Give this store: it has no retries of its own."""
        return self

    def answer(self, matches: str | Callable[[str], bool], *answers: Answer) -> None:
        """Answer the next puts of matching keys (a part of the key, or a function) so, in turn;
        later ones are well."""
        test = matches if callable(matches) else lambda key, part=matches: part in key
        with self._lock:
            self._script += [(test, answer) for answer in answers]

    def land(self) -> list[str]:
        """Let the late puts arrive now; name the keys that were stored by it. A late exclusive
        put of a key that is taken by now comes to nothing."""
        with self._lock:
            late, self._late = self._late, []
        landed = []
        for put in late:
            try:
                self.inside.put(put.key, put.body, tag=put.tag, replace=put.replace)
            except ObjectExists:
                continue
            landed.append(put.key)
        return landed

    def hide(self, key: str) -> None:
        """Put a delete marker on an object, as somebody with rights on the bucket can."""
        self.inside.delete(key)

    def unlist(self, *keys: str) -> None:
        """Leave these keys out of every listing from now on; they are still read and seen."""
        self._unlisted.update(keys)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key, or what the script says."""
        answer = self._next_answer(key)
        if answer in (None, Answer.STORED_BUT_NO_ANSWER, Answer.STORED_BUT_TAKEN):
            super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)
        if answer is Answer.STORED_LATER:
            with self._lock:
                self._late.append(Late(key, bytes(body), tag, replace))
        if answer is Answer.STORED_BUT_TAKEN:
            raise ObjectExists("an object of that name exists already", subject=key)
        if answer is not None:
            raise StoreUnavailable(f"scripted: {answer.value}", subject=key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name the objects that are not left out."""
        return (info for info in super().list(prefix) if info.key not in self._unlisted)

    def _next_answer(self, key: str) -> Answer | None:
        with self._lock:
            for place, (matches, answer) in enumerate(self._script):
                if matches(key):
                    del self._script[place]
                    self.answered.append((key, answer))
                    return answer
        return None
