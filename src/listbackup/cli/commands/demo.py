"""`demo`."""

import sys
import threading
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import OutputOptions
from listbackup.cli.output import Output, open_output
from listbackup.cli.words import duration
from listbackup.errors import UsageError
from listbackup.operations.demo import RESTORED, SOURCE, Demo, open_demo

VARIABLES = ("CONFIG_DIR", "STATE_DIR", "VAULT", "PASSWORD_FILE")


def demo(
    *,
    exit_: Annotated[
        bool,
        Parameter(
            name="--exit",
            negative="",
            show_default=False,
            help="Stop at the end, on a terminal too, instead of keeping the database.",
        ),
    ] = False,
    scale: Annotated[
        float, Parameter(help="How large the sample is; 1 is about 500,000 rows.")
    ] = 1.0,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Watch a real PostgreSQL database be backed up, checked, restored, and proven equal.

    Starts a server of its own; changes nothing of yours, and leaves nothing behind.
    """
    if not 0.001 <= scale <= 20:
        raise UsageError("--scale is a number from 0.001 to 20.")
    with open_output(output.json) as out:
        out.say(["listbackup demo: from a database to a proven copy of it.", ""])
        with open_demo(out.app, scale) as story:
            for number, act in enumerate(story.acts, 1):
                out.say([f"{number}. {act.title}"])
                step = story.play(number)
                lines = [
                    *(f"   {line}" for line in step.told),
                    f"   ({duration(step.seconds)})",
                    "",
                ]
                out.show("demo_step", step, lines)
            done = story.done()
            out.show(
                "demo_done",
                done,
                [f"PROVEN: {done.rows:,} rows came back equal, in {duration(done.seconds)}."],
            )
            if not (exit_ or output.json) and sys.stdout.isatty() and sys.stdin.isatty():
                _stay(out, story)
    return 0


def _stay(out: Output, story: Demo) -> None:
    try:
        out.say(_describe_ways_on(story))
        threading.Event().wait()
    except KeyboardInterrupt:
        out.say(["", "Stopping the server and removing everything."])


def _describe_ways_on(story: Demo) -> Iterator[str]:
    given = story.environment({})
    yield ""
    yield "The databases stay until you press Ctrl-C. In another terminal:"
    yield ""
    for name in VARIABLES:
        yield f"  export LISTBACKUP_{name}='{given[f'LISTBACKUP_{name}']}'"
    command = sys.argv[0] if sys.argv[0].endswith("listbackup") else "listbackup"
    yield f"  {command} snapshots"
    yield f"  {command} ls latest"
    yield f"  {command} backup '{story.url(SOURCE)}'"
    yield f"  {command} restore latest --to '{story.url('another')}'"
    yield f"  {command} restore latest --to '{story.url(RESTORED)}' --compare-only"
    password = 'PGPASSWORD="$(cat "$LISTBACKUP_PASSWORD_FILE")"'
    yield f"  {password} '{story.programs / 'psql'}' '{story.url(RESTORED)}'"
