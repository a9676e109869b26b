"""Verifying objects one by one: that they exist in their size, that digests and tags hold.

`Uses` remembers which snapshots and streams need which object. Knows refs and bytes, not records.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal

from listbackup.errors import IntegrityError, ObjectMissing
from listbackup.vault import layout
from listbackup.vault.objects import Objects
from listbackup.vault.refs import Ref, StoredObject, digest

Look = Literal["size", "data"]


@dataclass(slots=True)
class Users:
    """Who needs an object, in the order in which they were met."""

    by_snapshot: dict[str, None] = field(default_factory=dict)
    by_stream: dict[str, None] = field(default_factory=dict)

    @property
    def snapshots(self) -> tuple[str, ...]:
        """Labels `source:name`."""
        return tuple(self.by_snapshot)

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of streams, and kinds of extras."""
        return tuple(self.by_stream)


@dataclass(slots=True)
class Stored:
    """One stored object and everything that is said about it."""

    key: str
    sealed: bool
    size: int | None = None
    sha256: str | None = None
    refs: dict[str, Ref] = field(default_factory=dict)

    @property
    def least(self) -> int:
        """The size that its refs need."""
        return max(((ref.offset or 0) + ref.bytes for ref in self.refs.values()), default=0)

    @property
    def most(self) -> int:
        """The size that anything said about it allows; more is never read."""
        return max(self.least, self.size or 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen of one object or member: its stored bytes that were looked at, and what is
    wrong with it."""

    key: str
    bytes: int = 0
    problem: str | None = None


class Uses:
    """Objects by key, and who needs them."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self._users: dict[str, Users] = {}

    def add(self, ref: Ref, snapshot: str, stream: str | None) -> None:
        """Note that a snapshot (and stream) needs what a ref names."""
        stored = self._stored(ref.object, ref.form == "sealed")
        stored.refs[ref.key] = ref
        if ref.offset is None:
            stored.size, stored.sha256 = ref.bytes, ref.sha256
        for key in {ref.key, ref.object}:
            users = self._users.setdefault(key, Users())
            users.by_snapshot[snapshot] = None
            if stream is not None:
                users.by_stream[stream] = None

    def list(self, listed: StoredObject) -> None:
        """Note what a manifest says of a whole object."""
        stored = self._stored(listed.key, listed.form == "sealed")
        stored.size, stored.sha256 = listed.bytes, listed.sha256

    def users(self, key: str) -> Users:
        """Say who needs an object or member."""
        return self._users.get(key, Users())

    def _stored(self, key: str, sealed: bool) -> Stored:
        return self.objects.setdefault(key, Stored(key, sealed))


def verify_objects(objects: Objects, uses: Uses, look: Look, pool: Executor) -> Iterator[Verdict]:
    """Verify every object of `uses`; damage becomes verdicts, never exceptions."""
    wanted = sorted(uses.objects.values(), key=lambda one: one.key)
    if look == "data":
        for verdicts in pool.map(lambda one: _read_object(objects, one), wanted):
            yield from verdicts
        return
    listed = _listed_sizes(objects, wanted)
    yield from pool.map(lambda one: _measure_object(objects, one, listed), wanted)


def _listed_sizes(objects: Objects, wanted: Iterable[Stored]) -> dict[str, int]:
    prefixes = {"/".join(one.key.split("/")[:4]) + "/" for one in wanted}
    return {
        info.key: info.size
        for prefix in sorted(prefixes)
        for info in objects.store.list(layout.place(prefix))
    }


def _measure_object(objects: Objects, stored: Stored, listed: dict[str, int]) -> Verdict:
    place = layout.place(stored.key, stored.sealed)
    size = listed.get(place)
    if size is None:
        try:
            size = objects.store.head(place).size
        except ObjectMissing:
            return Verdict(stored.key, 0, f"{stored.key} is lost.")
    least = stored.least
    if (stored.size is not None and size != stored.size) or size < least:
        expected = stored.size if stored.size is not None else f"at least {least}"
        return Verdict(
            stored.key, 0, f"{stored.key} has {size} stored bytes instead of {expected}."
        )
    return Verdict(stored.key)


def _read_object(objects: Objects, stored: Stored) -> list[Verdict]:
    try:
        body = objects.store.get(layout.place(stored.key, stored.sealed), length=stored.most + 1)
    except ObjectMissing:
        return [Verdict(stored.key, 0, f"{stored.key} is lost.")]
    verdicts = [_read_member(objects, ref, body) for ref in stored.refs.values()]
    bad = [one for one in verdicts if one.problem is not None]
    if not bad and stored.sha256 is not None and digest(body) != stored.sha256:
        bad = [Verdict(stored.key, 0, f"{stored.key} is damaged: its digest differs.")]
    return bad or [Verdict(stored.key, len(body))]


def _read_member(objects: Objects, ref: Ref, body: bytes) -> Verdict:
    start = ref.offset or 0
    stored = memoryview(body)[start : start + ref.bytes] if ref.offset is not None else body
    try:
        objects.verify_stored(ref, stored)
    except IntegrityError as error:
        return Verdict(ref.key, 0, error.message)
    return Verdict(ref.key, ref.bytes)
