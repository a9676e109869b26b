"""`tag` and `hold`: what a person says of a snapshot."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.commands.snapshots import SNAPSHOT
from listbackup.cli.options import VaultOptions, flag, several
from listbackup.cli.output import open_output
from listbackup.cli.words import moment, table
from listbackup.errors import UsageError
from listbackup.operations.holds import HoldLine, hold_snapshot, list_holds, release_snapshot
from listbackup.operations.labels import label_snapshot

LABELS = Group("Labels", sort_key=1)


def tag(
    snapshot: Annotated[str, SNAPSHOT],
    /,
    *,
    add: Annotated[tuple[str, ...], several("Add this tag; may be repeated.", LABELS)] = (),
    remove: Annotated[
        tuple[str, ...], several("Take this tag away; may be repeated.", LABELS)
    ] = (),
    note: Annotated[
        str | None, Parameter(group=LABELS, help='Replace the note; "" takes it away.')
    ] = None,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Put tags and a note on a snapshot, or only show them."""
    with open_output(options.json) as output:
        done = label_snapshot(output.app, options.reach(), snapshot, add, note, remove=remove)
        tags, said = ", ".join(done.tags) or "none", done.note or "none"
        lines = [f"Snapshot {done.name} of {done.source}", f"  tags  {tags}", f"  note  {said}"]
        output.show("labelled", done, lines)
    return 0


def hold(
    snapshot: Annotated[str | None, SNAPSHOT] = None,
    /,
    *,
    until: Annotated[
        str | None, Parameter(help="Until this time (UTC unless it says); else until released.")
    ] = None,
    reason: Annotated[str, Parameter(help="Why. Kept in plain text, also in a sealed vault.")] = "",
    release: Annotated[bool, flag("Take the hold away.")] = False,
    list: Annotated[bool, flag("List what is held.")] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Keep a snapshot from prune and sweep, until a time or until it is released."""
    if list is (snapshot is not None) or (release and (until or reason)):
        raise UsageError(
            "Give a snapshot to hold or to release, or --list.",
            hint="listbackup hold SNAPSHOT --reason TEXT; hold SNAPSHOT --release; hold --list.",
        )
    with open_output(options.json) as output:
        if snapshot is None:
            found = list_holds(output.app, options.reach())
            for one in found:
                output.show("hold", one)
            output.say(_describe_list(found))
        elif release:
            gone = release_snapshot(output.app, options.reach(), snapshot)
            said = "is released" if gone.found else "had no hold"
            output.show("hold_released", gone, [f"Snapshot {gone.name} of {gone.source} {said}."])
        else:
            held = hold_snapshot(output.app, options.reach(), snapshot, until, reason)
            output.show("hold", held, _describe_hold(held))
    return 0


def _describe_hold(one: HoldLine) -> Iterator[str]:
    yield f"Snapshot {one.name} of {one.source} is held {_say_end(one)}."
    if not one.live:
        yield "  It was dropped before, so it is no snapshot any more; a sweep leaves its objects."


def _describe_list(found: Sequence[HoldLine]) -> Sequence[str]:
    if not found:
        return ["Nothing is held."]
    rows = [[one.source, one.name, one.snapshot, _say_end(one), one.reason] for one in found]
    return table(["source", "name", "id", "held", "reason"], rows)


def _say_end(one: HoldLine) -> str:
    if one.until is None:
        return "until it is released"
    return f"until {moment(one.until)}" + (", which is over" if one.ended else "")
