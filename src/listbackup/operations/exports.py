"""`export`: a snapshot as files for other tools, with a manifest of checksums."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.errors import UsageError
from listbackup.events import StepDone, StepStarted
from listbackup.history.exporting import ExportedFile, Exporter, ExportOptions, Format
from listbackup.operations.diffs import name_streams, open_words


@dataclass(frozen=True, slots=True)
class ExportWishes:
    """Which snapshot, which streams of it, how and where to."""

    snapshot: str
    format: Format
    directory: Path
    streams: tuple[str, ...] = ()
    excel_safe: bool = False
    force: bool = False
    allow_partial: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `missing` are streams that the snapshot has never read, `carried` those
    that it shows as of an earlier one."""

    source: str
    snapshot: str
    name: str
    meant: str
    as_of: datetime
    format: Format
    directory: Path
    streams: int
    rows: int
    bytes: int
    files: tuple[ExportedFile, ...]
    carried: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float


def export_snapshot(app: App, reach: Reach, wishes: ExportWishes) -> Exported:
    """Write a snapshot as files. Raises UsageError, RefusedError, FailedError, IntegrityError,
    WrongKeyError, AuthError; then there is no manifest."""
    if wishes.excel_safe and wishes.format != "csv":
        raise UsageError("--excel-safe is for CSV.")
    began = app.host.clock.monotonic()
    snapshot, shown = open_words(app.vault(reach), wishes.snapshot, wishes.allow_partial)
    options = ExportOptions(
        wishes.format, name_streams(wishes.streams), wishes.excel_safe, wishes.force
    )
    app.emit(StepStarted("exporting"))
    export = Exporter(snapshot, wishes.directory, options, app.host, app.emit).run()
    app.emit(StepDone("exporting"))
    return Exported(
        source=shown.source,
        snapshot=shown.snapshot,
        name=shown.name,
        meant=shown.meant,
        as_of=shown.as_of,
        format=wishes.format,
        directory=wishes.directory,
        streams=len(export.streams),
        rows=sum(one.rows for one in export.streams),
        bytes=sum(one.bytes for one in export.files),
        files=export.files,
        carried=tuple(one.stream for one in export.streams if one.status == "carried"),
        missing=export.missing,
        seconds=round(app.host.clock.monotonic() - began, 3),
    )
