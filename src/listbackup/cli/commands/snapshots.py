"""`snapshots`, `show` and `ls`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import VaultOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, number, plural, size, table
from listbackup.clock import format_time
from listbackup.errors import UsageError
from listbackup.operations.snapshots import (
    SnapshotDetail,
    SnapshotLine,
    StreamLine,
    list_snapshots,
    list_streams,
    show_snapshot,
)
from listbackup.vault.selection import read_time

SNAPSHOT = Parameter(
    name="SNAPSHOT",
    help="latest, latest~N, an id, a name or a time (UTC unless it says); SOURCE:… before it.",
)


def choose_words(snapshot: str | None, at: str | None) -> str:
    """Give the words that choose a snapshot, of SNAPSHOT and --at. Raises UsageError."""
    if at is None and snapshot is not None:
        return snapshot
    if at is None or (snapshot is not None and not snapshot.endswith(":")):
        raise UsageError(
            "Which snapshot is meant is not clear.",
            hint="Give a SNAPSHOT, or --at TIME, or SOURCE: and --at TIME.",
        )
    return f"{snapshot or ''}{format_time(read_time(at))}"


def snapshots(
    source: Annotated[str | None, Parameter(name="SOURCE", help="Only this source's.")] = None,
    /,
    *,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """List snapshots, by source, oldest first. No key is needed."""
    with open_output(options.json) as output:
        found = list_snapshots(output.app, options.reach(), source)
        for one in found:
            output.show("snapshot", one)
        output.say(_describe_list(found))
    return 0


def _describe_list(found: list[SnapshotLine]) -> list[str]:
    if not found:
        return ["There is no snapshot yet."]
    rows = [
        [one.source, one.name, one.snapshot, moment(one.as_of), _status(one), _labels(one)]
        for one in found
    ]
    return table(["source", "name", "id", "as of", "status", "tags and note"], rows)


def _labels(one: SnapshotLine) -> str:
    tags = ", ".join(one.tags)
    return f"{tags}: {one.note}" if tags and one.note else tags or one.note


def _status(one: SnapshotLine) -> str:
    return f"{one.status}, clock suspect" if one.clock_suspect else one.status


def show(
    snapshot: Annotated[str, SNAPSHOT],
    /,
    *,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Show what is known of one snapshot."""
    with open_output(options.json) as output:
        detail = show_snapshot(output.app, options.reach(), snapshot)
        output.show("snapshot_detail", detail, _describe_detail(detail))
    return 0


def _describe_detail(one: SnapshotDetail) -> Iterator[str]:
    yield f"Snapshot {one.name} of {one.source} ({one.meant})"
    facts = {
        "id": one.snapshot,
        "status": one.status,
        "as of": moment(one.as_of_to),
        "committed": f"{moment(one.committed)}, ledger number {one.number}",
        "source": f"{one.version}, database {one.container}, system {one.server}",
        "holds": f"{plural(one.streams, 'stream')}, {number(one.rows)} rows",
        "stored": f"{plural(one.objects, 'object')} of its own, {size(one.stored_bytes)}",
        "beside": ", ".join(one.extras) or "nothing",
        "manifest": one.manifest,
        "made by": one.tool,
        "tags": ", ".join(one.tags) or "none",
        "note": one.note or "none",
    }
    yield from (f"  {name:<10} {value}" for name, value in facts.items())
    if one.held is not None:
        yield f"HELD: {one.held or 'no reason given'}"
    yield from (f"NOT READ: {one}" for one in one.reasons)
    yield from (f"not exact by nature: {one}" for one in one.declared)


def ls(
    snapshot: Annotated[str, SNAPSHOT],
    /,
    *,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """List the streams of a snapshot."""
    with open_output(options.json) as output:
        streams = list_streams(output.app, options.reach(), snapshot)
        for one in streams:
            output.show("stream", one)
        output.say(_describe_streams(streams))
    return 0


def _describe_streams(streams: list[StreamLine]) -> list[str]:
    rows = [[one.name, one.status, number(one.rows), one.reason] for one in streams]
    return table(["stream", "status", ">rows", "reason"], rows)
