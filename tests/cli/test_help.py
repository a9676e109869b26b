"""Help names every command, every option and every exit code."""

import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from listbackup.cli.commands import COMMANDS
from listbackup.errors import Category, exit_code
from tests.cli.machines import Machine


def options_of(path: str) -> set[str]:
    """Name the options that a command's function takes, as they are typed."""
    module, _, name = path.partition(":")
    function = getattr(import_module(module), name)
    found: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        if is_dataclass(parameter.default):
            found |= {field.name for field in fields(parameter.default)}
        elif parameter.kind is parameter.KEYWORD_ONLY:
            found.add(parameter.name)
    return {"--" + name.strip("_").replace("_", "-") for name in found}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_names_all_its_options(machine: Machine, command: str) -> None:
    shown = machine.do(*command.split(), "--help").out
    named = set(re.findall(r"--[a-z][a-z-]+", shown))
    assert options_of(COMMANDS[command].path) <= named
    assert "--json" in named


def test_the_first_page_names_all_commands_and_exit_codes(machine: Machine) -> None:
    page = machine.do("--help").out
    assert machine.do().out == page
    for command in COMMANDS:
        assert f"│ {command.split()[0]} " in page
    for category in Category:
        assert re.search(rf"\b{exit_code(category)} ", page)


def test_the_manual_names_all_commands_and_exit_codes() -> None:
    manual = (Path(__file__).resolve().parent.parent.parent / "docs/cli.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"`{command}" in manual
    for category in Category:
        assert f"| {exit_code(category)} |" in manual
