"""Restores beside pg_restore, and checks that read everything back."""

import subprocess
from collections.abc import Sequence
from statistics import median

from bench import databases
from bench.exporting import DEFAULT, FORMS, find_message, make_backup, make_dump
from bench.measuring import Run, measure
from bench.stage import JOBS, Contender, Stage
from bench.targets import MB, Part, Target

RESTORE, PEER = "listbackup restore", f"pg_restore -j{JOBS}"


def prepare(stage: Stage, database: str, tables: int) -> None:
    """See that there is a database, a backup of it in both forms, and a dump."""
    if f"{database}-none" in stage.vaults:
        return
    stage.say(f"{database}: building it, and backing it up")
    databases.build_wide(stage.server, database, stage.options.rows, tables)
    for name, form in FORMS.items():
        measure(make_backup(stage, name, database, form).command(), stage.environment)
    measure(make_dump(stage, DEFAULT, database).command(), stage.environment)


def measure_restores(stage: Stage, database: str, tables: int, what: str) -> Part:
    """Measure restores into a new database in turn with pg_restore into one."""
    prepare(stage, database, tables)
    contenders = [
        _make_restore(stage, RESTORE, database, "none"),
        _make_peer(stage, database),
        _make_restore(stage, f"{RESTORE} (sealed)", database, "sealed"),
    ]
    measured = stage.take_turns(contenders)
    ours, peer = measured[RESTORE], measured[PEER]
    written = ours.median(lambda run: run.wall - run.steps["comparing"])
    return Part(
        f"restore-{database}",
        f"Restore, {what}",
        measured,
        PEER,
        {
            "s until it is written": written,
            "s of comparing": ours.median(lambda run: run.steps["comparing"]),
        },
        [
            Target(f"restore {what}: rate / pg_restore", peer.wall / written, 1.0, "at least"),
            Target(
                f"restore {what}, proven: rate / pg_restore",
                peer.wall / ours.wall,
                0.7,
                "at least",
            ),
        ],
    )


def measure_wide_restores(stage: Stage) -> Part:
    """One table of 26 columns."""
    what = f"{stage.options.rows:,} rows x 26 columns in one table"
    return measure_restores(stage, "wide", 1, what)


def measure_split_restores(stage: Stage) -> Part:
    """The same rows in four tables."""
    what = f"{stage.options.rows:,} rows x 26 columns in four tables"
    return measure_restores(stage, "split", 4, what)


def _make_restore(stage: Stage, name: str, database: str, form: str) -> Contender:
    def command() -> Sequence[str]:
        databases.checkpoint(stage.server)
        vault = stage.vaults[f"{database}-{form}"]
        given = ("--vault", str(vault), "--volatile", "--jobs", str(JOBS), "--json")
        words = f"{database}-1:latest"
        return stage.listbackup("restore", words, "--to", stage.url("restored"), *given)

    def verify(run: Run) -> None:
        assert find_message(run, "restored")["proven"]
        databases.drop(stage.server, "restored")

    return Contender(name, command, verify)


def _make_peer(stage: Stage, database: str) -> Contender:
    def command() -> Sequence[str]:
        databases.drop(stage.server, "restored")
        create = [stage.program("createdb"), "-T", "template0"]
        subprocess.run(
            [*create, f"--maintenance-db={stage.url('postgres')}", "restored"],
            env=stage.environment,
            check=True,
        )
        databases.checkpoint(stage.server)
        dump = str(stage.directory / f"dump-{database}")
        return [stage.program("pg_restore"), f"-j{JOBS}", "-d", stage.url("restored"), dump]

    return Contender(PEER, command, lambda run: databases.drop(stage.server, "restored"))


def measure_checks(stage: Stage) -> Part:
    """Read back every stored byte of both vaults."""
    prepare(stage, "wide", 1)
    names = {"check --read-data (plain)": "none", "check --read-data (sealed)": "sealed"}
    measured = stage.take_turns([_make_check(stage, name, form) for name, form in names.items()])
    facts, targets = {}, []
    for name, one in measured.items():
        stored = find_message(one.runs[-1], "checked")["bytes"] / MB
        per_core = median(stored / run.client_cpu for run in one.runs)
        facts[f"MB stored, {names[name]}"] = stored
        facts[f"MB/s of wall, {names[name]}"] = stored / one.wall
        targets.append(Target(f"{name}: stored bytes per core", per_core, 500, "at least", "MB/s"))
    return Part("check", "Checks that read every stored byte", measured, None, facts, targets)


def _make_check(stage: Stage, name: str, form: str) -> Contender:
    def command() -> Sequence[str]:
        vault = str(stage.vaults[f"wide-{form}"])
        return stage.listbackup("check", "--read-data", "--vault", vault, "--volatile", "--json")

    def verify(run: Run) -> None:
        assert find_message(run, "checked")["sound"]

    return Contender(name, command, verify)
