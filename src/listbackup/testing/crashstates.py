"""What a power cut can leave of what a program did to a disk.

The rules: bytes are sure only once their file was synced; a name only once its directory was
synced after it changed. All the rest may be there or not, in any order, and bytes that are not
sure may be there in part: cut off after some sectors of 512 bytes or blocks of 4 KiB, or with
some of them, or all, read as zeros.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from listbackup.testing.hosts import SeededEntropy

ROOT = 0


@dataclass(frozen=True, slots=True)
class Names:
    """Names in one directory change, all at once: name -> node, or None where it is taken away."""

    folder: int
    changes: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Body:
    """A new file's bytes were written. A node without bytes is a directory."""

    node: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Synced:
    """A file's bytes or a directory's names were made sure."""

    node: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The program said something, for example that a snapshot is safe."""

    label: str


Entry = Names | Body | Synced | Mark


@dataclass(frozen=True, slots=True)
class CrashState:
    """One tree of files that a cut can leave, and what the program had said before the cut."""

    cut: int
    """How many entries of the log came before the cut."""

    marks: tuple[str, ...]
    files: Mapping[str, bytes]
    """Path below the root -> bytes, for every file."""

    folders: tuple[str, ...]
    """Paths below the root, parents first."""

    def write(self, target: Path) -> Path:
        """Make the tree in a directory that does not exist yet, and give that directory."""
        target.mkdir(parents=True)
        for folder in self.folders:
            (target / folder).mkdir()
        for name, data in self.files.items():
            (target / name).write_bytes(data)
        return target

    @property
    def signature(self) -> bytes:
        """What makes two states different: the tree, and what had been said."""
        digest = hashlib.sha256(repr((self.marks, self.folders)).encode())
        for name in sorted(self.files):
            digest.update(f"{name!r} {len(self.files[name])} ".encode() + self.files[name])
        return digest.digest()


class Dice:
    """Draws that come the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._entropy = SeededEntropy(seed)

    def below(self, limit: int) -> int:
        """Draw a number from 0 to limit - 1."""
        return int.from_bytes(self._entropy(8), "big") % limit

    def choose(self, items: Sequence[int], chance: int) -> set[int]:
        """Draw each item with a chance in percent."""
        return {item for item in items if self.below(100) < chance}


Shape = Callable[[bytes], bytes]


def play_cuts(log: Sequence[Entry], start: int, seed: int, most: int) -> Iterator[CrashState]:
    """Give different states, at most so many, for cuts after `start` entries or later.

    In rounds over all cuts: nothing unsure is left; everything is; everything, but no unsure
    bytes; everything, with torn bytes; then drawn: one unsure thing alone, one missing, or any.
    Ends early where the log has no more different states to give.
    """
    dice = Dice(seed)
    seen: set[bytes] = set()
    futile = 0
    round_number = 0
    cuts = range(start, len(log) + 1)
    while len(seen) < most and futile < 20 * len(cuts) + 100:
        for cut in cuts:
            kept, shape = draw_survivors(find_unsure(log[:cut]), round_number, dice)
            state = build_state(log[:cut], kept, shape)
            if state.signature in seen:
                futile += 1
                continue
            seen.add(state.signature)
            yield state
            futile = 0
            if len(seen) >= most:
                return
        round_number += 1


def find_unsure(log: Sequence[Entry]) -> list[int]:
    """Name the changes of names (by place in the log) that a cut now may undo."""
    synced: dict[int, int] = {}
    for place, entry in enumerate(log):
        if isinstance(entry, Synced):
            synced[entry.node] = place
    return [
        place
        for place, entry in enumerate(log)
        if isinstance(entry, Names) and synced.get(entry.folder, -1) < place
    ]


def draw_survivors(unsure: Sequence[int], round_number: int, dice: Dice) -> tuple[set[int], Shape]:
    """Say which unsure changes survive a cut, and what becomes of unsure bytes."""
    everything = set(unsure)
    if round_number == 0:
        return set(), lambda data: b""
    if round_number == 1:
        return everything, lambda data: data
    if round_number == 2:
        return everything, lambda data: b""
    if round_number == 3 or not unsure:
        return everything, lambda data: tear(data, dice)
    one = {unsure[dice.below(len(unsure))]}
    drawn = (one, everything - one, dice.choose(unsure, 20), dice.choose(unsure, 80))
    return drawn[dice.below(4)], lambda data: tear(data, dice)


def tear(data: bytes, dice: Dice) -> bytes:
    """Give what a cut may leave of bytes that were never synced."""
    unit = (512, 4096)[dice.below(2)]
    units = len(data) // unit + 1
    way = dice.below(5)
    if way == 0:
        return data
    if way == 1:
        return bytes(len(data))
    if way == 2:
        return data[: dice.below(units) * unit]
    torn = bytearray(data)
    for place in dice.choose(range(units), 50):
        piece = slice(place * unit, (place + 1) * unit)
        torn[piece] = bytes(len(torn[piece]))
    return bytes(torn) if way == 3 else bytes(torn[: dice.below(units + 1) * unit])


def build_state(log: Sequence[Entry], kept: set[int], shape: Shape) -> CrashState:
    """Build the tree of what is sure, of the unsure changes that are kept, and of shaped bytes."""
    lost = set(find_unsure(log)) - kept
    folders: dict[int, dict[str, int]] = {}
    bodies: dict[int, bytes] = {}
    sure: set[int] = set()
    for place, entry in enumerate(log):
        if isinstance(entry, Body):
            bodies[entry.node] = entry.data
        elif isinstance(entry, Synced):
            sure.add(entry.node)
        elif isinstance(entry, Names) and place not in lost:
            names = folders.setdefault(entry.folder, {})
            for name, node in entry.changes.items():
                names.pop(name, None)
                if node is not None:
                    names[name] = node
    shaped = {node: data if node in sure else shape(data) for node, data in bodies.items()}
    files: dict[str, bytes] = {}
    found: list[str] = []
    _spread(ROOT, "", folders, shaped, files, found)
    marks = tuple(entry.label for entry in log if isinstance(entry, Mark))
    return CrashState(len(log), marks, files, tuple(found))


def _spread(
    node: int,
    path: str,
    folders: Mapping[int, Mapping[str, int]],
    bodies: Mapping[int, bytes],
    files: dict[str, bytes],
    found: list[str],
) -> None:
    for name, child in sorted(folders.get(node, {}).items()):
        below = f"{path}{name}"
        if child in bodies:
            files[below] = bodies[child]
        else:
            found.append(below)
            _spread(child, f"{below}/", folders, bodies, files, found)
