"""Records that move while a list is read by numbers: what stood behind them is not left out."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, query, write

KINDS = [
    "{kind: page_number, param: page, size: {param: limit, value: 10}}",
    "{kind: offset, param: offset, size: {param: limit, value: 10}}",
]


def read_while_touched(
    paging: str, moment: int, touched: tuple[int, ...], *, newest_first: bool = False
) -> tuple[set[int], str]:
    """Read fifty records in the order of their times; before a request, some become the newest."""
    records: list[Record] = [{"id": number, "at": number} for number in range(1, 51)]
    count = 0

    def answer(request: Request) -> Response:
        nonlocal count
        count += 1
        for place, number in enumerate(touched * (count == moment)):
            records[number - 1]["at"] = 1000 + place
        asked = query(request)
        start = int(asked.get("offset", (int(asked.get("page", 1)) - 1) * int(asked["limit"])))
        listed = sorted(records, key=lambda one: one["at"], reverse=newest_first)
        return write({"data": listed[start : start + int(asked["limit"])]})

    land = Land(describe(paging), answer)
    return {one["id"] for one in land.sync()}, land.said["things"]


@pytest.mark.parametrize("moment", range(2, 10))
@pytest.mark.parametrize("touched", [(5,), (5, 6, 7), (1, 2, 3, 4, 5, 6), (9, 3, 7, 2)])
@pytest.mark.parametrize("paging", KINDS)
def test_records_that_move_to_the_end_are_not_taken_for_those_that_were_read_last(
    paging: str, touched: tuple[int, ...], moment: int
) -> None:
    assert read_while_touched(paging, moment, touched) == ({*range(1, 51)}, "")


@pytest.mark.parametrize("moment", range(2, 7))
@pytest.mark.parametrize("touched", [(5,), tuple(range(1, 4)), (3, *range(30, 45), 4)])
@pytest.mark.parametrize("paging", KINDS)
def test_the_front_is_read_until_it_stands_as_it_stood(
    paging: str, touched: tuple[int, ...], moment: int
) -> None:
    assert read_while_touched(paging, moment, touched, newest_first=True)[0] == {*range(1, 51)}
