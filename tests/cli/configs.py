"""A configuration file of a test's own, and an address at which there is nobody."""

from pathlib import Path

from tests.cli.machines import Machine

BROKEN = "postgresql://nobody@127.0.0.1:1/nothing"


def write(machine: Machine, text: str) -> Path:
    """Write the file of the user's config directory."""
    machine.config.mkdir(exist_ok=True)
    path = machine.config / "listbackup.yaml"
    path.write_text(text)
    return path
