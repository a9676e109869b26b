"""Whether what a reading gives is what a snapshot holds: fingerprints first, details where they
differ.

The reading hashes by the same code as the export did. Knows no engine.
"""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from listbackup.errors import RestoreError
from listbackup.events import Emit, Progressed, StreamDone
from listbackup.records import Closing, Part, Reading, StoredSnapshot, StoredStream, Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, digest_columns
from listbackup.records.restoring import Comparison, Difference, RestoreOptions
from listbackup.recovery.definitions import (
    compare_definitions,
    is_same_version,
    sort_reworded,
    why_not_compared,
)
from listbackup.recovery.differing import describe_columns, describe_rows
from listbackup.recovery.subsets import describe_foreign_rows

Found = Mapping[str, Fingerprint]


def compare(
    snapshot: StoredSnapshot,
    reading: Reading,
    names: Sequence[str],
    options: RestoreOptions,
    emit: Emit,
    *,
    fresh: bool = True,
    filtered: Set[str] = frozenset(),
    confirm: Callable[[Reading], bool] = lambda reading: False,
) -> Comparison:
    """Compare the named streams of a snapshot with a reading, which is closed.

    `fresh` says that the whole snapshot was just written by us: then definitions are compared
    too; of the `filtered` streams only some rows are there; `confirm` looks a second time at
    definitions that seem to differ. Raises SourceError, IntegrityError, and RestoreError for rows
    that nobody can compare.
    """
    try:
        present = {stream.name: stream for stream in reading.streams}
        both = [name for name in names if name in present]
        found = take_fingerprints(reading, [present[name] for name in both], options.jobs, emit)
        closing = reading.finish()
        differences = [_describe_missing(snapshot.streams[n]) for n in names if n not in present]
        settled = find_equal(snapshot, present, found, both)
        for name in both:
            stored = snapshot.streams[name]
            if name in filtered:
                problem = describe_foreign_rows(stored, reading, present[name])
            elif name in settled:
                problem = None
            else:
                problem = _describe(stored, reading, present[name], found[name])
            differences += [problem] if problem else []
            emit(StreamDone(name, "differs" if problem else "equal", found[name].rows))
        unconditional = [name for name in both if name not in filtered]
        differences += _compare_generated(snapshot, closing, unconditional)
        notes = [f"{d.what}: {d.subject}: {d.reason}" for d in snapshot.declared]
        reason = why_not_compared(snapshot, closing, options, fresh=fresh)
        if reason:
            notes.append(f"definitions were not compared: {reason}")
        else:
            others = compare_definitions(snapshot, closing, options)
            same = is_same_version(snapshot.identity, reading.identity)
            if others and (not same or confirm(reading)):
                others, reworded = sort_reworded(others, with_rights=same)
                version = reading.identity.version
                notes += [f"{version} words it differently: {name}" for name in reworded]
            differences += others
    finally:
        reading.close()
    return Comparison(
        streams=len(names),
        rows=sum(fingerprint.rows for fingerprint in found.values()),
        definitions=reason is None,
        differences=tuple(differences),
        notes=tuple(notes),
    )


def take_fingerprints(
    reading: Reading, streams: Sequence[Stream], jobs: int, emit: Emit
) -> dict[str, Fingerprint]:
    """Read streams, several parts at once, and give the fingerprint of each."""
    totals = {s.name: Fingerprint(digest_of(s.schema), 0) for s in streams}
    parts = [(stream, part) for stream in streams for part in reading.parts(stream)]
    parts.sort(key=lambda pair: -pair[1].estimated_bytes)
    stopped = False

    def take(pair: tuple[Stream, Part]) -> Fingerprint:
        stream, part = pair
        total = Fingerprint(totals[stream.name].columns, 0)
        encoding = open_encoding(stream.encoding, stream.schema)
        for chunk in reading.read(part):
            if stopped:
                break
            hashes = encoding.hash_lines(chunk, ())
            total += Fingerprint(total.columns, hashes.rows, hashes.lanes)
            emit(Progressed(stream.name, hashes.rows, len(chunk)))
        return total

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            for (stream, _), taken in zip(parts, pool.map(take, parts), strict=True):
                totals[stream.name] += taken
        finally:
            stopped = True
    return totals


def digest_of(schema: Mapping[str, Any]) -> str:
    """Digest the columns of a stream's schema object, as a fingerprint holds it."""
    columns = json.dumps(list(schema["columns"]), separators=(",", ":"), ensure_ascii=False)
    return digest_columns(columns.encode())


def find_equal(
    snapshot: StoredSnapshot, present: Mapping[str, Stream], found: Found, names: Sequence[str]
) -> set[str]:
    """Name the streams whose fingerprints are equal, by themselves or, where the destination
    sorts rows into leaves of its own choice, together with the leaves of the same root."""
    equal = {name for name in names if found[name] == snapshot.streams[name].fingerprint}
    groups: dict[str, list[str]] = {}
    for name in names:
        root = json.dumps([present[name].schema.get("load_into"), found[name].columns])
        groups.setdefault(root, []).append(name)
    for members in groups.values():
        if len(members) > 1 and not equal.issuperset(members):
            there = _add([found[name] for name in members])
            if there == _add([snapshot.streams[name].fingerprint for name in members]):
                equal.update(members)
    return equal


def _add(fingerprints: Sequence[Fingerprint]) -> Fingerprint:
    total = fingerprints[0]
    for fingerprint in fingerprints[1:]:
        total += fingerprint
    return total


def _describe_missing(stored: StoredStream) -> Difference:
    return Difference(stored.name, "missing", f"{stored.rows} rows", "no such table")


def _describe(
    stored: StoredStream, reading: Reading, stream: Stream, found: Fingerprint
) -> Difference:
    if digest_of(stored.schema) != stored.fingerprint.columns:
        raise RestoreError(f"the schema kept of {stored.name} is not that of its fingerprint")
    if found.columns != stored.fingerprint.columns:
        return describe_columns(stored, stream)
    return describe_rows(stored, reading, stream, found)


def _compare_generated(
    snapshot: StoredSnapshot, closing: Closing, names: Sequence[str]
) -> list[Difference]:
    differences = []
    for name in names:
        stored, found = snapshot.streams[name], closing.generated.get(name)
        if stored.generated is not None and stored.generated != found:
            columns = tuple(str(c["name"]) for c in stored.schema.get("generated", ()))
            differences.append(
                Difference(name, "generated", "the values it had", "other values", columns)
            )
    return differences
