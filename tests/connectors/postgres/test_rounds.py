"""What comes after the rows is made in rounds, none of which can stand in its own way."""

from collections.abc import Iterable

from listbackup.connectors.postgres.contents import NONE, POST_DATA, PRE_DATA, Entry
from listbackup.connectors.postgres.rounds import plan_rounds


def entry(number: int, kind: str, *needs: int, section: int = POST_DATA) -> Entry:
    return Entry(number, 0, f"e{number}", kind, section, "", "public", "", frozenset(needs))


def numbers(entries: Iterable[Entry]) -> list[list[int]]:
    return [[one.number for one in each.entries] for each in plan_rounds(list(entries))]


TABLES = [entry(n, "TABLE", section=PRE_DATA) for n in (1, 2)]
PARTITIONED = [
    *TABLES,
    entry(10, "CONSTRAINT", 1),
    entry(11, "COMMENT", 10, section=NONE),
    entry(12, "CONSTRAINT", 2),
    entry(13, "INDEX", 2),
    entry(14, "INDEX ATTACH", 10, 12),
    entry(15, "TRIGGER", 1),
    entry(16, "FK CONSTRAINT", 1, 10, 14),
    entry(17, "ACL", 1, section=NONE),
]


def test_nothing_attached_is_one_round_side_by_side() -> None:
    entries = [*TABLES, entry(3, "INDEX", 1), entry(4, "FK CONSTRAINT", 1, 2)]
    (only,) = plan_rounds(entries)
    assert only.parallel
    assert [one.number for one in only.entries] == [3, 4]


def test_nothing_after_the_rows_is_no_round() -> None:
    assert plan_rounds([*TABLES, entry(3, "ACL", 1, section=NONE)]) == []


def test_indexes_come_before_their_attaching_and_the_rest_after_it() -> None:
    assert numbers(PARTITIONED) == [[10, 12, 13], [14], [11, 15, 16, 17]]
    assert [one.parallel for one in plan_rounds(PARTITIONED)] == [True, False, True]


def test_comments_and_rights_before_the_last_section_stay_there() -> None:
    entries = [*TABLES, entry(3, "ACL", 1, section=NONE), *PARTITIONED[2:]]
    assert 3 not in sum(numbers(entries), [])


def test_what_an_index_needs_is_made_with_it() -> None:
    entries = [*PARTITIONED, entry(20, "RULE", 1), entry(21, "INDEX", 20)]
    assert numbers(entries)[0] == [10, 12, 13, 20, 21]


def test_an_index_that_needs_an_attached_one_waits_for_the_last_round() -> None:
    entries = [*PARTITIONED, entry(20, "STATISTICS", 14), entry(21, "INDEX", 20)]
    assert numbers(entries) == [[10, 12, 13], [14], [11, 15, 16, 17, 20, 21]]


def test_what_an_attaching_needs_is_made_one_by_one() -> None:
    entries = [*PARTITIONED, entry(20, "TRIGGER", 1), entry(21, "INDEX ATTACH", 20)]
    assert numbers(entries)[1] == [14, 20, 21]


def test_every_entry_is_in_one_round_and_needs_nothing_of_a_later_one() -> None:
    entries = [*PARTITIONED, entry(20, "INDEX", 14), entry(21, "INDEX ATTACH", 20, 16)]
    rounds = plan_rounds(entries)
    places = [{one.number for one in each.entries} for each in rounds]
    assert sorted(sum(map(sorted, places), [])) == [10, 11, 12, 13, 14, 15, 16, 17, 20, 21]
    made = {1, 2}
    for each, place in zip(rounds, places, strict=True):
        made |= place
        assert all(one.needs <= made for one in each.entries)
