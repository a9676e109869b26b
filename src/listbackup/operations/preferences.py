"""How a source is to be read: what was typed, what the environment says, what the file says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from listbackup.config.choosing import Setting, choose
from listbackup.config.quantities import read_jobs, read_rate, read_seconds
from listbackup.connectors import ReadOptions

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "jobs": read_jobs,
    "limit_rate": read_rate,
    "lock_timeout": read_seconds,
    "statement_timeout": read_seconds,
}
"""What may also stand in the environment, and how it is read there and in an option."""
_USUAL = ReadOptions()
_OF_PLATFORMS = ReadOptions(jobs=8)
"""Lists of a platform wait for its answers most of the time, and share its budgets."""


@dataclass(frozen=True, slots=True)
class ReadingWishes:
    """What was typed; None where nothing was. A rate is text: 500K, 20M, 1G."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    jobs: int | None = None
    limit_rate: str | None = None
    lock_timeout: float | None = None
    statement_timeout: float | None = None


def choose_reading(
    wishes: ReadingWishes,
    environment: Mapping[str, str],
    found: "Configuration | None" = None,
    source: str | None = None,
) -> list[Setting]:
    """Choose each setting, for a source of the file where one is named. Raises UsageError."""
    said = found.source(source) if found is not None and source is not None else None
    usual = _OF_PLATFORMS if said is not None and said.connector is not None else _USUAL
    chosen = []
    for one in fields(ReadingWishes):
        written = None
        if said is not None and found is not None:
            trail = ("sources", source or "", one.name)
            written = (getattr(said, one.name), found.place(*trail))
        read = _READERS.get(one.name)
        setting = choose(
            one.name,
            flag=getattr(wishes, one.name),
            environment=environment if read is not None else {},
            written=written,
            default=getattr(usual, one.name),
        )
        if read is not None and setting.origin in ("flag", "environment"):
            setting = Setting(one.name, read(setting.value), setting.origin, setting.where)
        chosen.append(setting)
    return chosen


def settle_reading(
    wishes: ReadingWishes,
    environment: Mapping[str, str],
    found: "Configuration | None" = None,
    source: str | None = None,
) -> ReadOptions:
    """Say to a connector how a source is to be read. Raises UsageError."""
    chosen = choose_reading(wishes, environment, found, source)
    return ReadOptions(**{one.name: one.value for one in chosen})
