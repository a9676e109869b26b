"""A source that is read over time, by a script: pages, marks, failures, and its last words.

For tests and drills of everything above a source whose records change while they are read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listbackup.records import (
    AsOf,
    Before,
    Closing,
    Declared,
    Extra,
    Identity,
    Mark,
    Outcome,
    Part,
    Stream,
    Unread,
)
from listbackup.testing.readings import IDENTITY, MOMENT, write_copy_line

Page = Sequence[Sequence[str | None]]
Step = Page | BaseException


@dataclass
class Script:
    """How one stream is read: its pages in order, a mark after each; an exception is raised where
    it stands. `more` are the steps of further parts. One that `declines` starts over wherever it
    was told to go on from, and one that starts `over` at some step begins once more from there.
    Of the encoding `records/1` a row `a, b` is the record `{"c0":"a","c1":"b"}`."""

    steps: Sequence[Step]
    outcome: Outcome | None = None
    keyed: bool = True
    width: int = 2
    more: Sequence[Sequence[Step]] = ()
    declines: bool = False
    over: int | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    estimated_bytes: int = 0
    encoding: str = "copy-text-array/1"


@dataclass
class OvertimeSource:
    """Streams by name. What readings were told and which pages they gave is noted."""

    scripts: Mapping[str, Script]
    identity: Identity = IDENTITY
    moment: datetime = MOMENT
    told: list[Mapping[str, Before]] = field(default_factory=list)
    given: list[tuple[str, int, int]] = field(default_factory=list)

    def open(self) -> "OvertimeReading":
        """Start a reading."""
        return OvertimeReading(self)


class OvertimeReading:
    """One reading of an `OvertimeSource`."""

    consistent = False

    def __init__(self, source: OvertimeSource) -> None:
        self._source = source
        self._before: Mapping[str, Before] = {}
        self.identity = source.identity
        self.as_of = AsOf(source.moment, source.moment)
        self.declared: Sequence[Declared] = ()
        self.unread: Sequence[Unread] = ()
        self.streams: Sequence[Stream] = [
            _describe(name, script) for name, script in source.scripts.items()
        ]

    def go_on(self, before: Mapping[str, Before]) -> None:
        """Be told what is known."""
        self._before = before
        self._source.told.append(before)

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Give one part, or as many as the script has."""
        count = 1 + len(self._source.scripts[stream.name].more)
        return [Part(stream.name, n, f"part {n}", home="") for n in range(count)]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the pages without marks."""
        for one in self.read_on(part):
            if isinstance(one, bytes):
                yield one

    def read_on(self, part: Part) -> Iterator[bytes | Mark]:
        """Give the pages, a mark after each."""
        script = self._source.scripts[part.stream]
        before = self._before.get(part.stream)
        place = before.place if before is not None else None
        first = place["page"] if place is not None else 0
        if script.declines and place is not None:
            yield Mark(None)
            first = 0
        yield from self._give(script, part, first)

    def _give(self, script: Script, part: Part, first: int) -> Iterator[bytes | Mark]:
        steps = (script.steps, *script.more)[part.number]
        for number in range(first, len(steps)):
            if script.over == number:
                script.over = None
                yield Mark(None)
                yield from self._give(script, part, 0)
                return
            step = steps[number]
            if isinstance(step, BaseException):
                raise step
            self._source.given.append((part.stream, part.number, number))
            yield b"".join(write_line(script.encoding, row) for row in step)
            yield Mark({"page": number + 1})

    def extras(self) -> Iterator[Extra]:
        """There are none."""
        yield from ()

    def finish(self) -> Closing:
        """Say what the scripts say."""
        outcomes = {
            name: script.outcome
            for name, script in self._source.scripts.items()
            if script.outcome is not None
        }
        return Closing(outcomes=outcomes)

    def close(self) -> None:
        """There is nothing to give back."""


def write_line(encoding: str, row: Sequence[str | None]) -> bytes:
    """Write a row in source form."""
    if encoding != "records/1":
        return write_copy_line(row)
    record = {f"c{n}": value for n, value in enumerate(row)}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _describe(name: str, script: Script) -> Stream:
    columns = [{"name": f"c{n}", "type": "text", "position": n} for n in range(script.width)]
    if script.encoding == "records/1":
        columns = []
    key = ("c0",) if script.keyed else ()
    schema = {"kind": "records", "columns": columns, "key": list(key), **script.schema}
    positions = (0,) if key else ()
    return Stream(
        name, script.encoding, schema, key, positions, estimated_bytes=script.estimated_bytes
    )
