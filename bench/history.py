"""The past: comparing snapshots, and asking one in SQL, at ten times the usual number of rows."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench import databases
from bench.stage import JOBS, Contender, Measured, Stage
from bench.targets import MIB, Part, Target

LINEAGE, WHOLE = "diff, one lineage", "diff, two full ones"
LINEAGE_ROWS, WHOLE_ROWS = f"{LINEAGE}, --rows", f"{WHOLE}, --rows"
ASKED = "query"
CHANGES = 24
CHANGED = 500
"""One row of so many is changed before each snapshot."""
SQL = "SELECT count(*), sum(id), sum(amount) FROM narrow"


def measure_history(stage: Stage) -> Part:
    """A table of 8 columns, 24 later snapshots of it with 0.2 % changed before each, and the same
    table backed up whole as another source."""
    rows = 10 * stage.options.rows
    place = _build(stage, rows)
    given = ("--vault", str(place), "--volatile", "--json")
    out = stage.directory / "difference.json"

    def compare(name: str, before: str, *wishes: str) -> Contender:
        def command() -> Sequence[str]:
            out.unlink(missing_ok=True)
            return stage.listbackup("diff", before, "past:latest", *wishes, *given)

        return Contender(name, command)

    whole = ("--rows", "--format", "json", "--output", str(out))
    ask = stage.listbackup("query", SQL, "--source", "past", *given)
    measured = stage.take_turns(
        [
            compare(LINEAGE, "past:latest~1"),
            compare(LINEAGE_ROWS, "past:latest~1", *whole),
            compare(WHOLE, "other:latest"),
            compare(WHOLE_ROWS, "other:latest", *whole),
            Contender(ASKED, lambda: ask),
        ]
    )
    what = f"{rows:,} rows x 8 columns"
    return Part("history", f"The past of {what}", measured, None, {}, _targets(measured, what))


def _targets(measured: dict[str, Measured], what: str) -> list[Target]:
    bounds = {LINEAGE: 1.0, WHOLE: 4.0, WHOLE_ROWS: 15.0, ASKED: 1.0}
    told = {ASKED: f"as-of query over a base and {CHANGES} change sets"}
    times = [
        Target(f"{told.get(name, name)}, {what}", measured[name].wall, bound, "at most", "s")
        for name, bound in bounds.items()
    ]
    peaks = {name: one.median(lambda run: run.rss) / MIB for name, one in measured.items()}
    most = max(size for name, size in peaks.items() if name != WHOLE)
    return [
        *times,
        Target(f"memory of {WHOLE}, {what}", peaks[WHOLE], 600, "at most", "MiB"),
        Target(f"memory of all others, {what}", most, 512, "at most", "MiB"),
    ]


def _build(stage: Stage, rows: int) -> Path:
    stage.say(f"{rows:,} rows x 8 columns and {CHANGES} snapshots more: making them")
    databases.build_narrow(stage.server, "past", rows)
    place = stage.vault("past", "sealed")
    _back_up(stage, place, "past")
    for number in range(CHANGES):
        with psycopg.connect(stage.server.url("past"), autocommit=True) as connection:
            connection.execute(
                f"UPDATE narrow SET amount = amount + 1 WHERE id % {CHANGED} = {number}".encode()
            )
        _back_up(stage, place, "past")
        if number == CHANGES - 2:  # it shows the table as it was one change before the newest
            _back_up(stage, place, "other")
    databases.drop(stage.server, "past")
    return place


def _back_up(stage: Stage, place: Path, name: str) -> None:
    given = ("--name", name, "--vault", str(place), "--volatile", "--jobs", str(JOBS), "--json")
    command = stage.listbackup("backup", stage.url("past"), *given)
    subprocess.run(command, env=stage.environment, check=True, capture_output=True)
