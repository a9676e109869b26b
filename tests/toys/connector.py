"""A folder of tab-separated files as a source and a destination: `tsv:///path/to/folder`.

Every `name.tsv` is a stream; its lines are COPY text, so an encoding is there already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from listbackup.connectors import ReadOptions
from listbackup.errors import SourceError, UsageError
from listbackup.events import Emit
from listbackup.host import Host
from listbackup.records import (
    AsOf,
    Closing,
    Declared,
    Extra,
    Identity,
    Part,
    Reading,
    StoredSnapshot,
    Stream,
    Unread,
)
from listbackup.records.restoring import Obstacle, PlannedStream, RestoreOptions, RestorePlan

ENCODING = "copy-text-array/1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the folder is; `host`, `port` and `database` are what names are made of."""

    folder: Path
    host: str = "localhost"
    port: int = 0
    password_in_url: bool = False

    @property
    def database(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def masked(self) -> str:
        """The URL; there is nothing to mask."""
        return f"tsv://{self.folder}"


def parse_address(url: str, environment: Mapping[str, str]) -> Address:
    """Take a URL apart. Raises UsageError."""
    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/"):
        raise UsageError("a folder is given with three slashes", hint="tsv:///path/to/folder")
    return Address(Path(unquote(parts.path)))


@dataclass(frozen=True, slots=True)
class FoundStream:
    """One stream as `source test` shows it."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `source test` shows."""

    url: str
    identity: Identity
    bytes: int
    streams: tuple[FoundStream, ...]
    tested: bool = True
    user: str = "nobody"
    superuser: bool = False
    on_replica: bool = False
    encrypted: bool = False
    excluded: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    declared: tuple[Declared, ...] = ()
    warnings: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    complete: bool = True


class FolderReading:
    """One pass over the files. They may change meanwhile: not consistent, and said so."""

    consistent = False
    unread: Sequence[Unread] = ()
    declared: Sequence[Declared] = ()

    def __init__(self, folder: Path, host: Host) -> None:
        self._folder = folder
        now = host.clock.now()
        self.as_of = AsOf(now, now)
        self.identity = _identify(folder)
        self.streams: Sequence[Stream] = [_describe(path) for path in sorted(folder.glob("*.tsv"))]

    def parts(self, stream: Stream) -> Sequence[Part]:
        """A file is one part."""
        return [Part(stream.name, 0, stream.name, stream.estimated_bytes)]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the file; here in one piece, because this is a toy."""
        yield (self._folder / f"{part.slice}.tsv").read_bytes()

    def extras(self) -> Iterator[Extra]:
        """Nothing beside the lines is needed."""
        return iter(())

    def finish(self) -> Closing:
        """Nothing is known only now."""
        return Closing()

    def close(self) -> None:
        """Nothing is held open."""


def _identify(folder: Path) -> Identity:
    return Identity("tsv", "this machine", folder.name, "1")


def _describe(path: Path) -> Stream:
    with path.open("rb") as file:
        fields = file.readline().rstrip(b"\n").count(b"\t") + 1
    columns = [{"name": f"column {number}", "type": "text"} for number in range(1, fields + 1)]
    schema = {"kind": "table", "columns": columns}
    return Stream(path.stem, ENCODING, schema, estimated_bytes=path.stat().st_size)


class FolderSource:
    """A `records.Source`."""

    def __init__(
        self,
        address: Address,
        options: ReadOptions,
        host: Host,
        emit: Emit,
        environment: Mapping[str, str],
    ) -> None:
        self._address = address
        self._host = host

    def open(self) -> FolderReading:
        """Start a reading. Raises SourceError."""
        if not self._address.folder.is_dir():
            raise SourceError("there is no such folder", subject=self._address.masked)
        return FolderReading(self._address.folder, self._host)


def inspect(address: Address, options: ReadOptions, host: Host, emit: Emit) -> Inspection:
    """Look at a folder."""
    streams = [_describe(path) for path in sorted(address.folder.glob("*.tsv"))]
    return Inspection(
        url=address.masked,
        identity=_identify(address.folder),
        bytes=sum(stream.estimated_bytes for stream in streams),
        streams=tuple(FoundStream(stream.name, 0, stream.estimated_bytes) for stream in streams),
    )


class FolderDestination:
    """A `records.restoring.Destination`: a folder that does not exist yet."""

    def __init__(
        self, address: Address, host: Host, emit: Emit, environment: Mapping[str, str]
    ) -> None:
        self._address = address
        self._folder = address.folder
        self._host = host

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        """Say which files would be written, and what stands in the way."""
        streams = [PlannedStream(s.name, s.rows, s.plain_bytes) for s in snapshot.streams.values()]
        taken = Obstacle("the folder is there already", (str(self._folder),), "Name a new one.")
        return RestorePlan(
            snapshot=snapshot.name,
            source=snapshot.source,
            target=self._address.masked,
            container=self._folder.name,
            creates=True,
            partial=False,
            streams=tuple(streams),
            obstacles=(taken,) if self._folder.exists() else (),
        )

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        """Write the files."""
        self._folder.mkdir()
        for name, stream in snapshot.streams.items():
            with (self._folder / f"{name}.tsv").open("xb") as file:
                file.writelines(stream.chunks())

    def reopen(self, plan: RestorePlan) -> Reading:
        """Read what was written."""
        return FolderReading(self._folder, self._host)

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        """There is no second way to look."""
        return False

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        """Nothing comes after."""

    def discard(self, plan: RestorePlan) -> bool:
        """Remove what was written."""
        for path in self._folder.glob("*.tsv"):
            path.unlink()
        self._folder.rmdir()
        return True
