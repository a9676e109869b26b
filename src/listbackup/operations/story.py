"""A demo's story: acts that are played in order, each by the operations that everybody calls, and
what they proved. Knows no source and no terminal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from listbackup.clock import Clock
from listbackup.errors import FailedError


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an act: lines, how many rows and bytes it dealt with, and whether it proved
    what it had to (None: it had nothing to prove)."""

    lines: tuple[str, ...]
    rows: int = 0
    bytes: int = 0
    proven: bool | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A step to be taken."""

    name: str
    title: str
    play: Callable[[], Told]


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step that was taken: what it was for, what came of it, how many rows and bytes it dealt
    with. `proven` is None where a step had nothing to prove."""

    number: int
    name: str
    title: str
    told: tuple[str, ...]
    seconds: float
    rows: int
    bytes: int
    proven: bool | None


@dataclass(frozen=True, slots=True)
class DemoDone:
    """The end of the story: `proven` is true only where every step proved what it had to."""

    proven: bool
    steps: int
    rows: int
    seconds: float


class Story:
    """A story under way. Its acts are played in order; `done` sums up. `rows` is what the story
    was about."""

    def __init__(self, clock: Clock, acts: Sequence[Act], proofs: int) -> None:
        """Take the acts; so many of them have something to prove."""
        self.acts = tuple(acts)
        self.rows = 0
        self._clock = clock
        self._began = clock.monotonic()
        self._proofs = proofs
        self._proven: list[bool] = []

    def play(self, number: int) -> DemoStep:
        """Play the act of that number, counted from 1. Raises whatever the operation raises."""
        act = self.acts[number - 1]
        began = self._clock.monotonic()
        told = act.play()
        if told.proven is not None:
            self._proven.append(told.proven)
        seconds = round(self._clock.monotonic() - began, 1)
        return DemoStep(
            number, act.name, act.title, told.lines, seconds, told.rows, told.bytes, told.proven
        )

    def done(self) -> DemoDone:
        """Sum up. Raises FailedError when a proof failed."""
        proven = len(self._proven) == self._proofs and all(self._proven)
        if not proven:
            raise FailedError("The demo did not prove what it set out to prove.")
        seconds = round(self._clock.monotonic() - self._began, 1)
        return DemoDone(proven, len(self.acts), self.rows, seconds)
