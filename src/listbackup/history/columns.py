"""How the columns of a stream changed from one schema object to another. Knows no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RetypedColumn:
    """A column that is on both sides and not the same: its types, where these differ, else what
    else is said of it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """What changed between two schema objects."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[RetypedColumn, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything did."""
        return bool(self.added or self.removed or self.retyped)


def compare_columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> ColumnChanges:
    """Compare the `columns` of two schema objects; where a column stands is not compared."""
    old = {str(one["name"]): one for one in before["columns"]}
    new = {str(one["name"]): one for one in after["columns"]}
    return ColumnChanges(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        retyped=tuple(
            RetypedColumn(name, *described)
            for name in old
            if name in new and (described := _describe(old[name], new[name]))
        ),
    )


def _describe(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str] | None:
    names = sorted({*before, *after} - {"name", "position"})
    differing = [name for name in names if before.get(name) != after.get(name)]
    if not differing:
        return None
    if "type" in differing:
        return str(before.get("type")), str(after.get("type"))
    return _write(before, differing), _write(after, differing)


def _write(column: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {column.get(name)}" for name in names)
