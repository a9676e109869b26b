"""The measurements run, at sizes that say nothing of speed, and tell all that they should."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def run_bench(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "run.py"), *arguments, f"--out={out}"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    out = tmp_path_factory.mktemp("bench") / "figures.json"
    parts = ("start", "wide", "restore", "check", "many", "prune")
    answer = run_bench(out, *parts, "--rows=300", "--rounds=1", "--attempts=1", "--quietly")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, json.loads(out.read_text())


def test_every_run_says_what_it_cost(told: tuple[str, dict[str, Any]]) -> None:
    contenders = {
        f"{part['name']}: {name}": one
        for part in told[1]["parts"]
        for name, one in part["contenders"].items()
    }
    assert {"wide: pg_dump -Fd -j2 -Z1", "wide: listbackup sealed"} <= {
        name.removeprefix("backup-") for name in contenders
    }
    for name, one in contenders.items():
        for run in one["runs"]:
            assert run["wall"] > 0, name
            assert run["client_cpu"] > 0, name
            assert run["rss"] > 1_000_000, name
            assert run["load"] >= 0, name


def test_a_restore_tells_the_time_of_comparing_apart(told: tuple[str, dict[str, Any]]) -> None:
    part = next(one for one in told[1]["parts"] if one["name"] == "restore-wide")
    ours = part["contenders"]["listbackup restore"]
    assert 0 < ours["steps"]["comparing"] < ours["median"]["wall"]
    assert part["contenders"]["pg_restore -j2"]["steps"] == {}


def test_a_backup_counts_every_row(told: tuple[str, dict[str, Any]]) -> None:
    part = next(one for one in told[1]["parts"] if one["name"] == "backup-wide")
    assert part["facts"]["rows"] == 300


def test_each_target_stands_in_the_output_as_met_or_missed(
    told: tuple[str, dict[str, Any]],
) -> None:
    text, figures = told
    assert len(figures["targets"]) == 3 + 3 + 2 + 2 + 1 + 1
    for target in figures["targets"]:
        better = target["figure"] <= target["bound"]
        assert target["met"] is (better if target["sense"] == "at most" else not better)
        line = next(line for line in text.splitlines() if line.startswith(f"| {target['name']} |"))
        assert line.endswith("| met |" if target["met"] else "| MISSED |")


def test_a_part_that_does_not_exist_is_refused_before_anything_runs(tmp_path: Path) -> None:
    answer = run_bench(tmp_path / "figures.json", "wild")
    assert answer.returncode == 2
    assert "no such part: wild" in answer.stderr
    assert not (tmp_path / "figures.json").exists()
