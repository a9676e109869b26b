"""`sandbox serve`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from cyclopts import Parameter

from listbackup.cli.interrupts import hearing_signals
from listbackup.cli.options import OutputOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import number, plural
from listbackup.errors import UsageError
from listbackup.operations.sandbox import (
    MAKERS,
    SandboxServing,
    SandboxStopped,
    SandboxWishes,
    open_sandbox,
)


def serve(
    *,
    platform: Annotated[
        Literal["all", "stripe", "keap"], Parameter(help="Which platform to serve.")
    ] = "all",
    size: Annotated[int, Parameter(help="How many customers or contacts it has.")] = 1000,
    seed: Annotated[int, Parameter(help="What its records, keys and faults follow from.")] = 0,
    faults: Annotated[
        str,
        Parameter(
            show_default=False,
            help="What goes wrong, with commas between: `throttled:0.1` for a tenth of all "
            "requests, `html:every=50`, `reset:first=3:times=1:on=GET /v1/customers`.",
        ),
    ] = "",
    port: Annotated[int, Parameter(help="The first port; 0 takes free ones.")] = 0,
    seconds: Annotated[
        float | None, Parameter(help="Stop after so many seconds instead of at Ctrl-C.")
    ] = None,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Serve platforms of our own on 127.0.0.1, to try backups on, until Ctrl-C.

    They behave as Stripe and Keap do: paging, rate limits, deletes, events, OAuth; every response
    says in a header that it is a sandbox. Prints URLs, keys, commands that connect them, and what
    to write into listbackup.yaml. All is in memory; nothing is left behind.
    """
    if not 0 <= port <= 65000 or (seconds is not None and not 0 <= seconds <= 10**7):
        raise UsageError("--port is a number up to 65000, --seconds one that is not negative.")
    names = tuple(MAKERS) if platform == "all" else (platform,)
    wishes = SandboxWishes(names, size, seed, faults, port)
    with (
        open_output(output.json) as out,
        open_sandbox(out.app, wishes) as sandbox,
        # from the first line on: whoever has read it may already end it
        hearing_signals() as wait,
    ):
        for one in sandbox.serving:
            out.show("sandbox_serving", one, _describe(one))
        out.say(_advise(sandbox.serving))
        wait(seconds)
        for stopped in sandbox.stopped():
            out.show("sandbox_stopped", stopped, [_tell(stopped)])
    return 0


def _describe(one: SandboxServing) -> Iterator[str]:
    yield f"{one.platform.capitalize()} at {one.url}, with {number(one.size)} of each."
    for key in one.keys:
        yield f"  {key.name}: {key.value}"
    if one.faults:
        yield f"  faults: {', '.join(one.faults)}"


def _advise(serving: Sequence[SandboxServing]) -> Iterator[str]:
    yield ""
    yield "To connect it:"
    for one in serving:
        for command in one.commands:
            yield ""
            yield f"    {command}"
    yield ""
    yield "Or for listbackup.yaml, then `listbackup source reconnect NAME`:"
    yield ""
    yield "sources:"
    for one in serving:
        yield from one.stanza.split("\n")[1:]
    yield ""
    yield "Ctrl-C stops it."


def _tell(one: SandboxStopped) -> str:
    return f"{one.platform}: {plural(one.requests, 'request')}, {number(one.broken)} broken."
