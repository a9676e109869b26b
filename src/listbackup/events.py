"""What an operation reports while it works: typed events. Progress bars, JSON lines, plain lines
and metrics are listeners; nothing here prints."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Anything that happened."""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A named step of an operation begins (`reading`, `committing`, `indexes`, ...)."""

    step: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """That step ended well."""

    step: str
    detail: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkPlanned(Event):
    """How much there is to do, as far as is known; 0 is unknown."""

    streams: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Progressed(Event):
    """Rows and plain bytes of a stream that have been dealt with since the last such event."""

    stream: str
    rows: int
    bytes: int
    stored: int = 0


@dataclass(frozen=True, slots=True)
class StreamDone(Event):
    """One stream was read, restored or checked to its end. Of a backup: how many of its lines are
    new since the last one, and how many went."""

    stream: str
    status: str
    rows: int
    reason: str = ""
    new: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class BatchStored(Event):
    """A batch was handed to the store (not yet durable)."""

    stream: str
    key: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ManifestStored(Event):
    """The manifest is durable; nothing is committed yet."""

    sync: str
    key: str


@dataclass(frozen=True, slots=True)
class LedgerWritten(Event):
    """A ledger entry is durable: from here on it is true."""

    ledger: str
    number: int
    kind: str


@dataclass(frozen=True, slots=True)
class WitnessAdvanced(Event):
    """The witness remembers the newest entries."""

    ledger: str
    number: int


@dataclass(frozen=True, slots=True)
class KeyStored(Event):
    """A key, wrap, kit or pin file is durable."""

    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something a person should know although the operation goes on."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Waited(Event):
    """The operation waits, and for what."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ConsentEnded(Event):
    """A platform does not accept what a source was connected with any more: it expired, was
    revoked or is refused; a person has to connect the source again."""

    source: str
    platform: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found(Event):
    """A check found something wrong: what, where, and what it affects."""

    problem: str
    object: str
    snapshots: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
