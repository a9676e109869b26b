"""One attack, carried out in a child process of its own, watched from within.

The child forges, then reads as a person would: lists, restores into a directory, checks. It
reports what was answered, its memory, and every place outside that it tried to write.
"""

import functools
import os
import resource
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listbackup.errors import Category, ListbackupError, RefusedError
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows
from listbackup.vault.accounts import Encryption
from tests.proof.attacks import BOMBS, HARMLESS, NOTICED, REFUSED, STREAM
from tests.proof.forging import Forger

ROWS = {STREAM: make_rows(40), "public.b": make_rows(3, "b")}
_ALLOWED: list[str] = []
_OUTSIDE: list[str] = []
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an attack: categories raised or None, findings, memory, and other writes."""

    name: str
    reading: Category | None
    checking: Category | None
    findings: int
    streams: int
    mebibytes: int
    outside: tuple[str, ...]
    said: str
    first_is_sound: bool


@functools.cache
def build(root: Path, encryption: Encryption) -> tuple[Path, dict[str, bytes]]:
    """Make this process's honest vault, with which every attack begins: its directory, with all
    that is kept of it, and every file in that."""
    own = root / f"{encryption}-{os.getpid()}"
    trial = Trial(own / "place", play_host(1), encryption)
    trial.create()
    trial.sync(ListedSource(ROWS))
    trial.sync(ListedSource({"orders": make_rows(5)}), "crm")
    shutil.copytree(own / "place", own / "kept")
    sys.addaudithook(_watch)
    return own, list_tree(own)


def list_tree(root: Path) -> dict[str, bytes]:
    """Give every file and what is in it, but for what is attacked."""
    files = (one for one in root.rglob("*") if one.is_file() and root / "place" not in one.parents)
    return {str(one.relative_to(root)): one.read_bytes() for one in files}


def set_up(root: Path, encryption: Encryption) -> Path:
    """Put the honest vault where it will be attacked."""
    own, _ = build(root, encryption)
    shutil.rmtree(own / "place")
    shutil.copytree(own / "kept", own / "place")
    return own / "place"


def attack(root: str, encryption: Encryption, name: str) -> Report:
    """Set the honest vault up anew, attack it, read it."""
    place = set_up(Path(root), encryption)
    forger = Forger(Trial(place, play_host(2), encryption), STREAM)
    (REFUSED | NOTICED | HARMLESS | BOMBS)[name](forger)
    forger.commit()
    _ALLOWED[:] = [str(place / "home") + "/", str(place / "target"), "/dev/null"]
    _OUTSIDE.clear()
    reader = Trial(place, play_host(3), encryption)
    streams = 0

    def read() -> None:
        nonlocal streams
        streams = _restore(reader, place / "target")

    reading, said = _category(read)
    findings: list[object] = []
    checking, _ = _category(lambda: findings.extend(reader.check("records").findings))
    _ALLOWED.clear()
    if list_tree(place.parent) != build(Path(root), encryption)[1]:
        _OUTSIDE.append("a file beside the target changed")
    first = _first_snapshot_is_sound(reader)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Report(
        name, reading, checking, len(findings), streams, memory, tuple(_OUTSIDE), said, first
    )


def _first_snapshot_is_sound(trial: Trial) -> bool:
    try:
        commits = trial.open().source("shop").commits
    except RefusedError:  # the whole source asks for a newer version: nothing is read wrongly
        return True
    return trial.restore(f"shop:{commits[min(commits)].sync}") == expect(ROWS)


def _restore(trial: Trial, target: Path) -> int:
    """Restore the newest snapshot, stream by stream, into numbered files."""
    vault = trial.open()
    view = vault.source("shop")
    snapshot = trial.snapshot("shop:latest")
    assert view.newest() is not None
    target.mkdir()
    snapshot.extra("pg-archive")
    for number, name in enumerate(snapshot.streams):
        with (target / f"{number:03}").open("wb") as file:
            for chunk in snapshot.streams[name].chunks():
                file.write(chunk)
    return len(snapshot.streams)


def _category(action: Callable[[], object]) -> tuple[Category | None, str]:
    try:
        action()
    except ListbackupError as error:
        return error.category, error.message
    return None, ""


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if not _ALLOWED or (event != "open" and event not in WRITES):
        return
    paths = [one for one in details[:2] if isinstance(one, str | bytes | Path)]
    if event == "open":
        writes = "w" in str(details[1] or "") or (details[2] or 0) & 0o3
        paths = paths[:1] if writes else []
    for path in paths:
        text = path.decode() if isinstance(path, bytes) else str(path)
        if not text.startswith(tuple(_ALLOWED)):
            _OUTSIDE.append(f"{event} {text}")
