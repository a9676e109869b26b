"""`query`."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from listbackup.cli.options import VaultOptions, flag
from listbackup.cli.output import Output, open_output
from listbackup.cli.words import SHOWN, moment, plural, printable, shorten, table
from listbackup.errors import UsageError
from listbackup.history.files import new_file
from listbackup.history.values import write_cell
from listbackup.operations.queries import Asking, Queried, QueryRow, QueryWishes, run_query

QUERY = Group("What is asked, and how it is told", sort_key=1)
PAGE = 1000

Pour = Callable[[Iterable[str]], None]


def query(
    sql: Annotated[str, Parameter(name="SQL", help="One SELECT statement; `-` reads it.")],
    /,
    *,
    at: Annotated[str | None, Parameter(group=QUERY, help="As of this time; UTC.")] = None,
    snapshot: Annotated[
        str | None, Parameter(group=QUERY, help="Of this snapshot; else the newest complete one.")
    ] = None,
    source: Annotated[str | None, Parameter(group=QUERY, help="Of this source.")] = None,
    format: Annotated[
        Literal["table", "json", "csv", "parquet"],
        Parameter(group=QUERY, help="How it is written; json is an object a line."),
    ] = "table",
    output: Annotated[
        Path | None, Parameter(group=QUERY, help="A new file to write to; parquet needs one.")
    ] = None,
    force: Annotated[bool, flag("Replace the file where it is there already.", QUERY)] = False,
    limit: Annotated[
        int | None,
        Parameter(group=QUERY, help="Rows at most, 0 for all; 1000, in files all."),
    ] = None,
    timeout: Annotated[
        float, Parameter(group=QUERY, help="Seconds that it may take; 0 for any.")
    ] = 300.0,
    memory: Annotated[str, Parameter(group=QUERY, help="What it may hold in memory.")] = "256MB",
    allow_partial: Annotated[bool, flag("Take a partial snapshot, too.", QUERY)] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Ask a snapshot in SQL (DuckDB's), or all that its streams ever were.

    `public.users` is a table as the snapshot has it; `history.public.users` every row that ever
    was in a live snapshot, with `_from` and `_to`. Nothing but the vault is read.
    """
    if format == "parquet" and output is None:
        raise UsageError("A Parquet file needs a name.", hint="Say --output FILE.")
    if (limit is not None and limit < 0) or timeout < 0:
        raise UsageError("--limit and --timeout are numbers from 0 on.")
    most = (0 if output else SHOWN) if limit is None else limit
    text = sys.stdin.read() if sql == "-" else sql
    wishes = QueryWishes(text, snapshot, at, source, most, timeout, memory, allow_partial)
    with open_output(options.json) as shown:

        def take(asking: Asking) -> None:
            if output is not None:
                _write(shown, asking, format, output, force)
            elif options.json:
                shown.pour(
                    shown.write_message("query_row", QueryRow(dict(zip(names, row, strict=True))))
                    for names in [asking.names]
                    for row in asking.rows()
                )
            else:
                _tell(asking, format, shown.pour)

        done = replace(run_query(shown.app, options.reach(), wishes, take), output=output)
        if options.json or format == "table" or output is not None:
            shown.show("queried", done, _describe(done))
    return 0


def _tell(asking: Asking, format: str, pour: Pour) -> None:
    if format == "table":
        pour(_write_table(asking))
    else:
        pour(_write_csv(asking) if format == "csv" else _write_json(asking))


def _write(shown: Output, asking: Asking, format: str, path: Path, force: bool) -> None:
    with new_file(path, shown.app.host, replace=force) as temporary:
        if format == "parquet":
            asking.write_parquet(temporary)
            return
        with temporary.open("x", encoding="utf-8", errors="surrogatepass", newline="") as file:

            def pour(lines: Iterable[str]) -> None:
                file.writelines(line + "\n" for line in lines)

            _tell(asking, format, pour)


def _write_json(asking: Asking) -> Iterator[str]:
    names = asking.names
    for row in asking.rows():
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)


def _write_csv(asking: Asking) -> Iterator[str]:
    for row in chain([asking.names], asking.rows(texts=True)):
        yield ",".join([write_cell(value) for value in row]) + "\r"


def _write_table(asking: Asking) -> Iterator[str]:
    """Lay out the rows, a page at a time: widths are those of the page."""
    headings = [printable(name) for name in asking.names]
    page: list[list[str]] = []
    first = True
    for row in asking.rows(texts=True):
        page.append([shorten(None if value is None else str(value)) for value in row])
        if len(page) == PAGE:
            yield from table(headings, page)[0 if first else 1 :]
            first, page = False, []
    if page or first:
        yield from table(headings, page)[0 if first else 1 :]


def _describe(done: Queried) -> Iterator[str]:
    yield f"{plural(done.rows, 'row')} of {done.source} {done.name} (as of {moment(done.as_of)})"
    if done.limited:
        yield "There are more; --limit 0 gives all."
    yield from (f"note: {note}" for note in done.notes)
    if done.output is not None:
        yield f"Written to {done.output}."
