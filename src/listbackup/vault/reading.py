"""Reading snapshots back: manifest, states, lines; every byte verified before it is given.

`Snapshot` and `SnapshotStream` are what recovery and exports work with (see `records`). Knows the
state rule: the lines of the batches minus the dead positions.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listbackup.errors import IntegrityError
from listbackup.records import Declared, Identity, StreamStatus, Unread
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint
from listbackup.vault.layout import source_prefix
from listbackup.vault.manifest import Manifest, StreamEntry, read_manifest
from listbackup.vault.objects import Objects
from listbackup.vault.opening import Vault
from listbackup.vault.refs import Ref
from listbackup.vault.sources import Committed
from listbackup.vault.states import Runs, State, StoredBatch, join_dead, read_dead, read_state


@dataclass(frozen=True, slots=True)
class SnapshotStream:
    """One stream of a snapshot (`records.StoredStream`)."""

    objects: Objects
    state: State
    status: StreamStatus
    schema: Mapping[str, Any]
    batches: tuple[StoredBatch, ...]

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.state.stream

    @property
    def encoding(self) -> str:
        """The encoding of its lines."""
        return self.state.encoding

    @property
    def key(self) -> tuple[str, ...]:
        """The key's fields."""
        return self.state.key

    @property
    def rows(self) -> int:
        """Live lines of the whole stream."""
        return self.state.rows

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint that was taken when the stream was read."""
        return self.state.fingerprint

    @property
    def generated(self) -> Fingerprint | None:
        """The fingerprint of its stored generated columns."""
        return self.state.generated

    @property
    def plain_bytes(self) -> int:
        """Bytes of the lines as stored, uncompressed, dead ones included."""
        return sum(batch.ref.plain_bytes for batch in self.batches)

    def lines(self) -> Iterator[bytes]:
        """Give chunks of live lines in stored form."""
        dead = read_dead_positions(self.objects, self.state)
        for batch in self.batches:
            yield from live_lines(self.objects.pieces(batch.ref), batch.ref, dead)

    def chunks(self) -> Iterator[bytes]:
        """Give chunks of live lines in source form."""
        encoding = open_encoding(self.state.encoding, self.schema)
        for chunk in self.lines():
            yield encoding.to_source(chunk)

    def cuts(self, count: int) -> Sequence["SnapshotStream"]:
        """Cut into at most `count` pieces of whole batches."""
        pieces = [self.batches[at::count] for at in range(count)]
        return [
            SnapshotStream(self.objects, self.state, self.status, self.schema, piece)
            for piece in pieces
            if piece
        ]


class Snapshot:
    """One snapshot (`records.StoredSnapshot`). State lists are read when a stream is asked for."""

    def __init__(self, objects: Objects, manifest: Manifest, commit: Committed) -> None:
        self.manifest = manifest
        self.commit = commit
        self.objects = objects
        self._entries = {one.name: one for one in manifest.streams if one.state is not None}
        self.streams: Mapping[str, SnapshotStream] = _Streams(self._entries, self._open)

    @property
    def id(self) -> str:
        """The sync's id."""
        return self.manifest.sync

    @property
    def name(self) -> str:
        """`YYYYMMDD-HHMMSS`, UTC."""
        return self.manifest.name

    @property
    def source(self) -> str:
        """The source's id."""
        return self.manifest.source

    @property
    def identity(self) -> Identity:
        """Which database it was."""
        return self.manifest.identity

    @property
    def definitions(self) -> str | None:
        """Digest of the definitions."""
        return self.manifest.definitions

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the engine's restore wants to know."""
        return self.manifest.facts

    @property
    def declared(self) -> Sequence[Declared]:
        """What by nature is not exact."""
        return self.manifest.declared

    @property
    def missing(self) -> Sequence[Unread]:
        """Streams that this snapshot should show and does not, or shows as of an earlier one."""
        return [
            Unread(one.name, one.reason) for one in self.manifest.streams if one.status == "carried"
        ]

    def extra(self, kind: str) -> bytes | None:
        """Read an extra, verified."""
        refs = [ref for name, ref in self.manifest.extras if name == kind]
        return self.objects.read(refs[0]) if refs else None

    def entry(self, name: str) -> StreamEntry | None:
        """Give what the manifest says of a stream that has a state; None where there is none."""
        return self._entries.get(name)

    def state(self, name: str) -> State:
        """Read one stream's state list."""
        entry = self._entries[name]
        return read_stream_state(self.objects, entry, self.manifest.account, self.source)

    def _open(self, entry: StreamEntry) -> SnapshotStream:
        state = self.state(entry.name)
        schema = self.objects.read_document(state.schema, f"The schema of {entry.name}")
        return SnapshotStream(self.objects, state, entry.status, schema.value, state.batches)


class _Streams(Mapping[str, SnapshotStream]):
    def __init__(
        self,
        entries: Mapping[str, StreamEntry],
        open_stream: Callable[[StreamEntry], SnapshotStream],
    ) -> None:
        self._entries = entries
        self._open_stream = open_stream
        self._opened: dict[str, SnapshotStream] = {}

    def __getitem__(self, name: str) -> SnapshotStream:
        if name not in self._opened:
            self._opened[name] = self._open_stream(self._entries[name])
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def open_snapshot(vault: Vault, commit: Committed, source: str) -> Snapshot:
    """Read a commit's manifest. Raises IntegrityError, WrongKeyError, AuthError."""
    what = f"The manifest of snapshot {commit.name}"
    fields = vault.objects.read_document(commit.manifest, what)
    manifest = read_manifest(fields, vault.id, vault.account.name, source, commit.sync)
    if manifest.name != commit.name or manifest.status != commit.status:
        raise IntegrityError(f"{what} does not say what its commit says.")
    return Snapshot(vault.objects, manifest, commit)


def read_stream_state(objects: Objects, entry: StreamEntry, account: str, source: str) -> State:
    """Read the state list of a manifest's stream. Raises IntegrityError."""
    if entry.state is None:
        raise IntegrityError(f"The stream {entry.name} was never read.")
    fields = objects.read_document(entry.state, f"The state list of {entry.name}")
    state = read_state(fields, entry.name, source_prefix(account, source))
    if state.rows != entry.rows:
        raise IntegrityError(f"{fields.what} counts {state.rows} rows, the manifest {entry.rows}.")
    return state


def read_dead_positions(objects: Objects, state: State) -> dict[str, list[tuple[int, int]]]:
    """Read all dead lists of a state: runs by batch id, sorted, none twice."""
    return join_dead(state, read_dead_lists(objects, state))


def read_dead_lists(objects: Objects, state: State) -> list[dict[str, list[tuple[int, int]]]]:
    """Read the dead lists of a state one by one. Raises IntegrityError."""
    what = f"A dead list of {state.stream}"
    return [read_dead(objects.read_document(ref, what), state) for ref in state.dead]


def live_lines(pieces: Iterator[bytes], ref: Ref, dead: Mapping[str, Runs]) -> Iterator[bytes]:
    """Cut pieces of a batch into chunks of whole lines, without its dead lines. Raises
    IntegrityError when the batch does not hold its number of lines."""
    runs = list(dead.get(ref.key, ()))
    waiting: list[bytes] = []
    line = 0
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if not end:
            waiting.append(piece)
            continue
        chunk = b"".join((*waiting, piece[:end]))
        waiting = [piece[end:]] if end < len(piece) else []
        count = chunk.count(b"\n")
        alive = _without(chunk, line, count, runs) if runs else chunk
        line += count
        if alive:
            yield alive
    if waiting or line != ref.rows:
        raise IntegrityError(
            f"{ref.key} holds {line} lines instead of {ref.rows}.", subject=ref.key
        )


def _without(chunk: bytes, first: int, count: int, runs: Runs) -> bytes:
    start = bisect_right(runs, first, key=lambda run: run[0] + run[1])
    end = bisect_left(runs, first + count, lo=start, key=lambda run: run[0])
    touched = runs[start:end]
    if not touched:
        return chunk
    lines = [line + b"\n" for line in chunk.split(b"\n")[:-1]]
    alive: list[bytes] = []
    at = 0
    for begin, length in touched:
        alive.extend(lines[at : max(at, begin - first)])
        at = begin + length - first
    alive.extend(lines[at:])
    return b"".join(alive)
