"""Whether a clock may be trusted with deleting: the store's beside the machine's and the ledgers'.

The time is the store's: that of an object which is put for the purpose. A clock that runs ahead
would end every grace at once, so it is held against the machine's clock and against the times that
signed entries tell; on a directory, whose clock is the machine's, these are the only guard. Because
entries may have been signed by a wrong clock too, ages are counted from entry to entry, and a gap
counts for no more than a gap can be believed. Knows nothing of what is to be deleted.
"""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from listbackup.errors import ObjectMissing, RefusedError
from listbackup.objectstore import ObjectStore
from listbackup.vault.opening import Vault
from listbackup.vault.sources import SourceView

MOST_SKEW = timedelta(hours=1)
MOST_SILENCE = timedelta(days=1)


def ask_store_time(vault: Vault) -> datetime:
    """Put a small object and give the time that the store wrote on it; take it away again."""
    store = vault.store
    key = f"temp/clock-{vault.host.entropy(8).hex()}"
    store.put(key, b"", tag="temp")
    try:
        store.barrier()
        return store.head(key).modified
    finally:
        _remove(store, key)


def _remove(store: ObjectStore, key: str) -> None:
    version = None
    if store.features.versions:
        with suppress(ObjectMissing):
            version = store.head(key).version
    store.delete(key, version=version)


def refuse_wrong_clock(vault: Vault, view: SourceView, now: datetime) -> None:
    """Raise RefusedError when the store's time is not to be believed: more than an hour from the
    machine's, more than an hour before the newest signed time, or further behind that than can be
    believed (`find_most_gap`)."""
    skew = now - vault.host.clock.now()
    if abs(skew) > MOST_SKEW:
        raise _refusal(
            vault,
            f"The clocks of the store and of this machine differ by {_say(abs(skew))}.",
            "Set the clock that is wrong; --clock-ok trusts the store's.",
        )
    newest = find_newest_time(vault, view)
    if newest is None:
        return
    if newest - now > MOST_SKEW:
        raise _refusal(
            vault,
            f"The store's clock is {_say(newest - now)} before the newest signed entry.",
            "Set the clocks right; --clock-ok trusts the store's as it is.",
        )
    most = find_most_gap(view)
    if now - newest > most:
        raise _refusal(
            vault,
            f"The store's clock is {_say(now - newest)} after the newest signed entry, more than "
            f"{_say(most)}: either nothing was backed up for long, or the clock is wrong.",
            "Back up first, or give --clock-ok if the clock is right.",
        )


class Ages:
    """How old things are that happened between a source's entries, as far as can be believed.

    With `most` None every time is believed as it stands.
    """

    def __init__(self, view: SourceView, now: datetime, most: timedelta | None) -> None:
        entries = view.loaded.entries
        self._numbers = sorted(entries)
        self._times = [entries[number].time for number in self._numbers] + [now]
        self._most = most
        self.now = now

    def since(self, number: int) -> timedelta:
        """Give how long ago the entry of that number was written."""
        first = bisect_left(self._numbers, number)
        if self._most is None:
            return self.now - max(self._times[: first + 1])
        return sum((gap for _, gap in self._gaps(first)), timedelta(0))

    def before(self, span: timedelta) -> datetime:
        """Give a moment on the store's clock: what is older than that, is older than the span."""
        if self._most is None:
            return self.now - span
        left = span
        for place, gap in reversed(list(self._gaps(0))):
            start, end = self._times[place], self._times[place + 1]
            if left <= gap:
                return end - left if end - start <= self._most else min(start, end - left)
            left -= gap
        return min(self._times) - left

    def _gaps(self, first: int) -> Iterator[tuple[int, timedelta]]:
        most = self._most or timedelta(0)
        for place in range(first, len(self._times) - 1):
            gap = self._times[place + 1] - self._times[place]
            yield place, min(max(gap, timedelta(0)), most)


def find_most_gap(view: SourceView) -> timedelta:
    """Give the longest silence that is believed: a day, or twice the source's usual interval."""
    return max(MOST_SILENCE, 2 * find_usual_interval(view))


def find_newest_time(vault: Vault, view: SourceView) -> datetime | None:
    """Give the newest time that anything signed tells: ledgers and witness."""
    times = [one.time for one in view.loaded.entries.values()]
    times += [one.time for one in vault.account.loaded.entries.values()]
    if vault.seen is not None and vault.seen.newest is not None:
        times.append(vault.seen.newest)
    return max(times, default=None)


def find_usual_interval(view: SourceView) -> timedelta:
    """Give the median time between two commits of the source; zero where there are not two."""
    commits = [*view.commits.values(), *(one.commit for one in view.dropped.values())]
    times = [one.time for one in sorted(commits, key=lambda one: one.number)]
    between = [max(0.0, (b - a).total_seconds()) for a, b in pairwise(times)]
    return timedelta(seconds=median(between)) if between else timedelta(0)


def _refusal(vault: Vault, message: str, hint: str) -> RefusedError:
    return RefusedError(message, subject=vault.access.url, risk="Nothing was deleted.", hint=hint)


def _say(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
