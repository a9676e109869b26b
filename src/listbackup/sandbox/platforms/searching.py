"""An eventual index: what a search sees lies some seconds behind what is.

Knows no query language: it gives the values as they were, whoever asks chooses among them.
"""

from collections import deque
from collections.abc import Iterator

from listbackup.sandbox.platforms.state import Account, Change, Value


class LaggingIndex:
    """The values of one collection as they were `lag` seconds ago, additions, changes and
    deletions alike. What was there when the index was made is in it."""

    def __init__(self, account: Account, collection: str, lag: float) -> None:
        self._account = account
        self._collection = collection
        self._lag = lag
        self._seen = {record.id: record.value for record in account[collection].all.oldest_first()}
        self._pending: deque[Change] = deque()
        account.listeners.append(self._hear)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Give id and value of each record that a search may find now, oldest first."""
        ripe = self._account.now - self._lag
        while self._pending and self._pending[0].at <= ripe:
            change = self._pending.popleft()
            if change.after is None:
                self._seen.pop(change.id, None)
            else:
                self._seen[change.id] = change.after
        yield from self._seen.items()

    def _hear(self, change: Change) -> None:
        if change.collection == self._collection:
            self._pending.append(change)
