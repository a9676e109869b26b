"""Witnesses that a filter of time works: the newest records of the last sync, which the next one
has to be given again. Where none of them comes, either all of them are gone, or the filter does not
do what its description says.

Knows no requests.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from listbackup.clock import format_time, parse_time
from listbackup.connectors.rest.filters import EPOCH, read_moment, resolution
from listbackup.connectors.rest.models.streams import Since
from listbackup.connectors.rest.pages import fields_of

Json = Any
MOST = 3
CROWD = 20
"""So many records are asked for again at most, only that a witness is among them."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Keys and times of the newest records. `crowded`: there are many more as new as they are, so
    nothing is asked for only because of them."""

    records: tuple[tuple[str, datetime], ...] = ()
    crowded: bool = False

    def ask_from(self, since: datetime) -> datetime:
        """Choose the moment to ask from, such that they come."""
        times = [time for _, time in self.records]
        return since if self.crowded else min([since, *times])

    def demand(self, since: datetime, lookback: float) -> list[bytes]:
        """Give the keys of those that have to come where what changed since then is asked for."""
        least = since - timedelta(seconds=lookback)
        return [key.encode() for key, time in self.records if time >= least]

    def write(self) -> Json:
        """Write them down."""
        return {
            "records": [[key, format_time(time)] for key, time in self.records],
            "crowded": self.crowded,
        }


def read_witnesses(value: Json) -> Witnesses:
    """Read what `Witnesses.write` wrote; none where there are none. Raises ValueError."""
    if not isinstance(value, Mapping) or not isinstance(value.get("records"), list):
        return Witnesses()
    try:
        records = tuple((str(key), parse_time(time)) for key, time in value["records"])
    except TypeError as error:
        raise ValueError("no witnesses") from error
    return Witnesses(records, value.get("crowded") is True)


class Newest:
    """Finds the newest of the records that a stream gives, by what each says of its time."""

    def __init__(self, since: Since) -> None:
        self._since = since
        self._times: dict[bytes, datetime] = {}

    def look(self, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """See the records of a page."""
        told = fields_of(records, self._since.field)
        pairs: Iterable[tuple[Json, bytes]] = zip(told, keys, strict=True)
        if _are_alike(told):
            pairs = heapq.nlargest(CROWD + 1, pairs)
        for value, key in pairs:
            moment = read_moment(value, self._since.zone)
            if moment is not None:
                self._times[key] = moment
        if len(self._times) > 16 * CROWD:
            self._times = dict(heapq.nlargest(4 * CROWD, self._times.items(), key=_time_of))

    @property
    def latest(self) -> datetime | None:
        """The greatest time of all."""
        return max(self._times.values(), default=None)

    def choose(self, now: datetime) -> Witnesses:
        """Choose witnesses; what is told to be of the future is none."""
        past = [pair for pair in self._times.items() if EPOCH <= pair[1] <= now]
        chosen = heapq.nlargest(MOST, past, key=_time_of)
        if not chosen:
            return Witnesses()
        since = self._since
        margin = timedelta(seconds=since.lookback) + resolution(since)
        crowd = sum(time >= chosen[-1][1] - margin for time in self._times.values())
        records = tuple((key.decode("utf-8", "surrogateescape"), time) for key, time in chosen)
        return Witnesses(records, crowd > CROWD)


def _time_of(pair: tuple[bytes, datetime]) -> datetime:
    return pair[1]


def _are_alike(told: Sequence[Json]) -> bool:
    """Whether these times follow each other as their values do: numbers, and texts of one form
    that begin with the year."""
    if all(type(one) is int for one in told):
        return True
    return all(isinstance(one, str) and one[:4].isdecimal() for one in told) and (
        len({(len(one), one[-1:]) for one in told}) == 1
    )
