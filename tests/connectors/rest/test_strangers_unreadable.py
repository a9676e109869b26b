"""Pages whose records cannot be kept are pages: the list goes on behind them, and it is said."""

from typing import Any

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, describe, make_things, query, write

KINDS = [
    "{kind: page_number, param: page, size: {param: limit, value: 20}}",
    "{kind: page_number, param: page, size: {value: 20}}",
    "{kind: offset, param: offset, size: {param: limit, value: 20}}",
    "{kind: offset, param: offset, size: {value: 20}}",
]


def strip(record: Record) -> Any:
    """A record without its key."""
    return {"name": record["name"]}


def make_land(paging: str, spoil: Any, sizes: tuple[int, ...] = ()) -> Land:
    """Fifty-seven things, the 21st to the 40th of them spoilt."""
    things = [spoil(one) if 20 < one["id"] <= 40 else one for one in make_things(57)]

    def answer(request: Request) -> Response:
        asked = query(request)
        size = int(asked.get("limit", 20))
        if sizes and size not in sizes:
            return write({}, 422)
        start = int(asked.get("offset", (int(asked.get("page", 1)) - 1) * size))
        return write({"data": things[start : start + size]})

    return Land(describe(paging), answer)


@pytest.mark.parametrize("sizes", [(), (20,)])
@pytest.mark.parametrize("spoil", [strip, lambda record: "a text"])
@pytest.mark.parametrize("paging", KINDS)
def test_a_page_whose_records_have_no_key_is_not_the_end(
    paging: str, spoil: Any, sizes: tuple[int, ...]
) -> None:
    land = make_land(paging, spoil, sizes)
    assert sorted(one["id"] for one in land.sync()) == [*range(1, 21), *range(41, 58)]
    assert "records could not be read" in land.said["things"]


@pytest.mark.parametrize("paging", KINDS)
def test_a_mistaken_key_is_not_an_empty_list(paging: str) -> None:
    land = make_land(paging, strip)
    mistaken = Land(describe(paging, "key: [ident]"), land.answer)
    assert mistaken.sync() == []
    assert "it has no key (ident)" in mistaken.said["things"]


@pytest.mark.parametrize("kind", ["keyset, field: id, param: from", "search_after, field: sort"])
def test_where_nothing_of_a_page_can_be_read_nothing_tells_where_to_go_on(kind: str) -> None:
    param = ", param: after" * ("param" not in kind)
    paging = f"{{kind: {kind}{param}, size: {{param: limit, value: 20}}}}"
    land = Land(
        describe(paging).replace("path: /things", "method: POST, path: /things, body: {}"),
        lambda request: write({"data": ["a text"]}),
    )
    land.sync()
    assert "nothing tells where it goes on" in land.said["things"]
