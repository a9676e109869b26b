"""`connector ...`: the platforms that can be backed up, and descriptions of one's own."""

import json
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.asking import Terminal
from listbackup.cli.commands.connections import (
    GivenOptions,
    PlaceOptions,
    Setting,
    read_settings,
)
from listbackup.cli.options import OutputOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import plural, table
from listbackup.operations.connections import AddWishes
from listbackup.operations.connectors import (
    ConnectorShown,
    check_connector,
    list_connectors,
    make_schema,
    show_connector,
)
from listbackup.operations.trials import ConnectorTried, try_connector

FAILED = 1
PARTIAL = 3
TRIAL = Group("What is tried", sort_key=2)
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
    try_: Annotated[
        bool,
        Parameter(
            name="--try",
            negative="",
            help="Ask the platform, too: whose account it is, and for a page of each list. No "
            "vault is needed, and nothing is kept.",
        ),
    ] = False,
    include: Annotated[
        tuple[str, ...] | None,
        Parameter(
            group=TRIAL, negative="", show_default=False, help="Lists to try, `*` and `?` allowed."
        ),
    ] = None,
    setting: Setting = None,
    auth: Annotated[
        str | None, Parameter(group=TRIAL, help="Which way to connect, where there are several.")
    ] = None,
    place: PlaceOptions = PlaceOptions(),  # noqa: B008
    given: GivenOptions = GivenOptions(),  # noqa: B008
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Look for mistakes in a platform's YAML: each is named by its key and line.

    By itself it asks no platform; with --try it says of each list what came, or why nothing did.
    Exit code 1 where there are mistakes, 3 where a list is not as it is described.
    """
    with open_output(output.json) as out:
        done = check_connector(file)
        lines = [*done.mistakes, f"{file}: {plural(len(done.mistakes), 'mistake')}."]
        if done.sound:
            lines = [f"{file} is sound: {done.name}, {plural(done.streams, 'stream')}."]
        out.show("connector_checked", done, lines)
        if not (try_ and done.sound):
            return 0 if done.sound else FAILED
        wishes = AddWishes(
            connector=file,
            settings=read_settings(setting or ()),
            auth=auth,
            base_url=place.base_url,
            authorize_url=place.authorize_url,
            token_url=place.token_url,
            allow_private_hosts=place.allow_private_hosts,
            given=given.to_given(),
        )
        tried = try_connector(out.app, wishes, Terminal(out.aside), include or ())
        out.show("connector_tried", tried, _describe_tried(tried))
    return 0 if tried.sound else PARTIAL


def schema(*, output: OutputOptions = OutputOptions()) -> int:  # noqa: B008
    """Print the JSON Schema of a platform's YAML, for editors."""
    with open_output(output.json) as out:
        out.pour([json.dumps(make_schema(), indent=2)])
    return 0


def _describe_tried(tried: ConnectorTried) -> Iterator[str]:
    account = tried.account or "an account that it does not name"
    title = f" ({tried.title})" if tried.title not in ("", tried.account) else ""
    yield f"Asked {tried.host} as {account}{title}, by {tried.way}."
    yield ""
    rows = [
        [
            one.name,
            str(one.records) if one.standing in ("read", "failed") else one.standing,
            ", ".join(one.key) if one.records else "-",
            "found" if one.more else "-",
            "LOOK BELOW" if one.standing == "failed" else "",
        ]
        for one in tried.lists
    ]
    yield from table(["list", ">records", "with key", "next page", ""], rows)
    told = [f"{one.name}: {problem}" for one in tried.lists for problem in one.problems]
    if told:
        yield ""
        yield from told
    if tried.sound:
        yield ""
        yield "Nothing speaks against the description. What is empty here could not be tried."


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
