"""What is published about a source and its streams: `metadata/source-config.json`, and for each
stream the JSON Schema of its typed records, in versions.

A version is never narrower than the one before: what was valid stays valid. There is no secret in
any of this: it comes from manifests, which hold none.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from listbackup.errors import FailedError, IntegrityError
from listbackup.history.derivations import Basis, Flaw
from listbackup.history.partfields import describe_stream
from listbackup.parquet.recordparts import RECORDS
from listbackup.parquet.schemas import widen
from listbackup.vault import layout
from listbackup.vault.derived import Published
from listbackup.vault.documents import Fields
from listbackup.vault.reading import Snapshot, SnapshotStream

CONFIG = "source-config"
MOST_PAST = 32
"""So many live snapshots are asked for what was valid, where no sound version says it."""
_VERSION = re.compile(r"v([1-9][0-9]{0,6})/([^/]+)-schema\.json")


class Descriptions:
    """The descriptions of one source's newest snapshot."""

    def __init__(self, basis: Basis) -> None:
        """Nothing is read yet."""
        self._basis = basis
        account, source = basis.vault.account.name, basis.view.name
        self._prefix = layout.schemas_prefix(account, source)
        self._config = layout.metadata_key(account, source, CONFIG)

    def flaws(self) -> Iterator[Flaw]:
        """Give what is missing, damaged or stale: schemas first, then the configuration that
        names them. Raises IntegrityError."""
        basis = self._basis
        found = basis.shelf.find(self._config)
        known = {} if found is None else read_streams(found)
        streams = []
        for name, entry in sorted(basis.entries.items()):
            if name in known and name not in basis.changed:
                streams.append(known[name])
                continue
            stream = basis.snapshot.streams[name]
            version, flaw = self._look(stream, entry.path, known.get(name, {}))
            if flaw is not None:
                yield flaw
            streams.append(_describe_stream(stream, entry.path, version))
        value = self._describe_source(streams)
        if found is None or found.value != value:
            yield basis.flaw(self._config, lambda: basis.write(value), found=found is not None)

    @cached_property
    def _versions(self) -> Mapping[str, int]:
        newest: dict[str, int] = {}
        for key in self._basis.shelf.list(self._prefix):
            match = _VERSION.fullmatch(key.removeprefix(self._prefix))
            if match is not None:
                newest[match[2]] = max(newest.get(match[2], 0), int(match[1]))
        return newest

    def _look(
        self, stream: SnapshotStream, path: str, known: Mapping[str, Any]
    ) -> tuple[int, Flaw | None]:
        """Give the version that describes a stream now, and what is wrong with it; 0 where none
        does, because there is no typed view to tell its fields."""
        version = self._versions.get(path, 0)
        same = known.get("schema_sha256") == stream.state.schema.plain_sha256
        same = same and stream.encoding != RECORDS
        if version and same and not self._basis.whole:
            return version, None
        try:
            found = self._basis.shelf.find(self._key(path, version)) if version else None
            since = self._basis.commit.sync if found is not None and not self._basis.whole else None
            described = describe_stream(stream, since)
        except FailedError:
            return version, None
        if found is None:
            return self._begin(stream, path, version, described)
        value = _entitle(_widen(stream, found.value, described), stream.name)
        if value == found.value:
            return version, None
        key = self._key(path, version + 1)
        return version + 1, Flaw(key, "stale", lambda: self._basis.write(value))

    def _begin(
        self, stream: SnapshotStream, path: str, version: int, described: Mapping[str, Any]
    ) -> tuple[int, Flaw]:
        """Describe a stream of which no sound newest version is there. What is known from before
        is joined, so that nothing that was valid ceases to be."""
        basis, number = self._basis, version or 1

        def make() -> bytes:
            earlier = [basis.shelf.find(self._key(path, one)) for one in range(1, number)]
            values = [one.value for one in earlier if one is not None]
            if version or basis.whole:
                values += self._describe_past(stream)
            values.append(described)
            value = values[0]
            for one in values[1:]:
                value = _widen(stream, value, one)
            return basis.write(_entitle(value, stream.name))

        return number, basis.flaw(self._key(path, number), make, found=False)

    def _describe_past(self, stream: SnapshotStream) -> list[Mapping[str, Any]]:
        """Describe what earlier live snapshots say of a stream, oldest first, each schema once."""
        seen: dict[str, Mapping[str, Any]] = {}
        for snapshot in self._past:
            try:
                past = snapshot.streams.get(stream.name)
            except IntegrityError:
                continue
            if past is None:
                continue
            mark = past.state.schema.plain_sha256
            mark += snapshot.id if past.encoding == RECORDS else ""
            if mark not in seen:
                with suppress(FailedError):
                    seen[mark] = describe_stream(past)
        return list(seen.values())

    @cached_property
    def _past(self) -> list[Snapshot]:
        basis = self._basis
        found = []
        for number in sorted(basis.view.commits)[-MOST_PAST:]:
            if number != basis.commit.number:
                with suppress(IntegrityError):
                    found.append(basis.open(basis.view.commits[number]))
        return found

    def _describe_source(self, streams: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        manifest = self._basis.snapshot.manifest
        identity = manifest.identity
        return {
            "vault": manifest.vault,
            "account": manifest.account,
            "source": manifest.source,
            "engine": identity.engine,
            "server": identity.server,
            "container": identity.container,
            "version": identity.version,
            "streams": streams,
        }

    def _key(self, path: str, version: int) -> str:
        account, source = self._basis.vault.account.name, self._basis.view.name
        return layout.schema_key(account, source, path, version)


def read_streams(found: Published) -> dict[str, Mapping[str, Any]]:
    """Give what a published configuration says of streams, by name; nothing where it does not say
    it as it is written."""
    try:
        streams = Fields(found.value, CONFIG).each("streams")
        return {one.text("name"): one.value for one in streams if one.text("schema_sha256")}
    except IntegrityError:
        return {}


def _describe_stream(stream: SnapshotStream, path: str, version: int) -> Mapping[str, Any]:
    return {
        "name": stream.name,
        "path": path,
        "kind": str(stream.schema.get("kind", "")),
        "key": list(stream.key),
        "encoding": stream.encoding,
        "schema": f"schemas/v{version}/{path}-schema.json" if version else None,
        "schema_sha256": stream.state.schema.plain_sha256,
    }


def _widen(
    stream: SnapshotStream, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Join two descriptions. What records have no more is not known: others are not looked at."""
    return widen(old, new, whole=stream.encoding != RECORDS)


def _entitle(value: Mapping[str, Any], stream: str) -> Mapping[str, Any]:
    return {**value, "title": stream}
