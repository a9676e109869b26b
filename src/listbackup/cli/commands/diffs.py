"""`diff`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from listbackup.cli.commands.snapshots import SNAPSHOT
from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import Output, open_output
from listbackup.cli.words import (
    SHOWN,
    moment,
    number,
    plural,
    printable,
    shorten,
    show_value,
)
from listbackup.errors import UsageError
from listbackup.history.diffing import RowDifference, StreamDifference
from listbackup.operations.diffs import Diffed, DiffedSnapshot, DiffWishes, Hearing, diff_snapshots

DIFF = Group("What is compared, and how it is told", sort_key=1)


def diff(
    before: Annotated[str, SNAPSHOT],
    after: Annotated[str, Parameter(name="SNAPSHOT2", help="The other one, read as the first.")],
    /,
    *,
    rows: Annotated[bool, flag("Also every row that differs, before and after.", DIFF)] = False,
    keys: Annotated[bool, flag("Also the key of every row that differs.", DIFF)] = False,
    stream: Annotated[
        tuple[str, ...], several("Only streams like this: schema.table, `*` and `?`.", DIFF)
    ] = (),
    limit: Annotated[
        int | None,
        Parameter(group=DIFF, help="Rows of a stream at most, 0 for all; 1000, in files all."),
    ] = None,
    format: Annotated[
        Literal["table", "json", "parquet"],
        Parameter(group=DIFF, help="How it is written; parquet holds the rows."),
    ] = "table",
    output: Annotated[
        Path | None, Parameter(group=DIFF, help="A new file to write to; parquet needs one.")
    ] = None,
    force: Annotated[bool, flag("Replace the file where it is there already.", DIFF)] = False,
    exit_code: Annotated[bool, flag("End with 1 where anything differs.", DIFF)] = False,
    allow_partial: Annotated[bool, flag("Let `latest` mean a partial snapshot.", DIFF)] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Compare two snapshots: what was added, removed and changed from the first to the second.

    They may be of one source or of two. What both share is not read. Ends with 0 whether or not
    there are differences; `--exit-code` makes 1 of them.
    """
    if format == "parquet" and output is None:
        raise UsageError("A Parquet file needs a name.", hint="Say --output FILE.")
    if limit is not None and limit < 0:
        raise UsageError("--limit is a number from 0 on.")
    most = (0 if output else SHOWN) if limit is None else limit
    wishes = DiffWishes(
        before, after, stream, rows or format == "parquet", keys, most, allow_partial
    )
    with open_output(options.json) as shown, ExitStack() as stack:
        told = _choose(shown, stack, format, output, force)
        done = diff_snapshots(shown.app, options.reach(), wishes, Hearing(told.stream, told.row))
        stack.close()
        done = replace(done, output=output)
        told.end(done)
    return 1 if exit_code and done.different else 0


class _Told:
    """Tells streams and rows as JSON lines or as text, and the sum in the end."""

    def __init__(self, output: Output, pour: Callable[[list[str]], None], as_json: bool) -> None:
        self._output = output
        self._pour = pour
        self._as_json = as_json

    def stream(self, one: StreamDifference) -> None:
        self._tell("diffed_stream", one, _describe_stream(one))

    def row(self, one: RowDifference) -> None:
        self._tell("diffed_row", one, _describe_row(one))

    def end(self, done: Diffed) -> None:
        if self._as_json and not self._output.as_json:
            return
        self._output.show("diffed", done, _describe_sum(done))

    def _tell(self, message_type: str, value: object, lines: Iterator[str]) -> None:
        if self._as_json:
            self._pour([self._output.write_message(message_type, value)])
        else:
            self._pour([printable(line) for line in lines])


class _IntoParquet(_Told):
    def __init__(self, output: Output, add: Callable[[RowDifference], None]) -> None:
        super().__init__(output, output.pour, output.as_json)
        self._add = add

    def row(self, one: RowDifference) -> None:
        self._add(one)


def _choose(
    shown: Output, stack: ExitStack, format: str, output: Path | None, force: bool
) -> _Told:
    as_json = shown.as_json or format == "json"
    if output is None:
        return _Told(shown, shown.pour, as_json)
    from listbackup.history.files import new_file

    temporary = stack.enter_context(new_file(output, shown.app.host, replace=force))
    if format == "parquet":
        from listbackup.history.differencefile import DifferenceFile

        file = stack.enter_context(DifferenceFile())
        stack.push(lambda kind, error, trace: file.write(temporary) if error is None else None)
        return _IntoParquet(shown, file.add)
    lines = stack.enter_context(temporary.open("w", encoding="utf-8", errors="surrogatepass"))

    def pour(text: list[str]) -> None:
        lines.writelines(line + "\n" for line in text)

    return _Told(shown, pour, as_json)


def _describe_stream(one: StreamDifference) -> Iterator[str]:
    counts = [
        f"{number(count)} {what}"
        for what, count in (
            ("added", one.added),
            ("removed", one.removed),
            ("changed", one.changed),
        )
        if count
    ]
    if one.change == "same" and not one.notes:
        return
    said = {"same": "the same", "changed": "", "not comparable": "cannot be compared"}
    word = said.get(one.change, one.change)
    what = ", ".join([*([word] if word else []), *counts]) or "no row differs"
    yield f"{one.stream}: {what} ({number(one.rows_before)} -> {number(one.rows_after)} rows)"
    yield from (f"  column added: {name}" for name in one.columns.added)
    yield from (f"  column removed: {name}" for name in one.columns.removed)
    yield from (f"  column {c.name}: {c.before} -> {c.after}" for c in one.columns.retyped)
    both = one.change in ("same", "changed", "not comparable")
    if both and one.key_before != one.key_after:
        names = [", ".join(key) or "none" for key in (one.key_before, one.key_after)]
        yield f"  key: {names[0]} -> {names[1]}"
    yield from (f"  {note}" for note in one.notes)


def _describe_row(one: RowDifference) -> Iterator[str]:
    mark = {"added": "+", "removed": "-", "changed": "~"}[one.kind]
    row = one.after or one.before or {}
    if one.before is not None and one.after is not None:
        changes = (
            f"{name}: {show_value(one.before, name)} -> {show_value(one.after, name)}"
            for name in one.columns
        )
        yield f"  {mark} {one.key}  {'; '.join(changes)}"
    elif row:
        values = ", ".join(f"{name}={shorten(value)}" for name, value in row.items())
        yield f"  {mark} {one.key or ''}  {values}"
    else:
        yield f"  {mark} {one.key or '(no key)'}"


def _describe_sum(done: Diffed) -> Iterator[str]:
    yield f"from {_name(done.before)}"
    yield f"  to {_name(done.after)}"
    if not done.different:
        yield f"No difference in {plural(done.streams, 'stream')}."
        return
    yield (
        f"{done.streams_differing} of {plural(done.streams, 'stream')} differ: "
        f"{number(done.added)} added, {number(done.removed)} removed, "
        f"{number(done.changed)} changed, {number(done.unchanged)} unchanged."
    )
    total = done.added + done.removed + done.changed
    if 0 < done.rows_shown < total:
        yield f"{number(done.rows_shown)} of {number(total)} rows shown; --limit 0 gives all."
    if done.output is not None:
        yield f"Written to {done.output}."


def _name(one: DiffedSnapshot) -> str:
    partial = "" if one.status == "complete" else f", {one.status}"
    return f"{one.source} {one.name} (as of {moment(one.as_of)}{partial})"
