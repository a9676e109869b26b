"""Single records, read again because something happened to them: what they are now, or that they
are gone. One that cannot be read is tried again at the end, and then set aside by its key.

One that is not found is asked for again at the end before that is believed: what answers for single
records may lag behind what tells that they changed.
"""

import codecs
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.fetching import PAUSE
from listbackup.connectors.rest.filling import Draft, write_plain
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.models.streams import Request, Stream
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.pages import LARGEST_RECORD, field_of
from listbackup.connectors.rest.parallel import for_each
from listbackup.errors import IntegrityError, SourceError
from listbackup.records.recordlines import read_keys

Json = Any
Give = Callable[[Sequence[bytes]], Awaitable[None]]


class Unfit(SourceError):
    """A record that came and cannot be kept."""


@dataclass(slots=True)
class Singles:
    """Reads single records of a stream; `parameters` name its fields. `gone` collects the keys of
    those that the platform calls deleted, `lost` the ids of those that are not found. `believes`:
    the platform said already that they are gone, so not being found once is enough."""

    ground: Ground
    spec: Stream
    one: Request
    notes: Notes
    give: Give
    parameters: dict[str, Json] = field(default_factory=dict)
    gone: list[bytes] = field(default_factory=list)
    lost: list[Json] = field(default_factory=list)
    failed: list[tuple[Json, str]] = field(default_factory=list)
    missing: list[Json] = field(default_factory=list)
    missed: set[Json] = field(default_factory=set)
    believes: bool = False

    @property
    def lost_keys(self) -> list[bytes]:
        """The keys of those that are not found, as they may be written."""
        return [key for id_ in self.lost for key in spell_keys(write_key(id_))]

    async def read(self, ids: Iterable[Json]) -> None:
        """Read the records of these ids. Raises AuthError, RateLimited, and Refused where the
        platform forbids to read any."""
        await self._read_all(ids)
        again, self.failed = [id_ for id_, _ in self.failed], []
        await self._read_all([*again, *await self._take_missing()])
        # what failed at first may not have been found for the first time just now
        await self._read_all(await self._take_missing())
        for id_, reason in self.failed:
            self.notes.set_aside(write_key(id_), reason)

    async def _read_all(self, ids: Iterable[Json]) -> None:
        await for_each(_iterate(ids), self._read_one, self.spec.concurrent)

    async def _take_missing(self) -> list[Json]:
        missing, self.missing = self.missing, []
        if missing:
            await self.ground.pace.sleep(PAUSE)
        return missing

    def _miss(self, id_: Json) -> None:
        if id_ in self.missed or self.believes:
            self.lost.append(id_)
        else:
            self.missed.add(id_)
            self.missing.append(id_)

    async def _read_one(self, number: int, id_: Json) -> None:
        try:
            record = await self._fetch(id_)
        except Refused as refused:
            if refused.means == "missing":
                self._miss(id_)
            elif refused.means == "forbidden":
                raise
            else:
                self.failed.append((id_, refused.message))
        except Unfit as unfit:
            self.failed.append((id_, unfit.message))
        else:
            if record is None:
                self.gone += spell_keys(write_key(id_))
            else:
                await self.give([record])

    async def _fetch(self, id_: Json) -> bytes | None:
        draft = self._draft(id_)
        response = await self.ground.asker.ask(draft.finish())
        body = response.body.removeprefix(codecs.BOM_UTF8).strip()
        if not body.startswith(b"{"):
            raise Unfit("it is no JSON object")
        if self.spec.gone and field_of(body, self.spec.gone) is True:
            return None
        try:
            (key,) = read_keys([body], [".".join(path) for path in self.spec.key])
        except IntegrityError as error:
            raise Unfit("it has no key") from error
        if write_key(id_) not in spell_keys(key):
            raise Unfit(f"the platform gave another record, {key.decode()[:100]}")
        if len(body) > LARGEST_RECORD:
            raise Unfit(f"it is larger than {LARGEST_RECORD >> 20} MiB")
        return body

    def _draft(self, id_: Json) -> Draft:
        name = ".".join(self.spec.key[0])
        values = {Placeholder("record", name): write_plain(id_)}
        return self.ground.draft(self.one, values, self.spec.name).tell(self.parameters)


def write_key(id_: Json) -> bytes:
    """Write the key of a record by its id, as the encoding of records does."""
    return _write([id_])


def spell_keys(key: bytes) -> list[bytes]:
    """Give the ways to write a key whose parts may be numbers in one place of a platform and texts
    in another: as it is first."""
    parts = json.loads(key)
    texts = [str(one) if type(one) is int else one for one in parts]
    numbers = [int(one) if _is_number(one) else one for one in parts]
    return list(dict.fromkeys([key, *map(_write, (texts, numbers))]))


def _is_number(part: Json) -> bool:
    return isinstance(part, str) and len(part) < 20 and part.isdecimal() and str(int(part)) == part


def _write(parts: Json) -> bytes:
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()


async def _iterate(ids: Iterable[Json]) -> AsyncIterator[Json]:
    for one in ids:
        yield one
