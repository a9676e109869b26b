"""Links to the next page are read in whatever way platforms write them."""

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, describe, make_things, query, write
from tests.connectors.rest.strangers import assert_all, assert_doubt

PAGING = "{kind: link_header}"


def give_linked(told: str) -> Land:
    """Three pages, the next one told in some words."""
    things = make_things(250)

    def answer(request: Request) -> Response:
        start = int(query(request).get("after", 0))
        link = told.replace("URL", f"https://land.example/things?after={start + 100}")
        told_here = link if start < 200 else '</things>; rel="first"'
        return write({"data": things[start : start + 100]}, link=told_here)

    return Land(describe(PAGING), answer)


@pytest.mark.parametrize(
    "told",
    [
        '<URL>; rel="next"',
        "<URL>; rel=next",
        "<URL>;rel='next'",
        '<URL> rel="next"',
        '<URL>; crossorigin; rel="next"',
        '<URL>; title="say \\"hi\\", you; there"; rel="next"',
        '<URL>; rel="page next"; type=text/html',
        '</x>; rel="first", <URL>; REL="Next"; title=more, </y>; rel="last"',
        '<URL>; rel="https://land.example/rels/next"',
        '</x>; rel="https://land.example/rels#prev", <URL>; rel="https://land.example/rels#next"',
        '</x>; rel="prev"; title="not the next, <nor> this",<URL>; rel="next"',
    ],
)
def test_a_link_to_the_next_page_is_followed(told: str) -> None:
    assert_all(give_linked(told), make_things(250))


@pytest.mark.parametrize("told", ["URL; rel=next", '<URL; rel="next"', '<URL>; "rel"="next"'])
def test_a_next_page_that_cannot_be_read_is_not_the_end(told: str) -> None:
    assert_doubt(give_linked(told), "names a next page in a way that cannot be read")
    # a title says nothing
    things = make_things(3)
    land = Land(
        describe(PAGING), lambda _: write({"data": things}, link='</a>; rel=up; title="next door"')
    )
    assert_all(land, things)


@pytest.mark.parametrize("name", ["https://land.example/next/door", "next-archive", "#nextdoor"])
def test_a_relation_that_only_begins_like_a_next_page_is_none(name: str) -> None:
    things = make_things(30)
    land = Land(describe(PAGING), lambda _: write({"data": things}, link=f'</a>; rel="{name}"'))
    assert_all(land, things)
