"""How long the command takes to begin: what a person waits for before anything happens."""

from bench.stage import Contender, Stage
from bench.targets import Part, Target

ROUNDS = 10
BOUNDS = {"--version": 150, "--help": 300, "snapshots": 500}
"""Milliseconds."""


def measure_start(stage: Stage) -> Part:
    """Measure the commands that do next to nothing."""
    vault = str(stage.vault("empty", "sealed"))
    commands = {
        "--version": stage.listbackup("--version"),
        "--help": stage.listbackup("--help"),
        "snapshots": stage.listbackup("snapshots", "--vault", vault, "--volatile"),
    }
    contenders = [
        Contender(name, lambda command=command: command)  # type: ignore[misc]
        for name, command in commands.items()
    ]
    rounds = ROUNDS if stage.options.rounds > 1 else 1
    measured = stage.take_turns(contenders, rounds, patient=False)
    targets = [
        Target(f"listbackup {name}", measured[name].wall * 1000, bound, "at most", "ms")
        for name, bound in BOUNDS.items()
    ]
    return Part("start", "Start-up", measured, None, {}, targets)
