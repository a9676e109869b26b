"""`demo`."""

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from cyclopts import Parameter

from listbackup.cli.interrupts import hearing_signals
from listbackup.cli.options import OutputOptions
from listbackup.cli.output import Output, open_output
from listbackup.cli.words import duration
from listbackup.errors import UsageError
from listbackup.operations.demo import RESTORED, SOURCE, Demo, open_demo
from listbackup.operations.demosaas import SaasDemo, open_saas_demo
from listbackup.operations.story import Story
from listbackup.sandbox.platforms.business import FEWEST

MOST_CONTACTS = 200_000
VARIABLES = ("CONFIG_DIR", "STATE_DIR", "VAULT", "PASSWORD_FILE")


def demo(
    what: Annotated[
        Literal["database", "saas"],
        Parameter(
            name="WHAT", help="`database`: a PostgreSQL server; `saas`: two platforms, over HTTP."
        ),
    ] = "database",
    /,
    *,
    exit_: Annotated[
        bool,
        Parameter(
            name="--exit",
            negative="",
            show_default=False,
            help="Stop at the end, on a terminal too, instead of keeping what was started.",
        ),
    ] = False,
    scale: Annotated[
        float, Parameter(help="How large the database is; 1 is about 500,000 rows.")
    ] = 1.0,
    contacts: Annotated[
        int, Parameter(help="How many contacts the business on the platforms has.")
    ] = 50_000,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Watch a database, or platforms, be backed up, changed, looked into, and proven equal.

    Starts servers of its own; changes nothing of yours, and leaves nothing behind.
    """
    if not 0.001 <= scale <= 20:
        raise UsageError("--scale is a number from 0.001 to 20.")
    if not FEWEST <= contacts <= MOST_CONTACTS:
        raise UsageError(f"--contacts is a number from {FEWEST} to {MOST_CONTACTS:,}.")
    with open_output(output.json) as out:
        stays = not (exit_ or output.json) and sys.stdout.isatty() and sys.stdin.isatty()
        if what == "saas":
            out.say(["listbackup demo: from two platforms to a proven copy of them.", ""])
            with open_saas_demo(out.app, contacts) as story:
                _tell(out, story)
                if stays:
                    _stay(out, _describe_ways_on_from_platforms(story))
            return 0
        out.say(["listbackup demo: from a database to a proven copy of it.", ""])
        with open_demo(out.app, scale) as database:
            _tell(out, database)
            if stays:
                _stay(out, _describe_ways_on(database))
    return 0


def _tell(out: Output, story: Story) -> None:
    for number, act in enumerate(story.acts, 1):
        out.say([f"{number}. {act.title}"])
        step = story.play(number)
        lines = [*(f"   {line}" for line in step.told), f"   ({duration(step.seconds)})", ""]
        out.show("demo_step", step, lines)
    done = story.done()
    proven = f"PROVEN: {done.rows:,} rows came back equal, in {duration(done.seconds)}."
    out.show("demo_done", done, [proven])


def _stay(out: Output, ways: Iterable[str]) -> None:
    with hearing_signals() as wait:
        out.say(ways)
        wait(None)
        out.say(["", "Stopping all servers and removing everything."])


def _describe_ways_on(story: Demo) -> Iterator[str]:
    given = story.environment({})
    yield ""
    yield "The databases stay until you press Ctrl-C. In another terminal:"
    yield ""
    for name in VARIABLES:
        yield f"  export LISTBACKUP_{name}='{given[f'LISTBACKUP_{name}']}'"
    command = _name_command()
    yield f"  {command} snapshots"
    yield f"  {command} ls latest"
    yield f"  {command} backup '{story.url(SOURCE)}'"
    yield f"  {command} restore latest --to '{story.url('another')}'"
    yield f"  {command} restore latest --to '{story.url(RESTORED)}' --compare-only"
    password = 'PGPASSWORD="$(cat "$LISTBACKUP_PASSWORD_FILE")"'
    yield f"  {password} '{story.programs / 'psql'}' '{story.url(RESTORED)}'"


def _describe_ways_on_from_platforms(story: SaasDemo) -> Iterator[str]:
    given = story.environment({})
    yield ""
    yield "The platforms stay until you press Ctrl-C. In another terminal:"
    yield ""
    for name in ("CONFIG", "CONFIG_DIR", "STATE_DIR", "VAULT"):
        yield f"  export LISTBACKUP_{name}='{given[f'LISTBACKUP_{name}']}'"
    command = _name_command()
    yield f"  {command} source list"
    yield f"  {command} backup --all"
    yield f"  {command} snapshots"
    yield f"  {command} diff keap:latest~2 keap:latest --rows --stream contacts"
    yield f"  {command} query 'SELECT given_name, family_name FROM contacts LIMIT 5' --source keap"
    yield f"  {command} export keap:latest --format csv --output contacts --stream contacts"


def _name_command() -> str:
    return sys.argv[0] if sys.argv[0].endswith("listbackup") else "listbackup"
