"""A part that was made, and what all parts have in common. Knows no lines."""

from dataclasses import dataclass

GROUP_BYTES = 8 << 20
"""About how much source form one row group is made of."""
STEP, FEWEST, MOST = 2048, 2048, 122_880
"""Rows of a row group."""
DICTIONARY = 1000
"""Values of a column and row group above which no dictionary is tried: looking for one costs a
tenth of the time."""
INSERT = "'insert'"
CHANGED = "CASE added.op WHEN 117 THEN 'update' ELSE 'insert' END"
DELETE = "'delete'"


@dataclass(frozen=True, slots=True)
class MadePart:
    """A part: its bytes, its rows, and the names of the twin columns that hold something."""

    body: bytes
    rows: int
    notes: tuple[str, ...]


def group_rows(rows: int, size: int) -> int:
    """Give the rows of a row group for lines of so many bytes."""
    fitting = rows * GROUP_BYTES // max(size, 1)
    return min(max(fitting // STEP * STEP, FEWEST), MOST)
