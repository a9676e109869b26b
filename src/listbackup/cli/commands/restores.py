"""`restore`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.commands.snapshots import SNAPSHOT, choose_words
from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import open_output
from listbackup.cli.words import duration, moment, number, plural, size
from listbackup.config.quantities import read_jobs
from listbackup.errors import FailedError, UsageError
from listbackup.operations import restores
from listbackup.operations.restores import Compared, PlannedRestore, Restored, RestoreWishes
from listbackup.records.restoring import RestoreOptions
from listbackup.recovery.restoring import explain, refuse_obstacles

PART = Group("Only a part", sort_key=1)
_PLAIN = re.compile(r"[a-z0-9_*?]+")
_MOST = 20


@Parameter(name="*")
@dataclass(frozen=True)
class PartOptions:
    """Which part of a snapshot is wanted."""

    schema: Annotated[tuple[str, ...], several("Only this schema.", PART)] = ()
    table: Annotated[
        tuple[str, ...], several("Only this table: schema.table, `*` and `?`.", PART)
    ] = ()
    exclude: Annotated[tuple[str, ...], several("Not this table.", PART)] = ()
    where: Annotated[
        tuple[str, ...], several("Only rows: schema.table=CONDITION in SQL.", PART)
    ] = ()


@Parameter(name="*")
@dataclass(frozen=True)
class WritingOptions:
    """How a snapshot is written."""

    into_existing: Annotated[bool, flag("Allow a database that is not empty.")] = False
    no_owner: Annotated[bool, flag("Leave out owners.")] = False
    no_privileges: Annotated[bool, flag("Leave out rights.")] = False
    create_roles: Annotated[bool, flag("Create missing roles, without login.")] = False
    allow_partial: Annotated[bool, flag("Take a partial snapshot, too.")] = False
    keep_failed: Annotated[bool, flag("Keep what a failed restore created.")] = False
    jobs: Annotated[int, Parameter(help="How many pieces at once, 1 to 64.")] = 2

    def to_options(self, part: PartOptions) -> RestoreOptions:
        """Say it to an operation. Raises UsageError."""
        conditions = _read_conditions(part.where)
        include = (*map(_schema_pattern, part.schema), *map(_table_pattern, part.table))
        return RestoreOptions(
            include=(*include, *conditions),
            exclude=tuple(map(_table_pattern, part.exclude)),
            where=conditions,
            into_existing=self.into_existing,
            no_owner=self.no_owner,
            no_privileges=self.no_privileges,
            create_roles=self.create_roles,
            keep_failed=self.keep_failed,
            allow_partial=self.allow_partial,
            jobs=read_jobs(self.jobs),
        )


def restore(
    snapshot: Annotated[str | None, SNAPSHOT] = None,
    /,
    *,
    to: Annotated[
        str, Parameter(help="Where to: postgresql://user@host:port/database, made if absent.")
    ],
    at: Annotated[
        str | None,
        Parameter(help="The newest snapshot as of this time; SNAPSHOT may then name the SOURCE:"),
    ] = None,
    dry_run: Annotated[bool, flag("Only print the plan.")] = False,
    compare_only: Annotated[
        bool, flag("Write nothing: compare what is there now with the snapshot.")
    ] = False,
    part: PartOptions = PartOptions(),
    writing: WritingOptions = WritingOptions(),
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Restore a snapshot into a database, read it again, and compare it with the snapshot.

    The plan is printed before anything is written. Only an equal comparison is a success; what a
    failed restore created is removed.
    """
    wishes = RestoreWishes(choose_words(snapshot, at), to, writing.to_options(part))
    if compare_only:
        return _compare(wishes, options)
    with open_output(options.json) as output:
        if dry_run:
            planned = restores.plan_only(output.app, options.reach(), wishes)
            output.show("planned_restore", planned, _describe_plan(planned))
            refuse_obstacles(planned.plan)
            return 0

        def announce(planned: PlannedRestore) -> None:
            output.show("planned_restore", planned, _describe_plan(planned))

        done = restores.restore_snapshot(output.app, options.reach(), wishes, announce)
        output.show("restored", done, _describe_done(done))
    return 0


def _compare(wishes: RestoreWishes, options: VaultOptions) -> int:
    with open_output(options.json) as output:
        compared = restores.compare_only(output.app, options.reach(), wishes)
        output.show("compared", compared, _describe_comparison(compared))
    if not compared.comparison.equal:
        count = len(compared.comparison.differences)
        raise FailedError(
            f"It is not what the snapshot holds: {plural(count, 'difference')}.",
            subject=compared.target,
            risk="The vault is untouched, and nothing was written.",
            hint="The differences are named above; `restore` into a new database brings it back.",
        )
    return 0


def _read_conditions(where: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in where:
        stream, equals, condition = _split_condition(one)
        if not equals or not condition.strip():
            raise UsageError(f"{one!r} is no condition.", hint="Write schema.table=CONDITION.")
        found[_table_pattern(stream)] = condition
    return found


def _split_condition(text: str) -> tuple[str, str, str]:
    """Split at the first `=` outside of double quotes."""
    match = re.match(r'((?:"(?:[^"]|"")*"|[^"=])*)(=)(.*)', text, re.DOTALL)
    return (match[1].strip(), match[2], match[3]) if match else (text, "", "")


def _schema_pattern(schema: str) -> str:
    if _PLAIN.fullmatch(schema) or schema.startswith('"'):
        return f"{schema}.*"
    quoted = schema.replace('"', '""')
    return f'"{quoted}".*'


def _table_pattern(table: str) -> str:
    """A name without a schema means the schema `public`."""
    return table if "." in table or "*" in table else f"public.{table}"


def _describe_plan(planned: PlannedRestore) -> Iterator[str]:
    plan = planned.plan
    made = "a new database" if plan.creates else "the existing database"
    part = "a part of snapshot" if plan.partial else "snapshot"
    yield f"Restore {part} {plan.snapshot} ({planned.meant}) of {plan.source}"
    yield f"  into {made} {plan.target}"
    yield f"  {plural(len(plan.streams), 'stream')}, {number(plan.rows)} rows, {size(plan.bytes)}"
    yield from (f"  {at}. {step}" for at, step in enumerate(plan.steps, 1))
    yield from (f"  creates the role {role}" for role in plan.roles_to_create)
    yield from _some("left out", plan.left_out)
    yield from _some("note", plan.notices)
    for one in plan.obstacles:
        subjects = f": {', '.join(one.subjects)}" if one.subjects else ""
        yield f"  in the way: {one.what}{subjects}. {one.remedy}"


def _some(what: str, names: tuple[str, ...]) -> Iterator[str]:
    yield from (f"  {what}: {name}" for name in names[:_MOST])
    if len(names) > _MOST:
        yield f"  {what}: {len(names) - _MOST} more (--json names all)"


def _describe_done(done: Restored) -> Iterator[str]:
    yield (
        f"Restored {plural(done.streams, 'stream')}, {number(done.rows)} rows into {done.target} "
        f"in {duration(done.seconds)}."
    )
    if done.proven:
        definitions = " and definitions" if done.comparison.definitions else ""
        yield (
            f"PROVEN: read again, every row{definitions} equal to snapshot {done.name} "
            f"(as of {moment(done.as_of)})."
        )
    yield from (f"not compared: {note}" for note in done.comparison.notes)


def _describe_comparison(compared: Compared) -> Iterator[str]:
    comparison = compared.comparison
    looked = f"{plural(comparison.streams, 'stream')}, {number(comparison.rows)} rows"
    verdict = "equal to" if comparison.equal else "DIFFERENT from"
    yield f"{compared.target} ({looked}) is {verdict} snapshot {compared.name}."
    yield from (f"  {explain(one)}" for one in comparison.differences)
    yield from (f"not compared: {note}" for note in comparison.notes)
