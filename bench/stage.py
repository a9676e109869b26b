"""Where a measurement takes place: a server, a scratch directory, and the commands that are run.

Contenders take turns (A B A B ...), each run to its end before the next begins.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.measuring import Run, measure, wait_for_quiet
from listbackup.sandbox.postgres import PostgresServer

JOBS = 2


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `patience` is how many seconds a run may wait for a quiet moment,
    `attempts` how often a disturbed run is tried."""

    rows: int = 1_000_000
    many_rows: int = 100
    rounds: int = 3
    patience: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those that take turns. `command` prepares a run and gives its command line; `after`
    looks at what came of it and tidies up."""

    name: str
    command: Callable[[], Sequence[str]]
    after: Callable[[Run], None] = lambda run: None


@dataclass(slots=True)
class Measured:
    """All runs of one contender in one part."""

    name: str
    runs: list[Run] = field(default_factory=list)

    def median(self, value: Callable[[Run], float]) -> float:
        """Give the median over the runs that were not disturbed, else over all."""
        quiet = [run for run in self.runs if not run.disturbed]
        return median(map(value, quiet or self.runs))

    @property
    def wall(self) -> float:
        """Median wall time."""
        return self.median(lambda run: run.wall)

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        names = ("wall", "client_cpu", "server_cpu", "cpu", "rss", "foreign_cpu", "load")
        medians = {name: self.median(lambda run, n=name: getattr(run, n)) for name in names}  # type: ignore[misc]
        steps = {name for run in self.runs for name in run.steps}
        return {
            "median": medians,
            "steps": {
                name: self.median(lambda run, n=name: run.steps.get(n, 0.0))  # type: ignore[misc]
                for name in sorted(steps)
            },
            "runs": [run.to_json() for run in self.runs],
        }


@dataclass(slots=True)
class Stage:
    """The server, the place and the words to call programs with."""

    server: PostgresServer
    directory: Path
    options: Options
    say: Callable[[str], None]
    vaults: dict[str, Path] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What every measured command inherits."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ
        }
        return {
            **kept,
            "HOME": str(self.directory / "home"),
            "PGPASSWORD": self.server.password,
            "LISTBACKUP_CONFIG_DIR": str(self.directory / "config"),
            "LISTBACKUP_STATE_DIR": str(self.directory / "state"),
        }

    def url(self, database: str) -> str:
        """Give a database's address without its password."""
        return self.server.url(database, password=False)

    def program(self, name: str) -> str:
        """Find one of PostgreSQL's programs."""
        return str(self.server.installation.programs / name)

    def listbackup(self, *arguments: str) -> list[str]:
        """Write a command line of ours."""
        installed = Path(sys.executable).with_name("listbackup")
        program = [str(installed)] if installed.exists() else [sys.executable, "-m", "listbackup"]
        return [*program, *arguments]

    def vault(self, name: str, encryption: str) -> Path:
        """Make a vault, or give the one that was made under that name."""
        if name not in self.vaults:
            place = self.directory / f"vault-{name}"
            command = self.listbackup(
                "init", str(place), "--encryption", encryption, "--volatile", "--json"
            )
            subprocess.run(command, env=self.environment, check=True, capture_output=True)
            self.vaults[name] = place
        return self.vaults[name]

    def scratch(self, name: str) -> Path:
        """Give a path where nothing is."""
        path = self.directory / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def take_turns(
        self,
        contenders: Sequence[Contender],
        rounds: int | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        patient: bool = True,
        server: int | None = None,
    ) -> dict[str, Measured]:
        """Run every contender once a round and give all runs by name. Each waits for a quiet
        moment, or where that would take longer than the runs themselves only the first. `server`
        is the process that works for them, if not PostgreSQL."""
        measured = {one.name: Measured(one.name) for one in contenders}
        for number in range(1, (rounds or self.options.rounds) + 1):
            for one in contenders:
                if patient or not any(other.runs for other in measured.values()):
                    wait_for_quiet(self.options.patience)
                run = self._run(one, environment or self.environment, server)
                measured[one.name].runs.append(run)
                self.say(
                    f"  round {number}  {one.name:<28} {run.wall:8.2f} s"
                    f"  (load {run.load:.2f}, others {run.foreign_cpu:.1f} CPU s"
                    f"{', DISTURBED' if run.disturbed else ''})"
                )
        return measured

    def _run(self, contender: Contender, environment: Mapping[str, str], server: int | None) -> Run:
        options = self.options
        for attempt in range(1, options.attempts + 1):
            if attempt > 1:
                wait_for_quiet(options.patience)
            command = contender.command()
            os.sync()
            run = measure(command, environment, server or self.server.process.pid)
            contender.after(run)
            if not run.disturbed or attempt == options.attempts:
                break
            self.say(f"  disturbed ({run.foreign_cpu:.1f} CPU s of others): again")
        return run
