"""`backup`."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from listbackup.app import Reach
from listbackup.cli.options import ReadingOptions, VaultOptions, flag
from listbackup.cli.output import Output, open_output
from listbackup.cli.words import duration, moment, number, plural, size, table, tell_declared
from listbackup.errors import ListbackupError, UsageError, exit_code
from listbackup.events import Warned
from listbackup.operations.backups import (
    BackedUp,
    BackupPlan,
    BackupWishes,
    Manner,
    NotRead,
    back_up,
    plan_backup,
)
from listbackup.operations.preferences import settle_reading
from listbackup.operations.rounds import (
    RoundDone,
    RoundWishes,
    back_up_all,
    back_up_named,
    is_named,
    name_sources,
    plan_named,
    summarise_failures,
)

PARTIAL = 3


@Parameter(name="*")
@dataclass(frozen=True)
class MannerOptions:
    """What is accepted of a source, and what is made beside the exact copy."""

    accept_new_server: Annotated[
        bool, flag("It is another server now, after an upgrade or a move: go on.")
    ] = False
    accept_deletes: Annotated[bool, flag("It is true that much is gone: hold no deletes back.")] = (
        False
    )
    full: Annotated[
        bool, flag("List all streams of a platform whole, to see what was deleted there.")
    ] = False
    no_view: Annotated[
        bool, flag("Make no typed view (Parquet) for queries; they make it when they need it.")
    ] = False
    current: Annotated[
        bool | None,
        Parameter(
            negative="--no-current",
            help="Publish each stream's whole state as one Parquet file for other tools, once a "
            "day; by itself as far as there is time, in a vault that is not sealed.",
        ),
    ] = None

    def to_manner(self) -> Manner:
        """Give what the operation takes."""
        return Manner(
            self.accept_new_server,
            self.accept_deletes,
            view=not self.no_view,
            current=self.current,
            full=self.full,
        )


def backup(
    source: Annotated[
        str | None,
        Parameter(
            name="SOURCE",
            help="postgresql://user@host:port/database, or a name in the configuration file.",
        ),
    ] = None,
    /,
    *,
    all: Annotated[bool, flag("Every source of the configuration file, in its order.")] = False,
    parallel: Annotated[int, Parameter(help="With --all: so many sources at once, 1 to 16.")] = 1,
    name: Annotated[
        str | None, Parameter(help="The source's name in the vault; else made from the URL.")
    ] = None,
    tag: Annotated[
        tuple[str, ...] | None,
        Parameter(
            negative="",
            show_default=False,
            help="A tag for the snapshot; may be repeated. Those of the file are left out then.",
        ),
    ] = None,
    dry_run: Annotated[bool, flag("Only say what would be read: tables, sizes, time.")] = False,
    quiet: Annotated[
        bool, flag("Say nothing but warnings and errors; the exit code says the rest.")
    ] = False,
    manner: MannerOptions = MannerOptions(),
    reading: ReadingOptions = ReadingOptions(),  # noqa: B008
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Back up a database: one consistent snapshot, committed whole or not at all.

    Passwords: PGPASSWORD, ~/.pgpass or LISTBACKUP_PASSWORD_FILE. Exit code 3 when something could
    not be read; what by nature is not exact is named, with exit code 0. With --all one source that
    fails does not stop the others; where all that failed have the same exit code it is given, else
    1, and 3 where nothing failed but something is partial.
    """
    _check_words(source, name, parallel, every=all)
    with open_output(options.json, quiet=quiet) as output:
        wishes = RoundWishes(reading.wishes(), manner.to_manner(), parallel, tag)
        if source is None:
            run = _plan_all if dry_run else _back_up_all
            return run(output, options.reach(), wishes)
        if dry_run:
            return _plan(output, options.reach(), source, name, wishes)
        return _back_up(output, options.reach(), source, name, wishes)


def _check_words(source: str | None, name: str | None, parallel: int, *, every: bool) -> None:
    if every == (source is not None):
        raise UsageError("Say what to back up.", hint="Give a URL, a name of the file, or --all.")
    if parallel != 1 and not every:
        raise UsageError("--parallel belongs to --all.", hint="--jobs reads one source in parts.")
    if name is not None and (source is None or is_named(source)):
        raise UsageError("A source of the file has its name already.", hint="Leave out --name.")


def _back_up(
    output: Output, reach: Reach, source: str, name: str | None, wishes: RoundWishes
) -> int:
    if is_named(source):
        done = back_up_named(output.app, reach, source, wishes)
    else:
        read = settle_reading(wishes.reading, output.app.environment)
        meant = BackupWishes(source, name, read, wishes.manner, tags=wishes.tags or ())
        done = back_up(output.app, reach, meant)
    output.show("backed_up", done, _describe_done(done))
    return 0 if done.status == "complete" else PARTIAL


def _plan(output: Output, reach: Reach, source: str, name: str | None, wishes: RoundWishes) -> int:
    if is_named(source):
        plan = plan_named(output.app, reach, source, wishes)
    else:
        read = settle_reading(wishes.reading, output.app.environment)
        plan = plan_backup(output.app, reach, BackupWishes(source, name, read))
    output.show("backup_plan", plan, _describe_plan(plan))
    return PARTIAL if plan.not_read else 0


def _back_up_all(output: Output, reach: Reach, wishes: RoundWishes) -> int:
    showing = threading.Lock()

    def tell(done: BackedUp) -> None:
        with showing:
            output.show("backed_up", done, _describe_done(done))

    done = back_up_all(output.app, reach, wishes, tell)
    output.show("round_done", done, _describe_round(done))
    failure = summarise_failures(done)
    if failure is not None:
        raise failure
    return done.exit_code


def _plan_all(output: Output, reach: Reach, wishes: RoundWishes) -> int:
    codes = set()
    for name in name_sources(output.app, reach):
        try:
            codes.add(_plan(output, reach, name, None, wishes))
        except ListbackupError as error:
            output.app.emit(Warned(f"{name} could not be looked at: {error.message}", error.hint))
            codes.add(exit_code(error.category))
    failed = codes - {0, PARTIAL}
    return max(codes) if not failed else failed.pop() if len(failed) == 1 else 1


def _describe_round(done: RoundDone) -> Iterator[str]:
    kept = len(done.sources) - done.failed
    partial = f", {done.partial} of them PARTIAL" if done.partial else ""
    yield ""
    yield (
        f"Backed up {kept} of {plural(len(done.sources), 'source')}{partial} "
        f"in {duration(done.seconds)}:"
    )
    rows = [
        [
            one.source,
            one.status if one.status == "complete" else one.status.upper(),
            one.name or "-",
            number(one.rows) if one.name else "",
            duration(one.seconds),
        ]
        for one in done.sources
    ]
    headings = ["source", "status", "snapshot", ">rows", ">took"]
    yield from (f"  {line}" for line in table(headings, rows))
    yield from (f"  {one.source}: {one.message}" for one in done.sources if one.message)


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
    if not done.first:
        yield f"  since  {number(done.new_rows)} new rows, {number(done.gone_rows)} gone"
    yield f"  stored {size(done.stored_bytes)}"
    if done.tags:
        yield f"  tags   {', '.join(done.tags)}"
    if done.dropped is not None:
        yield f"  pruned {plural(done.dropped, 'older snapshot')} dropped"
    yield from (f"written anew: {one}" for one in done.anew)
    yield from _describe_rest(done.not_read, done.declared)


def _describe_rest(not_read: tuple[NotRead, ...], declared: tuple[str, ...]) -> Iterator[str]:
    for one in not_read:
        kept = f"; kept as of sync {one.carried_from}" if one.carried_from else ""
        yield f"NOT READ: {one.name}: {one.reason}{kept}"
    yield from tell_declared(declared)
