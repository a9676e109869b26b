"""`export`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.commands.snapshots import SNAPSHOT
from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import open_output
from listbackup.cli.words import duration, moment, number, plural, size
from listbackup.history.exporting import Format
from listbackup.operations.exports import Exported, ExportWishes, export_snapshot

EXPORT = Group("What is written", sort_key=1)


def export(
    snapshot: Annotated[str, SNAPSHOT],
    /,
    *,
    format: Annotated[Format, Parameter(group=EXPORT, help="What kind of files.")],
    output: Annotated[Path, Parameter(group=EXPORT, help="The directory: new or empty.")],
    stream: Annotated[
        tuple[str, ...], several("Only streams like this: schema.table, `*` and `?`.", EXPORT)
    ] = (),
    excel_safe: Annotated[
        bool, flag("CSV: an apostrophe before text that a spreadsheet would run.", EXPORT)
    ] = False,
    force: Annotated[bool, flag("Replace files that are there already.", EXPORT)] = False,
    allow_partial: Annotated[bool, flag("Let `latest` mean a partial snapshot.", EXPORT)] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Write a snapshot as files for other tools: one a stream, or one database.

    `manifest.json` names every file with its rows and SHA-256; it is written last: a directory
    without it holds no whole export.
    """
    wishes = ExportWishes(snapshot, format, output, stream, excel_safe, force, allow_partial)
    with open_output(options.json) as shown:
        done = export_snapshot(shown.app, options.reach(), wishes)
        shown.show("exported", done, _describe(done))
    return 0


def _describe(done: Exported) -> Iterator[str]:
    yield (
        f"Exported {plural(done.streams, 'stream')}, {number(done.rows)} rows of {done.source} "
        f"{done.name} (as of {moment(done.as_of)}) in {duration(done.seconds)}."
    )
    yield f"  {plural(len(done.files), 'file')}, {size(done.bytes)} in {done.directory}"
    yield from (f"  as of an earlier snapshot: {name}" for name in done.carried)
    yield from (f"  NOT THERE, never read: {name}" for name in done.missing)
