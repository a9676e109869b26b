"""Where the configuration file lies: named, or in one of two usual places."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from listbackup.errors import RefusedError, UsageError

FILE = "listbackup.yaml"
STANZAS = "sources"
IDENTITY = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
NONE = "none"
"""`--config none` reads no file."""


def usual_places(here: Path, config: Path) -> tuple[Path, ...]:
    """Name the places that are looked at where no file is named: the working directory, then the
    user's config directory."""
    return here / FILE, config / FILE


def find_file(
    named: Path | None, environment: Mapping[str, str], here: Path, config: Path
) -> Path | None:
    """Find the file: --config, LISTBACKUP_CONFIG, then the usual places; None where there is none.

    Raises UsageError where a named file is absent, RefusedError for one in the working directory
    that somebody else could have put there: it names commands that would be run.
    """
    wish = _choose(named, environment)
    if reads_none(named, environment):
        return None
    if wish != Path(""):
        chosen = here / wish.expanduser()
        if not chosen.is_file():
            raise UsageError(
                "The configuration file is not there.",
                subject=str(chosen),
                hint="--config FILE or LISTBACKUP_CONFIG names it.",
            )
        return chosen
    for place in usual_places(here, config):
        if place.is_file():
            _refuse_strangers(place)
            return place
    return None


def reads_none(named: Path | None, environment: Mapping[str, str]) -> bool:
    """Whether no file is to be read."""
    return str(_choose(named, environment)) == NONE


def find_stanzas(config: Path) -> dict[str, Path]:
    """Find the files that say one source each, `sources/{name}.yaml` of the config directory, in
    the order of their names. Raises RefusedError for one that somebody else could have written,
    UsageError for one that cannot be called so."""
    found = {}
    for path in sorted((config / STANZAS).glob("*.yaml")):
        if IDENTITY.fullmatch(path.stem) is None:
            raise UsageError(
                f"{path.name} cannot be the name of a source.",
                subject=str(path),
                hint="A name has lower-case letters, digits, `_` and `-`.",
            )
        if not path.is_file():
            raise UsageError(
                f"{path.name} is no file that can be read.",
                subject=str(path),
                hint="Delete it, or mend the link.",
            )
        for one in {path.parent, path.resolve().parent}:
            _refuse_strangers(one)
        _refuse_strangers(path)
        found[path.stem] = path
    return found


def _choose(named: Path | None, environment: Mapping[str, str]) -> Path:
    return named or Path(environment.get("LISTBACKUP_CONFIG") or "")


def _refuse_strangers(path: Path) -> None:
    """Refuse a file that somebody else could have written, or a directory in which somebody else
    could put another in its place."""
    found = os.stat(path)
    kept = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_uid in (0, os.geteuid()) and (kept or not found.st_mode & stat.S_IWOTH):
        return
    raise RefusedError(
        "The configuration file could have been written by somebody else, and it may name "
        "commands.",
        subject=str(path),
        risk="Nothing was read or written.",
        hint="Name it with --config if you trust it, give --config none, or take it over: "
        "chown and chmod o-w.",
    )
