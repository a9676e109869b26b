"""What a stream lends to another one that is asked for by its records: some of their fields,
compressed, while the records themselves go their way.

Knows no requests.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.filling import Values, write_plain
from listbackup.connectors.rest.models.placeholders import Placeholder, Text
from listbackup.connectors.rest.models.streams import Parent
from listbackup.records.cutting import find_fields

Json = Any
BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Lent:
    """The fields of one record of a parent."""

    fields: Mapping[str, Json]

    @property
    def values(self) -> Values:
        """What `{parent.FIELD}` stands for."""
        return {
            Placeholder("parent", name): write_plain(value)
            for name, value in self.fields.items()
            if value is not None
        }


class Look(Protocol):
    """A second look at records that were lent and whose lists could not be found."""

    async def is_gone(self, lent: Lent) -> bool:
        """Say whether the platform says of the single record that it is gone."""
        ...

    async def find_gone(self, lents: Sequence[Lent]) -> list[bool]:
        """Say which of them the list of all records does not have any more."""
        ...


class ParentRefused(Refused):
    """A child cannot be asked for, because the platform refuses its parent."""


class Lending:
    """From a parent to one of its children. `full`: all records of the parent are lent, known
    when it has begun; `reason` says at the end why that may not be so, `refused` that the platform
    does not let the parent be read, `moment` when (on the platform's clock) it began to be
    read. `look` tells of what was lent whether it is gone by now; `counts`: what a page of the
    child calls its total counts the records of that list, for all we know; `adds`: fields that are
    put in front of the child's records."""

    def __init__(self, parent: Parent, look: Look | None = None, adds: Sequence[str] = ()) -> None:
        self.look = look
        self.adds = adds
        self.begun = asyncio.Event()
        self.full = False
        self.counts = False
        self.reason = ""
        self.refused: Refused | None = None
        self.moment: datetime | None = None
        self._parent = parent.stream
        self._names = [".".join(field) for field in parent.fields]
        self._where = ".".join(parent.where)
        self._blocks: list[bytes] = []
        self._open: list[Sequence[Json]] = []
        self._news = asyncio.Event()
        self._over = False

    def begin(self, *, full: bool) -> None:
        """Say what is going to be lent."""
        self.full = full
        self.begun.set()

    def lend(self, records: Sequence[bytes]) -> None:
        """Lend records."""
        names = [*self._names, self._where] if self._where else self._names
        for values in find_fields(records, names):
            if not self._where or values[-1] is True:
                self._open.append(values)
        if len(self._open) >= BLOCK:
            self._close_block()
        self._news.set()

    def end(self, reason: str = "", refused: Refused | None = None) -> None:
        """No more will come."""
        self.reason = reason
        self.refused = refused
        self._close_block()
        self._over = True
        self.begun.set()
        self._news.set()

    def check(self) -> None:
        """Raises ParentRefused where nothing came because the platform refuses the parent."""
        if self.refused is not None:
            message = (
                f"{self._parent}, by which it is asked for, was not read whole: "
                f"{self.refused.message}"
            )
            raise ParentRefused(self.refused.means, message, self.refused.status)

    async def borrow(self) -> AsyncIterator[Lent]:
        """Give all that is lent, from the first on, as it comes; to one borrower at a time."""
        block = given = 0
        while True:
            self._news.clear()
            if block < len(self._blocks):
                rows = json.loads(zlib.decompress(self._blocks[block]))
                block, begin, given = block + 1, given, 0
            elif given < len(self._open):
                rows, begin, given = list(self._open), given, len(self._open)
            elif self._over:
                return
            else:
                await self._news.wait()
                continue
            for row in rows[begin:]:
                yield Lent(dict(zip(self._names, row, strict=False)))

    def _close_block(self) -> None:
        if self._open:
            self._blocks.append(zlib.compress(json.dumps(self._open).encode(), 1))
            self._open = []


def find_clash(records: Sequence[bytes], adds: Sequence[str]) -> str:
    """Name a field that was put in front of records and that one of them has itself, with another
    value; empty where there is none."""
    for name in adds:
        quoted = json.dumps(name, ensure_ascii=False).encode()
        for record in records:
            # as good as none has it twice: a count is quick
            if record.count(quoted) > 1 and _differs(record, name):
                return name
    return ""


def _differs(record: bytes, name: str) -> bool:
    pairs: list[tuple[str, Json]] = json.loads(record, object_pairs_hook=list)
    return len({write_plain(value) for field, value in pairs if field == name}) > 1


def write_front(adds: Mapping[str, Text], values: Values, lent: Mapping[str, Json]) -> bytes:
    """Write the fields that are put in front of records: `"contact_id":17`. A field that is one
    of the parent's keeps its type; others are texts."""
    pieces = []
    for name, text in adds.items():
        only = text.pieces[0] if len(text.pieces) == 1 else None
        if isinstance(only, Placeholder) and only.kind == "parent" and only.name in lent:
            value = lent[only.name]
        else:
            value = text.fill(values)
        pieces.append(f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}")
    return ",".join(pieces).encode()
