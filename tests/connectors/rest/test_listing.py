"""Lists are read to their end, however they are paged and whatever happens to them meanwhile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.rest.shelves import SIZED, Record, Shelf, make_paging, make_records, read


def by_time(record: Record) -> int:
    return int(record["at"])


@pytest.mark.parametrize("kind", SIZED)
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95, 250])
def test_every_way_of_paging_gives_every_record(kind: str, count: int) -> None:
    shelf = Shelf(kind, make_records(count), order=by_time if "keyset" in kind else _by_id)
    found, doubt, _ = read(shelf, make_paging(kind, 10))
    assert ({one["id"] for one in found}, doubt) == ({one["id"] for one in shelf.records}, "")


def _by_id(record: Record) -> int:
    return int(record["id"])


STABLE = st.sampled_from([kind for kind in SIZED if kind != "one_page"])


@st.composite
def _changes(draw: st.DrawFn) -> dict[int, list[tuple[str, int]]]:
    acts = st.tuples(st.sampled_from(["delete", "insert", "update"]), st.integers(0, 60))
    return draw(st.dictionaries(st.integers(0, 12), st.lists(acts, max_size=4), max_size=8))


@settings(max_examples=300, deadline=None)
@given(STABLE, st.integers(1, 12), st.integers(0, 40), st.booleans(), _changes())
def test_what_was_there_throughout_is_found_whatever_changes_meanwhile(
    kind: str, size: int, count: int, newest_first: bool, changes: dict[int, list[tuple[str, int]]]
) -> None:
    keyset = "keyset" in kind
    # every second id is free, so that records can come in between
    records = [{"id": 2 * n, "at": 1000 + n // 2, "n": 0} for n in range(1, count + 1)]
    shelf = Shelf(kind, records, newest_first=newest_first and not keyset)
    if keyset:
        shelf.order = by_time
    throughout = {one["id"] for one in records}

    def change(number: int) -> None:
        for act, at in changes.get(number, ()):
            present = [one for one in shelf.records if one["id"] == at]
            if act == "delete" and present:
                shelf.records.remove(present[0])
                throughout.discard(at)
            elif act == "insert" and not present:
                shelf.records.append({"id": at, "at": 1000 + at // 4, "n": 0})
            elif act == "update" and present:
                present[0]["n"] += 1

    shelf.before = change
    found, doubt, _ = read(shelf, make_paging(kind, size))
    if kind in ("cursor", "after_key", "link_header", "next_url", "search_after"):
        assert not doubt
    if not doubt:
        assert throughout <= {one["id"] for one in found}
    assert len(shelf.asked) < 400
