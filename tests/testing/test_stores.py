"""The contract of stores says no to every store that breaks it."""

from collections.abc import Callable

import pytest

from listbackup.clock import SystemClock
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.memory import Shelf
from listbackup.testing import brokenstores as broken
from listbackup.testing.stores import OpenClient, StoreContract

TESTS = [name for name in dir(StoreContract) if name.startswith("test_")]


def failing_tests(open_client: Callable[[], OpenClient]) -> list[str]:
    failing = []
    for name in TESTS:
        try:
            getattr(StoreContract(), name)(open_client())
        except Exception:  # noqa: BLE001  (whatever a broken store leads to)
            failing.append(name.removeprefix("test_"))
    return failing


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (broken.IgnoresCreateExclusive, "an_existing_object_is_never_put_over"),
        (broken.IgnoresCreateExclusive, "one_client_that_puts_twice_without_a_barrier_wins_once"),
        (broken.LooksThenPuts, "of_racing_puts_exactly_one_wins_and_its_bytes_stay"),
        (broken.RefusesButOverwrites, "an_existing_object_is_never_put_over"),
        (broken.RemembersDeletedNames, "a_deleted_object_is_gone_and_can_be_made_again"),
        (broken.ListsLate, "a_list_has_every_key_once_in_order"),
        (broken.ListsDeleted, "a_deleted_object_is_gone_and_can_be_made_again"),
        (broken.ShortensRanges, "ranges_give_what_is_there"),
        (broken.LosesTags, "a_tag_is_kept"),
        (broken.KeepsNewestOnly, "older_versions_are_read_and_deleted_by_name"),
        (broken.ForgetsLocks, "a_locked_version_is_not_deleted"),
        (broken.StampsWrongly, "the_clock_of_the_store_stamps_its_objects"),
    ],
)
def test_the_contract_says_no_to_a_store_that_breaks_it(
    kind: Callable[..., ObjectStore], test: str
) -> None:
    def fresh() -> OpenClient:
        client = kind("b", SystemClock(), shelf=Shelf())
        return lambda: client

    assert test in failing_tests(fresh)
