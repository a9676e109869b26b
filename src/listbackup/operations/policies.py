"""What the configuration file says about keeping: the rules of a source, and pruning by itself."""

from listbackup.app import App, Reach
from listbackup.errors import ListbackupError
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.vault.retention import Rules, read_span


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
        zone=str(app.setting(reach, "time_zone", default="UTC").value),
    )


def prunes_after_backup(app: App, reach: Reach, source: str) -> bool:
    """Whether the file wants a prune after each complete backup of a source."""
    found = app.configuration(reach)
    chosen = found.retention(source) if found is not None else None
    return chosen is not None and chosen[0].prune.after_backup


def prune_after_backup(app: App, reach: Reach, source: str) -> int | None:
    """Prune a source as the file says, right after a backup. Gives how many snapshots were
    dropped; None where it failed, which is a warning: the backup is acknowledged already."""
    from listbackup.operations.prunes import PruneWishes, prune

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
