"""The rules of the house can say no: floors, bans and measures are tried on what breaks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from listbackup import __version__

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package with its rules, to break things in."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check_floors(house: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(house / "src")}
    command = [str(TOOLS / "lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True)


def broken_rules(house: Path, module: str, code: str) -> set[str]:
    path = house / "src/listbackup" / module
    path.write_text(code, encoding="utf-8")
    command = [str(TOOLS / "ruff"), "check", "--no-cache", "--output-format=concise", str(path)]
    answer = subprocess.run(command, cwd=house, capture_output=True, text=True)
    return {
        line.split(": ", 1)[1].split()[0] for line in answer.stdout.splitlines() if ": " in line
    }


def test_the_floors_hold_as_the_code_stands(house: Path) -> None:
    answer = check_floors(house)
    assert answer.returncode == 0, answer.stdout


def test_an_import_upwards_is_refused(house: Path) -> None:
    toy = house / "src/listbackup/objectstore/toy.py"
    toy.write_text('"""Looks up."""\n\nimport listbackup.vault.layout\n', encoding="utf-8")
    answer = check_floors(house)
    assert answer.returncode == 1
    assert "listbackup.objectstore.toy -> listbackup.vault.layout" in answer.stdout


def test_two_packages_on_one_floor_may_not_know_each_other(house: Path) -> None:
    toy = house / "src/listbackup/vault/toy.py"
    toy.write_text('"""Looks aside."""\n\nimport listbackup.connectors\n', encoding="utf-8")
    answer = check_floors(house)
    assert answer.returncode == 1
    assert "listbackup.vault.toy -> listbackup.connectors" in answer.stdout


def test_a_new_top_level_package_without_a_floor_is_refused(house: Path) -> None:
    (house / "src/listbackup/helpers.py").write_text('"""Anything."""\n', encoding="utf-8")
    answer = check_floors(house)
    assert answer.returncode == 1
    assert "helpers" in answer.stdout


def test_a_circle_between_the_parts_of_a_package_is_refused(house: Path) -> None:
    package = house / "src/listbackup/records"
    (package / "here.py").write_text('"""One."""\n\nimport listbackup.records.there\n', "utf-8")
    (package / "there.py").write_text('"""Two."""\n\nimport listbackup.records.here\n', "utf-8")
    answer = check_floors(house)
    assert answer.returncode == 1
    assert ".there -> .here" in answer.stdout


BANNED = {
    "the wall clock": ("import datetime\n\nnow = datetime.datetime.now(datetime.UTC)\n", "TID251"),
    "a naive time": ("import datetime\n\nday = datetime.datetime(2026, 1, 1)\n", "DTZ001"),
    "the process clock": ("import time\n\nnow = time.monotonic()\n", "TID251"),
    "sleeping": ("from time import sleep\n\nsleep(1)\n", "TID251"),
    "ids": ("import uuid\n\nid_ = uuid.uuid4()\n", "TID251"),
    "randomness": ("import random\n\ndie = random.random()\n", "TID251"),
    "secrets": ("from secrets import token_bytes\n\nkey = token_bytes(32)\n", "TID251"),
    "entropy of the system": ("import os\n\nkey = os.urandom(32)\n", "TID251"),
    "catching everything": ("try:\n    f = open('x')\nexcept Exception:\n    f = None\n", "BLE001"),
    "printing": ("print('done')\n", "T201"),
    "unpickling": ("import pickle\n\nvalue = pickle.loads(b'')\n", "S301"),
    "silencing every rule": ("import os  # noqa\n", "PGH004"),
}


@pytest.mark.parametrize("what", BANNED)
def test_the_rules_refuse(house: Path, what: str) -> None:
    code, rule = BANNED[what]
    assert rule in broken_rules(house, "vault/toy.py", f'"""A toy."""\n\n{code}')


def test_only_the_seams_may_touch_the_clock_and_entropy(house: Path) -> None:
    code = (
        '"""A toy."""\n\nimport os\nimport time\n\nnow = time.monotonic()\nkey = os.urandom(32)\n'
    )
    assert broken_rules(house, "clock.py", code) == set()
    assert broken_rules(house, "ids.py", code) == set()
    assert broken_rules(house, "disk.py", code) == {"TID251"}


def measure(source: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/measure.py"), str(source)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_measures_name_a_knot_a_long_function_and_a_long_module(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    write("one.py", "import two\n")
    write("two.py", "def lazily():\n    import one\n")
    write("endless.py", "def run():\n" + "    pass\n" * 60)
    write("novel.py", "x = 1\n" * 401)
    answer = measure(tmp_path)
    assert answer.returncode == 1
    assert "one, two" in answer.stdout
    assert "endless.run (61)" in answer.stdout
    assert "novel (401)" in answer.stdout


def test_the_measures_accept_what_is_within_them(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text("def run():\n" + "    pass\n" * 59, encoding="utf-8")
    answer = measure(tmp_path)
    assert answer.returncode == 0
    assert "OVER" not in answer.stdout


# --------------------------------------------------------------------------------- quick to answer

HEAVY = ("boto3", "botocore", "obstore", "psycopg", "numpy", "cryptography", "isal", "asyncio")


def modules_after(*arguments: str) -> tuple[str, set[str]]:
    """Run a command in a fresh process; give what it wrote and every module it had loaded."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), sep='\\n', file=sys.stderr))\n"
        f"sys.argv = ['listbackup', *{arguments!r}]\n"
        "from listbackup.cli.main import main\n"
        "main()\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, set(answer.stderr.split())


def test_the_version_is_told_before_even_the_command_line_library_is_loaded() -> None:
    said, loaded = modules_after("--version")
    assert said == f"listbackup {__version__}\n"
    assert "listbackup.cli.main" in loaded
    assert not loaded.intersection((*HEAVY, "cyclopts", "rich"))


def test_help_loads_nothing_that_speaks_to_databases_or_stores() -> None:
    said, loaded = modules_after("--help")
    assert "backup" in said
    assert "listbackup.cli.main" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_package_can_be_run_as_a_module() -> None:
    command = [sys.executable, "-m", "listbackup", "--version"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (0, f"listbackup {__version__}\n")
