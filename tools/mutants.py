"""Breaks the code on purpose, one invariant at a time, and sees whether the tests say no.

`python tools/mutants.py [NAME...] [--jobs 2] [--json] [--list]`. Each `tests/mutants/NAME.patch` is
a unified diff below a header:

    Invariant: what the change breaks, in one sentence
    Killed by: tests/vault/test_x.py::test_name   (one line for each test or file)

The tests that any chosen mutant names run first on an untouched copy of the project, and have to
pass. Then each mutant is applied to a copy of its own, and its tests have to fail there. Exit 1
when the untouched copy is red, when a patch does not apply, and when a mutant survives. Context has
to be found exactly, in one place only; line numbers do not matter. Needs nothing but pytest.
"""

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

PATCHES = "tests/mutants"
LEFT_OUT = ("__pycache__", ".*", "dist", "build", "results")
MISTAKES = ("SyntaxError", "ImportError", "ModuleNotFoundError", "NameError", "UnboundLocalError")
"""Failures by which a test tells of a patch that is badly written, not of what it breaks."""

Verdict = Literal["green", "killed", "survived", "does not apply", "broken"]
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@.*\n")


class Misfit(Exception):
    """A patch that cannot be read, or does not fit the code."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that a file has to hold in one place, and what stands there instead."""

    path: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch: the invariant that it breaks, and the tests that have to notice."""

    name: str
    invariant: str
    tests: tuple[str, ...]
    hunks: tuple[Hunk, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it changes."""
        return tuple(dict.fromkeys(hunk.path for hunk in self.hunks))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant, or of the untouched copy: which test failed first, in how many
    seconds of testing, and what there is to say."""

    name: str
    verdict: Verdict
    killed_by: str = ""
    seconds: float = 0.0
    detail: str = ""
    invariant: str = ""

    @property
    def good(self) -> bool:
        """Whether it is as it should be."""
        return self.verdict in ("green", "killed")

    def to_text(self) -> str:
        """Say it in one line."""
        if self.good:
            what = f"killed by {self.killed_by}" if self.killed_by else self.detail
            return f"{self.name}: {what} in {self.seconds:.1f} s"
        aim = f": {self.invariant}" if self.verdict == "survived" else ""
        return f"{self.name}: {self.verdict.upper()} ({self.detail}){aim}"


# ------------------------------------------------------------------------------------- the patches


def read_mutants(folder: Path) -> list[Mutant]:
    """Read every patch of a directory, by name. Raises Misfit."""
    return [read_mutant(path) for path in sorted(folder.glob("*.patch"))]


def read_mutant(path: Path) -> Mutant:
    """Read one patch. Raises Misfit."""
    text = path.read_text("utf-8")
    head, _, _ = text.partition("--- ")
    invariant = re.findall(r"^Invariant: (.+)$", head, re.MULTILINE)
    tests = re.findall(r"^Killed by: (\S+)$", head, re.MULTILINE)
    if len(invariant) != 1 or not tests:
        raise Misfit(f"{path.name}: the header has to name one `Invariant:` and a `Killed by:`")
    try:
        hunks = tuple(_read_hunks(_split(text[len(head) :])))
    except Misfit as error:
        raise Misfit(f"{path.name}: {error}") from error
    return Mutant(path.stem, invariant[0], tuple(tests), hunks)


def _read_hunks(lines: Sequence[str]) -> Iterator[Hunk]:
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("--- a/") and at + 1 < len(lines):
            path = line[len("--- a/") :].rstrip("\n")
            if lines[at + 1] != f"+++ b/{path}\n":
                raise Misfit(f"{path} is not said to become itself")
            at += 2
            continue
        match = _HUNK.fullmatch(line)
        if match is None or not path:
            raise Misfit(f"line not understood: {line.rstrip()!r}")
        olds, news = (int(one or 1) for one in match.groups())
        before: list[str] = []
        after: list[str] = []
        at += 1
        while len(before) < olds or len(after) < news:
            mark, rest = (lines[at][:1], lines[at][1:]) if at < len(lines) else ("", "")
            if mark == "\n":  # an empty line of context whose blank some editor took away
                mark, rest = " ", "\n"
            if mark not in (" ", "-", "+") or not rest.endswith("\n"):
                raise Misfit(f"a hunk of {path} ends too early")
            before += [rest] * (mark in " -")
            after += [rest] * (mark in " +")
            at += 1
        if (len(before), len(after)) != (olds, news) or not before or before == after:
            raise Misfit(f"a hunk of {path} has other lines than it says, or changes nothing")
        yield Hunk(path, tuple(before), tuple(after))
    if not path:
        raise Misfit("there is no change in it")


def _split(text: str) -> list[str]:
    """Give the lines with their ends; only a newline ends one."""
    return list(io.StringIO(text))


def apply_mutant(mutant: Mutant, root: Path) -> dict[str, str]:
    """Give the text of each changed file, by path. Raises Misfit when the patch does not fit, or
    makes something that is not Python."""
    changed: dict[str, str] = {}
    for path in mutant.paths:
        file = root / path
        if not file.is_file():
            raise Misfit(f"there is no {path}")
        lines = _split(file.read_text("utf-8"))
        for hunk in (one for one in mutant.hunks if one.path == path):
            size = len(hunk.before)
            found = [at for at in range(len(lines)) if tuple(lines[at : at + size]) == hunk.before]
            if len(found) != 1:
                often = f"{len(found)} times" if found else "nowhere"
                raise Misfit(f"{path} has these lines {often}: {''.join(hunk.before)!r}")
            lines[found[0] : found[0] + size] = hunk.after
        changed[path] = "".join(lines)
    return changed


# ---------------------------------------------------------------------------------------- the runs


class Trials:
    """Copies of a project below one scratch directory, and the tests that run in them."""

    def __init__(self, root: Path, scratch: Path, limit: float) -> None:
        self._scratch = scratch
        self._limit = limit
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False
        self._pristine = scratch / "0"
        _copy(root, self._pristine)

    def find_misfit(self, mutant: Mutant) -> Outcome | None:
        """Say what is wrong with a patch before anything runs."""
        try:
            for path, text in apply_mutant(mutant, self._pristine).items():
                compile(text, path, "exec")
        except Misfit as error:
            return Outcome(mutant.name, "does not apply", detail=str(error))
        except SyntaxError as error:
            return Outcome(mutant.name, "broken", detail=f"not Python: {error}")
        return None

    def run_pristine(self, tests: Iterable[str]) -> Outcome:
        """Run tests on the untouched copy."""
        return self._run("the code as it is", self._pristine, list(dict.fromkeys(tests)))

    def run_mutant(self, place: int, mutant: Mutant) -> Outcome:
        """Run a mutant's tests on a copy of its own."""
        copy = self._scratch / str(place)
        _copy(self._pristine, copy)
        for path, text in apply_mutant(mutant, copy).items():
            (copy / path).write_text(text, "utf-8")
        try:
            done = self._run(mutant.name, copy, mutant.tests)
        finally:
            shutil.rmtree(copy, ignore_errors=True)
        fields = asdict(done) | {"invariant": mutant.invariant}
        return Outcome(**fields | ({"verdict": "survived"} if done.verdict == "green" else {}))

    def end(self) -> None:
        """Kill what runs, and let nothing start any more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _kill(process)

    def _run(self, name: str, copy: Path, tests: Sequence[str]) -> Outcome:
        told = copy / "outcome.xml"
        base = self._scratch / f"{copy.name}t"
        command = [sys.executable, "-m", "pytest", "-x", "-n", "0", "-q", "-p", "no:cacheprovider"]
        command += [f"--basetemp={base}", f"--junitxml={told}", *tests]
        # one seed for all: what kills a mutant today kills it tomorrow
        environment = {"LISTBACKUP_TEST_SEED": "1", **os.environ, "PYTHONPATH": str(copy / "src")}
        foreign = self._find_foreign(copy, environment)
        if foreign:
            return Outcome(name, "broken", detail=foreign)
        try:
            code, said = self._call(command, copy, environment)
        except subprocess.TimeoutExpired:
            return Outcome(name, "broken", detail=f"its tests hang: over {self._limit:.0f} s")
        finally:
            shutil.rmtree(base, ignore_errors=True)
        if code not in (0, 1) or not told.is_file():
            return Outcome(name, "broken", detail=f"pytest ended with {code}: {_last_lines(said)}")
        return _judge(name, told)

    def _find_foreign(self, copy: Path, environment: Mapping[str, str]) -> str:
        """Say which package would not be imported from the copy: the project may be installed."""
        for package in sorted((copy / "src").glob("*/__init__.py")):
            words = f"import {package.parent.name} as one; print(one.__file__)"
            _, said = self._call([sys.executable, "-c", words], copy, environment)
            if not said.strip() or not package.samefile(said.strip()):
                return f"{package.parent.name} is not imported from the copy: {_last_lines(said)}"
        return ""

    def _call(
        self, command: Sequence[str], copy: Path, environment: Mapping[str, str]
    ) -> tuple[int, str]:
        with self._lock:
            if self._ended:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                command,
                cwd=copy,
                env=environment,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            said, _ = process.communicate(timeout=self._limit)
            return process.returncode, said
        finally:
            with self._lock:
                self._running.discard(process)
                _kill(process)
            process.wait()


def _kill(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _copy(root: Path, to: Path) -> None:
    shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))


def _judge(name: str, told: Path) -> Outcome:
    root = ElementTree.parse(told).getroot()
    seconds = sum(float(suite.get("time", "0")) for suite in root.iter("testsuite"))
    cases = list(root.iter("testcase"))
    for case in cases:
        where = _name_test(case)
        failed, error = case.find("failure"), case.find("error")
        if error is not None:
            detail = f"{where} could not be tried: {error.get('message', '')[:300]}"
            return Outcome(name, "broken", seconds=seconds, detail=detail)
        if failed is not None:
            message = failed.get("message", "")
            if message.startswith(MISTAKES):
                return Outcome(name, "broken", where, seconds, f"{where}: {message[:300]}")
            return Outcome(name, "killed", where, seconds, message.partition("\n")[0][:300])
    return Outcome(name, "green", seconds=seconds, detail=f"{len(cases)} tests pass")


def _name_test(case: ElementTree.Element) -> str:
    steps = case.get("classname", "").split(".")
    classes = [step for step in steps if step[:1].isupper()]
    path = "/".join(steps[: len(steps) - len(classes)]) + ".py"
    return "::".join([path, *classes, case.get("name", "")])


def _last_lines(said: str) -> str:
    return " | ".join(said.strip().splitlines()[-3:])


# ------------------------------------------------------------------------------------ the command


def try_mutants(trials: Trials, chosen: Sequence[Mutant], jobs: int) -> Iterator[Outcome]:
    """Give the outcome of the untouched copy, and then, if it is green, of each mutant."""
    misfits = {one.name: trials.find_misfit(one) for one in chosen}
    fitting = [one for one in chosen if misfits[one.name] is None]
    pristine = trials.run_pristine(test for one in fitting for test in one.tests)
    if pristine.verdict == "killed":
        detail = f"RED before anything was changed: {pristine.killed_by}: {pristine.detail}"
        pristine = Outcome(pristine.name, "broken", detail=detail)
    yield pristine
    yield from (one for one in misfits.values() if one is not None)
    if not pristine.good:
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(trials.run_mutant, range(1, len(fitting) + 1), fitting)
        except BaseException:
            trials.end()
            raise


def main(words: Sequence[str]) -> int:
    """Try the mutants that are named, or all."""
    parser = argparse.ArgumentParser(
        description="Break the code on purpose; the tests must say no."
    )
    parser.add_argument("names", nargs="*", help="which patches of tests/mutants (default: all)")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1, help="mutants at once")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    parser.add_argument("--list", action="store_true", help="name the mutants, run nothing")
    parser.add_argument("--limit", type=float, default=300, help="seconds for the tests of one")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    options = parser.parse_args(words)
    try:
        known = {one.name: one for one in read_mutants(options.root / PATCHES)}
    except Misfit as error:
        print(f"DOES NOT APPLY: {error}")
        return 1
    unknown = sorted(set(options.names) - set(known))
    if unknown or not known:
        parser.error(f"no such mutant: {', '.join(unknown)}" if unknown else "there are no mutants")
    chosen = [known[name] for name in sorted(set(options.names) or known)]
    if options.list:
        print("\n".join(f"{one.name}: {one.invariant}" for one in chosen))
        return 0
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        trials = Trials(options.root, Path(scratch), options.limit)
        for outcome in try_mutants(trials, chosen, options.jobs):
            outcomes.append(outcome)
            if not options.json:
                print(outcome.to_text(), flush=True)
    killed = sum(one.verdict == "killed" for one in outcomes)
    if options.json:
        print(
            json.dumps(
                {"mutants": len(chosen), "killed": killed, "outcomes": [*map(asdict, outcomes)]}
            )
        )
    else:
        print(f"{killed} of {len(chosen)} mutants killed")
    return 0 if killed == len(chosen) and all(one.good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
