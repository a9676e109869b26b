"""The runner of mutants can say no: to patches, to tests that sleep, and to itself."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "tools" / "mutants.py"
CODE = """def add(one, other):
    total = one + other
    return total


def double(one):
    total = one + one
    return total


def halve(one):
    return one / 2
"""
TESTS = """import toy


def test_adding():
    assert toy.add(1, 2) == 3


def test_doubling():
    assert toy.double(2) == 4


def test_doubling_nothing():
    assert toy.double(0) == 0
"""


def load() -> ModuleType:
    """Give the runner as a module."""
    spec = importlib.util.spec_from_file_location("mutants", RUNNER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # its dataclasses look there for themselves
    spec.loader.exec_module(module)
    return module


MUTANTS = load()


def write_patch(before: str, after: str, *, test: str = "adding", path: str = "src/toy.py") -> str:
    """Write a patch that exchanges some lines, each with one line of context before."""
    context = "def add(one, other):\n" if test == "adding" else "def double(one):\n"
    olds, news = [context, *before.splitlines(True)], [context, *after.splitlines(True)]
    return (
        f"Invariant: {test} is right\nKilled by: tests/test_toy.py::test_{test}\n\n"
        f"--- a/{path}\n+++ b/{path}\n@@ -1,{len(olds)} +1,{len(news)} @@\n {context}"
        + "".join(f"-{line}" for line in before.splitlines(True))
        + "".join(f"+{line}" for line in after.splitlines(True))
    )


SUM = "    total = one + other\n"
TWICE = "    total = one + one\n"
PATCHES = {
    "killed": write_patch(SUM, "    total = one - other\n"),
    "survivor": write_patch(TWICE, "    total = one - one\n", test="doubling_nothing"),
    "stale": write_patch("    total = one * other\n", SUM),
    "no-python": write_patch(SUM, "    total = (one\n"),
    "no-name": write_patch(SUM, "    total = several\n"),
    "no-import": write_patch(SUM, "    import nothing.at.all as total\n"),
    "no-test": write_patch(SUM, "    total = one - other\n").replace("test_adding", "test_nothing"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a small project with mutants of every fate."""
    (tmp_path / "src/toy").mkdir(parents=True)
    (tmp_path / "src/toy/__init__.py").write_text(CODE)
    (tmp_path / "tests/mutants").mkdir(parents=True)
    (tmp_path / "tests/test_toy.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = ['-ra']\n")
    for name, patch in PATCHES.items():
        text = patch.replace("src/toy.py", "src/toy/__init__.py")
        (tmp_path / f"tests/mutants/{name}.patch").write_text(text)
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUNNER), "--root", str(project), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def outcomes(project: Path, *words: str) -> tuple[int, dict[str, Any]]:
    answer = run(project, "--json", *words)
    told = json.loads(answer.stdout)
    return answer.returncode, {one["name"]: one for one in told["outcomes"]}


def test_each_mutant_has_its_fate(project: Path) -> None:
    chosen = [name for name in PATCHES if name != "no-test"]
    code, told = outcomes(project, "--jobs", "2", *chosen)
    assert code == 1
    assert told.pop("the code as it is")["verdict"] == "green"
    assert {name: one["verdict"] for name, one in told.items()} == {
        "killed": "killed",
        "survivor": "survived",
        "stale": "does not apply",
        "no-python": "broken",
        "no-name": "broken",
        "no-import": "broken",
    }
    assert told["killed"]["killed_by"] == "tests/test_toy.py::test_adding"
    assert "nowhere" in told["stale"]["detail"]
    assert (project / "src/toy/__init__.py").read_text() == CODE


def test_all_is_well_when_every_mutant_is_killed(project: Path) -> None:
    answer = run(project, "killed")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "killed: killed by tests/test_toy.py::test_adding in " in answer.stdout
    assert answer.stdout.endswith("1 of 1 mutants killed\n")


def test_a_survivor_is_told_with_the_invariant_that_nobody_watches(project: Path) -> None:
    answer = run(project, "survivor")
    assert answer.returncode == 1
    assert "survivor: SURVIVED (1 tests pass): doubling_nothing is right\n" in answer.stdout


def test_no_mutant_runs_while_the_tests_are_red_without_it(project: Path) -> None:
    (project / "src/toy/__init__.py").write_text(CODE + "\n\nadd = print\n")
    code, told = outcomes(project, "killed")
    assert code == 1
    assert list(told) == ["the code as it is"]
    assert "RED before anything was changed" in told["the code as it is"]["detail"]


def test_a_test_that_is_not_there_kills_nobody(project: Path) -> None:
    code, told = outcomes(project, "no-test")
    assert code == 1
    assert told["the code as it is"]["verdict"] == "broken"


def test_tests_that_hang_kill_nobody(project: Path) -> None:
    endless = write_patch(SUM, "    while True:\n        pass\n")
    text = endless.replace("src/toy.py", "src/toy/__init__.py")
    (project / "tests/mutants/killed.patch").write_text(text)
    code, told = outcomes(project, "killed", "--limit", "3")
    assert code == 1
    assert "hang" in told["killed"]["detail"]


def test_an_unknown_name_is_a_mistake_of_who_asks(project: Path) -> None:
    answer = run(project, "nobody")
    assert answer.returncode == 2
    assert "no such mutant: nobody" in answer.stderr


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text.replace("Invariant: ", "Purpose: "), "header"),
        (lambda text: text.replace("Killed by: ", "Tests: "), "header"),
        (lambda text: text.partition("--- ")[0], "no change"),
        (lambda text: text.replace("@@ -1,2 +1,2 @@", "@@ -1,3 +1,2 @@"), "too early"),
        (lambda text: text.replace("@@ -1,2 +1,2 @@", "@@ -1 +1 @@"), "changes nothing"),
        (lambda text: text.replace("+++ b/src", "+++ b/tests"), "itself"),
        (lambda text: text.replace("one - other", "one + other"), "changes nothing"),
        (lambda text: text + "# a remark\n", "not understood"),
    ],
)
def test_a_patch_that_is_none_is_refused(tmp_path: Path, spoil: Any, why: str) -> None:
    path = tmp_path / "bad.patch"
    path.write_text(spoil(PATCHES["killed"]))
    with pytest.raises(MUTANTS.Misfit, match=why):
        MUTANTS.read_mutant(path)


def test_context_has_to_be_there_once_and_only_once(project: Path) -> None:
    patch = project / "tests/mutants/killed.patch"
    [mutant] = [one for one in MUTANTS.read_mutants(patch.parent) if one.name == "killed"]
    file = project / "src/toy/__init__.py"
    file.write_text("# what comes before does not matter\n" + CODE)
    changed = MUTANTS.apply_mutant(mutant, project)
    assert changed["src/toy/__init__.py"].count("one - other") == 1
    file.write_text(CODE + "\n\n" + CODE)
    with pytest.raises(MUTANTS.Misfit, match="2 times"):
        MUTANTS.apply_mutant(mutant, project)


# ------------------------------------------------------------------------------ this project's own


def test_every_mutant_of_this_project_applies_and_is_python() -> None:
    mutants = MUTANTS.read_mutants(ROOT / "tests/mutants")
    assert len(mutants) > 50
    for mutant in mutants:
        for path, text in MUTANTS.apply_mutant(mutant, ROOT).items():
            compile(text, path, "exec")


def test_every_mutant_of_this_project_names_tests_that_exist() -> None:
    for mutant in MUTANTS.read_mutants(ROOT / "tests/mutants"):
        for test in mutant.tests:
            path, _, asked = test.partition("::")
            name = asked.partition("[")[0]
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert not name or name in names, f"{mutant.name} names {test}"
