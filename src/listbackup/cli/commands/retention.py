"""`prune` and `sweep`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, plural, size, table
from listbackup.operations.policies import prune_by_policy
from listbackup.operations.prunes import Pruned, PruneLine, PruneWishes
from listbackup.operations.sweeps import GRACE, SweepDone, SweepWishes
from listbackup.operations.sweeps import sweep as sweep_vault
from listbackup.vault.retention import Rules, read_span

KEEP = Group("What is kept", sort_key=1)
SOURCE = Parameter(name="SOURCE", help="Only this source; else each one by itself.")
CLOCK = flag("Trust the clocks although something speaks against them.")


@Parameter(name="*")
@dataclass(frozen=True)
class KeepOptions:
    """Which snapshots are kept."""

    keep_last: Annotated[int, Parameter(group=KEEP, help="The newest N.")] = 0
    keep_hourly: Annotated[
        int, Parameter(group=KEEP, help="The newest of each of the last N hours that have any.")
    ] = 0
    keep_daily: Annotated[int, Parameter(group=KEEP, help="The same by days.")] = 0
    keep_weekly: Annotated[int, Parameter(group=KEEP, help="The same by weeks.")] = 0
    keep_monthly: Annotated[int, Parameter(group=KEEP, help="The same by months.")] = 0
    keep_yearly: Annotated[int, Parameter(group=KEEP, help="The same by years.")] = 0
    keep_within: Annotated[
        str | None,
        Parameter(group=KEEP, help="All within so long before the newest: 30d, 2y5m7d3h."),
    ] = None
    keep_tag: Annotated[tuple[str, ...], several("All with this tag; may be repeated.", KEEP)] = ()
    time_zone: Annotated[
        str | None,
        Parameter(group=KEEP, help="Whose days, weeks and months: Europe/Berlin; UTC by default."),
    ] = None

    def to_rules(self) -> Rules:
        """Say it to an operation. Raises UsageError."""
        return Rules(
            last=self.keep_last,
            hourly=self.keep_hourly,
            daily=self.keep_daily,
            weekly=self.keep_weekly,
            monthly=self.keep_monthly,
            yearly=self.keep_yearly,
            within=read_span(self.keep_within) if self.keep_within is not None else None,
            tags=self.keep_tag,
            zone=self.time_zone or "UTC",
        )


def prune(
    source: Annotated[str | None, SOURCE] = None,
    /,
    *,
    dry_run: Annotated[
        bool, flag("Only say what would be kept, by which rule, and what would be freed.")
    ] = False,
    sweep: Annotated[bool, flag("Sweep afterwards, too.")] = False,
    clock_ok: Annotated[bool, CLOCK] = False,
    keep: KeepOptions = KeepOptions(),
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Drop the snapshots that no rule keeps. Nothing is deleted yet: that is what `sweep` does,
    after a time of grace.

    Rules add up: what any of them keeps is kept. They count complete snapshots only. Never dropped
    are the newest complete snapshot and all after it, the newest complete state of any stream, and
    what is held. Without a rule those of the configuration file are taken, source by source.
    """
    wishes = PruneWishes(source, keep.to_rules(), dry_run, clock_ok)
    with open_output(options.json) as output:
        for done in prune_by_policy(output.app, options.reach(), wishes, keep.time_zone):
            output.show("pruned", done, _describe_pruned(done))
        if sweep:
            swept = sweep_vault(
                output.app, options.reach(), SweepWishes(source, GRACE, dry_run, clock_ok)
            )
            output.show("swept", swept, _describe_swept(swept))
    return 0


def sweep(
    source: Annotated[str | None, SOURCE] = None,
    /,
    *,
    grace: Annotated[
        str, Parameter(help="Delete what has not been needed for so long: 7d, 12h.")
    ] = GRACE,
    dry_run: Annotated[bool, flag("Only say what would be deleted.")] = False,
    clock_ok: Annotated[bool, CLOCK] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Delete what no snapshot needs any more: of dropped snapshots, and of backups that ended
    before their commit."""
    with open_output(options.json) as output:
        done = sweep_vault(
            output.app, options.reach(), SweepWishes(source, grace, dry_run, clock_ok)
        )
        output.show("swept", done, _describe_swept(done))
    return 0


def _describe_pruned(done: Pruned) -> Iterator[str]:
    headings = ["snapshot", "as of", "status", "verdict"]
    if done.freed_bytes is not None:
        headings.append(">frees")
    rows = [_row(one, done) for one in done.snapshots]
    yield f"{done.source}:"
    yield from (f"  {line}" for line in table(headings, rows))
    verb = "would be" if done.dry_run else "are"
    freed = f", {size(done.freed_bytes)} to be freed" if done.freed_bytes is not None else ""
    yield f"  {done.kept} {verb} kept, {done.dropped} {verb} dropped{freed}."
    if done.number is not None:
        yield f"  Ledger number {done.number}. `listbackup sweep` frees the space after its grace."


def _row(one: PruneLine, done: Pruned) -> list[str]:
    verdict = f"keep: {', '.join(one.kept)}" if one.kept else "DROP"
    if one.held:
        verdict += f" ({one.held})"
    row = [one.name, moment(one.as_of), one.status, verdict]
    if done.freed_bytes is not None:
        row.append(size(one.freed_bytes or 0) if one.dropped else "")
    return row


def _describe_swept(done: SweepDone) -> Iterator[str]:
    verb = "Would delete" if done.dry_run else "Deleted"
    for one in done.sources:
        yield (
            f"{one.source}: {verb.lower()} {plural(one.objects, 'object')}, {size(one.bytes)}, "
            f"of {plural(one.syncs, 'sync')}; {plural(one.kept, 'object')}, "
            f"{size(one.kept_bytes)}, are needed."
        )
        if one.waiting:
            yield (
                f"  {plural(one.waiting, 'object')}, {size(one.waiting_bytes)}, are needed no more "
                f"but younger than the grace of {done.grace_hours} hours."
            )
        yield from (f"  held: {name}" for name in one.held)
        for locked in one.locked:
            until = moment(locked.until) if locked.until else "a time that the store does not tell"
            yield f"  locked until {until}: {locked.key}, {size(locked.bytes)}"
    if done.leftovers:
        yield (
            f"{verb} {plural(done.leftovers, 'file')} of writes that never ended, "
            f"{size(done.leftover_bytes)}."
        )
    yield f"{verb} {size(done.bytes)} in all."
