"""The way from a bare checkout to a working command: make, its remedies, and the locks."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "bench/peers").glob("*.txt")])
OWN = {"listbackup", "tests", "bench", "tools"}
BROUGHT = {"botocore", "psycopg-binary"}
"""What boto3 and psycopg[binary] bring and belongs to them."""
PEERS = {"airbyte_cdk", "singer_sdk", "dlt", "sqlalchemy", "pyarrow", "connectorx", "pandas"}
"""What the benchmarks import in the environments of other tools, which have locks of their own."""


def test_make_alone_lists_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    declared = re.search(r"^\.PHONY: (.+)$", makefile, re.M)
    assert declared is not None
    commands = set(declared[1].split()) - {"setup-dev"}
    assert commands >= {"setup", "run", "test", "lint", "bench", "soak", "test-deps", "clean"}
    for arguments in ([], ["help"]):
        answer = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)
        listed = re.findall(r"^  make (\S+) +\S", answer.stdout, re.M)
        assert set(listed) == commands


def test_ci_runs_lint_and_the_suite() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make lint test" in script.read_text("utf-8")


# ------------------------------------------------------------------- what is said when Python lacks


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout in a path with a space, and a PATH (`bin`) that has tools but no Python."""
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, checkout / name)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "cat", "cksum", "dirname", "uname", "id", "rm", "mkdir", "make"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return checkout


def offer(checkout: Path, name: str, script: str) -> None:
    program = checkout.parent / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def make_setup(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run `make setup` with that PATH alone; nothing may be left of a refusal."""
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    before = sorted(checkout.rglob("*"))
    answer = subprocess.run(
        ["make", "setup"], cwd=checkout, env=environment, capture_output=True, text=True
    )
    assert answer.returncode != 0
    assert sorted(checkout.rglob("*")) == before
    return answer


def remedies(answer: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in answer.stderr.splitlines() if line.startswith("    ")]


def test_without_python_one_command_is_named_that_mends_it(bare: Path) -> None:
    offer(bare, "apt-get", "exit 1")
    offer(bare, "apt-cache", 'case "$2" in python3|python3.12-venv) echo "Package: $2";; esac')
    answer = make_setup(bare)
    assert "needs Python 3.11 or newer" in answer.stderr
    [remedy] = remedies(answer)
    assert remedy.endswith("apt-get install -y python3.12-venv")


def test_a_debian_that_never_fetched_its_lists_is_told_to(bare: Path) -> None:
    offer(bare, "apt-get", "exit 1")
    offer(bare, "apt-cache", "exit 0")
    [remedy] = remedies(make_setup(bare))
    assert "apt-get update && " in remedy
    assert remedy.endswith("apt-get install -y python3-venv")


def test_a_python_without_venv_is_told_which_package_brings_it(bare: Path) -> None:
    offer(bare, "apt-get", "exit 1")
    offer(bare, "apt-cache", 'echo "Package: $2"')
    refuse = 'case "$*" in *ensurepip*) exit 1;; esac'
    offer(bare, "python3.13", f'{refuse}; case "$*" in *print*) echo 3.13;; esac')
    answer = make_setup(bare)
    assert "Python 3.13 is here, but not its venv module" in answer.stderr
    [remedy] = remedies(answer)
    assert remedy.endswith("apt-get install -y python3.13-venv")


def test_a_python_that_is_too_old_or_a_shim_that_leads_nowhere_does_not_count(bare: Path) -> None:
    offer(bare, "python3.14", "echo 'shim: python3.14: command not found' >&2; exit 127")
    offer(bare, "python3", "exit 1")
    answer = make_setup(bare)
    assert "there is none here" in answer.stderr
    [remedy] = remedies(answer)
    assert "uv" in remedy


def test_the_download_is_announced_before_anything_is_fetched(bare: Path) -> None:
    offer(bare, "python3.12", 'case "$*" in *venv*.venv) echo "venv made" >&2; exit 1;; esac')
    answer = subprocess.run(
        ["make", "setup"],
        cwd=bare,
        env={"PATH": str(bare.parent / "bin"), "HOME": str(bare.parent)},
        capture_output=True,
        text=True,
    )
    assert re.search(r"a download of about \d+ MB.*venv made", answer.stderr, re.S)


# ------------------------------------------------------------------------------------------- locks


def locked(lock: Path) -> dict[str, list[str]]:
    """Give, for each `name==version ; marker` of a lock, its hashes."""
    entries: dict[str, list[str]] = {}
    for line in lock.read_text("utf-8").splitlines():
        text = line.strip().removesuffix("\\").strip()
        if text.startswith("--hash="):
            entries[list(entries)[-1]].append(text)
        elif text:
            entries[text] = []
    return entries


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_one_version_and_hashes(lock: Path) -> None:
    entries = locked(lock)
    assert len(entries) > 5
    for entry, hashes in entries.items():
        assert re.match(r"[a-z0-9-]+==[^ ]+( ; .+)?$", entry), entry
        assert hashes, entry
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), entry


def test_the_tests_run_with_what_users_run_with() -> None:
    run, dev = (locked(ROOT / f"requirements/{name}.txt") for name in ("run", "dev"))
    assert run.items() <= dev.items()


def tracked_files() -> Iterator[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in names.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


def test_no_package_index_is_named_anywhere() -> None:
    # Written in pieces, so that this file does not name them either.
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "index-" + "url"]
    allowed = {ROOT / "tools/lock.sh", ROOT / "tests/test_setup.py"}  # --no-emit-...
    files = list(tracked_files())
    assert len(files) > 30
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        named = [host for host in hosts if host in text]
        assert not named or (path in allowed and named == ["index-" + "url"]), (path, named)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address_or_path(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.M)


# ------------------------------------------------------------------------------------ dependencies


def imported_packages(*folders: str) -> set[str]:
    """Name the distributions whose modules the code of these folders imports."""
    modules = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if ".peers" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("find_spec"):
                modules |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    where = packages_distributions()
    modules -= PEERS
    foreign = {name for name in modules if name not in sys.stdlib_module_names and name not in OWN}
    unknown = {name for name in foreign if name not in where}
    assert not unknown, f"imported, but not installed by the lock: {unknown}"
    return {normal(where[name][0]) for name in foreign}


def normal(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].replace("_", "-").lower()


def declared_packages() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {normal(requirement) for requirement in project["dependencies"]}


def required_by(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text("utf-8").splitlines()
    return {normal(line) for line in lines if line and not line.startswith("#")}


def test_what_the_package_imports_is_what_it_declares() -> None:
    assert imported_packages("src") - BROUGHT == declared_packages()


def test_what_the_tests_import_is_declared_too() -> None:
    used = imported_packages("tests", "tools", "bench") - BROUGHT
    dev = required_by("dev.in")
    assert used <= declared_packages() | dev
    called = (ROOT / "Makefile").read_text("utf-8") + (ROOT / "pyproject.toml").read_text("utf-8")
    by_name = {"ruff", "mypy", "import-linter", "pytest-xdist", "flask", "flask-cors"}
    assert dev - used <= by_name | {name for name in dev if name.startswith("types-")}
    assert "ruff" in called
    assert "lint-imports" in called


# --------------------------------------------------------------------------------------- documents


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("#"):
            assert (document.parent / target.split("#")[0]).exists(), target


def test_the_changelog_speaks_of_this_version() -> None:
    from listbackup import __version__

    assert f"## {__version__} " in (ROOT / "CHANGELOG.md").read_text("utf-8")
