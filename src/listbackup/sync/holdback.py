"""Holding back mass deletes: the typical sign of a lost permission or a provider's fault.

Where a source gives no consistent moment, a fifth of a stream's lines that went at once are not
believed at first: they stay, as `upserts`, and the stream says so for as long as they do. They go
when the next full reading misses them again, or when a person accepts it. Knows no source.
"""

from dataclasses import dataclass

REASON = "mass delete held back"
BETWEEN = "; "
"""Between the reasons of one stream."""


@dataclass(frozen=True, slots=True)
class Holdback:
    """More than `share` of the lines of a stream of more than `least` is a mass delete."""

    share: float = 0.2
    least: int = 1000

    def doubts(self, gone: int, rows: int) -> bool:
        """Tell whether so many lines that went, of so many, are a mass delete."""
        return rows > self.least and gone > self.share * rows


def name_held(gone: int, rows: int) -> str:
    """Say what is held back."""
    return f"{REASON}: {gone:,} of {rows:,} lines"


def find_held(reason: str) -> str:
    """Find, among the reasons of a stream, what is held back; empty where nothing is."""
    return next((one for one in reason.split(BETWEEN) if one.startswith(REASON)), "")
