"""A snapshot kept in memory, made straight from a reading: what a restore is given, without a
vault in between."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from listbackup.records import (
    Declared,
    Identity,
    Json,
    Reading,
    StoredStream,
    StreamStatus,
    Unread,
)
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import NO_LANES, Fingerprint, add_lanes, digest_columns


@dataclass
class MemoryStream:
    name: str
    encoding: str
    schema: Mapping[str, Json]
    key: tuple[str, ...]
    rows: int
    fingerprint: Fingerprint
    lines: list[bytes] = field(repr=False)
    generated: Fingerprint | None = None
    status: StreamStatus = "complete"
    plain_bytes: int = 0

    def __post_init__(self) -> None:
        self.plain_bytes = sum(map(len, self.lines))

    def chunks(self) -> Iterator[bytes]:
        encoding = open_encoding(self.encoding, self.schema)
        for chunk in self.lines:
            yield encoding.to_source(chunk)

    def cuts(self, count: int) -> Sequence[StoredStream]:
        return [replace(self, lines=self.lines[start::count]) for start in range(count)]


@dataclass
class MemorySnapshot:
    identity: Identity
    streams: Mapping[str, StoredStream]
    facts: Mapping[str, Json]
    extras: dict[str, bytes]
    definitions: str | None
    declared: Sequence[Declared]
    missing: Sequence[Unread]
    id: str = "0" * 32
    name: str = "20260101-000000"
    source: str = "kept"

    def extra(self, kind: str) -> bytes | None:
        return self.extras.get(kind)


def keep(reading: Reading) -> MemorySnapshot:
    """Read everything and close the reading."""
    try:
        streams: dict[str, MemoryStream] = {}
        for stream in reading.streams:
            encoding = open_encoding(stream.encoding, stream.schema)
            rows, lanes, lines = 0, NO_LANES, []
            for part in reading.parts(stream):
                for chunk in reading.read(part):
                    hashes = encoding.hash_lines(chunk, ())
                    rows, lanes = rows + hashes.rows, add_lanes(lanes, hashes.lanes)
                    lines.append(encoding.to_lines(chunk))
            columns = digest_columns(_compact(stream.schema["columns"]))
            streams[stream.name] = MemoryStream(
                stream.name,
                stream.encoding,
                stream.schema,
                stream.key,
                rows,
                Fingerprint(columns, rows, lanes),
                lines,
            )
        extras = {extra.kind: extra.body for extra in reading.extras()}
        closing = reading.finish()
    finally:
        reading.close()
    for name, generated in closing.generated.items():
        streams[name].generated = generated
    return MemorySnapshot(
        identity=reading.identity,
        streams=streams,
        facts=closing.facts,
        extras=extras,
        definitions=closing.definitions,
        declared=(*reading.declared, *closing.declared),
        missing=(*reading.unread, *closing.unread),
    )


def _compact(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
