"""Whether records whose lists could not be found are gone: the platform is asked for each of them,
or lists them all once more.

Only what is asked by the key of a record says something of it: by another name it may be there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.filling import write_plain
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.pages import field_of
from listbackup.connectors.rest.parents import Lending, Lent
from listbackup.errors import SourceError


@dataclass(frozen=True, slots=True)
class Vanished:
    """Of the records of one stream, as they were lent; `relist` lists all of them again."""

    ground: Ground
    spec: Stream
    relist: Callable[[], Awaitable[Lending]]

    async def is_gone(self, lent: Lent) -> bool:
        """Say whether the platform says so of the single record. Raises AuthError,
        RateLimited."""
        if self.spec.one is None or not self._has_key(lent):
            return False
        values = {Placeholder("record", name): write_plain(lent.fields[name]) for name in self._key}
        try:
            draft = self.ground.draft(self.spec.one, values, self.spec.name)
            response = await self.ground.asker.ask(draft.finish())
            body = response.body.strip()
            marked = bool(self.spec.gone) and body.startswith(b"{")
            return marked and field_of(body, self.spec.gone) is True
        except Refused as refused:
            return refused.means == "missing"
        except SourceError:
            return False

    async def find_gone(self, lents: Sequence[Lent]) -> list[bool]:
        """Say which of them a list of all does not have any more."""
        if self.spec.one is not None or not all(map(self._has_key, lents)):
            return [False] * len(lents)
        lending = await self.relist()
        there = {self._write_key(one) async for one in lending.borrow()}
        whole = lending.full and not (lending.reason or lending.refused)
        return [whole and self._write_key(one) not in there for one in lents]

    @property
    def _key(self) -> list[str]:
        return [".".join(path) for path in self.spec.key]

    def _has_key(self, lent: Lent) -> bool:
        return all(lent.fields.get(name) is not None for name in self._key)

    def _write_key(self, lent: Lent) -> tuple[str, ...]:
        return tuple(write_plain(lent.fields.get(name)) for name in self._key)
