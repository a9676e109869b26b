"""An eventual index: what a search sees lies some seconds behind what is.

Knows no query language: it gives the values as they were, whoever asks chooses among them.
"""

from collections.abc import Iterator

from listbackup.sandbox.platforms.state import Account, Value


class LaggingIndex:
    """The values of one collection as they were `lag` seconds ago: additions, changes and
    deletions alike show late. What was put without being told shows at once."""

    def __init__(self, account: Account, collection: str, lag: float) -> None:
        self._account = account
        self._collection = collection
        self._lag = lag

    def values(self) -> Iterator[tuple[str, Value]]:
        """Give id and value of each record that a search may find now, oldest first; what was
        deleted a moment ago comes last."""
        earlier = self._look_back()
        for record in self._account[self._collection].all.oldest_first():
            if record.id not in earlier:
                yield record.id, record.value
                continue
            value = earlier.pop(record.id)
            if value is not None:
                yield record.id, value
        yield from ((id, value) for id, value in earlier.items() if value is not None)

    def _look_back(self) -> dict[str, Value | None]:
        ripe = self._account.now - self._lag
        earlier: dict[str, Value | None] = {}
        for change in reversed(self._account.changes):
            if change.at <= ripe:
                break
            if change.collection == self._collection:
                earlier[change.id] = change.before
        return earlier
