"""Matching takes earlier lines as a multiset, whatever their hashes have in common."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from listbackup.sync.matching import Matcher, count_hashes, pick_hashes, pick_lines
from listbackup.vault.hashes import HASH, find_runs, spread_runs

# few halves, some of zeros: many hashes agree in a half, and many are equal
HALVES = st.sampled_from([bytes(8), b"\xff" * 8, b"\0" * 7 + b"\1", b"halfhalf", b"\1" + bytes(7)])
HASHES = st.lists(st.builds(bytes.__add__, HALVES, HALVES), max_size=40)


@given(HASHES, HASHES, st.integers(1, 7), st.sampled_from((16, 32)))
def test_what_is_new_and_what_is_left_are_the_differences_of_multisets(
    before: list[bytes], after: list[bytes], size: int, width: int
) -> None:
    earlier, order, starts = count_hashes(np.array(before, HASH))
    matcher = Matcher(earlier)
    new: Counter[bytes] = Counter()
    for at in range(0, len(after), size):
        some = after[at : at + size]
        index = b"".join(one.ljust(width, b"k") for one in some)
        flags = matcher.take(index, width)
        new.update(one for one, is_new in zip(some, flags, strict=True) if is_new)
    left: Counter[bytes] = Counter()
    for place, count in np.frombuffer(matcher.leave(), "<u4").reshape(-1, 2).tolist():
        assert starts[place + 1] - starts[place] >= count
        left[before[order[starts[place]]]] += count
    assert new == Counter(after) - Counter(before)
    assert left == Counter(before) - Counter(after)


@given(st.lists(st.booleans(), max_size=60))
def test_runs_and_flags_say_the_same(flags: list[bool]) -> None:
    runs = find_runs(np.flatnonzero(np.array(flags, bool)))
    assert spread_runs(runs, len(flags)).tolist() == flags
    assert all(count > 0 for _, count in runs)


def test_picking_keeps_lines_and_hashes_whole() -> None:
    wanted = np.array([True, False, True])
    assert pick_lines(b"a\n\nccc\n", wanted) == b"a\nccc\n"
    assert pick_hashes(b"1" * 16 + b"2" * 16 + b"3" * 16, wanted, 16) == b"1" * 16 + b"3" * 16
