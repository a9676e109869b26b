"""Which fields the records of a stream have: as its parts tell, or its lines where there are none.

Of tables the schema says it.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from listbackup.errors import FailedError
from listbackup.history.lines import whole_chunks
from listbackup.history.ranges import Held, StoredRange
from listbackup.parquet.recordfields import FieldReader
from listbackup.parquet.recordkinds import Field
from listbackup.parquet.recordparts import RECORDS
from listbackup.parquet.schemas import describe, describe_records
from listbackup.parquet.unions import ask_fields, join_fields, match_fields
from listbackup.vault import layout
from listbackup.vault.reading import SnapshotStream

if TYPE_CHECKING:
    from listbackup.history.engine import Engine


MOST_READ = 4 * 1024 * 1024
"""Plain bytes of lines that are read for a description: a large stream without a typed view was
not to cost more than its exact copy."""


def describe_stream(stream: SnapshotStream, since: str | None = None) -> dict[str, Any]:
    """Describe a stream's typed records as JSON Schema; `since` is a sync: only of the records
    that it wrote. Raises FailedError for an encoding without a typed view, and for JSON records of
    which too many have none; IntegrityError."""
    if stream.encoding != RECORDS:
        return describe(stream.schema, stream.encoding)
    stored = stream.state.parts is not None
    batches = [one for one in stream.state.batches if _is_of(one.ref.key, since)]
    if not stored and sum(one.ref.plain_bytes for one in batches) > MOST_READ:
        raise FailedError(f"{stream.name} has no typed view that tells its fields.")
    found = _read_parts(stream, since) if stored else list(_read_lines(stream, since))
    return describe_records(join_fields(found, stream.key), stream.key)


def read_fields(engine: "Engine", addresses: Sequence[str]) -> list[tuple[str, Sequence[Field]]]:
    """Give lent parts of records with their fields. Raises IntegrityError."""
    asked = ask_fields(addresses)
    answer = engine.guard(lambda: engine.database.execute(asked).fetchall())
    return match_fields(addresses, answer)


def _read_parts(stream: SnapshotStream, since: str | None) -> list[Sequence[Field]]:
    parts = [one for one in stream.state.parts or () if _is_of(one.key, since)]
    if not parts:
        return []
    # brings DuckDB along, which most backups of little do not need
    from listbackup.history.engine import Engine

    held = Held()
    with Engine() as engine:
        addresses = [
            engine.files.lend(f"{at}.parquet", StoredRange(stream.objects, part, held))
            for at, part in enumerate(parts)
        ]
        return [fields for _, fields in read_fields(engine, addresses)]


def _read_lines(stream: SnapshotStream, since: str | None) -> Iterator[Sequence[Field]]:
    reader = FieldReader([path for path in stream.key if "." in path])
    for batch in stream.state.batches:
        if _is_of(batch.ref.key, since):
            for _, _, chunk in whole_chunks(stream.objects, batch):
                yield [Field(one.source, "", one.kind) for one in reader.read([chunk])]


def _is_of(key: str, since: str | None) -> bool:
    return since is None or layout.sync_of(key) == since
