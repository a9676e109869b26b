"""Backups beside pg_dump: the wide table, the same in four tables, pgbench's, 500 small ones, and
how time and memory grow with the number of rows."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import databases
from bench.measuring import Run
from bench.stage import JOBS, Contender, Measured, Stage
from bench.targets import MB, MIB, Part, Target

PLAIN, SEALED = "listbackup plain", "listbackup sealed"
VIEWED = "listbackup plain, with typed view"
DEFAULT, FASTEST = f"pg_dump -Fd -j{JOBS}", f"pg_dump -Fd -j{JOBS} -Z1"
FORMS = {PLAIN: "none", SEALED: "sealed"}


def make_backup(
    stage: Stage, name: str, database: str, form: str, *, view: bool = False
) -> Contender:
    """Back a database up whole, each time as another source, into a vault of its own; without the
    typed view, which no peer makes, unless it is asked for."""
    vault = f"{database}-{form}{'-viewed' * view}"
    numbers = itertools.count(1)

    def command() -> Sequence[str]:
        place = stage.vault(vault, form)
        given = ("--name", f"{database}-{next(numbers)}", "--vault", str(place), "--volatile")
        made = ("--no-current",) if view else ("--no-current", "--no-view")
        source = stage.url(database)
        return stage.listbackup("backup", source, "--jobs", str(JOBS), *given, *made, "--json")

    return Contender(name, command)


def make_dump(stage: Stage, name: str, database: str, *options: str) -> Contender:
    """Dump a database into a directory; the last dump stays."""
    place = f"dump-{database}{''.join(options)}"

    def command() -> Sequence[str]:
        out = stage.scratch(place)
        given = ("-Fd", f"-j{JOBS}", *options, "-f", str(out))
        return [stage.program("pg_dump"), *given, stage.url(database)]

    return Contender(name, command)


def measure_backups(stage: Stage, database: str, build: Callable[[], None], what: str) -> Part:
    """Measure backups of one database in turn with pg_dump."""
    stage.say(f"{what}: building it")
    build()
    contenders = [
        make_backup(stage, PLAIN, database, "none"),
        make_dump(stage, DEFAULT, database),
        make_backup(stage, VIEWED, database, "none", view=True),
        make_backup(stage, SEALED, database, "sealed"),
        make_dump(stage, FASTEST, database, "-Z1"),
    ]
    measured = stage.take_turns(contenders)
    done = find_message(measured[PLAIN].runs[-1], "backed_up")
    plain, sealed = measured[PLAIN].wall, measured[SEALED].wall
    default, fastest = measured[DEFAULT].wall, measured[FASTEST].wall
    viewed = measured[VIEWED].wall
    return Part(
        f"backup-{database}",
        f"Backup, {what}",
        measured,
        DEFAULT,
        {
            "rows": done["rows"],
            "MB of COPY text": done["bytes"] / MB,
            "MB/s plain": done["bytes"] / MB / plain,
            "MB kept by one backup": size(stage.vaults[f"{database}-none"])
            / len(measured[PLAIN].runs)
            / MB,
            "MB of the dump": size(stage.directory / f"dump-{database}") / MB,
            "sealed / -Z1": sealed / fastest,
        },
        [
            Target(f"backup {what}: plain / pg_dump", plain / default, 0.65, "at most"),
            Target(f"backup {what}: plain / pg_dump -Z1", plain / fastest, 1.4, "at most"),
            Target(f"backup {what}: with typed view / pg_dump", viewed / default, 0.85, "at most"),
        ],
    )


def measure_wide(stage: Stage) -> Part:
    """One table of 26 columns."""
    rows = stage.options.rows
    build = lambda: databases.build_wide(stage.server, "wide", rows)  # noqa: E731
    return measure_backups(stage, "wide", build, f"{rows:,} rows x 26 columns in one table")


def measure_split(stage: Stage) -> Part:
    """The same rows in four tables, so that pg_dump has work for both of its jobs."""
    rows = stage.options.rows
    build = lambda: databases.build_wide(stage.server, "split", rows, 4)  # noqa: E731
    return measure_backups(stage, "split", build, f"{rows:,} rows x 26 columns in four tables")


def measure_pgbench(stage: Stage) -> Part:
    """Pgbench's tables: one large, narrow one."""
    scale = max(1, stage.options.rows // 50_000)
    build = lambda: databases.build_pgbench(stage.server, "pgbench", scale)  # noqa: E731
    return measure_backups(stage, "pgbench", build, f"pgbench tables of scale {scale}")


def measure_many(stage: Stage) -> Part:
    """500 small tables."""
    server, rows = stage.server, stage.options.many_rows
    tables = databases.MANY if stage.options.rows >= databases.MANY else 20
    stage.say(f"{tables} small tables: building them")
    databases.build_many(server, "many", rows, tables)
    contenders = [
        make_backup(stage, PLAIN, "many", "none"),
        make_dump(stage, DEFAULT, "many"),
        make_backup(stage, SEALED, "many", "sealed"),
    ]
    measured = stage.take_turns(contenders)
    ratio = measured[PLAIN].wall / measured[DEFAULT].wall
    name = f"{tables} small tables: plain / pg_dump"
    return Part(
        "many",
        f"Backup, {tables} tables of {rows} rows",
        measured,
        DEFAULT,
        {"tables": tables, "rows in each": rows},
        [Target(name, ratio, 1.0, "at most")],
    )


def measure_growth(stage: Stage) -> Part:
    """How time and memory grow from a hundredth of the rows to ten times as many."""
    sizes = [stage.options.rows // 10, stage.options.rows, stage.options.rows * 10]
    measured: dict[str, Measured] = {}
    contenders = []
    for rows in sizes:
        database = f"narrow_{rows}"
        stage.say(f"{rows:,} rows of 8 columns: building them")
        databases.build_narrow(stage.server, database, rows)
        contenders.append(make_backup(stage, f"{rows:,} rows", database, "none"))
    measured = stage.take_turns(contenders)
    small, middle, large = (one.wall for one in measured.values())
    early = (middle - small) / (sizes[1] - sizes[0])
    late = (large - middle) / (sizes[2] - sizes[1])
    rss = max(run.rss for one in measured.values() for run in one.runs) / MIB
    what = f"{sizes[-1]:,} rows of 8 columns"
    return Part(
        "growth",
        "Backup, plain, as tables of 8 columns grow",
        measured,
        None,
        {"us a row early": early * 1e6, "us a row late": late * 1e6},
        [
            Target(f"{what}: peak RSS", rss, 512, "at most", "MiB"),
            Target(f"{what}: time of a later row / an earlier", late / early, 1.15, "at most"),
        ],
    )


def find_message(run: Run, kind: str) -> dict[str, float]:
    """Give the one message of a kind that a run told."""
    return next(dict(one) for one in run.messages if one.get("message_type") == kind)


def size(place: Path) -> int:
    """Add up the bytes of a directory's files."""
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
