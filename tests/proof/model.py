"""What a vault is, said with dicts: the judge of the real one.

A snapshot is a dict from stream to lines. Knows no objects, ledgers, keys or bytes at rest.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Lines = bytes
State = dict[str, Lines]
Status = Literal["complete", "partial"]


@dataclass(frozen=True)
class Shot:
    """One snapshot: what each stream held, and whether that is all of it as of then."""

    streams: Mapping[str, Lines]
    status: Status
    carried: frozenset[str] = frozenset()


class Nothing(Exception):
    """A backup that could read nothing, and therefore is none."""


class Refused(Exception):
    """A write that must not be: by a stranger, or on a vault that was set back."""


@dataclass
class Model:
    """A vault with one source, and the machines that know it."""

    shots: list[Shot] = field(default_factory=list)
    enrolled: set[str] = field(default_factory=lambda: {"home"})
    keys: int = 1
    set_back: bool = False

    def propose(self, machine: str, read: Mapping[str, Lines], failing: Collection[str]) -> Shot:
        """Say what a backup of these streams would be, some of which fail while they are read.
        Raises Refused, Nothing."""
        if machine not in self.enrolled or self.set_back:
            raise Refused
        if read and set(read) <= set(failing):
            raise Nothing
        base = self.shots[-1].streams if self.shots else {}
        kept = {name: base[name] for name in failing if name in read and name in base}
        fresh = {name: lines for name, lines in read.items() if name not in failing}
        carried = frozenset(name for name in failing if name in read)
        return Shot({**fresh, **kept}, "partial" if carried else "complete", carried)

    def commit(self, shot: Shot) -> None:
        """A backup was acknowledged, or found whole after a run that could not say so."""
        self.shots.append(shot)

    def enrol(self, machine: str) -> None:
        """A machine may write from now on."""
        self.enrolled.add(machine)

    def add_key(self) -> None:
        """There is one more way to open the vault."""
        self.keys += 1

    def complete(self) -> list[Shot]:
        """Give the complete snapshots, oldest first: what `latest` counts by default."""
        return [shot for shot in self.shots if shot.status == "complete"]

    def found_after(self, attempted: Shot, visible: int) -> list[Shot]:
        """Give the history after a backup that was interrupted, when so many snapshots are
        visible. Raises AssertionError for any other number than before, or one more."""
        assert visible in (len(self.shots), len(self.shots) + 1), visible
        return [*self.shots, attempted][:visible]
