"""What platforms of many styles answer, as strangers describe them, and what has to come of it."""

import json
from collections.abc import Callable
from typing import Any

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, Record, query, write

PAGES = "{kind: page_number, param: page, size: {param: limit, value: 1000}}"
OFFSET = "{kind: offset, param: offset, size: {param: limit, value: 1000}}"
CURSOR = "{kind: cursor, token: next, param: cursor, size: {param: limit, value: 100}}"


def give_pages(
    records: list[Record],
    *,
    cap: int = 10**9,
    by_asked: bool = False,
    beyond: int = 200,
    sizes: tuple[int, ...] = (),
    reach: int = 10**9,
    refusal: int = 400,
) -> Callable[[Request], Response]:
    """Pages by number or offset: cut at `cap` in silence; a page's place may be counted by the
    size that was asked for; `beyond` is the status of a page behind the end; `sizes` alone are
    allowed; behind `reach` comes the `refusal`."""

    def answer(request: Request) -> Response:
        asked = query(request)
        wanted = int(asked.get("limit", 100))
        size = min(wanted, cap)
        start = int(asked.get("offset", 0))
        if "page" in asked:
            start = (int(asked["page"]) - 1) * (wanted if by_asked else size)
        if sizes and wanted not in sizes:
            return write({}, 422)
        if start + size > reach:
            return write({}, refusal)
        page = records[start : start + size]
        return write({"data": page}, 200 if page or not start else beyond)

    return answer


def give_chain(
    records: list[Record], name: str = "next", last: Any = None, **more: Any
) -> Callable[[Request], Response]:
    """Pages of a hundred by a token."""

    def answer(request: Request) -> Response:
        at = int(query(request).get("cursor", 0))
        over = at + 100 >= len(records)
        page: dict[str, Any] = {"data": records[at : at + 100]}
        *steps, field = name.split(".")
        inner = page
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[field] = last if over else str(at + 100)
        return write({**page, **more})

    return answer


def give(page: Any, status: int = 200) -> Callable[[Request], Response]:
    """The same page, whatever is asked."""
    return lambda request: write(page, status)


def assert_all(land: Land, records: list[Record]) -> None:
    """See that a sync has all of it, and says nothing."""
    found = land.sync()
    assert set(land.said.values()) == {""}
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, records))


def assert_doubt(land: Land, words: str) -> None:
    """See that a sync says so of what it read."""
    land.sync()
    assert words in " ".join(land.said.values())
