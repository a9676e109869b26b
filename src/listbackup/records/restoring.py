"""What is asked of a restore, what it would write, and how what came back compares: as data.

A `Destination` is what can be written into and read again: it turns a snapshot into a plan, and a
plan into records. Knows no engine and no vault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from listbackup.events import Emit
from listbackup.records import Reading, StoredSnapshot
from listbackup.records.patterns import matches


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """How a snapshot is to be written back.

    `include` and `exclude` are patterns over stream names (`*` and `?`; no `include` means all),
    `where` a condition in the destination's language per such pattern (the first that matches
    counts); `keep_failed` keeps what a
    failed restore created; `jobs` is how many pieces are written or compared at once.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    into_existing: bool = False
    no_owner: bool = False
    no_privileges: bool = False
    create_roles: bool = False
    keep_failed: bool = False
    allow_partial: bool = False
    jobs: int = 2

    def condition_of(self, *names: str) -> str | None:
        """Give the condition for the rows of a stream, by any of its names; None for all rows."""
        found = (c for pattern, c in self.where.items() for n in names if matches(n, [pattern]))
        return next(found, None)

    @property
    def is_partial(self) -> bool:
        """Whether less than the whole snapshot is asked for."""
        return bool(self.include or self.exclude or self.where)


@dataclass(frozen=True, slots=True)
class PlannedStream:
    """One stream that would be written: its rows and plain bytes, and the condition if any."""

    name: str
    rows: int
    bytes: int
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a plan must not be carried out as it stands: what, whom it concerns, what helps."""

    what: str
    subjects: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What would be written where. `target` bears no secret; `creates` says that the container
    does not exist yet; `steps` are sentences in order; `left_out` names what the target will
    lack, `notices` what will differ; with `obstacles` nothing may be written."""

    snapshot: str
    source: str
    target: str
    container: str
    creates: bool
    partial: bool
    streams: tuple[PlannedStream, ...]
    steps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    roles_to_create: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def rows(self) -> int:
        """Rows that would be written at most."""
        return sum(stream.rows for stream in self.streams)

    @property
    def bytes(self) -> int:
        """Plain bytes that would be read at most."""
        return sum(stream.bytes for stream in self.streams)


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs. `key` is the JSON array of the key's fields, None without a key;
    `columns` are those that differ, of a row that is on both sides."""

    change: Literal["altered", "missing", "added"]
    key: str | None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the snapshot has it.

    `aspect` says what was compared, `expected` and `found` are for people; `columns` are the
    columns that differ in some row, `rows` the first rows found, `row_count` how many differ.
    """

    subject: str
    aspect: Literal["missing", "added", "columns", "rows", "values", "generated", "definitions"]
    expected: str
    found: str
    columns: tuple[str, ...] = ()
    rows: tuple[RowDifference, ...] = ()
    row_count: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a destination holds, compared with a snapshot: equal where nothing differs.

    `streams` and `rows` count what was compared, `definitions` says whether definitions were
    compared too; `notes` name what by nature was not.
    """

    streams: int
    rows: int
    definitions: bool
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether everything that was compared is as the snapshot has it."""
        return not self.differences


class Destination(Protocol):
    """Something that a snapshot can be written into, and that can be read again."""

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        """Say what `apply` would do; writes nothing. Raises AuthError, UsageError, RefusedError."""
        ...

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        """Write what the plan says. Raises RestoreError, AuthError, IntegrityError."""
        ...

    def reopen(self, plan: RestorePlan) -> Reading:
        """Open a reading of the planned streams as they are now. Raises SourceError, AuthError."""
        ...

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        """Look a second time, in another way, where the definitions of what was written wholly
        seem to differ: True where they are the same."""
        ...

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        """Do what comes after a comparison that was equal, and make everything durable. Raises
        RestoreError."""
        ...

    def discard(self, plan: RestorePlan) -> bool:
        """Remove what `apply` created; False where it stays, because it was there before."""
        ...
