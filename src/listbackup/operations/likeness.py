"""A snapshot of a platform held against the platform's own state, record by record.

The state is told by whoever has it, stream by stream; nothing here asks a platform. Two records
are alike where their values are: spaces and the order of fields do not count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from listbackup.app import App, Reach
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.records.recordlines import read_keys
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import choose_snapshot

Tell = Callable[[Stream], Iterator[bytes] | None]
"""Gives a stream's records as JSON; None where it cannot say."""
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Unlike:
    """One record that is not the same on both sides: the fields that differ, or none of them where
    it is on one side alone; `here` and `there`: whether the vault and the platform have it."""

    stream: str
    key: str
    here: bool
    there: bool
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many streams and records were compared, how many are not alike, how many of these only
    the vault has, and the first of them; `untold` names streams that hold records and of which
    the platform's state says nothing."""

    streams: int
    records: int
    different: int
    only_here: int
    first: tuple[Unlike, ...]
    untold: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether all that was compared is alike."""
        return not self.different


def compare_with_state(
    app: App,
    reach: Reach,
    words: str,
    platform: Platform,
    tell: Tell,
    streams: Sequence[str] = (),
) -> Likeness:
    """Compare the snapshot that words name; `streams`: these alone. Raises UsageError,
    IntegrityError, WrongKeyError."""
    vault = app.vault(reach)
    choice = choose_snapshot(vault, words)
    snapshot = open_snapshot(vault, choice.commit, choice.view.name)
    count = records = different = only_here = 0
    first: list[Unlike] = []
    untold: list[str] = []
    for stream in platform.streams:
        if streams and stream.name not in streams:
            continue
        told = tell(stream)
        if told is None:
            held = snapshot.streams.get(stream.name)
            untold += [stream.name] if held is not None and held.rows else []
            continue
        compared, unlike = _compare(snapshot, stream, told)
        count, records, different = count + 1, records + compared, different + len(unlike)
        only_here += sum(not one.there for one in unlike)
        first += unlike[: MOST_TOLD - len(first)]
    return Likeness(count, records, different, only_here, tuple(first), tuple(untold))


def _compare(snapshot: Snapshot, stream: Stream, told: Iterator[bytes]) -> tuple[int, list[Unlike]]:
    key = tuple(".".join(path) for path in stream.key)
    theirs = list(told)
    state = dict(zip(read_keys(theirs, key), theirs, strict=True))
    count, unlike = len(state), []
    for line, name in _read_lines(snapshot, stream.name, key):
        record = state.pop(name, None)
        if record is None:
            unlike.append(Unlike(stream.name, name.decode(), True, False))
        elif record != line and (fields := _find_differing(line, record)):
            unlike.append(Unlike(stream.name, name.decode(), True, True, fields))
    unlike += [Unlike(stream.name, name.decode(), False, True) for name in state]
    return count, unlike


def _read_lines(
    snapshot: Snapshot, name: str, key: tuple[str, ...]
) -> Iterator[tuple[bytes, bytes]]:
    held = snapshot.streams.get(name)
    for chunk in held.lines() if held is not None else ():
        lines = chunk.split(b"\n")[:-1]
        yield from zip(lines, read_keys(lines, key), strict=True)


def _find_differing(line: bytes, record: bytes) -> tuple[str, ...]:
    here, there = (msgspec.json.decode(one, type=dict[str, object]) for one in (line, record))
    missing = object()
    names = {**here, **there}
    return tuple(one for one in names if here.get(one, missing) != there.get(one, missing))
