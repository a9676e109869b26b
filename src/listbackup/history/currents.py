"""`current/{stream}-latest.parquet`: the whole state of a stream as one file, for other tools.

At most one a day and stream, and only of what changed. `metadata/current.json` names the files
that are there, with the digest of each and of the state list that it shows. A file is removed when
another takes its place, when its stream is no more, and when it would be of an earlier day but no
new one is wanted: what is called latest is never older than its day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import Any

from listbackup.errors import IntegrityError
from listbackup.history.derivations import Allowance, Basis
from listbackup.vault import layout
from listbackup.vault.derived import Published
from listbackup.vault.documents import Fields
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.reading import SnapshotStream
from listbackup.vault.refs import digest

INDEX = "current"
MOST_ROWS = 20_000_000
MOST_BYTES = 128 * 1024 * 1024
"""Stored bytes of the parts that a file is made of: it is made in memory."""
RATE = 40_000_000
"""Plain bytes that are written as a file in a second."""
START = 0.03


@dataclass(frozen=True, slots=True)
class CurrentFile:
    """One published file: of which day (`YYYY-MM-DD`), of which state list."""

    key: str
    day: str
    number: int
    state: str
    rows: int
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Currents:
    """The published files of one source, and what they should be."""

    def __init__(self, basis: Basis) -> None:
        """Read the index."""
        self._basis = basis
        account, source = basis.vault.account.name, basis.view.name
        self._prefix = layout.source_prefix(account, source)
        self.index = layout.metadata_key(account, source, INDEX)
        self._found = basis.shelf.find(self.index)
        self.files = _read_files(self._found, self._prefix)
        self._known = dict(self.files)
        self.day = f"{basis.snapshot.manifest.started.astimezone(UTC):%Y-%m-%d}"

    @cached_property
    def broken(self) -> bool:
        """Whether there is an index, but none that is whole."""
        return self._found is None and self._basis.shelf.holds(self.index)

    def wanted(self) -> list[str]:
        """Name the streams whose file is not of this snapshot's state and not of its day: those
        that have none first, then those whose file is oldest."""
        entries = self._basis.entries.items()
        names = [name for name, entry in entries if not self._is_settled(name, entry)]
        return sorted(names, key=lambda one: (_number(self.files.get(one)), one))

    def _is_settled(self, name: str, entry: StreamEntry) -> bool:
        known = self.files.get(name)
        if known is None:
            return False
        state = entry.state.plain_sha256 if entry.state is not None else ""
        return known.state == state or known.day >= self.day

    def make(self, names: list[str], allowance: Allowance, most_rows: int = MOST_ROWS) -> list[str]:
        """Put the files of some streams, as far as time allows; give those that were too large.
        They count when `close` was called. Raises IntegrityError, FailedError, StoreError."""
        # brings DuckDB along
        from listbackup.history.currentfiles import CurrentWriter

        basis, left = self._basis, []
        with CurrentWriter(list(basis.entries)) as writer:
            for name in names:
                entry = basis.entries[name]
                if entry.rows > most_rows:
                    left.append(name)
                    continue
                stream = basis.snapshot.streams[name]
                if _stored(stream) > MOST_BYTES:
                    left.append(name)
                elif allowance.fits(START + stream.plain_bytes / RATE):
                    self._put(entry, writer.write(stream, self._describe(name)))
        return left

    def _describe(self, name: str) -> Mapping[str, str]:
        basis = self._basis
        return {
            "listbackup.vault": basis.vault.id,
            "listbackup.source": basis.view.name,
            "listbackup.stream": name,
            "listbackup.snapshot": basis.commit.sync,
            "listbackup.number": str(basis.commit.number),
            "listbackup.entry": basis.commit.digest,
        }

    def _put(self, entry: StreamEntry, body: bytes) -> None:
        basis = self._basis
        started = basis.snapshot.manifest.started
        key = layout.current_key(basis.vault.account.name, basis.view.name, started, entry.path)
        basis.shelf.put(key, body)
        self.files[entry.name] = CurrentFile(
            key,
            self.day,
            basis.commit.number,
            entry.state.plain_sha256 if entry.state is not None else "",
            entry.rows,
            len(body),
            digest(body),
        )

    def stale(self) -> list[str]:
        """Name the streams whose file is of another state and an earlier day, or that are gone."""
        gone = self.files.keys() - self._basis.entries.keys()
        return sorted([*gone, *(name for name in self.wanted() if name in self.files)])

    def drop_stale(self) -> None:
        """Give up the files that are of an earlier day and of another state."""
        for name in self.wanted():
            self.files.pop(name, None)

    def drop_gone(self) -> None:
        """Give up the files of streams that are no more."""
        for name in self.files.keys() - self._basis.entries.keys():
            del self.files[name]

    def close(self) -> bool:
        """Put the index where anything changed, durably, and then delete what it names no more.
        Tells whether anything changed."""
        if self.files == self._known and not (self._basis.whole and self.broken):
            return False
        basis = self._basis
        files = {name: one.to_json() for name, one in sorted(self.files.items())}
        value = {"source": basis.view.name, "streams": files}
        basis.shelf.put(self.index, basis.write(value))
        basis.shelf.store.barrier()
        kept = {one.key for one in self.files.values()}
        for one in self._known.values():
            if one.key not in kept:
                basis.shelf.remove(one.key)
        return True

    def unnamed(self) -> list[str]:
        """List the files that the index does not name: of a run that was killed."""
        named = {one.key for one in self.files.values()}
        below = self._basis.shelf.list(f"{self._prefix}processed/")
        return [key for key in below if layout.is_current(key) and key not in named]

    def damaged(self, *, read: bool) -> Iterator[str]:
        """Name the streams whose file is lost or not of its size or, with `read`, its digest."""
        for name, one in sorted(self.files.items()):
            shelf = self._basis.shelf
            sound = shelf.size(one.key) == one.bytes
            if sound and read:
                sound = digest(shelf.read(one.key, one.bytes)) == one.sha256
            if not sound:
                yield name


def _read_files(found: Published | None, within: str) -> dict[str, CurrentFile]:
    """Read an index; where it is not as it is written, it names nothing."""
    if found is None:
        return {}
    try:
        fields = Fields(found.value, INDEX).fields("streams")
        return {name: _read_file(fields.fields(name), within) for name in fields.value}
    except IntegrityError:
        return {}


def _read_file(fields: Fields, within: str) -> CurrentFile:
    key = layout.check_key(fields.text("key"), f"{within}processed/")
    if not layout.is_current(key) or "#" in key:
        raise IntegrityError(f"{fields.what} names {key}, which is no current file.")
    return CurrentFile(
        key,
        fields.text("day"),
        fields.number("number"),
        fields.text("state"),
        fields.number("rows"),
        fields.number("bytes"),
        fields.text("sha256"),
    )


def _stored(stream: SnapshotStream) -> int:
    if stream.state.parts is not None:
        return sum(one.bytes for one in stream.state.parts)
    return stream.plain_bytes // 3


def _number(known: CurrentFile | None) -> int:
    return known.number if known is not None else 0
