"""Later backups: what a second one costs beside the first, and by how much the vault grows."""

import itertools
from collections.abc import Sequence

import psycopg

from bench import databases
from bench.exporting import find_message, size
from bench.measuring import Run
from bench.stage import JOBS, Contender, Stage
from bench.targets import MB, Part, Target

FIRST, SECOND = "first backup", "second, 1 % of the rows changed"
CHANGED = 100
"""One row of so many is changed."""


def measure_repeats(stage: Stage) -> Part:
    """The wide table twice, a hundredth of its rows changed between, with the typed view."""
    rows = stage.options.rows
    stage.say(f"{rows:,} rows x 26 columns: building them")
    databases.build_wide(stage.server, "repeated", rows)
    place, numbers, grown = stage.vault("repeated", "none"), itertools.count(1), []
    name = ""

    def back_up() -> Sequence[str]:
        given = ("--name", name, "--vault", str(place), "--volatile", "--no-current", "--json")
        return stage.listbackup("backup", stage.url("repeated"), "--jobs", str(JOBS), *given)

    def first() -> Sequence[str]:
        nonlocal name
        name = f"repeated-{next(numbers)}"
        return back_up()

    def second() -> Sequence[str]:
        _change(stage)
        grown.append(-size(place))
        return back_up()

    def look(run: Run) -> None:
        grown[-1] += size(place)

    measured = stage.take_turns([Contender(FIRST, first), Contender(SECOND, second, look)])
    done = find_message(measured[SECOND].runs[-1], "backed_up")
    change = done["bytes"] * done["new_rows"] / done["rows"]
    ratio = measured[SECOND].wall / measured[FIRST].wall
    what = f"{rows:,} rows x 26 columns, 1 % changed"
    return Part(
        "repeat",
        f"A second backup of {what}",
        measured,
        FIRST,
        {
            "rows changed": done["new_rows"],
            "MB of them as COPY text": change / MB,
            "MB that the vault grew": min(grown) / MB,
        },
        [
            Target(f"second backup of {what} / first", ratio, 0.6, "at most"),
            Target(
                "growth / (changed COPY text + 32 bytes a line)",
                min(grown) / (change + 32 * done["new_rows"]),
                1.0,
                "at most",
            ),
        ],
    )


def _change(stage: Stage) -> None:
    with psycopg.connect(stage.server.url("repeated"), autocommit=True) as connection:
        connection.execute(f"UPDATE wide SET body = body || '!' WHERE id % {CHANGED} = 0")
