"""What is seen of a source without reading it: the same for every engine."""

from dataclasses import dataclass

from listbackup.records import Declared, Identity, Unread


@dataclass(frozen=True, slots=True)
class FoundStream:
    """One stream that a backup would read, with estimated rows and bytes; 0 for unknown."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `source test` and `--dry-run` show. `url` bears no secret; `bytes` is the size of the
    whole container where it lies; `user` is empty where there are none; `budgets` say how much more
    may be asked for."""

    url: str
    identity: Identity
    bytes: int
    streams: tuple[FoundStream, ...]
    excluded: tuple[str, ...]
    unread: tuple[Unread, ...]
    declared: tuple[Declared, ...]
    warnings: tuple[str, ...]
    tested: bool = True
    user: str = ""
    superuser: bool = False
    on_replica: bool = False
    encrypted: bool = False
    budgets: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether a backup would leave nothing out, as far as can be seen without reading."""
        return not self.unread
