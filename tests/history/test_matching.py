"""Matching lines finds exactly what two multisets do not share, whatever their size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from listbackup.history.matching import match_lines, pair_off, split_places
from listbackup.history.sides import Array, Slice


@dataclass
class Listed:
    """Hashed lines that stand where a batch would."""

    lines: Array

    @property
    def count(self) -> int:
        return len(self.lines)

    def hashes(self) -> Array:
        return self.lines

    def numbers(self) -> Array:
        return np.arange(len(self.lines), dtype=np.uint64)


def listed(*batches: Array) -> list[Slice]:
    return cast(list[Slice], [Listed(one) for one in batches])


def draw(seed: int, rows: int, keys: int, values: int) -> Array:
    """Hashes of lines: few distinct ones, so that keys and lines meet often."""
    random = np.random.default_rng(seed)
    scatter = np.uint64(0x9E3779B97F4A7C15)
    key = random.integers(0, keys, rows).astype(np.uint64)
    line = key * np.uint64(1000) + random.integers(0, values, rows).astype(np.uint64)
    return np.column_stack((line * scatter, line, key * scatter, key)).astype("<u8")


def tuples(lines: Array) -> list[tuple[int, ...]]:
    return [tuple(row) for row in lines.tolist()]


def expect(left: Array, came: Array, keyed: bool) -> tuple[Any, Any, Any]:
    """Say in plain words what has to come out: counts of keys or lines."""
    one, other = Counter(tuples(left[:, :2])), Counter(tuples(came[:, :2]))
    keys = {(row[0], row[1]): (row[2], row[3]) for row in tuples(left) + tuples(came)}
    gone, new = one - other, other - one
    if not keyed:
        return gone, new, 0
    before: Counter[tuple[int, int]] = Counter()
    after: Counter[tuple[int, int]] = Counter()
    for line, count in gone.items():
        before[keys[line]] += count  # type: ignore[index]
    for line, count in new.items():
        after[keys[line]] += count  # type: ignore[index]
    return before - after, after - before, (before & after).total()


def pick(batches: Sequence[Array], places: Array, columns: slice) -> Counter[tuple[int, ...]]:
    found: Counter[tuple[int, ...]] = Counter()
    for batch, lines in split_places(places):
        found.update(tuples(batches[batch][lines, columns]))
    return found


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("most_held", [1_000_000, 40])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_not_shared_is_found_and_nothing_else(
    seed: int, most_held: int, keyed: bool
) -> None:
    keys = (5, 40, 400)[seed % 3]
    before = [draw(seed, rows, keys, 3) for rows in (70, 1, 129)]
    after = [draw(seed + 100, rows, keys, 3) for rows in (90, 60)] + [before[0][:50]]
    found = match_lines(listed(*before), listed(*after), keyed=keyed, most_held=most_held)
    removed, added, changed = expect(np.concatenate(before), np.concatenate(after), keyed)
    columns = slice(2, 4) if keyed else slice(0, 2)
    assert pick(before, found.removed, columns) == removed
    assert pick(after, found.added, columns) == added
    assert len(found.before) == len(found.after) == changed
    assert pick(before, found.before, columns) == pick(after, found.after, columns)


def test_lines_whose_hashes_begin_alike_are_told_apart() -> None:
    one = np.array([[2, 7, 10, 10], [8, 1, 11, 11]], "<u8")
    other = np.array([[2, 8, 10, 10], [8, 1, 11, 11]], "<u8")
    for most_held in (100, 1):
        found = match_lines(listed(one), listed(other), keyed=True, most_held=most_held)
        assert (found.before.tolist(), found.after.tolist()) == ([0], [0])
        assert not len(found.removed)
        assert not len(found.added)


def test_the_same_lines_in_another_order_differ_in_nothing() -> None:
    lines = draw(1, 5000, 5000, 1)
    shuffled = lines[np.random.default_rng(2).permutation(len(lines))]
    for most_held in (100_000, 100):
        found = match_lines(
            listed(lines), listed(shuffled[:10], shuffled[10:]), keyed=True, most_held=most_held
        )
        assert not any(map(len, (found.removed, found.added, found.before, found.after)))


def test_nothing_and_something_can_be_compared() -> None:
    lines = draw(1, 10, 100, 1)
    found = match_lines([], listed(lines), keyed=True)
    assert len(found.added) == 10
    assert not len(match_lines([], [], keyed=False).removed)
    assert len(match_lines(listed(lines), [], keyed=True, most_held=1).removed) == 10


def test_the_first_of_equal_rows_are_paired() -> None:
    one = np.array([[1, 1], [1, 1], [2, 2]], "<u8")
    other = np.array([[2, 2], [1, 1], [3, 1]], "<u8")
    mine, theirs = pair_off(one, other)
    assert sorted(zip(mine.tolist(), theirs.tolist(), strict=True)) == [(0, 1), (2, 0)]
