"""Carry out a restore: plan it, refuse what must not be, write, read again, compare, and leave
nothing half done under a name that somebody could take for a copy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from listbackup.errors import ListbackupError, RefusedError, RestoreError
from listbackup.events import Emit, Found, StepDone, StepStarted, Warned, WorkPlanned
from listbackup.records import Source, StoredSnapshot
from listbackup.records.patterns import is_wanted
from listbackup.records.restoring import (
    Comparison,
    Destination,
    Difference,
    Obstacle,
    RestoreOptions,
    RestorePlan,
)
from listbackup.recovery.comparing import compare

NAMED = 5


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """A restore that ended well: what was written, and the comparison that proves it."""

    plan: RestorePlan
    comparison: Comparison

    @property
    def proven(self) -> bool:
        """Whether what was written was read again and is as the snapshot has it."""
        return self.comparison.equal and self.comparison.streams == len(self.plan.streams)


def plan_restore(
    snapshot: StoredSnapshot, destination: Destination, options: RestoreOptions
) -> RestorePlan:
    """Say what a restore would write, and what stands in its way; writes nothing.

    Raises AuthError, UsageError, SourceError.
    """
    plan = destination.plan(snapshot, options)
    missing = [unread for unread in snapshot.missing if _is_asked_for(unread.name, options)]
    if not missing:
        return plan
    left_out = tuple(f"{unread.name}: it was never read: {unread.reason}" for unread in missing)
    plan = replace(plan, left_out=(*left_out, *plan.left_out))
    if options.allow_partial:
        return plan
    obstacle = Obstacle(
        "the snapshot is partial and lacks",
        tuple(unread.name for unread in missing),
        "Restore what there is with --allow-partial, or take an earlier snapshot.",
    )
    return replace(plan, obstacles=(*plan.obstacles, obstacle))


def refuse_obstacles(plan: RestorePlan) -> None:
    """Raise RefusedError where a plan must not be carried out."""
    if not plan.obstacles:
        return
    said = "; ".join(
        f"{obstacle.what}: {', '.join(obstacle.subjects)}" if obstacle.subjects else obstacle.what
        for obstacle in plan.obstacles
    )
    remedies = " ".join(dict.fromkeys(obstacle.remedy for obstacle in plan.obstacles))
    raise RefusedError(f"The restore is refused: {said}.", subject=plan.target, hint=remedies)


def restore(
    snapshot: StoredSnapshot,
    destination: Destination,
    options: RestoreOptions,
    emit: Emit,
    *,
    announce: Callable[[RestorePlan], None] = lambda plan: None,
) -> RestoreResult:
    """Write a snapshot into a destination and prove that it came back. `announce` is told the
    plan before anything is written.

    Raises RefusedError before anything is written; RestoreError, AuthError, IntegrityError after:
    then what was created is removed again, unless the options keep it.
    """
    plan = plan_restore(snapshot, destination, options)
    announce(plan)
    refuse_obstacles(plan)
    for notice in plan.notices:
        emit(Warned(notice))
    emit(WorkPlanned(len(plan.streams), plan.rows, plan.bytes))
    try:
        destination.apply(snapshot, options, plan, emit)
        comparison = _prove(snapshot, destination, options, plan, emit)
        destination.complete(snapshot, options, plan)
    except BaseException as error:
        _clean_up(destination, options, plan, error, emit)
        raise
    return RestoreResult(plan, comparison)


def compare_with_source(
    snapshot: StoredSnapshot, source: Source, options: RestoreOptions, emit: Emit
) -> Comparison:
    """Compare a snapshot with a source as it is now; writes nothing. Raises SourceError."""
    reading = source.open()
    names = [name for name in snapshot.streams if _is_asked_for(name, options)]
    emit(StepStarted("comparing"))
    filtered = {name for name in names if options.condition_of(name) is not None}
    comparison = compare(snapshot, reading, names, options, emit, filtered=filtered)
    _report(comparison, emit)
    figures = {"streams": comparison.streams, "rows": comparison.rows}
    emit(StepDone("comparing", "equal" if comparison.equal else "differs", figures))
    return comparison


def explain(difference: Difference) -> str:
    """Say a difference in one sentence, with its table, columns and first rows."""
    where = f" in {', '.join(difference.columns)}" if difference.columns else ""
    if difference.aspect in ("values", "rows") and difference.row_count:
        keys = [row.key for row in difference.rows if row.key is not None]
        named = f" (keys {', '.join(keys[:NAMED])})" if keys else ""
        count = difference.row_count
        rows = f"{count} row{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}"
        return f"{difference.subject}: {rows}{where}{named}"
    detail = f"expected {difference.expected}, found {difference.found}"
    return f"{difference.subject}: {difference.aspect}{where}: {detail}"


def _is_asked_for(name: str, options: RestoreOptions) -> bool:
    return is_wanted(name, options.include, options.exclude)


def _prove(
    snapshot: StoredSnapshot,
    destination: Destination,
    options: RestoreOptions,
    plan: RestorePlan,
    emit: Emit,
) -> Comparison:
    emit(StepStarted("comparing"))
    names = [stream.name for stream in plan.streams]
    filtered = {stream.name for stream in plan.streams if stream.condition is not None}
    fresh = plan.creates or not options.into_existing
    reading = destination.reopen(plan)
    comparison = compare(
        snapshot,
        reading,
        names,
        options,
        emit,
        fresh=fresh,
        filtered=filtered,
        confirm=lambda again: destination.confirm_definitions(snapshot, again),
    )
    figures = {"streams": comparison.streams, "rows": comparison.rows}
    _report(comparison, emit)
    if not comparison.equal:
        said = "; ".join(explain(d) for d in comparison.differences[:NAMED])
        more = len(comparison.differences) - NAMED
        raise RestoreError(
            f"What came back is not what the snapshot holds: {said}"
            + (f"; and {more} more." if more > 0 else "."),
            subject=plan.target,
        )
    emit(StepDone("comparing", "equal", figures))
    return comparison


def _report(comparison: Comparison, emit: Emit) -> None:
    for difference in comparison.differences:
        emit(Found(explain(difference), difference.subject, streams=(difference.subject,)))


def _clean_up(
    destination: Destination,
    options: RestoreOptions,
    plan: RestorePlan,
    error: BaseException,
    emit: Emit,
) -> None:
    stays = f"{plan.container} is not a copy: it holds what was written before the failure."
    if options.keep_failed or not plan.creates:
        _tell(error, emit, stays)
        return
    try:
        removed = destination.discard(plan)
    except ListbackupError as second:
        _tell(error, emit, f"{stays} It could not be removed: {second.message}")
        return
    if removed:
        _tell(error, emit, f"{plan.container} was removed again.")


def _tell(error: BaseException, emit: Emit, fate: str) -> None:
    if isinstance(error, ListbackupError):
        error.risk = f"The vault is untouched. {fate}"
    else:
        emit(Warned(fate))
