"""`stats`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import VaultOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, number, plural, size, table
from listbackup.operations.stats import SourceStats, Stats, measure


def stats(
    source: Annotated[str | None, Parameter(name="SOURCE", help="Only this source.")] = None,
    /,
    *,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Show what snapshots take: by source, stream and snapshot, and how that grew.

    "adds" is what a snapshot needs and no older one does; "only its own" what dropping it alone
    would free.
    """
    with open_output(options.json) as output:
        found = measure(output.app, options.reach(), source)
        output.show("stats", found, _describe(found))
    return 0


def _describe(found: Stats) -> Iterator[str]:
    for one in found.sources:
        yield from _describe_source(one)
    yield (
        f"{plural(found.snapshots, 'snapshot')}: {size(found.stored_bytes)} stored for "
        f"{size(found.plain_bytes)} of lines."
    )


def _describe_source(one: SourceStats) -> Iterator[str]:
    yield (
        f"{one.source}: {plural(len(one.snapshots), 'snapshot')}, {plural(one.objects, 'object')}, "
        f"{size(one.stored_bytes)}; without sharing it would be {one.gain:g} times that."
    )
    rows = [
        [
            shot.name,
            moment(shot.as_of),
            number(shot.rows),
            size(shot.plain_bytes),
            size(shot.needed_bytes),
            size(shot.added_bytes),
            size(shot.only_bytes),
            size(shot.total_bytes),
        ]
        for shot in one.snapshots
    ]
    headings = ["snapshot", "as of", ">rows", ">plain", ">needs", ">adds", ">only its own"]
    yield from (f"  {line}" for line in table([*headings, ">in all"], rows))
    streams = [
        [
            stream.name,
            number(stream.snapshots),
            number(stream.states),
            size(stream.stored_bytes),
            size(stream.plain_bytes),
        ]
        for stream in one.streams
    ]
    headings = ["stream", ">snapshots", ">states", ">stored", ">plain, newest"]
    yield from (f"  {line}" for line in table(headings, streams))
