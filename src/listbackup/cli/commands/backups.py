"""`backup`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import ReadingOptions, VaultOptions, flag
from listbackup.cli.output import open_output
from listbackup.cli.words import duration, moment, number, plural, size, table
from listbackup.operations.backups import (
    BackedUp,
    BackupPlan,
    BackupWishes,
    NotRead,
    back_up,
    plan_backup,
)

PARTIAL = 3


def backup(
    source: Annotated[str, Parameter(name="SOURCE", help="postgresql://user@host:port/database")],
    /,
    *,
    name: Annotated[
        str | None, Parameter(help="The source's name in the vault; else made from the URL.")
    ] = None,
    accept_new_server: Annotated[
        bool, flag("It is another server now, after an upgrade or a move: go on.")
    ] = False,
    dry_run: Annotated[bool, flag("Only say what would be read: tables, sizes, time.")] = False,
    reading: ReadingOptions = ReadingOptions(),  # noqa: B008
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Back up a database: one consistent snapshot, committed whole or not at all.

    Passwords: PGPASSWORD, ~/.pgpass or LISTBACKUP_PASSWORD_FILE. Exit code 3 when something could
    not be read; what by nature is not exact is named, with exit code 0.
    """
    wishes = BackupWishes(source, name, reading.to_reading(), accept_new_server)
    with open_output(options.json) as output:
        if dry_run:
            plan = plan_backup(output.app, wishes)
            output.show("backup_plan", plan, _describe_plan(plan))
            return PARTIAL if plan.not_read else 0
        done = back_up(output.app, options.reach(), wishes)
        output.show("backed_up", done, _describe_done(done))
    return 0 if done.status == "complete" else PARTIAL


def _describe_plan(plan: BackupPlan) -> Iterator[str]:
    yield f"Would back up {plan.address} ({plan.version}) as {plan.source}:"
    rows = [[one.name, number(one.rows), size(one.bytes)] for one in plan.streams]
    yield from (f"  {line}" for line in table(["stream", ">about rows", ">about size"], rows))
    yield (
        f"About {number(plan.rows)} rows, {size(plan.bytes)}, {duration(plan.seconds)} "
        "at 50 MB a second. Nothing was read or written."
    )
    yield from (f"left out as asked: {one}" for one in plan.excluded)
    yield from _describe_rest(plan.not_read, plan.declared)
    yield from (f"note: {one}" for one in plan.warnings)


def _describe_done(done: BackedUp) -> Iterator[str]:
    kind = "Snapshot" if done.status == "complete" else "PARTIAL snapshot"
    yield f"{kind} {done.name} of {done.source}"
    yield f"  id     {done.snapshot}"
    yield f"  as of  {moment(done.as_of)}"
    yield (
        f"  holds  {plural(done.streams, 'stream')}, {number(done.rows)} rows; "
        f"{size(done.bytes)} read in {duration(done.seconds)}"
    )
    yield from _describe_rest(done.not_read, done.declared)


def _describe_rest(not_read: tuple[NotRead, ...], declared: tuple[str, ...]) -> Iterator[str]:
    for one in not_read:
        kept = f"; kept as of sync {one.carried_from}" if one.carried_from else ""
        yield f"NOT READ: {one.name}: {one.reason}{kept}"
    yield from (f"not exact by nature: {one}" for one in declared)
