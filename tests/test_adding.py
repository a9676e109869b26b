"""What docs/adding.md promises: a toy of each kind, added to a copy in the named files only."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOYS = ROOT / "tests/toys"
TOOLS = Path(sys.executable).parent


@dataclass
class Copy:
    """A copy of the project to add things to; `touched` are the files that it took."""

    root: Path
    touched: set[str] = field(default_factory=set)

    def add(self, path: str, toy: str) -> None:
        """Add a new file."""
        assert not (self.root / path).exists()
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOYS / toy, self.root / path)
        self.touched.add(path)

    def insert(self, path: str, after: str, line: str) -> None:
        """Add one line to an existing file, after the line that matches."""
        text = (self.root / path).read_text("utf-8")
        found, count = re.subn(after, lambda match: f"{match[0]}\n{line}", text, flags=re.M)
        assert count == 1, f"{after!r} is {count} times in {path}"
        (self.root / path).write_text(found, "utf-8")
        self.touched.add(path)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with the copy's package and a home of its own."""
        home = {name: str(self.root / "home") for name in ("HOME", "XDG_CONFIG_HOME")}
        home["XDG_STATE_HOME"] = home["XDG_CONFIG_HOME"]
        environment = {**os.environ, **home, "PYTHONPATH": str(self.root / "src")}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
        )

    def listbackup(self, *arguments: str) -> str:
        """Run a command of the copy; it must succeed. Give what it printed."""
        answer = self.run("-m", "listbackup", *arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def suite(self, path: str) -> int:
        """Run a test file; give the number of tests that passed. None may fail."""
        answer = self.run("-m", "pytest", "-p", "no:cacheprovider", path)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        passed = re.search(r"(\d+) passed", answer.stdout)
        assert passed is not None
        return int(passed[1])

    def assert_the_house_accepts_it(self) -> None:
        """Floors and rules hold for what was added."""
        environment = {**os.environ, "PYTHONPATH": str(self.root / "src")}
        python = sorted(path for path in self.touched if path.endswith(".py"))
        for command in (
            ["lint-imports", "--no-logo", "--no-cache"],
            ["ruff", "check", "--no-cache", *python],
            ["ruff", "format", "--check", "--no-cache", *python],
        ):
            program = [str(TOOLS / command[0]), *command[1:]]
            answer = subprocess.run(
                program, cwd=self.root, env=environment, capture_output=True, text=True
            )
            assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A fresh copy of the package and its rules."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=skip)
    for name in ("tools", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    return Copy(tmp_path)


def promised(kind: str) -> set[str]:
    """Name the files that docs/adding.md lists under a heading."""
    text = (ROOT / "docs/adding.md").read_text("utf-8")
    section = text.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.M))


def test_a_store_is_added_in_the_named_files_and_keeps_the_contract(copy: Copy) -> None:
    copy.add("src/listbackup/objectstore/sqlite.py", "store.py")
    copy.insert(
        "src/listbackup/objectstore/opening.py",
        r'^    "s3": .*$',
        '    "sqlite": "listbackup.objectstore.sqlite:open_sqlite",',
    )
    copy.add("tests/objectstore/test_sqlite.py", "store_test.py")
    assert copy.touched == promised("A store")
    assert copy.suite("tests/objectstore/test_sqlite.py") >= 20
    copy.assert_the_house_accepts_it()
    place = f"sqlite://{copy.root}/vault.db"
    copy.listbackup("init", place)
    assert "Nothing is wrong" in copy.listbackup("check", "--read-data", "--vault", place)


def test_a_connector_is_added_in_the_named_files_and_comes_back_proven(copy: Copy) -> None:
    copy.add("src/listbackup/connectors/tsv.py", "connector.py")
    here = "listbackup.connectors.tsv"
    copy.insert(
        "src/listbackup/connectors/__init__.py",
        r"^CONNECTORS: .* = \(POSTGRES, SQLITE, REST\)$",
        f"""
CONNECTORS += (
    Connector(
        engine="tsv",
        schemes=("tsv",),
        address="{here}:parse_address",
        source="{here}:FolderSource",
        inspect="{here}:inspect",
        target="{here}:FolderDestination",
    ),
)""",
    )
    copy.add("tests/connectors/test_tsv.py", "connector_test.py")
    assert copy.touched == promised("A connector")
    assert copy.suite("tests/connectors/test_tsv.py") == 1
    copy.assert_the_house_accepts_it()

    lists = copy.root / "lists"
    lists.mkdir()
    (lists / "people.tsv").write_bytes(b"1\tAda\\tL\n2\t\\N\n")
    (lists / "orders.tsv").write_bytes(b"7\t1\t\xc3\xa9\n")
    vault = ("--vault", str(copy.root / "vault"))
    copy.listbackup("init", *vault)
    assert "2 streams" in copy.listbackup("source", "test", f"tsv://{lists}")
    copy.listbackup("backup", f"tsv://{lists}", *vault)
    copy.listbackup("restore", "latest", "--to", f"tsv://{copy.root}/back", *vault)
    for path in lists.iterdir():
        assert (copy.root / "back" / path.name).read_bytes() == path.read_bytes()


def test_a_command_is_added_in_the_named_files_and_speaks_json(copy: Copy) -> None:
    copy.add("src/listbackup/operations/counting.py", "operation.py")
    copy.add("src/listbackup/cli/commands/counting.py", "command.py")
    copy.insert(
        "src/listbackup/cli/commands/__init__.py",
        r'^    "doctor": .*$',
        '    "count": Command(f"{_HERE}.counting:count", "Count what a store holds.", _LOOK),',
    )
    copy.insert(
        "src/listbackup/cli/messages.py",
        r'^    "probed": .*$',
        '    "counted": f"{_OPERATIONS}.counting:Counted",',
    )
    written = copy.run("tools/schemas.py")
    assert written.returncode == 0, written.stderr
    copy.touched.add("src/listbackup/cli/schemas/counted.json")
    copy.insert("docs/cli.md", r"^\| `doctor` \|.*$", "| `count URL` | what a store holds |")
    copy.add("tests/cli/test_counting.py", "command_test.py")
    assert copy.touched == promised("A command")
    assert copy.suite("tests/cli/test_counting.py") == 1
    for name in ("conftest.py", "machines.py", "test_help.py"):
        shutil.copy(ROOT / "tests/cli" / name, copy.root / "tests/cli")
    assert copy.suite("tests/cli/test_help.py") > 1
    copy.assert_the_house_accepts_it()
    held = sum(path.is_file() for path in (copy.root / "docs").rglob("*"))
    assert copy.listbackup("count", str(copy.root / "docs")).startswith(f"{held} objects, ")
    assert "Count what a store holds." in copy.listbackup("--help")
