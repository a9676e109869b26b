"""Choose parts, measure them one after the other, and say what came out."""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import (
    exporting,
    history,
    peers,
    platforms,
    pruning,
    recovering,
    repeating,
    starting,
)
from bench.measuring import CommandFailed
from bench.stage import Options, Stage
from bench.targets import Part, Target, write_table, write_targets
from listbackup import __version__
from listbackup.host import Host
from listbackup.sandbox.installations import NEWEST, find_bundled
from listbackup.sandbox.postgres import run_postgres

PARTS: Mapping[str, Callable[[Stage], Part]] = {
    "start": starting.measure_start,
    "wide": exporting.measure_wide,
    "restore": recovering.measure_wide_restores,
    "check": recovering.measure_checks,
    "split": exporting.measure_split,
    "restore-split": recovering.measure_split_restores,
    "pgbench": exporting.measure_pgbench,
    "many": exporting.measure_many,
    "repeat": repeating.measure_repeats,
    "dlt": peers.measure_peers,
    "growth": exporting.measure_growth,
    "prune": pruning.measure_plans,
    "history": history.measure_history,
    "rest": platforms.measure_platforms,
    "small": platforms.measure_small_sources,
}
RESULTS = Path(__file__).resolve().parent / "results"
SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
"""Of the server that works for everybody; fsync is on."""


def main(arguments: Sequence[str]) -> int:
    """Measure; 0 unless something failed. A target that is missed is a result, not a failure."""
    asked = _read(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = Options(
        rows=asked.rows,
        rounds=asked.rounds,
        patience=asked.patience,
        attempts=asked.attempts,
    )
    installation = find_bundled(asked.major)
    say = _say if not asked.quietly else lambda text: None
    with (
        tempfile.TemporaryDirectory(prefix="listbackup-bench-", dir=asked.scratch) as scratch,
        run_postgres(Host(), installation, settings=SETTINGS) as server,
    ):
        stage = Stage(server, Path(scratch), options, say)
        (stage.directory / "home").mkdir()
        parts: list[Part] = []
        for name in asked.parts:
            say(f"== {name}")
            try:
                part = PARTS[name](stage)
            except CommandFailed as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1
            say("\n".join(write_table(part)))
            parts.append(part)
    targets = [target for part in parts for target in part.targets]
    report = _report(asked, parts, targets)
    out = Path(asked.out) if asked.out else RESULTS / f"{report['began']}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = "\n".join([line for part in parts for line in write_table(part)])
    print(f"{text}\n### Targets\n")
    print("\n".join(write_targets(targets)))
    print(f"\nAll figures: {out}")
    return 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench/run.py", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large tables")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--major", type=int, default=NEWEST, help="PostgreSQL 16 or 18")
    parser.add_argument(
        "--patience", type=float, default=0, help="seconds that a run may wait for a quiet moment"
    )
    parser.add_argument("--attempts", type=int, default=2, help="of a run that was disturbed")
    parser.add_argument("--scratch", help="directory for the server and all copies")
    parser.add_argument("--out", help="file for the figures; else under bench/results")
    parser.add_argument("--quietly", action="store_true", help="print only what came out")
    asked = parser.parse_args(arguments)
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    asked.parts = asked.parts or list(PARTS)
    return asked


def _report(
    asked: argparse.Namespace, parts: Sequence[Part], targets: Sequence[Target]
) -> dict[str, Any]:
    return {
        "began": datetime.now(UTC).strftime("%Y%m%d-%H%M%S"),
        "version": __version__,
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "postgresql": {"major": asked.major, "fsync": True, **SETTINGS},
        "options": {name: getattr(asked, name) for name in ("rows", "rounds", "parts")},
        "parts": [part.to_json() for part in parts],
        "targets": [target.to_json() for target in targets],
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
