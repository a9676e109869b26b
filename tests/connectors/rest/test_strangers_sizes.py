"""Pages that are too much for a platform are asked for smaller, where no record is lost by it."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, describe, make_things, query, write
from tests.connectors.rest.strangers import assert_all

PAGING = "{kind: cursor, token: next, param: page, size: {param: limit, value: 100}}"


def give_numbered(heavy: int, count: int = 600, first: int = 1) -> Land:
    """Tokens are numbers of pages; one page is too heavy where it has more than fifty records."""

    def answer(request: Request) -> Response:
        asked = query(request)
        size, page = int(asked["limit"]), int(asked.get("page", first))
        if page == heavy and size > 50:
            return write({"message": "too slow"}, 504)
        start = (page - first) * size
        more = start + size < count
        return write({"data": things[start : start + size], "next": page + 1 if more else None})

    things = make_things(count)
    return Land(describe(PAGING), answer)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("heavy", [2, 3, 4])
def test_pages_that_are_counted_keep_their_size(heavy: int, first: int) -> None:
    land = give_numbered(heavy, first=first)
    land.sync()
    assert land.said["things"]
    assert {query(one)["limit"] for one in land.asked if "page" in query(one)} == {"100"}


@pytest.mark.parametrize("first", [0, 1])
def test_pages_that_are_counted_are_all_small_where_the_first_is(first: int) -> None:
    land = give_numbered(first, first=first)
    assert_all(land, make_things(600))
    assert {query(one)["limit"] for one in land.asked if "page" in query(one)} == {"50"}


def test_pages_that_begin_behind_a_record_take_any_size() -> None:
    things = make_things(600)

    def answer(request: Request) -> Response:
        asked = query(request)
        size, start = int(asked["limit"]), int(asked.get("page", 0))
        if start == 200 and size > 50:
            return write({"message": "too slow"}, 504)
        more = start + size < len(things)
        return write({"data": things[start : start + size], "next": start + size if more else None})

    land = Land(describe(PAGING), answer)
    assert_all(land, things)
    assert {query(one)["limit"] for one in land.asked} == {"100", "50"}
