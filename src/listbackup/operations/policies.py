"""What the configuration file says about keeping: the rules of each source, and pruning by them."""

from dataclasses import replace

from listbackup.app import App, Reach
from listbackup.errors import ListbackupError, UsageError
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.operations.prunes import Pruned, PruneWishes, prune
from listbackup.vault.retention import Rules, read_span
from listbackup.vault.selection import choose_sources


def find_rules(app: App, reach: Reach, source: str) -> Rules | None:
    """Give the rules that the file has for a source, its own or the general ones; None where it
    says nothing. Raises UsageError, RefusedError for a file that is wrong."""
    found = app.configuration(reach)
    chosen = found.retention(source) if found is not None else None
    if chosen is None:
        return None
    said = chosen[0]
    return Rules(
        last=said.keep_last or 0,
        hourly=said.keep_hourly or 0,
        daily=said.keep_daily or 0,
        weekly=said.keep_weekly or 0,
        monthly=said.keep_monthly or 0,
        yearly=said.keep_yearly or 0,
        within=read_span(said.keep_within) if said.keep_within else None,
        tags=said.keep_tag or (),
        zone=_find_zone(app, reach),
    )


def prune_by_policy(
    app: App, reach: Reach, wishes: PruneWishes, zone: str | None = None
) -> list[Pruned]:
    """Prune by the rules that were typed, or where none was, by those of the file: each source by
    its own, and one for which the file has none not at all. `zone` is the time zone that was typed.

    Raises UsageError where there is no rule anywhere, and what `prune` raises.
    """
    found = _find_zone(app, reach, zone)
    if wishes.rules != Rules(zone=wishes.rules.zone):
        return prune(app, reach, replace(wishes, rules=replace(wishes.rules, zone=found)))
    done = []
    for name in choose_sources(app.vault(reach), wishes.source):
        rules = find_rules(app, reach, name)
        if rules is not None:
            meant = replace(wishes, source=name, rules=replace(rules, zone=found))
            done += prune(app, reach, meant)
    if not done:
        raise UsageError(
            "No rule says which snapshots to keep.",
            subject=wishes.source,
            hint="Give at least one (--keep-last 3 --keep-daily 7), or write `retention:` into the "
            "configuration file.",
        )
    return done


def _find_zone(app: App, reach: Reach, zone: str | None = None) -> str:
    return str(app.setting(reach, "time_zone", zone, "UTC").value)


def prunes_after_backup(app: App, reach: Reach, source: str) -> bool:
    """Whether the file wants a prune after each complete backup of a source."""
    found = app.configuration(reach)
    chosen = found.retention(source) if found is not None else None
    return chosen is not None and chosen[0].prune.after_backup


def prune_after_backup(app: App, reach: Reach, source: str) -> int | None:
    """Prune a source as the file says, right after a backup. Gives how many snapshots were
    dropped; None where it failed, which is a warning: the backup is acknowledged already."""
    app.emit(StepStarted("pruning", source))
    try:
        rules = find_rules(app, reach, source)
        assert rules is not None
        (done,) = prune(app, reach, PruneWishes(source, rules))
    except ListbackupError as error:
        app.emit(Warned(f"{source} was not pruned: {error.message}", error.hint))
        return None
    app.emit(StepDone("pruning", source, {"kept": done.kept, "dropped": done.dropped}))
    return done.dropped
