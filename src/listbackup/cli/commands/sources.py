"""`source list`, `source test`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import ReadingOptions, VaultOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, number, plural, size, table, tell_declared
from listbackup.operations.preferences import settle_reading
from listbackup.operations.sources import (
    SourceLine,
    SourceTested,
    list_sources,
    look_at_source,
)

PARTIAL = 3
DATABASES = ("postgresql", "sqlite")


def list_all(*, options: VaultOptions = VaultOptions()) -> int:  # noqa: B008
    """List the sources of the configuration: where each is, whether its platform lets us in, its
    newest snapshot."""
    with open_output(options.json) as out:
        found = list_sources(out.app, options.reach())
        if not options.json:
            out.say(_tabulate(found))
        for line in found if options.json else ():
            out.show("source", line)
    return 0


def _tabulate(found: list[SourceLine]) -> Iterator[str]:
    if not found:
        yield "There are no sources: `listbackup source add PLATFORM`, or write listbackup.yaml."
        return
    rows = [
        [
            one.source,
            one.address,
            one.account,
            one.standing if one.standing != "ended" else "ENDED",
            moment(one.until) if one.until else "",
            one.snapshot or "-",
        ]
        for one in found
    ]
    yield from table(["source", "where", "account", "standing", "token until", "newest"], rows)
    yield from (f"{one.source}: {one.reason}" for one in found if one.reason)


def test(
    source: Annotated[
        str,
        Parameter(
            name="SOURCE",
            help="postgresql://user@host:port/database, sqlite:///path, or a name in the "
            "configuration.",
        ),
    ],
    /,
    *,
    reading: ReadingOptions = ReadingOptions(),  # noqa: B008
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Try whether a source can be read: version, size, missing rights. Reads no table; of a
    platform one record of each stream.

    Exit code 3 when a backup would leave something out.
    """
    with open_output(options.json) as out:
        wishes = settle_reading(reading.wishes(), out.app.environment)
        found = look_at_source(out.app, source, wishes, reach=options.reach())
        out.show("source_tested", found, _describe(found))
    return 0 if found.complete else PARTIAL


def _describe(found: SourceTested) -> Iterator[str]:
    yield f"{found.url}: {found.version}"
    if found.engine not in DATABASES:
        yield f"  account   {found.user or found.container}"
    elif found.user:
        kind = "superuser" if found.superuser else "ordinary user"
        where = "a replica" if found.on_replica else "a primary server"
        wire = "encrypted" if found.encrypted else "not encrypted"
        yield f"  we are    {found.user}, {kind}, on {where}; the connection is {wire}"
    if found.engine in DATABASES:
        yield f"  database  {found.container}, {size(found.bytes)} on disk"
    rows = sum(one.rows for one in found.streams)
    told = f", about {number(rows)} rows" if rows or found.engine in DATABASES else ""
    yield f"  readable  {plural(len(found.streams), 'stream')}{told}"
    yield from (f"  budget    {one}" for one in found.budgets)
    yield f"  its name in a vault would be {found.source}"
    yield from (f"MISSING: {one.name}: {one.reason}" for one in found.not_read)
    yield from tell_declared(found.declared)
    yield from (f"warning: {one}" for one in found.warnings)
    if found.complete:
        yield "A backup would leave nothing out."
