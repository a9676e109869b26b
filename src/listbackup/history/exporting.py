"""A snapshot as files for other tools: one file a stream, or one database, and a manifest of
checksums that is written last. A directory without a manifest holds no whole export.

Rows are counted against the state's before a file gets its name. Text formats and SQLite come
from the exact lines; Parquet and DuckDB from the typed view.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from listbackup import __version__
from listbackup.clock import format_time
from listbackup.errors import FailedError, IntegrityError, RefusedError, UsageError
from listbackup.events import Emit, Progressed, StreamDone, WorkPlanned
from listbackup.history.files import new_file, write_file
from listbackup.history.recordfiles import (
    Convert,
    describe_fields,
    name_fields,
    pick_values,
    type_value,
    write_array,
    write_lines,
)
from listbackup.history.recordrows import show_value
from listbackup.history.sqlitefiles import SqliteFile, count_rows
from listbackup.history.textfiles import Values, decode_chunk, write_csv, write_json, write_ndjson
from listbackup.host import Host
from listbackup.parquet.recordparts import RECORDS
from listbackup.records.counting import count_lines
from listbackup.records.patterns import is_wanted
from listbackup.vault.layout import stream_path
from listbackup.vault.reading import Snapshot, SnapshotStream

Format = Literal["csv", "ndjson", "json", "parquet", "sqlite", "duckdb"]
FORMATS: tuple[Format, ...] = ("csv", "ndjson", "json", "parquet", "sqlite", "duckdb")
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export. `streams` are patterns (none means all); `safe` keeps spreadsheets from
    taking text for formulas; `force` replaces files that are there."""

    format: Format
    streams: tuple[str, ...] = ()
    safe: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class ExportedStream:
    """One stream and the file that holds it; `table` names it within a database. `columns` are
    names and the source's types (of JSON records names alone, where the format has columns),
    `carried_from` the sync as of which it is, if an earlier one."""

    stream: str
    file: str
    table: str | None
    rows: int
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    status: str
    carried_from: str | None

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        return {
            "stream": self.stream,
            "file": self.file,
            "table": self.table,
            "rows": self.rows,
            "columns": [{"name": name, "type": kind} for name, kind in self.columns],
            "key": list(self.key),
            "status": self.status,
            "carried_from": self.carried_from,
        }


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file, its size and digest (`sha256:hex`)."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    files: tuple[ExportedFile, ...]
    streams: tuple[ExportedStream, ...]
    missing: tuple[str, ...]


class Exporter:
    """Writes one snapshot into one directory."""

    def __init__(
        self,
        snapshot: Snapshot,
        directory: Path,
        options: ExportOptions,
        host: Host,
        emit: Emit,
    ) -> None:
        """Nothing is read or written yet."""
        self._snapshot = snapshot
        self._directory = directory
        self._options = options
        self._host = host
        self._emit = emit
        self._named: dict[str, tuple[tuple[str, str], ...]] = {}

    def run(self) -> Export:
        """Write everything. Raises UsageError for patterns that name no stream, RefusedError for
        a directory that is not empty, FailedError, IntegrityError."""
        wanted = [n for n in self._snapshot.streams if is_wanted(n, self._options.streams, ())]
        missing = [
            one.name
            for one in self._snapshot.manifest.streams
            if one.state is None and is_wanted(one.name, self._options.streams, ())
        ]
        if self._options.streams and not wanted:
            raise UsageError("No stream is named like that.", hint="`listbackup ls` names them.")
        self._prepare()
        streams = [self._snapshot.streams[name] for name in wanted]
        size = sum(one.plain_bytes for one in streams)
        self._emit(WorkPlanned(len(streams), sum(one.rows for one in streams), size))
        if self._options.format in ("sqlite", "duckdb"):
            files, exported = self._fill_database(streams)
        else:
            files, exported = [], []
            for stream in streams:
                file, one = self._write_stream(stream)
                files.append(file)
                exported.append(one)
        export = Export(tuple(files), tuple(exported), tuple(missing))
        data = json.dumps(self._describe(export), indent=1, ensure_ascii=False) + "\n"
        write_file(
            self._directory / MANIFEST,
            data.encode("utf-8", "surrogatepass"),
            self._host,
            replace=self._options.force,
        )
        return export

    def _prepare(self) -> None:
        """Make the directory, or see that it may be written to; without its manifest what is in
        it counts for nothing."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            if self._options.force:
                (self._directory / MANIFEST).unlink(missing_ok=True)
            elif any(self._directory.iterdir()):
                raise RefusedError(
                    f"{self._directory} is not empty.",
                    subject=str(self._directory),
                    risk="No data is at risk: nothing was written.",
                    hint="Name a new directory, or say --force to replace files in it.",
                )
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise FailedError(
                f"{self._directory} cannot be written to: {error.strerror}.",
                subject=str(self._directory),
                risk="No data is at risk: the vault is not touched.",
            ) from error

    def _write_stream(self, stream: SnapshotStream) -> tuple[ExportedFile, ExportedStream]:
        name = f"{stream_path(stream.name)}.{self._options.format}"
        name = "manifest-stream.json" if name == MANIFEST else name
        path = self._directory / name
        with new_file(path, self._host, replace=self._options.force) as temporary:
            if self._options.format == "parquet":
                from listbackup.history.typedfiles import write_parquet

                self._count(stream, write_parquet(temporary, stream))
                self._emit(Progressed(stream.name, stream.rows, stream.plain_bytes))
            else:
                self._write_text(temporary, stream)
        self._emit(StreamDone(stream.name, stream.status, stream.rows))
        return digest_file(path), self._note(stream, name, None)

    def _write_text(self, path: Path, stream: SnapshotStream) -> None:
        if self._options.format == "csv":
            schema, rows = self._table(stream, show_value)
            write_csv(path, schema, rows, safe=self._options.safe)
        elif stream.encoding == RECORDS:
            write = write_array if self._options.format == "json" else write_lines
            write(path, self._chunks(stream))
        else:
            write_objects = write_json if self._options.format == "json" else write_ndjson
            write_objects(path, stream.schema, self._rows(stream))

    def _fill_database(
        self, streams: Sequence[SnapshotStream]
    ) -> tuple[list[ExportedFile], list[ExportedStream]]:
        name = f"{self._snapshot.source}.{self._options.format}"
        path = self._directory / name
        with new_file(path, self._host, replace=self._options.force) as temporary:
            if self._options.format == "sqlite":
                tables = self._fill_sqlite(temporary, streams)
            else:
                from listbackup.history.typedfiles import fill_duckdb

                tables = fill_duckdb(temporary, streams, self._told)
        noted = [self._note(s, name, t) for s, t in zip(streams, tables, strict=True)]
        return [digest_file(path)], noted

    def _fill_sqlite(self, path: Path, streams: Sequence[SnapshotStream]) -> list[str]:
        tables = []
        with SqliteFile(path) as file:
            for stream in streams:
                dynamic = stream.encoding in ("sqlite-array/1", RECORDS)
                schema, rows = self._table(stream, type_value)
                tables.append(file.add(stream.name, schema, rows, dynamic=dynamic))
                self._emit(StreamDone(stream.name, stream.status, stream.rows))
        for stream, table in zip(streams, tables, strict=True):
            self._count(stream, count_rows(path, table))
        return tables

    def _told(self, stream: SnapshotStream, rows: int) -> None:
        self._count(stream, rows)
        self._emit(Progressed(stream.name, stream.rows, stream.plain_bytes))
        self._emit(StreamDone(stream.name, stream.status, stream.rows))

    def _table(
        self, stream: SnapshotStream, convert: Convert
    ) -> tuple[Mapping[str, Any], Iterator[list[Values]]]:
        """Give columns and rows of a stream; `convert` is for the values of JSON records."""
        if stream.encoding != RECORDS:
            return stream.schema, self._rows(stream)
        name = stream.name
        names = name_fields(stream.lines(), stream.key, name)
        self._named[name] = tuple((one, "") for one in names)
        chunks = self._chunks(stream)
        return describe_fields(names), (pick_values(c, names, convert, name) for c in chunks)

    def _rows(self, stream: SnapshotStream) -> Iterator[list[Values]]:
        """Give the rows of a table, some at a time."""
        width = len(stream.schema["columns"])
        for chunk in self._chunks(stream):
            yield decode_chunk(chunk, width, stream.name)

    def _chunks(self, stream: SnapshotStream) -> Iterator[bytes]:
        """Give the lines of a stream, some at a time, and count them."""
        total = 0
        for chunk in stream.lines():
            rows = count_lines(chunk)
            total += rows
            yield chunk
            self._emit(Progressed(stream.name, rows, len(chunk)))
        self._count(stream, total)

    def _count(self, stream: SnapshotStream, rows: int) -> None:
        if rows != stream.rows:
            raise IntegrityError(
                f"{stream.name} has {rows} rows, its state list counts {stream.rows}.",
                subject=stream.name,
            )

    def _note(self, stream: SnapshotStream, file: str, table: str | None) -> ExportedStream:
        entry = self._snapshot.entry(stream.name)
        return ExportedStream(
            stream=stream.name,
            file=file,
            table=table,
            rows=stream.rows,
            columns=self._named.get(stream.name) or _list_columns(stream.schema),
            key=stream.key,
            status=stream.status,
            carried_from=entry.carried_from if entry else None,
        )

    def _describe(self, export: Export) -> dict[str, Any]:
        manifest = self._snapshot.manifest
        return {
            "tool": f"listbackup {__version__}",
            "format": self._options.format,
            "excel_safe": self._options.safe,
            "vault": manifest.vault,
            "source": manifest.source,
            "snapshot": manifest.sync,
            "name": manifest.name,
            "status": manifest.status,
            "as_of": format_time(manifest.as_of.end),
            "exported": format_time(self._host.clock.now()),
            "streams": [one.to_json() for one in export.streams],
            "missing": list(export.missing),
            "files": [
                {"file": one.file, "bytes": one.bytes, "sha256": one.sha256} for one in export.files
            ],
        }


def _list_columns(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(column["name"]), str(column.get("type"))) for column in schema["columns"])


def digest_file(path: Path) -> ExportedFile:
    """Give a file's size and digest, as they are on the disk."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(path.name, path.stat().st_size, f"sha256:{found}")
