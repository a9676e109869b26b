"""Backups beside dlt, whose backends read the same table into files. Its environment is made
under `bench/.peers`, exactly as locked in `bench/peers/dlt.txt`."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import databases
from bench.exporting import PLAIN, make_backup
from bench.measuring import CommandFailed
from bench.stage import Contender, Stage
from bench.targets import Part, Target

HERE = Path(__file__).resolve().parent
BOUNDS = {"sqlalchemy": 10.0, "pyarrow": 10.0, "connectorx": 2.5}


def make_environment(name: str = "dlt") -> Path:
    """Install a peer as locked, unless it is there, and give its interpreter. Raises
    CommandFailed where it cannot be installed."""
    place, lock = HERE / ".peers" / name, HERE / "peers" / f"{name}.txt"
    python, stamp = place / "bin" / "python", place / "installed"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return python
    shutil.rmtree(place, ignore_errors=True)
    install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), *install], check=True)
    except subprocess.CalledProcessError as error:
        raise CommandFailed(f"{name} could not be installed under bench/.peers") from error
    shutil.copy(lock, stamp)
    return python


def measure_peers(stage: Stage) -> Part:
    """Measure a table of the columns that all backends carry, at half of the rows."""
    python = str(make_environment())
    rows = max(1, stage.options.rows // 2)
    stage.say(f"{rows:,} rows for dlt: building them")
    databases.build_simple(stage.server, "simple", rows)
    contenders = [
        make_backup(stage, PLAIN, "simple", "none"),
        *(_make_copy(stage, python, backend) for backend in BOUNDS),
    ]
    environment = stage.environment | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
    measured = stage.take_turns(contenders, environment=environment)
    ours = measured[PLAIN].wall
    return Part(
        "dlt",
        f"Copies of {rows:,} rows x 17 columns into files",
        measured,
        PLAIN,
        {f"krow/s {name}": rows / one.wall / 1000 for name, one in measured.items()},
        [
            Target(
                f"dlt {name} / listbackup plain",
                measured[f"dlt {name}"].wall / ours,
                bound,
                "at least",
            )
            for name, bound in BOUNDS.items()
        ],
    )


def _make_copy(stage: Stage, python: str, backend: str) -> Contender:
    def command() -> Sequence[str]:
        out, state = stage.scratch("dlt-out"), stage.scratch("dlt-state")
        return [
            python,
            str(HERE / "dlt_copy.py"),
            stage.url("simple"),
            backend,
            str(out),
            str(state),
            str(stage.options.rows // 2),
        ]

    return Contender(f"dlt {backend}", command)
