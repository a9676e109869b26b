"""A wrapper that asks a store again when it gave no clear answer.

An exclusive put that was not answered clearly may have been stored: where a later attempt finds
the key taken, the stored bytes decide. Knows nothing of why the store did not answer.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from listbackup.errors import ObjectExists, StoreUnavailable
from listbackup.host import Host
from listbackup.objectstore import Features, ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore
from listbackup.retry import Patience, retry

T = TypeVar("T")


class RetryingStore(PassingStore):
    """A store whose StoreUnavailable is met with patience; but a barrier is asked once, because
    a failed one leaves nothing to repeat."""

    def __init__(self, store: ObjectStore, host: Host, patience: Patience | None = None) -> None:
        super().__init__(store)
        self._host = host
        self._patience = patience or Patience()

    @property
    def features(self) -> Features:
        """What the store inside can do."""
        return self._again(lambda: self.inside.features)

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key; an ambiguous answer is followed up until it is clear."""
        doubtful = False

        def attempt() -> None:
            nonlocal doubtful
            try:
                self.inside.put(key, body, tag=tag, replace=replace, retain_until=retain_until)
            except StoreUnavailable:
                doubtful = True
                raise

        try:
            self._again(attempt)
        except ObjectExists:
            if not doubtful or not self._holds(key, body):
                raise

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object or a range of it."""
        return self._again(
            lambda: self.inside.get(key, start=start, length=length, version=version)
        )

    def head(self, key: str) -> ObjectInfo:
        """Look at an object."""
        return self._again(lambda: self.inside.head(key))

    def read_tag(self, key: str) -> str | None:
        """Give the tag that an object was put with."""
        return self._again(lambda: super(RetryingStore, self).read_tag(key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order, none twice."""
        last = ""
        found: Iterator[ObjectInfo] | None = None

        def step() -> ObjectInfo | None:
            nonlocal found
            try:
                if found is None:
                    found = self.inside.list(prefix)
                return next((info for info in found if info.key > last), None)
            except StoreUnavailable:
                found = None
                raise

        while (info := self._again(step)) is not None:
            last = info.key
            yield info

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (one version of it where given)."""
        self._again(lambda: self.inside.delete(key, version=version))

    def now(self) -> datetime:
        """Give the store's own time."""
        return self._again(self.inside.now)

    def _holds(self, key: str, body: bytes | memoryview) -> bool:
        return self.head(key).size == len(body) and self.get(key) == body

    def _again(self, action: Callable[[], T]) -> T:
        return retry(
            action,
            on=StoreUnavailable,
            clock=self._host.clock,
            entropy=self._host.entropy,
            patience=self._patience,
        )
