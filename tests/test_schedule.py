"""What docs/schedule.md tells people to install is what systemd, cron and launchd understand."""

import configparser
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from listbackup.cli.commands import COMMANDS

MANUAL = (Path(__file__).resolve().parent.parent / "docs/schedule.md").read_text("utf-8")
PROGRAM = "/usr/local/bin/listbackup"


def blocks(language: str) -> list[str]:
    """Give the manual's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", MANUAL, re.M | re.S)


def read_unit(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def write_units(place: Path, change: tuple[str, str] = ("", "")) -> list[str]:
    """Write the units with a program that is there; give their paths."""
    paths = []
    for name, text in zip(("listbackup.service", "listbackup.timer"), blocks("ini"), strict=True):
        there = text.replace(PROGRAM, f'"{sys.executable}"').replace(*change)
        (place / name).write_text(there)
        paths.append(str(place / name))
    return paths


def verify(paths: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "verify", "--man=no", *paths]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    answer = verify(write_units(tmp_path))
    own = [line for line in answer.stderr.splitlines() if "listbackup" in line]
    assert (answer.returncode, own) == (0, [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_would_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    answer = verify(write_units(tmp_path, ("OnCalendar=*-*-*", "OnCalendar=every night")))
    assert "Failed to parse calendar" in answer.stderr


def test_the_units_name_absolute_paths_and_make_up_for_missed_runs() -> None:
    service, timer = map(read_unit, blocks("ini"))
    assert service["Service"]["ExecStart"].split() == [PROGRAM, "backup", "--all", "--quiet"]
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_launchd_understands_the_property_list() -> None:
    (text,) = blocks("xml")
    found = plistlib.loads(text.encode())
    assert found["Label"] in MANUAL.split("```xml")[0]
    assert found["ProgramArguments"] == [PROGRAM, "backup", "--all", "--quiet"]
    assert found["StartCalendarInterval"] == {"Hour": 2, "Minute": 30}
    paths = [found["StandardOutPath"], found["EnvironmentVariables"]["LISTBACKUP_CONFIG"]]
    assert all(path.startswith("/") and "~" not in path for path in paths)


def test_cron_gets_an_environment_a_user_and_one_line() -> None:
    (text,) = blocks("cron")
    *settings, job = text.splitlines()
    assert all(re.fullmatch(r"[A-Z_]+=\S+", line) for line in settings)
    assert "PATH" in {line.partition("=")[0] for line in settings}
    minute, hour, day, month, weekday, user, *command = job.split()
    assert 0 <= int(minute) < 60 and 0 <= int(hour) < 24
    assert (day, month, weekday, user) == ("*", "*", "*", "listbackup")
    assert command == [PROGRAM, "backup", "--all", "--quiet"]
    assert "%" not in job


def test_the_manual_names_only_commands_and_hooks_that_there_are() -> None:
    from listbackup.config.models import Hooks

    words = {word for typed in COMMANDS for word in typed.split()}
    assert set(re.findall(r"`listbackup ([a-z]+)", MANUAL)) <= words
    for text in blocks("yaml"):
        assert set(re.findall(r"^  (\w+):", text, re.M)) <= set(Hooks.model_fields)
