"""Cutting a stream at the marks of its reading, so that a later attempt can go on from there.

At a mark, when enough has been read since the last cut, what was handed in goes to the store, and a
journal names the place. Knows no source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from listbackup.errors import FailedError
from listbackup.records import Json
from listbackup.records.fingerprints import NO_LANES, Fingerprint, Lanes, add_lanes
from listbackup.sync.encoding import Encoder, Tally
from listbackup.vault.places import Place, Told
from listbackup.vault.streams import StreamWriter
from listbackup.vault.writer import SyncWriter


@dataclass(frozen=True, slots=True)
class Cuts:
    """How often is cut: when so much time has gone by, or so many bytes of source form, but then
    not more often than every `least`, because a cut waits for the store. A place serves a later
    attempt `within` that time."""

    every: timedelta = timedelta(seconds=60)
    bytes: int = 8 * 1024 * 1024
    least: timedelta = timedelta(seconds=5)
    within: timedelta = timedelta(hours=24)

    def are_due(self, waited: timedelta, size: int) -> bool:
        """Tell whether to cut, so long and so many bytes after the last cut."""
        return waited >= self.every or (waited >= self.least and size >= self.bytes)


@dataclass(slots=True)
class Sums:
    """What one part has given so far: all lines, and those that were new."""

    rows: int = 0
    bytes: int = 0
    lanes: Lanes = NO_LANES
    new: int = 0
    new_lanes: Lanes = NO_LANES

    def add(self, tally: Tally) -> None:
        """Take what was hashed."""
        self.rows += tally.rows
        self.bytes += tally.bytes
        self.lanes = add_lanes(self.lanes, tally.lanes)
        self.new += tally.new
        self.new_lanes = add_lanes(self.new_lanes, tally.new_lanes)

    def print(self) -> Fingerprint:
        """Give what the new lines add up to, of no columns."""
        return Fingerprint("", self.new, self.new_lanes)


class Cutter:
    """Cuts one stream of one part."""

    def __init__(self, cuts: Cuts, sync: SyncWriter, writer: StreamWriter, told: Told) -> None:
        self._cuts = cuts
        self._sync = sync
        self._writer = writer
        self._told = told
        self._passed = 0
        self.start_over()

    def start_over(self) -> None:
        """Forget what was cut: the reading begins anew."""
        self._passed += 1
        self._number = 0
        self._given = 0
        self._at = self._now()
        self._named = Fingerprint("", 0)

    def give(self, size: int) -> None:
        """Hear that so many bytes were given, whether they are encoded yet or not."""
        if not self._given and not self._number:
            # a stream that waited for its turn has not been read for so long
            self._at = self._now()
        self._given += size

    def mark(self, place: Json, encoder: Encoder, sums: Sums) -> None:
        """Hear that all up to a place has been given. Raises what the store raises, FailedError for
        a place that is no JSON."""
        waited = timedelta(seconds=self._now() - self._at)
        if not self._cuts.are_due(waited, self._given):
            return
        known = encoder.cut()
        batches = tuple(self._writer.cut())
        self._number += 1
        fresh = sums.print() - self._named
        named = Place(
            stream=self._writer.stream,
            sync=self._sync.sync,
            passed=self._passed,
            number=self._number,
            at=self._sync.vault.host.clock.now(),
            told=self._told,
            place=place,
            batches=batches,
            known=None,
            rows=fresh.rows,
            lanes=fresh.lanes,
        )
        try:
            self._sync.put_place(named, known)
        except (TypeError, ValueError) as error:
            raise FailedError(
                f"The place of a mark is no JSON: {error}", subject=self._writer.stream.name
            ) from error
        self._at, self._given, self._named = self._now(), 0, sums.print()

    def _now(self) -> float:
        clock: Callable[[], float] = self._sync.vault.host.clock.monotonic
        return clock()
