"""`connector ...`: the platforms that can be backed up, and descriptions of one's own."""

import json
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import OutputOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import plural, table
from listbackup.operations.connectors import (
    ConnectorShown,
    check_connector,
    list_connectors,
    make_schema,
    show_connector,
)

FAILED = 1
NAMED = Parameter(name="CONNECTOR", help="A platform's name, or a YAML file of one's own.")


def list_all(*, output: OutputOptions = OutputOptions()) -> int:  # noqa: B008
    """Name the platforms whose descriptions come with listbackup."""
    with open_output(output.json) as out:
        found = list_connectors()
        for one in found:
            out.show("connector", one)
        rows = [[one.name, one.title, one.version, str(one.streams)] for one in found]
        out.say(table(["name", "platform", "API", ">streams"], rows))
    return 0


def show(
    connector: Annotated[str, NAMED],
    /,
    *,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Show a platform's streams, how changes and deletes are seen, and what a restore can do."""
    with open_output(output.json) as out:
        found = show_connector(connector)
        out.show("connector_shown", found, _describe(found))
    return 0


def check(
    file: Annotated[str, Parameter(name="FILE", help="A platform's YAML.")],
    /,
    *,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Look for mistakes in a platform's YAML: each is named by its key and line.

    It asks no platform: `source add` and `source test` try it with real credentials. Exit code 1
    where there are mistakes.
    """
    with open_output(output.json) as out:
        done = check_connector(file)
        lines = [*done.mistakes, f"{file}: {plural(len(done.mistakes), 'mistake')}."]
        if done.sound:
            lines = [f"{file} is sound: {done.name}, {plural(done.streams, 'stream')}."]
        out.show("connector_checked", done, lines)
    return 0 if done.sound else FAILED


def schema(*, output: OutputOptions = OutputOptions()) -> int:  # noqa: B008
    """Print the JSON Schema of a platform's YAML, for editors."""
    with open_output(output.json) as out:
        out.pour([json.dumps(make_schema(), indent=2)])
    return 0


def _describe(found: ConnectorShown) -> Iterator[str]:
    yield f"{found.title} ({found.name}), API version {found.version}, {found.base_url}"
    yield from (f"  setting  {one}" for one in found.settings)
    for way in found.ways:
        budgets = "; ".join(way.budgets)
        yield f"  connect by {way.name}: {way.title}" + (f" ({budgets})" if budgets else "")
    yield ""
    rows = [
        [
            one.name,
            one.changes,
            one.deletes,
            one.restore + (", but not " + ", ".join(one.never_back) if one.never_back else ""),
        ]
        for one in found.streams
    ]
    yield from table(["stream", "changes", "deletes", "restore"], rows)
    if found.excluded:
        yield ""
        yield "Not backed up:"
        yield from (f"  {one}" for one in found.excluded)
