"""Which encodings there are, by the name that stands in refs and state lists, and what each does.

An encoding goes from a source form to the stored form and back, byte for byte, and says what the
hashes of its lines and keys are. Nothing is imported before it is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from listbackup.errors import IntegrityError
from listbackup.records.fingerprints import Lanes

ENCODINGS: Mapping[str, str] = {
    "copy-text-array/1": "listbackup.records.copytext:CopyText",
    "records/1": "listbackup.records.recordlines:RecordLines",
    "sqlite-array/1": "listbackup.records.sqlitearray:SqliteArray",
}


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of a chunk: how many lines, the sum of their digests' lanes, and per line, in order, 16
    bytes of line hash and, where there is a key, 16 bytes of key hash."""

    rows: int
    lanes: Lanes
    index: bytes


class Encoding(Protocol):
    """One encoding, for the streams of one schema. Chunks are whole lines, each ended by `\\n`."""

    def to_lines(self, source: bytes) -> bytes:
        """Write a chunk of source form in stored form."""
        ...

    def to_source(self, lines: bytes) -> bytes:
        """Give back the source form of a chunk that `to_lines` wrote. Raises IntegrityError."""
        ...

    def digest_lines(self, source: bytes) -> list[bytes]:
        """Give the full SHA-256 of every line of source form, without its newline."""
        ...

    def key_lines(self, source: bytes, positions: Sequence[int]) -> list[bytes]:
        """Give every line's key: the JSON array of the fields at `positions`, as stored."""
        ...

    def hash_lines(self, source: bytes, positions: Sequence[int]) -> Hashes:
        """Count and hash a chunk of source form at once, keys too where there are positions."""
        ...


def open_encoding(name: str, schema: Mapping[str, Any]) -> Encoding:
    """Open an encoding for a stream's schema object. Raises IntegrityError for unknown names."""
    path = ENCODINGS.get(name)
    if path is None:
        raise IntegrityError(
            f"The encoding {name!r} is not known.",
            hint="It may have been written by a newer version; use that one.",
        )
    module, _, attribute = path.partition(":")
    encoding: Encoding = getattr(import_module(module), attribute)(schema)
    return encoding
