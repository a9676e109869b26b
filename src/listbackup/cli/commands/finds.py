"""`find`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, plural, printable, shorten, show_value
from listbackup.errors import UsageError
from listbackup.operations.finds import FindDone, FindWishes, RecordLife, RecordStep, find_records

FIND = Group("Where to look", sort_key=1)


def find(
    what: Annotated[
        str,
        Parameter(name="WHAT", help="A key (of several columns: a JSON array), or a text."),
    ],
    /,
    *,
    stream: Annotated[
        tuple[str, ...], several("Only streams like this: schema.table, `*` and `?`.", FIND)
    ] = (),
    source: Annotated[str | None, Parameter(group=FIND, help="Only this source.")] = None,
    all: Annotated[
        bool, flag("Look for it as a text, too, where it was found as a key.", FIND)
    ] = False,
    limit: Annotated[int, Parameter(group=FIND, help="Records at most, 0 for any number.")] = 100,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Find a record, and every snapshot in which it appeared, changed or went.

    What is given is looked for as a key first, and where no record has that key, as a text within
    any value, in every line that a snapshot ever named.
    """
    if limit < 0:
        raise UsageError("--limit is a number from 0 on.")
    wishes = FindWishes(what, source, stream, limit, all)
    with open_output(options.json) as output:

        def tell(life: RecordLife) -> None:
            if options.json:
                output.pour([output.write_message("record_life", life)])
            else:
                output.pour([printable(line) for line in _describe(life)])

        done = find_records(output.app, options.reach(), wishes, tell)
        output.show("find_done", done, _describe_end(done))
    return 0


def _describe(life: RecordLife) -> Iterator[str]:
    name = f"{life.stream} {life.key}" if life.key else f"{life.stream} (no key)"
    yield f"{name} of {life.source}"
    for step in life.steps:
        yield f"  {moment(step.as_of)}  {step.name}  {step.kind}{_copies(step)}"
        yield from (f"      {line}" for line in _changes(step))


def _copies(step: RecordStep) -> str:
    return f" ({step.copies} equal rows)" if step.copies > 1 else ""


def _changes(step: RecordStep) -> Iterator[str]:
    if step.before is not None and step.after is not None:
        for name in step.columns:
            before, after = show_value(step.before, name), show_value(step.after, name)
            yield f"{name}: {before} -> {after}"
    elif step.after is not None:
        for name, value in step.after.items():
            yield f"{name}: {shorten(value)}"


def _describe_end(done: FindDone) -> Iterator[str]:
    where = f"{plural(done.streams, 'stream')} of {plural(done.snapshots, 'snapshot')}"
    if not done.records:
        yield f"Nothing was found in {where}."
        return
    yield f"{plural(done.records, 'record')} in {where}."
    if done.limited:
        yield "There may be more: --limit 0 gives all."
