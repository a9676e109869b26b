"""`source test`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import OutputOptions, ReadingOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import number, plural, size
from listbackup.operations.preferences import settle_reading
from listbackup.operations.sources import SourceTested, look_at_source

PARTIAL = 3


def test(
    url: Annotated[
        str, Parameter(name="URL", help="postgresql://user@host:port/database or sqlite:///path")
    ],
    /,
    *,
    reading: ReadingOptions = ReadingOptions(),  # noqa: B008
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Try whether a source can be read: version, size, missing rights. Reads no table.

    Exit code 3 when a backup would leave something out.
    """
    with open_output(output.json) as out:
        found = look_at_source(out.app, url, settle_reading(reading.wishes(), out.app.environment))
        out.show("source_tested", found, _describe(found))
    return 0 if found.complete else PARTIAL


def _describe(found: SourceTested) -> Iterator[str]:
    yield f"{found.url}: {found.version}"
    if found.user:
        kind = "superuser" if found.superuser else "ordinary user"
        where = "a replica" if found.on_replica else "a primary server"
        wire = "encrypted" if found.encrypted else "not encrypted"
        yield f"  we are    {found.user}, {kind}, on {where}; the connection is {wire}"
    yield f"  database  {found.container}, {size(found.bytes)} on disk"
    rows = sum(one.rows for one in found.streams)
    yield f"  readable  {plural(len(found.streams), 'stream')}, about {number(rows)} rows"
    yield f"  its name in a vault would be {found.source}"
    yield from (f"MISSING: {one.name}: {one.reason}" for one in found.not_read)
    yield from (f"not exact by nature: {one}" for one in found.declared)
    yield from (f"warning: {one}" for one in found.warnings)
    if found.complete:
        yield "A backup would leave nothing out."
