"""A command loads what it needs, and no more."""

import subprocess
import sys

from tests.cli.machines import Machine

PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from listbackup.cli.main import main
main()
"""
NEVER = {"duckdb", "polars", "pyarrow", "boto3", "sqlalchemy", "fastapi", "yaml", "pydantic"}


def loaded_by(machine: Machine, *words: str) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *words]
    answer = subprocess.run(command, env=machine.environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return set(answer.stderr.split())


def test_help_loads_no_heavy_library(machine: Machine) -> None:
    for words in (("--help",), ("key", "--help")):
        loaded = loaded_by(machine, *words)
        assert not loaded & (NEVER | {"psycopg", "obstore", "numpy", "cryptography"})


def test_the_list_of_snapshots_loads_neither_databases_nor_numbers(
    machine: Machine, small: str
) -> None:
    machine.init()
    machine.do("backup", small)
    loaded = loaded_by(machine, "snapshots")
    assert "listbackup.operations.snapshots" in loaded
    assert not loaded & (NEVER | {"psycopg", "obstore", "numpy"})
    assert not any(name.startswith("listbackup.connectors.postgres") for name in loaded)
